"""Findings as SARIF 2.1.0, and as the annotations that GitHub shows beside the lines of a change.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.model import Finding, FindingKind, Severity, Source
from pipeline.report import printable, where

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
INFORMATION = "https://github.com/{repository}/blob/main/docs/policies.md"

_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
}
_SECURITY_SEVERITIES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
}
_POLICIES = "policies"
"""What the rules of ``policies/`` are called, whatever evaluates them."""

_LIVE = "live"
_UNIT_FILE = "terragrunt.hcl"


def to_sarif(findings: Iterable[Finding], *, repository: str) -> dict[str, Any]:
    """A log of one run for each scanner; waived findings are suppressed results, not missing ones.

    Args:
        findings: of any gate.
        repository: owner and name, for the links to the rules.
    """
    found = tuple(findings)
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            _run(source, [entry for entry in found if entry.source is source], repository)
            for source in Source
        ],
    }


def to_bytes(findings: Iterable[Finding], *, repository: str) -> bytes:
    """What a SARIF file holds."""
    return f"{json.dumps(to_sarif(findings, repository=repository), indent=2)}\n".encode()


def annotations(findings: Iterable[Finding]) -> Iterator[str]:
    """A workflow command a finding: GitHub shows it beside the line, and in the run's summary."""
    for finding in findings:
        if finding.waiver is not None:
            continue
        command = "error" if finding.kind is FindingKind.DENY else "warning"
        properties = {"title": f"{finding.rule}: {finding.title}"}
        if file := file_of(finding):
            properties = {"file": file, "line": str(max(finding.line, 1)), **properties}
        listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
        words = [f"{where(finding)}: {finding.message}", finding.remedy, finding.link]
        yield f"::{command} {listed}::{_message(chr(10).join(filter(None, words)))}"


def file_of(finding: Finding) -> str:
    """The file that a finding is shown in: its own, or the unit's."""
    if finding.file:
        return finding.file
    return f"{_LIVE}/{finding.unit}/{_UNIT_FILE}" if finding.unit else ""


def _run(source: Source, findings: list[Finding], repository: str) -> dict[str, Any]:
    rules = {finding.rule: finding for finding in findings}
    ids = sorted(rules)
    name = _POLICIES if source is Source.OPA else source.value
    return {
        "tool": {
            "driver": {
                "name": name,
                "informationUri": INFORMATION.format(repository=repository),
                "rules": [_rule(rules[rule]) for rule in ids],
            }
        },
        "automationDetails": {"id": f"{name}/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"ROOT": {"description": {"text": "The top of the repository."}}},
        "results": [_result(finding, ids.index(finding.rule)) for finding in findings],
    }


def _rule(finding: Finding) -> dict[str, Any]:
    remedy = finding.remedy or finding.title
    link = f"\n\n{finding.link}" if finding.link else ""
    rule: dict[str, Any] = {
        "id": finding.rule,
        "shortDescription": {"text": finding.title or finding.rule},
        "help": {"text": f"{remedy}{link}"},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
        "properties": {
            "tags": ["security"],
            "security-severity": _SECURITY_SEVERITIES[finding.severity],
        },
    }
    if finding.link.startswith("https://"):
        rule["helpUri"] = finding.link
    return rule


def _result(finding: Finding, index: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _level(finding),
        "message": {"text": printable(finding.message or finding.title or finding.rule)},
        "partialFingerprints": {"finding/v1": _fingerprint(finding)},
        "properties": {"kind": finding.kind.value, "unit": finding.unit},
    }
    location: dict[str, Any] = {}
    if file := file_of(finding):
        location["physicalLocation"] = {
            "artifactLocation": {"uri": file, "uriBaseId": "ROOT"},
            "region": {"startLine": max(finding.line, 1)},
        }
    if finding.address:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.address, "kind": "resource"}]
    result["locations"] = [location] if location else []
    if finding.waiver is not None:
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": finding.waiver}
        ]
    return result


def _level(finding: Finding) -> str:
    return "error" if finding.kind is FindingKind.DENY else "warning"


def _fingerprint(finding: Finding) -> str:
    """The same finding in the next run, wherever its line went."""
    parts = (finding.rule, finding.unit, finding.file, finding.address)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _message(text: str) -> str:
    """What stands behind ``::``: a line break would begin a line, and a line can be a command.

    The runner undoes these escapes and no others; all other control characters are made visible.
    """
    lines = (printable(line) for line in text.replace("%", "%25").split("\n"))
    return "%0A".join(lines)


def _property(text: str) -> str:
    """What stands before ``::``, where a colon and a comma mean something too."""
    return printable(text.replace("%", "%25").replace(":", "%3A").replace(",", "%2C"))
