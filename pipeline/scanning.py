"""checkov over the modules' source and the Dockerfiles: what it finds, and what it is told to skip.

It reads source since Terragrunt is unknown to it and inline skips are lost in a plan's JSON; the
plans are judged by ``policies/plan``. An exception that holds for good stands beside the resource
with its reason; one that ends stands in the register of waivers.
"""

import ast
import json
import os
import re
import subprocess
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.errors import CommandFailedError, PipelineError
from pipeline.model import Finding, FindingKind, Severity, Source
from pipeline.waivers import Rule
from tools import isolated
from tools.paths import ROOT

__all__ = ["RULES", "OwnCheck", "Scan", "Scanner", "own_checks"]

FOLDER = ROOT / "policies" / "checkov"
CHECKS = FOLDER / "checks"

_LINK = "https://www.checkov.io/5.Policy%20Index/all.html"
_SUPPRESSING = "https://www.checkov.io/2.Basics/Suppressing%20and%20Skipping%20Policies.html"
_TIMEOUT = 600
_AT_ONCE = 2
_FEW = 4
"""Modules that are not worth a second process, which takes as long to start as to scan them."""

_SKIP = re.compile(r"(?:checkov|bridgecrew):skip=\s*([A-Za-z0-9_]+)\s*(?::\s*(.*))?")
_SHORTEST_REASON = 15

_rule = partial(Rule, source=Source.CHECKOV, link=_SUPPRESSING)

REASONS = _rule(
    "SKIP-001",
    Severity.HIGH,
    "Every skip of checkov says why",
    "Write #checkov:skip=<id>: <reason>, or put right what the check finds.",
)
KNOWN = _rule(
    "SKIP-002",
    Severity.MEDIUM,
    "Every skip of checkov names a check that exists",
    "Correct the id, or take the comment out.",
)
OWN = _rule(
    "SKIP-003",
    Severity.HIGH,
    "The project's own checks are not skipped in the source",
    "Take the comment out; an exception to these ends, and stands in policies/waivers.yaml.",
)
UNPARSED = _rule(
    "SKIP-004",
    Severity.HIGH,
    "checkov can read every file",
    "Put right what `terraform validate` says about the file.",
)

RULES = (REASONS, KNOWN, OWN, UNPARSED)
"""Rules over what is skipped, for the documentation; none of them can be waived."""


@dataclass(frozen=True, slots=True)
class OwnCheck:
    """A check of ``policies/checkov/checks``, as its source describes it.

    Attributes:
        id: as checkov's own are called.
        title: what it makes sure of.
        description: why.
        severity: how bad a finding is.
        remedy: what to do about one.
        link: where to read on.
    """

    id: str
    title: str
    description: str
    severity: Severity
    remedy: str
    link: str


@dataclass(frozen=True, slots=True)
class Scan:
    """What a run of checkov came to.

    Attributes:
        findings: what it found, and what is wrong with its skips.
        ids: all the checks that it has.
        skipped: how many results a comment skipped.
        passed: how many checks passed.
    """

    findings: tuple[Finding, ...]
    ids: frozenset[str]
    skipped: int = 0
    passed: int = 0


@dataclass(frozen=True, slots=True)
class Scanner:
    """checkov, in the environment of its own that uv.lock has for it.

    Attributes:
        python: the interpreter of that environment.
        environ: the environment to start it in.
        root: the checkout to scan.
        checks: the folder of our own checks.
    """

    python: Path
    environ: Mapping[str, str]
    root: Path = ROOT
    checks: Path = CHECKS

    @classmethod
    def here(cls, environ: Mapping[str, str] = os.environ, root: Path = ROOT) -> "Scanner":
        """The one of this project; installed when it is not there yet.

        Raises:
            ToolsError: it cannot be installed.
        """
        return cls(isolated.sync("checkov", environ) / "python", environ, root)

    def scan(self, modules: Collection[str], dockerfiles: Collection[str] = ()) -> Scan:
        """Scan modules and Dockerfiles.

        Args:
            modules: names of folders below ``modules/``.
            dockerfiles: relative to the checkout.

        Raises:
            CommandFailedError: checkov did not run to its end.
            PipelineError: it gave no answer.
        """
        folders = [f"modules/{name}" for name in sorted(set(modules))]
        files = sorted(set(dockerfiles))
        if not folders and not files:
            return Scan((), frozenset())
        parts = _AT_ONCE if len(folders) > _FEW else 1
        requests = [
            {
                "root": str(self.root),
                "modules": folders[part::parts],
                "dockerfiles": files if part == 0 else [],
                "checks": str(self.checks),
            }
            for part in range(parts)
        ]
        with ThreadPoolExecutor(max_workers=parts) as pool:
            answers = list(pool.map(self._run, requests))
        own = {check.id: check for check in own_checks(self.checks)}
        loaded = set(answers[0]["own"])
        if loaded != set(own):
            raise PipelineError(f"checkov has other checks of ours than {', '.join(sorted(own))}")
        ids = frozenset(name for answer in answers for name in answer["ids"])
        failed = _unique(entry for answer in answers for entry in answer["failed"])
        unparsed = sorted({str(file) for answer in answers for file in answer["unparsed"]})
        findings = [
            *(_finding(entry, own.get(entry["id"])) for entry in failed),
            *(UNPARSED.about(file, 0, "it could not be read") for file in unparsed),
            *self._skips(folders, files, ids, frozenset(own)),
        ]
        return Scan(
            findings=tuple(findings),
            ids=ids,
            skipped=len(_unique(entry for answer in answers for entry in answer["skipped"])),
            passed=sum(answer["passed"] for answer in answers),
        )

    def _run(self, request: Mapping[str, Any]) -> dict[str, Any]:
        # Half a second instead of three to start it, once Python may keep what it compiled.
        environ = {
            name: value
            for name, value in self.environ.items()
            if name != "PYTHONDONTWRITEBYTECODE" and not name.startswith(("CKV_", "BC_", "CHECKOV"))
        }
        try:
            done = subprocess.run(
                [self.python, FOLDER / "scan.py"],
                env=environ,
                cwd=self.root,
                input=json.dumps(request),
                capture_output=True,
                text=True,
                timeout=_TIMEOUT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CommandFailedError(f"checkov could not be run: {error}") from error
        if done.returncode != 0:
            raise CommandFailedError(f"checkov failed:\n{done.stderr.strip()[-2000:]}")
        try:
            answer = json.loads(done.stdout)
        except ValueError as error:
            raise PipelineError(f"checkov gave no answer: {error}") from error
        expected = {"own", "failed", "skipped", "unparsed", "passed", "ids"}
        if not isinstance(answer, dict) or set(answer) != expected:
            raise PipelineError("checkov gave another answer than it was asked for")
        return answer

    def _skips(
        self,
        folders: Sequence[str],
        files: Sequence[str],
        ids: Collection[str],
        own: Collection[str],
    ) -> list[Finding]:
        """What is wrong with the comments that skip a check."""
        sources = [
            path.relative_to(self.root).as_posix()
            for folder in folders
            for path in sorted((self.root / folder).rglob("*.tf"))
            if ".terraform" not in path.parts
        ]
        found = []
        for file in [*sources, *files]:
            text = (self.root / file).read_text("utf-8", errors="replace")
            for number, line in enumerate(text.splitlines(), start=1):
                for skip in _SKIP.finditer(line):
                    found += _judged(skip[1], (skip[2] or "").strip(), file, number, ids, own)
        return found


def own_checks(folder: Path = CHECKS) -> tuple[OwnCheck, ...]:
    """Our own checks, read from their source, by id.

    Raises:
        PipelineError: a check does not describe itself.
    """
    found = [_described(file) for file in sorted(folder.glob("*.py"))]
    return tuple(sorted(found, key=lambda check: check.id))


def _described(file: Path) -> OwnCheck:
    """A check's id and title from its constructor, the rest from the docstring of its class."""
    try:
        tree = ast.parse(file.read_text("utf-8"))
        (definition,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        (arguments,) = [
            {keyword.arg: keyword.value for keyword in node.keywords}
            for node in ast.walk(definition)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "__init__"
        ]
        facts: dict[str, str] = {}
        words: list[str] = []
        for line in (ast.get_docstring(definition) or "").splitlines():
            key, colon, value = line.partition(": ")
            if colon and key in {"Remedy", "Severity", "Link"}:
                facts[key] = value.strip()
            elif line.strip():
                words.append(line.strip())
        return OwnCheck(
            id=ast.literal_eval(arguments["id"]),
            title=ast.literal_eval(arguments["name"]),
            description=" ".join(words),
            severity=Severity(facts["Severity"]),
            remedy=facts["Remedy"],
            link=facts["Link"],
        )
    except (SyntaxError, ValueError, KeyError) as error:
        raise PipelineError(f"{file.name} does not describe its check: {error}") from error


def _judged(
    check: str, reason: str, file: str, line: int, ids: Collection[str], own: Collection[str]
) -> list[Finding]:
    found = []
    if len(reason) < _SHORTEST_REASON:
        found.append(REASONS.about(file, line, f"the skip of {check} gives no reason"))
    if check in own:
        found.append(OWN.about(file, line, f"{check} is skipped"))
    elif check not in ids:
        found.append(KNOWN.about(file, line, f"checkov has no check {check}"))
    return found


def _unique(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each result once: a module is scanned with every module that calls it, too."""
    found = {
        (entry["id"], entry["file"], entry["line"]): entry
        for entry in sorted(entries, key=lambda entry: -len(str(entry["resource"])))
    }
    return [found[key] for key in sorted(found)]


def _finding(entry: Mapping[str, Any], own: OwnCheck | None) -> Finding:
    remedy = (
        "Put it right, or say beside the resource why not: "
        f"#checkov:skip={entry['id']}: <reason>. What ends is waived in policies/waivers.yaml."
    )
    return Finding(
        rule=entry["id"],
        kind=FindingKind.DENY,
        severity=own.severity if own else Severity.MEDIUM,
        source=Source.CHECKOV,
        title=entry["name"],
        unit="",
        address=entry["resource"],
        message="it does not pass the check",
        remedy=own.remedy if own else remedy,
        link=own.link if own else _LINK,
        file=entry["file"],
        line=entry["line"],
    )
