"""``python -m pipeline gate``: what the static gates say, before anything is initialised."""

import argparse
import json
import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from pipeline import gates, report, sarif
from pipeline.accounts import Facts
from pipeline.gates import Gates, StaticScope
from pipeline.git import Git
from pipeline.model import Finding
from pipeline.report import Report
from pipeline.tree import LIVE, Layout
from pipeline.verdict import judge
from tools.paths import ROOT

ABOUT = "judge live/ and the modules by their text, before any code of a change runs"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--base", metavar="COMMIT", help="judge what differs since the common ancestor with COMMIT"
    )
    parser.add_argument(
        "--scope",
        metavar="SCOPE",
        action="append",
        help="an environment, or <account>/<folder>; may be given several times; all without",
    )
    parser.add_argument(
        "--no-releases",
        action="store_true",
        help="do not follow pins to their releases, in a clone without tags",
    )
    parser.add_argument("--no-scan", action="store_true", help="do not ask checkov")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    parser.add_argument("--sarif", metavar="FILE", type=Path, help="write the findings as SARIF")
    parser.add_argument(
        "--annotations", action="store_true", help="print annotations for GitHub, beside the table"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Do it, and return the exit code."""
    found = Gates.here(os.environ, ROOT)
    git = Git(ROOT, found.environ)
    scope = static_scope(git, Layout.here(ROOT), base=options.base, scopes=options.scope)
    scope = replace(scope, releases=not options.no_releases, scanned=not options.no_scan)
    with console.status("judging live/ and the modules"):
        findings = found.static(scope)
    # Doubt stops what may change the last environment or the CA; but not where it was asked for.
    doubt = not options.no_releases and _touches_production(scope, Layout.here(ROOT))
    verdict = judge(findings, production=doubt)
    outcome = Report(findings=findings, blocking=verdict.blocking)
    if options.sarif is not None:
        options.sarif.parent.mkdir(parents=True, exist_ok=True)
        options.sarif.write_bytes(sarif.to_bytes(findings, repository=Facts.load(ROOT).repository))
    if options.json:
        print(json.dumps(outcome.to_document(), indent=2, ensure_ascii=False))
    else:
        if findings:
            report.output().print(report.render(outcome))
        if options.annotations:
            for line in sarif.annotations(findings):
                print(line)
        console.print(_said(findings, verdict.blocking))
    return 0 if verdict.passed else 1


def static_scope(
    git: Git, layout: Layout, *, base: str | None, scopes: Collection[str] | None
) -> StaticScope:
    """What to look at: everything, some scopes, or what a change touches.

    Raises:
        UsageError: there is no such scope or commit.
    """
    chosen = None if scopes is None else [layout.scope(name).name for name in scopes]
    if base is None:
        if chosen is None:
            return gates.everything(git)
        return StaticScope(scopes=frozenset(chosen), modules=frozenset())
    since = git.merge_base(base, "HEAD")
    files = git.changed(since, git.working_tree())
    return gates.of_files(
        git.root, files, scopes=_touched(files, layout) if chosen is None else chosen, base=since
    )


def _touched(files: Collection[str], layout: Layout) -> list[str] | None:
    """The scopes that files belong to; None for all, when one belongs to none."""
    found: set[str] = set()
    for file in files:
        below = {
            scope.name for scope in layout.scopes() if file.startswith(f"{LIVE}/{scope.folder}/")
        }
        found |= below
        concerns_all = file.startswith((f"{LIVE}/", "policies/")) and not file.endswith(".md")
        if concerns_all and not below:
            return None
    return sorted(found)


def _touches_production(scope: StaticScope, layout: Layout) -> bool:
    if scope.scopes is None:
        return True
    return any(layout.is_production(layout.scope(name).account) for name in scope.scopes)


def _said(findings: Collection[Finding], blocking: Collection[Finding]) -> str:
    if blocking:
        return f"[bold red]refused[/]: {len(blocking)} of {len(findings)} findings block"
    return f"[green]passed[/], {len(findings)} findings" if findings else "[green]passed[/]"
