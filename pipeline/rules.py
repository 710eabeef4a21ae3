"""Every rule that there is: what waivers may name, and what the documentation lists."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline import waivers
from pipeline.errors import PipelineError
from pipeline.model import Severity
from pipeline.policy import Opa

__all__ = ["PolicyRule", "policy_rules", "waivable"]


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """A rule in Rego, as its METADATA says.

    Attributes:
        id: unique, and never used again.
        severity: how bad its findings are.
        title: what it makes sure of.
        description: why.
        remedy: what to do about a finding.
        links: where to read on.
        waivable: whether the register of waivers may allow what it denies.
        package: such as ``plan.api_gateway.tls``.
    """

    id: str
    severity: Severity
    title: str
    description: str
    remedy: str
    links: tuple[str, ...]
    waivable: bool
    package: str


def policy_rules(opa: Opa) -> tuple[PolicyRule, ...]:
    """All rules in Rego, by id.

    Raises:
        CommandFailedError: OPA failed.
        PipelineError: a rule's METADATA is incomplete, or two rules have one id.
    """
    inspected = json.loads(opa.run("inspect", "--annotations", "--format", "json", opa.policies))
    found: dict[str, PolicyRule] = {}
    for entry in inspected["annotations"]:
        annotations = entry["annotations"]
        if "id" not in annotations.get("custom", {}):
            continue
        rule = _rule(annotations, [str(part["value"]) for part in entry["path"]])
        if rule.id in found:
            raise PipelineError(
                f"{rule.id} is the id of {found[rule.id].package} and of {rule.package}"
            )
        found[rule.id] = rule
    return tuple(found[name] for name in sorted(found))


def waivable(rules: tuple[PolicyRule, ...]) -> dict[str, bool]:
    """Ids of rules, and whether a waiver may name them: for `waivers.Register.apply`."""
    return {rule.id: rule.waivable for rule in rules} | {rule.id: False for rule in waivers.RULES}


def _rule(annotations: Mapping[str, Any], path: list[str]) -> PolicyRule:
    custom = annotations["custom"]
    package = ".".join(path[1:] if annotations.get("scope") == "package" else path[1:-1])
    try:
        return PolicyRule(
            id=custom["id"],
            severity=Severity(custom["severity"]),
            title=annotations["title"],
            description=" ".join(annotations["description"].split()),
            remedy=custom["remedy"],
            links=tuple(link["ref"] for link in annotations["related_resources"]),
            waivable=custom.get("waivable", True),
            package=package,
        )
    except (KeyError, ValueError) as error:
        raise PipelineError(f"{package}: METADATA is incomplete: {error}") from error
