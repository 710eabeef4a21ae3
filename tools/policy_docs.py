"""Writes docs/policies.md: every rule of the gates, from its own METADATA.

    python -m tools.policy_docs           write it
    python -m tools.policy_docs --check   fail when it is not current

Rules in Rego describe themselves in annotations, our checks for checkov in their docstrings, and
the rules of the waiver register in Python: the page only lays them out.
"""

import argparse
import difflib
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from pipeline import rules, scanning, waivers
from pipeline.errors import PipelineError
from pipeline.policy import Opa
from pipeline.rules import PolicyRule
from pipeline.scanning import OwnCheck
from pipeline.waivers import Rule
from tools import install
from tools.errors import ToolsError, exit_code
from tools.paths import ROOT, write_atomically

PAGE = ROOT / "docs" / "policies.md"

_HEAD = """\
# Policies

Every rule that the gates hold a change against. This page is generated from the rules \
themselves: `make docs` writes it, `make lint` compares it. How rules are written is in \
[policies/README.md](../policies/README.md), when they are asked in [gitops.md](gitops.md).

| Gate | Judges | Before | Command |
| --- | --- | --- | --- |
| [live/ and modules](#rules-over-live-and-the-modules) | text: units, pins, root.hcl, modules \
at their pins | any `init` | `make gate` |
| [checkov](#checks-of-the-modules-source) | source of the modules and the Dockerfile | any \
`init` | `make gate` |
| [plans](#rules-over-plans) | the JSON of every plan, as reviewed and again as applied | any \
`apply` | `make plan ENV=dev` |

`deny` stops a change. `undecided` means that a value is known only after something else was \
applied: it stops the last environment and the account `security`, and is shown elsewhere. \
`warn` is for the reviewer.

A **waiver** lets one finding pass for a while: an entry in \
[policies/waivers.yaml](../policies/waivers.yaml) with an owner, a reason, a ticket and a last \
day that is at most {days} days ahead. An entry that has expired is refused, and with it the \
change. Rules marked "never" cannot be waived.
"""

_DOMAINS = {
    "plan": "Rules over plans",
    "live": "Rules over live/ and the modules",
    "gate": "Rules over what is handed to the gates",
}


def page(policies: Iterable[PolicyRule], checks: Iterable[OwnCheck], others: Iterable[Rule]) -> str:
    """The text of docs/policies.md."""
    parts = [_HEAD.format(days=waivers.HORIZON.days)]
    found = list(policies)
    for kind in ("live", "plan", "gate"):
        parts.append(f"## {_DOMAINS[kind]}\n")
        parts += [_rule(rule) for rule in found if rule.package.partition(".")[0] == kind]
        if kind == "live":
            parts.append("## Checks of the modules' source\n")
            parts.append(
                "[checkov](https://www.checkov.io/5.Policy%20Index/terraform.html)'s own checks of "
                "Terraform and Dockerfiles, and these, which it lacks. An exception that holds for "
                "good stands beside the resource, with its reason: "
                "`#checkov:skip=<id>: <reason>`.\n"
            )
            parts += [_check(check) for check in checks]
    parts.append("## Rules over exceptions\n")
    parts.append("| Id | Severity | Makes sure that | What to do |\n| --- | --- | --- | --- |")
    parts += [
        f"| {rule.id} | {rule.severity} | {_lower(rule.title)} | {_cell(rule.remedy)} |"
        for rule in others
    ]
    return "\n".join(parts) + "\n"


def _rule(rule: PolicyRule) -> str:
    return _entry(
        rule.id,
        rule.title,
        rule.description,
        [
            f"**Severity** {rule.severity}",
            f"**Waiver** {'possible' if rule.waivable else 'never'}",
            f"**Source** [{rule.package}](../policies/{_source(rule)})",
        ],
        rule.remedy,
        rule.links,
    )


def _check(check: OwnCheck) -> str:
    return _entry(
        check.id,
        check.title,
        check.description,
        [
            f"**Severity** {check.severity}",
            "**Waiver** possible",
            "**Source** [checkov/checks](../policies/checkov/checks)",
        ],
        check.remedy,
        [check.link],
    )


def _entry(
    name: str,
    title: str,
    description: str,
    facts: Sequence[str],
    remedy: str,
    links: Sequence[str],
) -> str:
    return "\n".join(
        [
            f"### {name}: {title}\n",
            f"{description}\n",
            f"{' · '.join(facts)}\\",
            f"**What to do** {remedy}\\",
            f"**Read on** {', '.join(f'<{link}>' for link in links)}\n",
        ]
    )


def _source(rule: PolicyRule) -> str:
    return f"{rule.package.replace('.', '/')}.rego"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _lower(title: str) -> str:
    return _cell(title[0].lower() + title[1:])


def current(opa: Opa) -> str:
    """The page as the rules are now.

    Raises:
        PipelineError: a rule does not describe itself.
    """
    others = (*waivers.RULES, *scanning.RULES)
    return page(rules.policy_rules(opa), scanning.own_checks(), others)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.policy_docs",
        description="Writes docs/policies.md from the rules' own descriptions.",
    )
    parser.add_argument("--check", action="store_true", help="fail when the page is not current")
    options = parser.parse_args(arguments)

    def run() -> int:
        try:
            text = current(Opa(install.ensure(["opa"], environ=os.environ)))
        except PipelineError as error:
            raise ToolsError(str(error), hint=error.hint) from error
        if not options.check:
            write_atomically(PAGE, text)
            return 0
        return compare(PAGE, text)

    return exit_code(run)


def compare(file: Path, text: str) -> int:
    """Shows how a file differs from what it should be; 1 when it does."""
    found = file.read_text("utf-8") if file.is_file() else ""
    shown = difflib.unified_diff(
        found.splitlines(), text.splitlines(), str(file.name), "as the rules are", lineterm="", n=1
    )
    lines = list(shown)
    for line in lines[:40]:
        print(line)
    if lines:
        print("docs/policies.md is not current: make docs", file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
