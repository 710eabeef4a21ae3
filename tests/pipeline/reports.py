"""Findings, plan sets and reports to write about."""

from typing import Any

from pipeline.model import (
    Counts,
    Finding,
    FindingKind,
    PlannedUnit,
    PlanSet,
    Severity,
    Source,
    UnitStatus,
)

HEAD = "a" * 40
NEWER = "b" * 40
REGISTRY = "non-prod/eu-west-1/dev/registry"
API = "non-prod/eu-west-1/dev/http-api-mtls"


def finding(**fields: Any) -> Finding:
    given: dict[str, Any] = {
        "rule": "APIGW-001",
        "kind": FindingKind.DENY,
        "severity": Severity.CRITICAL,
        "source": Source.OPA,
        "title": "Mutual TLS stays on",
        "unit": API,
        "address": "aws_apigatewayv2_domain_name.this",
        "message": "the domain takes callers without a certificate",
        "remedy": "set mutual_tls_authentication",
        "link": "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-mutual-tls.html",
    }
    return Finding(**(given | fields))


def planned(
    path: str = REGISTRY, status: UnitStatus = UnitStatus.CHANGED, **fields: Any
) -> PlannedUnit:
    digest = f"sha256:{'1' * 64}"
    given: dict[str, Any] = {
        "counts": Counts(add=1) if status is UnitStatus.CHANGED else Counts(),
        "plan_sha256": digest,
        "json_sha256": digest,
        "semantics": digest,
        "seconds": 2.5,
    }
    return PlannedUnit(path, status, **(given | fields))


def plan_set(*units: PlannedUnit, scope: str = "dev", **fields: Any) -> PlanSet:
    given: dict[str, Any] = {
        "repository": "example-org/aws-api-gateway-mtls",
        "scope": scope,
        "account": "non-prod",
        "environment": scope,
        "base": "",
        "head": HEAD,
        "tree": "c" * 40,
        "destroy": False,
        "units": tuple(sorted(units, key=lambda unit: unit.path)),
        "created_at": "2026-11-24T20:00:00Z",
    }
    return PlanSet(**(given | fields))


def resource(
    address: str,
    before: Any,
    after: Any,
    *actions: str,
    before_sensitive: Any = False,
    after_sensitive: Any = False,
    after_unknown: Any = None,
) -> dict[str, Any]:
    return {
        "address": address,
        "change": {
            "actions": list(actions or ("update",)),
            "before": before,
            "after": after,
            "after_unknown": {} if after_unknown is None else after_unknown,
            "before_sensitive": before_sensitive,
            "after_sensitive": after_sensitive,
        },
    }
