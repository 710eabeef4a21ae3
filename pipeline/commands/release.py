"""``python -m pipeline release``: versions, changelogs and tags of modules."""

import argparse
import base64
import json
import os
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline import modules, releasing, report
from pipeline.errors import UsageError
from pipeline.git import Git
from pipeline.github import BOT, GitHub
from pipeline.releasing import Release, Standing
from tools.paths import ROOT

ABOUT = "show the next version of each module that changed; write it, propose it, or tag it"

_MAIN = "main"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--module", metavar="NAME", default=os.environ.get("MODULE") or None, help="this one only"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--write", action="store_true", help="write changelogs and versions, to be committed"
    )
    what.add_argument(
        "--tag", action="store_true", help="tag HEAD with each version that has no tag yet"
    )
    what.add_argument(
        "--pull-request",
        action="store_true",
        help="propose what --write would write, as a pull request (in a job)",
    )
    parser.add_argument("--push", action="store_true", help="with --tag: push the tags as well")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)


def run(options: argparse.Namespace, console: Console) -> int:
    """Do it, and return the exit code."""
    if options.push and not options.tag:
        raise UsageError("--push goes with --tag")
    root: Path = options.root.resolve()
    names = [modules.require(root, options.module)] if options.module else modules.names(root)
    git = Git(root, job_environ(os.environ))
    if options.tag:
        entries = releasing.to_tag(git, names)
        made = releasing.make_tags(git, entries)
        if options.push:
            releasing.push(git, made)
        print("\n".join(made) if made else "no version waits for its tag")
        return 0
    found = releasing.look(git, names)
    today = datetime.now(UTC).date()
    if options.write:
        for path in releasing.write(root, found.releases, today):
            console.print(f"wrote {path}", markup=False)
    elif options.pull_request:
        _propose(git, found, today, console)
    if options.json:
        print(json.dumps(_document(found), indent=2, ensure_ascii=False))
    else:
        report.output().print(_table(found))
        for name, commits in found.uncounted.items():
            for commit in commits:
                words = f"not counted for {name}: {commit.sha[:10]} {commit.subject}"
                console.print(report.printable(words), markup=False, soft_wrap=True)
    return 0


def job_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of Git: in a job, with a name to commit as, and the job's token to push with.

    The token goes through the environment, so that no file keeps it.
    https://git-scm.com/docs/git-config#Documentation/git-config.txt-GITCONFIGCOUNT
    """
    found = dict(environ)
    if environ.get("GITHUB_ACTIONS") != "true":
        return found
    for role in ("AUTHOR", "COMMITTER"):
        found.setdefault(f"GIT_{role}_NAME", BOT)
        found.setdefault(f"GIT_{role}_EMAIL", f"{BOT}@users.noreply.github.com")
    server, token = environ.get("GITHUB_SERVER_URL"), environ.get("GITHUB_TOKEN")
    if server and token:
        secret = base64.b64encode(f"x-access-token:{token}".encode()).decode("ascii")
        count = int(environ.get("GIT_CONFIG_COUNT", "0"))
        found[f"GIT_CONFIG_KEY_{count}"] = f"http.{server}/.extraheader"
        found[f"GIT_CONFIG_VALUE_{count}"] = f"AUTHORIZATION: basic {secret}"
        found["GIT_CONFIG_COUNT"] = str(count + 1)
    return found


def _propose(git: Git, found: Standing, today: date, console: Console) -> None:
    fresh = [release for release in found.releases if not release.written]
    if not fresh:
        console.print("no module has anything new to release")
        return
    github = GitHub.of(os.environ)
    title, _, body = releasing.propose(git, fresh, today).partition("\n\n")
    body += "\n\nOnce this is merged, each version gets its tag. To have the checks run, close and "
    body += "open this pull request: GitHub starts none for what a job's own token opened."
    number = github.propose(releasing.BRANCH, _MAIN, title, body)
    console.print(f"pull request {number}: {title}", markup=False)


def _table(found: Standing) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("module", "last", "next", "commits"):
        table.add_column(name, no_wrap=True)
    table.add_column("why")
    for release in found.releases:
        table.add_row(
            release.module,
            str(release.last or "-"),
            str(release.version),
            str(len(release.commits)),
            Text(report.printable(_why(release))),
        )
    if not found.releases:
        table.add_row("none", "", "", "", "nothing changed that asks for a release")
    return table


def _why(release: Release) -> str:
    reasons = []
    if release.written:
        reasons.append("the changelog says so")
    reasons += [commit.subject for commit in release.commits]
    reasons += [f"{name} changed, which it uses" for name in release.through or {}]
    return "; ".join(reasons)


def _document(found: Standing) -> dict[str, object]:
    return {
        "releases": [
            {
                "module": release.module,
                "last": str(release.last) if release.last else None,
                "version": str(release.version),
                "tag": release.tag,
                "written": release.written,
                "commits": [commit.subject for commit in release.commits],
                "through": sorted(release.through or {}),
            }
            for release in found.releases
        ],
        "uncounted": {
            name: [commit.subject for commit in commits]
            for name, commits in found.uncounted.items()
        },
    }
