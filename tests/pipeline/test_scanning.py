"""checkov: what it finds, what it may skip, and that no failure of it passes for an answer."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import scanning
from pipeline.errors import CommandFailedError, PipelineError
from pipeline.model import Finding, FindingKind, Severity, Source
from pipeline.scanning import CHECKS, Scan, Scanner, own_checks
from tools import isolated
from tools.paths import ROOT

GOOD = """
resource "aws_apigatewayv2_domain_name" "good" {
  domain_name = "api.example.com"
  domain_name_configuration {
    certificate_arn = var.certificate_arn
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }
  mutual_tls_authentication {
    truststore_uri     = var.truststore_uri
    truststore_version = var.truststore_version
  }
}

resource "aws_apigatewayv2_api" "good" {
  name                         = "x"
  protocol_type                = "HTTP"
  disable_execute_api_endpoint = true
}

resource "aws_apigatewayv2_authorizer" "good" {
  api_id                           = aws_apigatewayv2_api.good.id
  authorizer_type                  = "REQUEST"
  name                             = "x"
  authorizer_result_ttl_in_seconds = 0
}

resource "aws_apigatewayv2_authorizer" "good_jwt" {
  api_id          = aws_apigatewayv2_api.good.id
  authorizer_type = "JWT"
  name            = "x"
}

resource "aws_lambda_function" "good" {
  function_name = "x"
  role          = var.role
  package_type  = "Image"
  image_uri     = var.image_uri
}

resource "aws_lambda_function" "good_digest" {
  function_name = "x"
  role          = var.role
  package_type  = "Image"
  image_uri     = "222222222222.dkr.ecr.eu-west-1.amazonaws.com/x@sha256:%s"
}
""" % ("a" * 64)

BAD = """
resource "aws_apigatewayv2_domain_name" "bad_no_mtls" {
  domain_name = "api.example.com"
  domain_name_configuration {
    certificate_arn = var.certificate_arn
    endpoint_type   = "REGIONAL"
    security_policy = var.security_policy
  }
}

resource "aws_apigatewayv2_domain_name" "bad_no_version" {
  domain_name = "api.example.com"
  mutual_tls_authentication {
    truststore_uri = "s3://x/y"
  }
}

resource "aws_apigatewayv2_domain_name" "bad_empty_version" {
  domain_name = "api.example.com"
  mutual_tls_authentication {
    truststore_uri     = "s3://x/y"
    truststore_version = ""
  }
}

resource "aws_apigatewayv2_domain_name" "bad_null_version" {
  domain_name = "api.example.com"
  mutual_tls_authentication {
    truststore_uri     = "s3://x/y"
    truststore_version = null
  }
}

resource "aws_apigatewayv2_domain_name" "bad_dynamic" {
  domain_name = "api.example.com"
  dynamic "mutual_tls_authentication" {
    for_each = var.enabled ? [1] : []
    content {
      truststore_uri     = "s3://x/y"
      truststore_version = "1"
    }
  }
}

resource "aws_apigatewayv2_api" "bad_default" {
  name          = "x"
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_api" "bad_enabled" {
  name                         = "x"
  protocol_type                = "HTTP"
  disable_execute_api_endpoint = false
}

resource "aws_apigatewayv2_authorizer" "bad_cached" {
  api_id                           = "x"
  authorizer_type                  = "REQUEST"
  name                             = "x"
  authorizer_result_ttl_in_seconds = 300
}

resource "aws_apigatewayv2_authorizer" "bad_left_to_aws" {
  api_id          = "x"
  authorizer_type = "REQUEST"
  name            = "x"
}

resource "aws_lambda_function" "bad_tag" {
  function_name = "x"
  role          = var.role
  package_type  = "Image"
  image_uri     = "222222222222.dkr.ecr.eu-west-1.amazonaws.com/x:v1"
}
"""

SKIPS = """
resource "aws_s3_bucket" "skips" {
  #checkov:skip=CKV_AWS_18: who wrote is answered by CloudTrail
  #checkov:skip=CKV_AWS_144
  #checkov:skip=CKV_AWS_145: ok
  #checkov:skip=CKV_AWS_99999: this check does not exist at all
  bucket = "x"
}

resource "aws_apigatewayv2_api" "skips" {
  #checkov:skip=CKV_MTLS_2: the default endpoint is so convenient
  name          = "x"
  protocol_type = "HTTP"
}
"""

DOCKERFILE = "FROM example\nUSER root\n"

type Fake = Callable[[str, int], Scanner]


@pytest.fixture(scope="module")
def scanner(tmp_path_factory: pytest.TempPathFactory, gate_tools: dict[str, str]) -> Scanner:
    """The real one, over a checkout of its own."""
    if shutil.which("uv", path=gate_tools["PATH"]) is None:
        python = isolated.ENVIRONMENTS / "checkov" / "bin" / "python"
        assert python.is_file(), "run this through make, which brings uv"
    else:
        python = isolated.sync("checkov", gate_tools) / "python"
    root = tmp_path_factory.mktemp("scanned")
    variables = re.findall(r"\bvar\.(\w+)", GOOD + BAD)
    for name, text in {"good": GOOD, "bad": BAD, "skips": SKIPS, "broken": "resource {{\n"}.items():
        (root / "modules" / name).mkdir(parents=True)
        (root / "modules" / name / "main.tf").write_text(text)
    for name in ("good", "bad"):
        lines = [f'variable "{variable}" {{}}' for variable in sorted(set(variables))]
        (root / "modules" / name / "variables.tf").write_text("\n".join(lines))
    (root / "Dockerfile").write_text(DOCKERFILE)
    return Scanner(python, gate_tools, root)


@pytest.fixture(scope="module")
def scan(scanner: Scanner) -> Scan:
    return scanner.scan({"good", "bad", "skips", "broken"}, {"Dockerfile"})


def found(scan: Scan, rule: str) -> set[str]:
    return {finding.address for finding in scan.findings if finding.rule == rule}


@pytest.mark.parametrize(
    ("rule", "addresses"),
    [
        (
            "CKV_MTLS_1",
            {
                f"aws_apigatewayv2_domain_name.bad_{name}"
                for name in ("no_mtls", "no_version", "empty_version", "null_version", "dynamic")
            },
        ),
        ("CKV_MTLS_2", {f"aws_apigatewayv2_api.bad_{name}" for name in ("default", "enabled")}),
        (
            "CKV_MTLS_3",
            {f"aws_apigatewayv2_authorizer.bad_{name}" for name in ("cached", "left_to_aws")},
        ),
        (
            "CKV_MTLS_4",
            {
                f"aws_apigatewayv2_domain_name.bad_{name}"
                for name in ("no_mtls", "no_version", "empty_version", "null_version", "dynamic")
            },
        ),
        ("CKV_MTLS_5", {"aws_lambda_function.bad_tag"}),
    ],
)
def test_our_own_checks_find_what_checkov_does_not(
    rule: str, addresses: set[str], scan: Scan
) -> None:
    assert found(scan, rule) == addresses


def test_every_check_of_our_own_is_tried_here(scan: Scan) -> None:
    own = {check.id for check in own_checks()}

    assert own == {f"CKV_MTLS_{number}" for number in range(1, 6)}
    assert all(found(scan, rule) for rule in own)
    assert own <= scan.ids


def test_a_finding_says_where_it_is_and_what_to_do(scan: Scan) -> None:
    finding = next(finding for finding in scan.findings if finding.rule == "CKV_MTLS_5")

    assert (finding.kind, finding.source) == (FindingKind.DENY, Source.CHECKOV)
    assert finding.file == "modules/bad/main.tf"
    assert BAD.splitlines()[finding.line - 1] == 'resource "aws_lambda_function" "bad_tag" {'
    assert finding.severity is Severity.HIGH
    assert finding.remedy.startswith("Take the image as an input")
    assert finding.link.startswith("https://docs.aws.amazon.com/")


def test_checkovs_own_checks_count_too(scan: Scan) -> None:
    assert "aws_s3_bucket.skips" in found(scan, "CKV2_AWS_6")
    assert any(finding.file == "Dockerfile" for finding in scan.findings)


def test_a_skip_with_a_reason_skips(scan: Scan) -> None:
    assert "aws_s3_bucket.skips" not in found(scan, "CKV_AWS_18")


def skips(scan: Scan, rule: str) -> list[str]:
    return [
        SKIPS.splitlines()[finding.line - 1].strip()
        for finding in scan.findings
        if finding.rule == rule
    ]


def test_a_skip_without_a_reason_is_denied(scan: Scan) -> None:
    assert skips(scan, "SKIP-001") == [
        "#checkov:skip=CKV_AWS_144",
        "#checkov:skip=CKV_AWS_145: ok",
    ]


def test_a_skip_of_no_check_is_denied(scan: Scan) -> None:
    assert skips(scan, "SKIP-002") == [
        "#checkov:skip=CKV_AWS_99999: this check does not exist at all"
    ]


def test_our_own_checks_are_not_skipped(scan: Scan) -> None:
    assert skips(scan, "SKIP-003") == [
        "#checkov:skip=CKV_MTLS_2: the default endpoint is so convenient"
    ]


def test_a_file_that_is_not_read_is_denied(scan: Scan) -> None:
    assert found(scan, "SKIP-004") == {"modules/broken/main.tf"}


def test_nothing_waives_the_rules_over_skips(scan: Scan) -> None:
    refusals = [finding for finding in scan.findings if finding.rule.startswith("SKIP-")]

    assert not any(finding.waivable for finding in refusals)


def test_settings_of_the_environment_turn_nothing_off(scanner: Scanner) -> None:
    hostile = {
        **scanner.environ,
        "CKV_SKIP_CHECK": "CKV_MTLS_5",
        "CHECKOV_SKIP_CHECK": "CKV_MTLS_5",
        "CKV_IGNORED_DIRECTORIES": "bad",
    }

    scan = Scanner(scanner.python, hostile, scanner.root).scan({"bad"})

    assert found(scan, "CKV_MTLS_5")


def test_nothing_to_scan_starts_nothing(tmp_path: Path) -> None:
    assert Scanner(tmp_path / "none", {}).scan(()) == Scan((), frozenset())


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    """A scanner that answers what a test wants."""

    def make(output: str, code: int) -> Scanner:
        script = tmp_path / "python"
        (tmp_path / "output").write_text(output)
        script.write_text(f"#!/bin/sh\necho trouble >&2\ncat {tmp_path}/output\nexit {code}\n")
        script.chmod(0o755)
        (tmp_path / "modules" / "x").mkdir(parents=True, exist_ok=True)
        return Scanner(script, {"PATH": "/usr/bin:/bin"}, tmp_path)

    return make


@pytest.mark.parametrize(
    "output",
    [
        "",
        "[]",
        "{}",
        '{"own": [], "failed": [], "skipped": [], "unparsed": [], "passed": 0}',
        '{"own": [], "failed": [], "skipped": [], "unparsed": [], "passed": 0, "ids": []}',
    ],
)
def test_what_is_no_answer_is_a_refusal(output: str, fake: Fake) -> None:
    with pytest.raises(PipelineError, match="checkov"):
        fake(output, 0).scan({"x"})


def test_checkov_that_fails_is_said(fake: Fake) -> None:
    with pytest.raises(CommandFailedError, match="checkov failed:\ntrouble"):
        fake("{}", 1).scan({"x"})


def test_checkov_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandFailedError, match="could not be run"):
        Scanner(tmp_path / "none", {}, tmp_path).scan({"x"})


def test_one_result_is_one_finding_however_many_modules_call_it(fake: Fake) -> None:
    entry = {"id": "CKV_AWS_18", "name": "x", "file": "modules/x/main.tf", "line": 3, "comment": ""}
    answer = {
        "own": [check.id for check in own_checks()],
        "failed": [
            entry | {"resource": resource}
            for resource in (
                "module.a.aws_s3_bucket.x",
                "aws_s3_bucket.x",
                "module.b.aws_s3_bucket.x",
            )
        ],
        "skipped": [],
        "unparsed": [],
        "passed": 0,
        "ids": [],
    }

    (finding,) = fake(json.dumps(answer), 0).scan({"x"}).findings

    assert finding.address == "aws_s3_bucket.x"


def test_every_check_of_our_own_describes_itself(tmp_path: Path) -> None:
    for check in own_checks():
        assert check.title
        assert check.description
        assert check.remedy.endswith(".")
    source = (CHECKS / "tls_floor.py").read_text()
    (tmp_path / "x.py").write_text(source.replace("    Severity: high\n", ""))

    with pytest.raises(PipelineError, match=r"x\.py does not describe its check"):
        own_checks(tmp_path)


def test_every_skip_of_this_project_has_its_reason() -> None:
    files = [*ROOT.glob("modules/*/*.tf"), ROOT / "functions" / "Dockerfile"]
    reasons = [
        (found[1], (found[2] or "").strip())
        for file in files
        for found in scanning._SKIP.finditer(file.read_text())
    ]

    assert reasons
    assert [name for name, reason in reasons if len(reason) < scanning._SHORTEST_REASON] == []


def finding_lines(findings: tuple[Finding, ...]) -> list[str]:
    return [f"{finding.rule} {finding.file}:{finding.line}" for finding in findings]


def test_this_projects_own_modules_pass(scanner: Scanner) -> None:
    modules = {path.parent.name for path in ROOT.glob("modules/*/main.tf")}

    scan = Scanner(scanner.python, scanner.environ, ROOT).scan(modules, {"functions/Dockerfile"})

    assert finding_lines(scan.findings) == []
    assert scan.passed > 100
    assert scan.skipped > 10
