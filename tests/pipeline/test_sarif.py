"""SARIF 2.1.0, and workflow commands that no message can add to."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import sarif
from pipeline.model import Finding, FindingKind, Severity, Source
from tests.pipeline.reports import finding

REPOSITORY = "example-org/aws-api-gateway-mtls"

STRUCTURE: dict[str, Any] = {
    "$schema": str,
    "version": "2.1.0",
    "runs": [
        {
            "tool": {
                "driver": {
                    "name": str,
                    "informationUri": str,
                    "rules": [
                        {
                            "id": str,
                            "shortDescription": {"text": str},
                            "help": {"text": str},
                            "helpUri?": str,
                            "defaultConfiguration": {"level": {"error", "warning", "note"}},
                            "properties": {"tags": [str], "security-severity": str},
                        }
                    ],
                }
            },
            "automationDetails": {"id": str},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {"ROOT": {"description": {"text": str}}},
            "results": [
                {
                    "ruleId": str,
                    "ruleIndex": int,
                    "level": {"error", "warning", "note"},
                    "message": {"text": str},
                    "partialFingerprints": {"finding/v1": str},
                    "properties": {"kind": str, "unit": str},
                    "locations": [
                        {
                            "physicalLocation?": {
                                "artifactLocation": {"uri": str, "uriBaseId": "ROOT"},
                                "region": {"startLine": int},
                            },
                            "logicalLocations?": [{"fullyQualifiedName": str, "kind": str}],
                        }
                    ],
                    "suppressions?": [
                        {"kind": "external", "status": "accepted", "justification": str}
                    ],
                }
            ],
        }
    ],
}
"""What of SARIF's schema is used, with the properties that it requires; ``?`` marks the others."""


def check(document: Any, structure: Any, at: str = "$") -> None:
    match structure:
        case type():
            assert type(document) is structure, at
        case dict():
            assert isinstance(document, dict), at
            required = {name for name in structure if not name.endswith("?")}
            allowed = {name.removesuffix("?"): below for name, below in structure.items()}
            assert required <= document.keys() <= allowed.keys(), at
            for name, value in document.items():
                check(value, allowed[name], f"{at}.{name}")
        case list():
            assert isinstance(document, list), at
            for number, value in enumerate(document):
                check(value, structure[0], f"{at}[{number}]")
        case set():
            assert document in structure, at
        case _:
            assert document == structure, at


FINDINGS = [
    finding(),
    finding(address="another"),
    finding(rule="CKV_AWS_1", source=Source.CHECKOV, file="modules/a/main.tf", line=7, unit=""),
    finding(rule="LIVE-001", kind=FindingKind.WARN, severity=Severity.LOW, file="live/root.hcl"),
    finding(rule="S3-001", waiver="SEC-1", days_left=3),
    finding(rule="X-001", link="", remedy="", unit="", address=""),
]


def test_it_has_the_structure_of_sarif() -> None:
    check(sarif.to_sarif(FINDINGS, repository=REPOSITORY), STRUCTURE)


def test_nothing_found_is_a_log_too() -> None:
    document = json.loads(sarif.to_bytes([], repository=REPOSITORY))

    check(document, STRUCTURE)
    assert [run["results"] for run in document["runs"]] == [[] for _ in Source]


def test_each_result_names_its_rule_and_each_rule_helps() -> None:
    for run in sarif.to_sarif(FINDINGS, repository=REPOSITORY)["runs"]:
        rules = run["tool"]["driver"]["rules"]
        assert len({rule["id"] for rule in rules}) == len(rules)
        for result in run["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


def test_a_finding_is_where_its_file_says_or_in_its_units_file() -> None:
    opa, checkov, *_ = sarif.to_sarif(FINDINGS, repository=REPOSITORY)["runs"]
    place = opa["results"][0]["locations"][0]["physicalLocation"]

    assert place["artifactLocation"]["uri"] == (
        "live/non-prod/eu-west-1/dev/http-api-mtls/terragrunt.hcl"
    )
    place = checkov["results"][0]["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == (
        "modules/a/main.tf",
        7,
    )


def test_a_waived_finding_is_suppressed_with_its_ticket() -> None:
    results = sarif.to_sarif(FINDINGS, repository=REPOSITORY)["runs"][0]["results"]

    (waived,) = [result for result in results if "suppressions" in result]
    assert waived["suppressions"][0]["justification"] == "SEC-1"


def test_a_moved_line_is_the_same_finding() -> None:
    def fingerprint(line: int) -> str:
        document = sarif.to_sarif([finding(file="a.tf", line=line)], repository=REPOSITORY)
        result: str = document["runs"][0]["results"][0]["partialFingerprints"]["finding/v1"]
        return result

    assert fingerprint(3) == fingerprint(30)


# What the runner reads: https://github.com/actions/runner, src/Runner.Common/ActionCommand.cs
_COMMAND = re.compile(r"::(?P<name>\w+) (?P<properties>.*?)::(?P<data>.*)", re.DOTALL)


def understood(line: str) -> tuple[str, dict[str, str], str]:
    """A line as GitHub's runner takes it apart."""
    found = _COMMAND.fullmatch(line)
    assert found is not None, line
    properties = dict(entry.split("=", 1) for entry in found["properties"].split(","))
    codes = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}

    def plain(text: str) -> str:
        return re.sub("%(?:0D|0A|3A|2C|25)", lambda code: codes[code[0]], text)

    return found["name"], {k: plain(v) for k, v in properties.items()}, plain(found["data"])


def test_an_annotation_points_at_the_line() -> None:
    (line,) = sarif.annotations([finding(file="modules/a/main.tf", line=7)])

    name, properties, data = understood(line)
    assert (name, properties["file"], properties["line"]) == ("error", "modules/a/main.tf", "7")
    assert "the domain takes callers without a certificate" in data


def test_a_warning_and_an_undecided_one_are_warnings() -> None:
    found = [finding(kind=FindingKind.WARN), finding(kind=FindingKind.UNDECIDED)]

    assert [understood(line)[0] for line in sarif.annotations(found)] == ["warning", "warning"]


def test_a_waived_finding_is_no_annotation() -> None:
    assert list(sarif.annotations([finding(waiver="SEC-1")])) == []


hostile = st.text(st.characters(codec="utf-8")) | st.sampled_from(
    [
        "\n::add-mask::x",
        "\r\n::set-output name=a::b",
        "::stop-commands::t",
        "%0A::error::x",
        "a,file=/etc/passwd::b",
        "\u2028::error::x",
        "\x0b::error::x",
        "##[error]x",
    ]
)


@given(title=hostile, message=hostile, address=hostile, file=hostile, remedy=hostile)
def test_no_message_becomes_a_command(
    title: str, message: str, address: str, file: str, remedy: str
) -> None:
    one: Finding = finding(title=title, message=message, address=address, file=file, remedy=remedy)

    (line,) = sarif.annotations([one])

    assert line.splitlines() == [line]
    name, properties, _ = understood(line)
    assert name == "error"
    assert set(properties) == {"file", "line", "title"}
    assert "::" not in line.split("::", 2)[1]


@pytest.mark.parametrize("text", ["50%", "a:b,c", "%25", "x%0Ay"])
def test_escapes_are_undone_by_the_runner(text: str) -> None:
    (line,) = sarif.annotations([finding(message=text, title=text)])

    _, properties, data = understood(line)
    assert text in data
    assert text in properties["title"]
