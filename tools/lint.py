"""Checks everything in the repository that a program can check.

    python -m tools.lint                    every check, two at a time
    python -m tools.lint ruff mypy          these
    python -m tools.lint --changed FILE ... those that the files concern, about these files alone
    python -m tools.lint --list             what there is

A check is a function below. The git hook runs this with `--changed` and the files of a commit: one
process, so that a commit waits for the slowest of its checks and not for the sum of all.
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

from tools import install, modules, tasks
from tools.errors import exit_code
from tools.paths import ROOT
from tools.tasks import Task, TaskFailedError


@dataclass
class Session:
    """One run of one check: runs commands, and gathers what they find.

    Attributes:
        root: The checkout.
        environment: Where commands find their tools.
        changed: The files that a commit changes, relative to the checkout; None to check all.
        findings: What was found wrong so far.
    """

    root: Path
    environment: Mapping[str, str]
    changed: frozenset[Path] | None = None
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
        """What to look at: the changed files, or all that git knows or would add."""
        paths = self._tracked if self.changed is None else self.changed
        return sorted(path for path in paths if (self.root / path).is_file())

    @property
    def arguments(self) -> list[Path]:
        """The changed files, for a tool that takes the whole checkout when it is given none."""
        return [] if self.changed is None else self.files

    @property
    def modules(self) -> list[Path]:
        """The Terraform modules to look at; those that call a changed one are for the whole run."""
        found = modules.find(self.root / "modules")
        if self.changed is None:
            return found
        touched = {path.parts[1] for path in self.changed if path.parts[0] == "modules"}
        return [module for module in found if module.name in touched]

    @property
    def _tracked(self) -> set[Path]:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=True,
        )
        return {Path(name) for name in listed.stdout.split("\0") if name}


@dataclass(frozen=True)
class Check:
    """A check: a function that fills a session's findings.

    Attributes:
        function: The check; its docstring is what it makes sure of.
        concerns: Which changed files it has something to say about, a pattern of the whole path.
        rules: Where its own rules stand: once they change, it looks at every file again.
        tools: The pinned tools that it runs.
    """

    function: Callable[[Session], None]
    concerns: str
    rules: str = r"tools/(lint\.py|versions\.toml)"
    tools: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name, on the command line and in a commit's report."""
        return self.function.__name__.replace("_", "-")

    @property
    def about(self) -> str:
        """What it makes sure of."""
        return (self.function.__doc__ or "").strip()

    def scope(self, changed: frozenset[Path]) -> frozenset[Path] | None:
        """What of a change it looks at: nothing when empty, every file when None."""
        if any(re.fullmatch(self.rules, path.as_posix()) for path in changed):
            return None
        return frozenset(path for path in changed if re.fullmatch(self.concerns, path.as_posix()))


def ruff_format(session: Session) -> None:
    """Python is formatted."""
    session.run("ruff", "format", "--check", "--diff", "--quiet", *session.arguments)


def ruff(session: Session) -> None:
    """Python keeps the rules of pyproject.toml."""
    session.run("ruff", "check", "--quiet", "--output-format=concise", *session.arguments)


def mypy(session: Session) -> None:
    """Python is typed, strictly."""
    session.run("mypy", "--no-error-summary")


def terraform_fmt(session: Session) -> None:
    """Terraform is formatted."""
    command = ("terraform", "fmt", "-check", "-diff")
    session.run(*command, *(session.arguments or [Path("-recursive")]))


def terraform_validate(session: Session) -> None:
    """Every module is valid against the provider's schema."""
    for module in session.modules:
        try:
            modules.terraform(module, "validate", environment=session.environment)
        except TaskFailedError as error:
            session.findings.append(str(error))


def terragrunt_fmt(session: Session) -> None:
    """Terragrunt's files are formatted."""
    command = ("terragrunt", "hcl", "fmt", "--check", "--diff")
    if session.changed is None:
        session.run(*command, "--working-dir", "live")
    for path in session.arguments:
        session.run(*command, "--file", path)


def opa_fmt(session: Session) -> None:
    """Rego is formatted."""
    session.run("opa", "fmt", "--fail", "--diff", "policies")


def opa_check(session: Session) -> None:
    """Rego compiles in strict mode, and reads only what a Terraform plan has."""
    session.run("opa", "check", "--strict", "--schema", "policies/schemas", "policies")


def regal(session: Session) -> None:
    """Rego follows the style guide, and has no known mistake."""
    rules = [path for path in session.arguments if path.suffix == ".rego"]
    session.run("regal", "lint", *(rules or [Path("policies")]))


def actionlint(session: Session) -> None:
    """Workflows are valid, and so are their shell scripts."""
    session.run("actionlint")


def zizmor(session: Session) -> None:
    """Workflows have no known security weakness."""
    session.run("zizmor", "--offline", "--quiet", "--no-progress", ".github")


def shellcheck(session: Session) -> None:
    """Shell scripts have no known pitfall."""
    scripts = list(_with_shebang(session, r"#!.*\b(ba|da)?sh\b"))
    if scripts:
        session.run("shellcheck", *scripts)


def hadolint(session: Session) -> None:
    """Dockerfiles follow Docker's own advice."""
    dockerfiles = _dockerfiles(session)
    if dockerfiles:
        session.run("hadolint", *dockerfiles)


def checkov(session: Session) -> None:
    """Modules and Dockerfiles have no known insecure setting; exceptions stand beside them."""
    session.run(sys.executable, "-m", "pipeline", "scan", *session.arguments)


def live(session: Session) -> None:
    """live/ and its pinned modules keep the rules of policies/live; a clone may lack releases."""
    session.run(sys.executable, "-m", "pipeline", "gate", "--no-releases", "--no-scan")


def docs(session: Session) -> None:
    """The tables of inputs and outputs in the modules' READMEs are current (`make docs`)."""
    folders = [Path("modules")] if session.changed is None else session.modules
    for folder in folders:
        session.run("terraform-docs", "--output-check", folder)


def policy_docs(session: Session) -> None:
    """The list of all rules, docs/policies.md, is current (`make docs`)."""
    session.run(sys.executable, "-m", "tools.policy_docs", "--check")


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
    Check(terraform_validate, r"modules/.*\.tf", tools=("terraform",)),
    Check(
        checkov,
        r"modules/.*\.tf|(.*[/.])?Dockerfile",
        rules=r"policies/(checkov/.*|waivers\.yaml)|uv\.lock",
        tools=("hcl2json", "opa"),
    ),
    Check(
        live,
        r"live/.*|modules/.*\.tf",
        rules=r"policies/(live|lib|gate)/.*|policies/waivers\.yaml",
        tools=("hcl2json", "opa"),
    ),
    Check(mypy, r".*\.py", rules=r"pyproject\.toml|uv\.lock"),
    Check(ruff_format, r".*\.py", rules=r"pyproject\.toml|uv\.lock"),
    Check(ruff, r".*\.py", rules=r"pyproject\.toml|uv\.lock"),
    Check(terraform_fmt, r".*\.(tf|tfvars|tftest\.hcl)", tools=("terraform",)),
    Check(terragrunt_fmt, r"live/.*\.hcl", tools=("terragrunt",)),
    Check(opa_fmt, r".*\.rego", tools=("opa",)),
    Check(opa_check, r"policies/.*", tools=("opa",)),
    Check(regal, r"policies/.*|\.regal/.*", tools=("regal",)),
    Check(actionlint, r"\.github/workflows/.*", tools=("actionlint",)),
    Check(zizmor, r"\.github/.*"),
    Check(shellcheck, r"(.*/)?[^./]+|.*\.sh"),
    Check(hadolint, r"(.*[/.])?Dockerfile"),
    Check(docs, r"modules/.*", rules=r"\.terraform-docs\.yml", tools=("terraform-docs",)),
    Check(policy_docs, r"policies/.*|docs/policies\.md", tools=("opa",)),
    Check(machine_paths, r".*"),
)


def perform(
    check: Check,
    environment: Mapping[str, str],
    root: Path = ROOT,
    changed: frozenset[Path] | None = None,
) -> str:
    """Runs one check, on the whole checkout or on what a commit changes.

    Raises:
        TaskFailedError: It found something; the message is what.
    """
    session = Session(root, environment, changed)
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
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="a check, all without; with --changed, a file"
    )
    parser.add_argument(
        "--changed", action="store_true", help="the names are the files of a change: check these"
    )
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=list(known),
        metavar="NAME",
        help="leave this check out, which something else makes sure of",
    )
    parser.add_argument("--list", action="store_true", help="list the checks and exit")
    parser.add_argument("--jobs", type=int, default=tasks.JOBS, help="checks at once (%(default)s)")
    options = parser.parse_args(arguments)
    if options.list:
        for check in CHECKS:
            print(f"{check.name:20}{check.about}")
        return 0
    if options.changed:
        changed = frozenset(map(Path, options.names))
        scopes = {check: check.scope(changed) for check in CHECKS}
        scopes = {check: scope for check, scope in scopes.items() if scope is None or scope}
    else:
        for name in options.names:
            if name not in known:
                parser.error(f"no check is called {name!r}; see --list")
        chosen = [name for name in options.names or known if name not in options.without]
        scopes = {known[name]: None for name in chosen}
    console = Console(highlight=False)

    def run() -> int:
        environment = install.ensure({tool: None for check in scopes for tool in check.tools})
        scripts = Path(sys.executable).parent  # ruff and its like are installed beside Python
        environment["PATH"] = os.pathsep.join([str(scripts), environment["PATH"]])
        outcomes = tasks.run_all(
            [
                Task(check.name, partial(perform, check, environment, changed=scope))
                for check, scope in scopes.items()
            ],
            console,
            jobs=options.jobs,
        )
        return tasks.report(outcomes, console, noun="checks")

    return exit_code(run)


if __name__ == "__main__":
    sys.exit(main())
