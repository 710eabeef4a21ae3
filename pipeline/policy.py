"""Evaluating the policies: plan documents and the document of ``live/`` in, findings out.

Many plans are evaluated by one process of OPA, since most of its time goes into loading the
policies. Whatever is no answer of the gate is a refusal: an error, a missing result, a finding
without a rule.

https://www.openpolicyagent.org/docs/cli#exec
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.errors import CommandFailedError, PipelineError
from pipeline.model import Finding, FindingKind, Severity, Source
from tools.paths import ROOT

__all__ = ["Opa", "evaluate_live", "evaluate_plans"]

POLICIES = ROOT / "policies"

_TIMEOUT = 300
_LESS_GARBAGE = {"GOGC": "400"}
"""OPA lives for seconds: to collect what it drops takes longer than to keep it."""


@dataclass(frozen=True, slots=True)
class Opa:
    """How OPA is run.

    Attributes:
        environ: the environment in which ``opa`` is found (`tools.install.ensure`).
        policies: the folder of the policies.
        data: a folder with a second bundle, of facts such as verified images; None for none.
    """

    environ: Mapping[str, str]
    policies: Path = POLICIES
    data: Path | None = None

    def run(self, *arguments: str | Path) -> str:
        """Run OPA and return what it wrote.

        Raises:
            CommandFailedError: it failed, or is not there.
        """
        try:
            done = subprocess.run(
                ["opa", *arguments],
                env={**_LESS_GARBAGE, **self.environ},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT,
                check=False,
            )
        except FileNotFoundError as error:
            raise CommandFailedError("opa is not on PATH", hint="run this by make") from error
        except subprocess.TimeoutExpired as error:
            raise CommandFailedError(f"opa did not end within {_TIMEOUT} s") from error
        if done.returncode != 0:
            said = done.stderr.strip() or done.stdout.strip()
            raise CommandFailedError(
                f"opa {arguments[0]} failed, so nothing was judged:\n{said}",
                hint="make lint ARGS=opa-check",
            )
        return done.stdout


def evaluate_plans(inputs: Mapping[str, Path], *, opa: Opa) -> tuple[Finding, ...]:
    """Judge plans.

    Args:
        inputs: path of a unit to the file of its plan document, which `pipeline.planning` has cut
            down to what the policies read.
        opa: how OPA is run.

    Returns:
        The findings, by unit in the order of `inputs`.

    Raises:
        CommandFailedError: OPA failed.
        PipelineError: a plan has no answer.
    """
    if not inputs:
        return ()
    files = {str(path.absolute()): unit for unit, path in inputs.items()}
    if len(files) != len(inputs):
        raise PipelineError("two units have one plan document")
    with tempfile.TemporaryDirectory(prefix="opa-") as folder:
        rules = Path(folder) / "policies"
        # OPA would compile the tests as well, and they are the larger half.
        shutil.copytree(opa.policies, rules, ignore=shutil.ignore_patterns("*_test.rego"))
        bundles = [bundle for bundle in (rules, opa.data) if bundle is not None]
        output = opa.run(
            "exec",
            *(argument for bundle in bundles for argument in ("--bundle", bundle)),
            *("--decision", "gate/plan/result", "--format", "json", "--log-level", "error"),
            *files,
        )
    answers: dict[str, object] = {}
    for entry in _list(_json(output), "result"):
        if not isinstance(entry, dict) or entry.get("path") not in files:
            raise _no_answer(f"an answer about no plan that was asked about: {str(entry)[:200]}")
        if entry["path"] in answers:
            raise _no_answer(f"two answers about {files[entry['path']]}")
        if "result" not in entry:
            raise _no_answer(f"{files[entry['path']]}: {entry.get('error', 'no result')}")
        answers[entry["path"]] = entry["result"]
    missing = [unit for file, unit in files.items() if file not in answers]
    if missing:
        raise _no_answer(f"no answer about {', '.join(missing)}")
    return tuple(
        finding for file, unit in files.items() for finding in _findings(answers[file], unit)
    )


def evaluate_live(document: Mapping[str, Any], opa: Opa) -> tuple[Finding, ...]:
    """Judge the document of `pipeline.configuration`.

    Only the rules over ``live/`` are loaded, and nothing of the plans' rules.

    Raises:
        CommandFailedError: OPA failed.
        PipelineError: there is no answer.
    """
    with tempfile.TemporaryDirectory(prefix="opa-") as folder:
        file = Path(folder) / "live.json"
        file.write_text(json.dumps(document), "utf-8")
        parts = ("gate/live.rego", "lib", "live")
        output = opa.run(
            "eval",
            *(argument for part in parts for argument in ("--data", opa.policies / part)),
            *("--input", file, "--format", "json", "data.gate.live.result"),
        )
    results = _list(_json(output), "result")
    expressions = _list(results[0], "expressions") if len(results) == 1 else []
    if len(expressions) != 1 or not isinstance(expressions[0], dict):
        raise _no_answer("no answer about live/")
    units = [str(unit["path"]) for unit in document.get("units", ())]
    found = _findings(expressions[0].get("value"), "")
    return tuple(_about_unit(finding, units) for finding in found)


def _json(output: str) -> object:
    try:
        return json.loads(output)
    except ValueError as error:
        raise _no_answer(f"no JSON: {error}") from error


def _list(document: object, key: str) -> Sequence[Any]:
    found = document.get(key) if isinstance(document, dict) else None
    if not isinstance(found, list):
        raise _no_answer(f"{key} is missing")
    return found


def _findings(result: object, unit: str) -> list[Finding]:
    kinds = {str(kind) for kind in FindingKind}
    if not isinstance(result, dict) or set(result) != kinds:
        raise _no_answer(f"{unit or 'live/'}: expected {', '.join(sorted(kinds))}")
    return [
        _finding(entry, kind, unit) for kind in FindingKind for entry in _list(result, str(kind))
    ]


def _finding(entry: object, kind: FindingKind, unit: str) -> Finding:
    if not isinstance(entry, dict):
        raise _no_answer("a finding is no object")

    def text(key: str, default: str | None = None) -> str:
        value = entry.get(key, default)
        if not isinstance(value, str):
            raise _no_answer(f"a finding has no {key}: {str(entry)[:200]}")
        return value

    if text("severity") not in set(Severity) or not text("id"):
        raise _no_answer(f"a finding has no id or severity: {str(entry)[:200]}")
    line = entry.get("line", 0)
    return Finding(
        rule=text("id"),
        kind=kind,
        severity=Severity(text("severity")),
        source=Source.OPA,
        title=text("title"),
        unit=unit,
        address=text("address"),
        message=text("message"),
        remedy=text("remedy"),
        link=text("link"),
        file=text("file", ""),
        line=line if type(line) is int and line > 0 else 0,
        waivable=entry.get("waivable") is True,
    )


def _about_unit(finding: Finding, units: Sequence[str]) -> Finding:
    """A finding about a unit's file, with that unit."""
    return replace(finding, unit=finding.address) if finding.address in units else finding


def _no_answer(reason: str) -> PipelineError:
    return PipelineError(
        f"the policies gave no answer, which is no permission: {reason}",
        hint="make test-policies",
    )
