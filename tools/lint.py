"""Checks everything in the repository that a program can check.

    python -m tools.lint                    every check, two at a time
    python -m tools.lint ruff mypy          these
    python -m tools.lint --list             what there is

A check is a function below; .pre-commit-config.yaml has a hook of the same name for each.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from rich.console import Console

from tools import install, isolated, modules, tasks
from tools.errors import exit_code
from tools.paths import ROOT
from tools.tasks import Task, TaskFailedError


@dataclass
class Session:
    """One run of one check: runs commands, and gathers what they find.

    Attributes:
        root: The checkout.
        environment: Where commands find their tools.
        findings: What was found wrong so far.
    """

    root: Path
    environment: Mapping[str, str]
    findings: list[str] = field(default_factory=list)

    def run(self, *command: str | Path) -> None:
        """Runs a command in the checkout; its output is a finding when it fails."""
        if shutil.which(command[0], path=self.environment["PATH"]) is None:
            self.findings.append(f"{command[0]} is not on PATH: run this through make")
            return
        result = subprocess.run(
            command,
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            shown = result.stdout.strip() or f"exit code {result.returncode}"
            self.findings.append(f"$ {Path(command[0]).name} ...\n{shown}")

    @cached_property
    def files(self) -> list[Path]:
        """The files that git knows or would add, relative to the checkout."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=True,
        )
        paths = sorted({Path(name) for name in listed.stdout.split("\0") if name})
        return [path for path in paths if (self.root / path).is_file()]


@dataclass(frozen=True)
class Check:
    """A check: a function that fills a session's findings, and the pinned tools that it runs."""

    function: Callable[[Session], None]
    tools: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name, on the command line and as a pre-commit hook."""
        return self.function.__name__.replace("_", "-")

    @property
    def about(self) -> str:
        """What it makes sure of."""
        return (self.function.__doc__ or "").strip()


def ruff_format(session: Session) -> None:
    """Python is formatted."""
    session.run("ruff", "format", "--check", "--diff", "--quiet")


def ruff(session: Session) -> None:
    """Python keeps the rules of pyproject.toml."""
    session.run("ruff", "check", "--quiet", "--output-format=concise")


def mypy(session: Session) -> None:
    """Python is typed, strictly."""
    session.run("mypy", "--no-error-summary")


def terraform_fmt(session: Session) -> None:
    """Terraform is formatted."""
    session.run("terraform", "fmt", "-check", "-diff", "-recursive")


def terraform_validate(session: Session) -> None:
    """Every module is valid against the provider's schema."""
    for module in modules.find(session.root / "modules"):
        try:
            modules.terraform(module, "validate", environment=session.environment)
        except TaskFailedError as error:
            session.findings.append(str(error))


def terragrunt_fmt(session: Session) -> None:
    """Terragrunt's files are formatted."""
    session.run("terragrunt", "hcl", "fmt", "--check", "--diff", "--working-dir", "live")


def opa_fmt(session: Session) -> None:
    """Rego is formatted."""
    session.run("opa", "fmt", "--fail", "--diff", "policies")


def opa_check(session: Session) -> None:
    """Rego compiles in strict mode, and reads only what a Terraform plan has."""
    session.run("opa", "check", "--strict", "--schema", "policies/schemas", "policies")


def actionlint(session: Session) -> None:
    """Workflows are valid, and so are their shell scripts."""
    session.run("actionlint")


def zizmor(session: Session) -> None:
    """Workflows have no known security weakness."""
    session.run("zizmor", "--offline", "--quiet", "--no-progress", ".github")


def shellcheck(session: Session) -> None:
    """Shell scripts have no known pitfall."""
    session.run("shellcheck", *_with_shebang(session, r"#!.*\b(ba|da)?sh\b"))


def hadolint(session: Session) -> None:
    """Dockerfiles follow Docker's own advice."""
    dockerfiles = _dockerfiles(session)
    if dockerfiles:
        session.run("hadolint", *dockerfiles)


def checkov(session: Session) -> None:
    """Modules and Dockerfiles have no known insecure setting; exceptions stand beside them."""
    command = isolated.sync("checkov", session.environment) / "checkov"
    options = ("--quiet", "--compact", "--skip-download")
    session.run(command, *options, "--framework", "terraform", "--directory", "modules")
    for dockerfile in _dockerfiles(session):
        session.run(command, *options, "--framework", "dockerfile", "--file", dockerfile)


def docs(session: Session) -> None:
    """The tables of inputs and outputs in the modules' READMEs are current (`make docs`)."""
    session.run("terraform-docs", "--output-check", "modules")


def machine_paths(session: Session) -> None:
    """No file names a folder of somebody's own machine."""
    homes = r"(?<![\w./$}-])/(?:root|home/\w+|Users/\w+)/[\w.]"
    here = "|".join(re.escape(f"{folder}/") for folder in {session.root, Path.home()})
    pattern = re.compile(f"{homes}|(?<![\\w./$}}-])(?:{here})")
    for path in session.files:
        if _is_dockerfile(path):
            continue  # its paths are the image's
        try:
            lines = (session.root / path).read_text().splitlines()
        except UnicodeDecodeError:
            continue  # an image or an archive
        session.findings += [
            f"{path}:{number}: {line.strip()}"
            for number, line in enumerate(lines, start=1)
            if pattern.search(line)
        ]


# The long ones first, so that the short ones fill the gaps between them.
CHECKS = (
    Check(terraform_validate, ("terraform",)),
    Check(checkov),
    Check(mypy),
    Check(ruff_format),
    Check(ruff),
    Check(terraform_fmt, ("terraform",)),
    Check(terragrunt_fmt, ("terragrunt",)),
    Check(opa_fmt, ("opa",)),
    Check(opa_check, ("opa",)),
    Check(actionlint, ("actionlint",)),
    Check(zizmor),
    Check(shellcheck),
    Check(hadolint),
    Check(docs, ("terraform-docs",)),
    Check(machine_paths),
)


def perform(check: Check, environment: Mapping[str, str], root: Path = ROOT) -> str:
    """Runs one check.

    Raises:
        TaskFailedError: It found something; the message is what.
    """
    session = Session(root, environment)
    check.function(session)
    if session.findings:
        raise TaskFailedError("\n\n".join(session.findings))
    return check.about


def _with_shebang(session: Session, pattern: str) -> Iterable[Path]:
    for path in session.files:
        with (session.root / path).open("rb") as file:
            first = file.readline(128)
        if re.match(pattern.encode(), first):
            yield path


def _dockerfiles(session: Session) -> list[Path]:
    return [path for path in session.files if _is_dockerfile(path)]


def _is_dockerfile(path: Path) -> bool:
    return re.fullmatch(r"(.+\.)?Dockerfile", path.name) is not None


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line."""
    known = {check.name: check for check in CHECKS}
    parser = argparse.ArgumentParser(
        prog="python -m tools.lint",
        description="Checks everything in the repository that a program can check.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a check; without: all of them")
    parser.add_argument("--list", action="store_true", help="list the checks and exit")
    parser.add_argument("--jobs", type=int, default=tasks.JOBS, help="checks at once (%(default)s)")
    options = parser.parse_args(arguments)
    if options.list:
        for check in CHECKS:
            print(f"{check.name:20}{check.about}")
        return 0
    for name in options.names:
        if name not in known:
            parser.error(f"no check is called {name!r}; see --list")
    checks = [known[name] for name in options.names] or list(CHECKS)
    console = Console(highlight=False)

    def run() -> int:
        environment = install.ensure({tool: None for check in checks for tool in check.tools})
        scripts = Path(sys.executable).parent  # ruff and its like are installed beside Python
        environment["PATH"] = os.pathsep.join([str(scripts), environment["PATH"]])
        outcomes = tasks.run_all(
            [Task(check.name, partial(perform, check, environment)) for check in checks],
            console,
            jobs=options.jobs,
        )
        return tasks.report(outcomes, console, noun="checks")

    return exit_code(run)


if __name__ == "__main__":
    sys.exit(main())
