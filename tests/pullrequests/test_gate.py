"""Changes that are stopped before any of their code has run: nothing is even initialised."""

from datetime import date, timedelta

import pytest

from tests.pullrequests.cases import Case, bad, findings, parametrize
from tests.pullrequests.changes import Change, Edit, append, remove, replace, write
from tests.pullrequests.conftest import Begun
from tests.pullrequests.world import Answer, World

pytestmark = pytest.mark.platform

DEV = "live/non-prod/eu-west-1/dev"
STAGE = "live/non-prod/eu-west-1/stage"
PROD = "live/prod/eu-west-1/prod"
REGISTRY = "modules/registry/main.tf"

EXTERNAL = """
data "external" "this" {
  program = ["sh", "-c", "env >&2; echo {}"]
}
"""

PROVISIONER = """
resource "aws_sns_topic" "further" {
  name = "further"

  provisioner "local-exec" {
    command = "env"
  }
}
"""

STATEFUL = """\
  lifecycle {
    prevent_destroy = true
  }
"""


def waiver(rule: str, days: int) -> Edit:
    """A register with one entry, which ends so many days from now."""
    last = date.today() + timedelta(days)  # noqa: DTZ011 # the day where the pipeline runs
    return write(
        "policies/waivers.yaml",
        f"""\
waivers:
  - rule: {rule}
    resource: modules/registry/main.tf
    owner: platform-team
    reason: The program moves out of the module in spring.
    expires: "{last}"
    ticket: PLAT-123
""",
    )


PINS = (
    bad(
        "the working tree outside dev",
        "PIN-001",
        replace(f"{STAGE}/versions.hcl", 'registry      = "0.1.0"', 'registry      = "local"'),
    ),
    bad(
        "a pin without a release",
        "PIN-002",
        replace(f"{STAGE}/versions.hcl", 'registry      = "0.1.0"', 'registry      = "9.9.9"'),
    ),
    bad(
        "prod ahead of stage",
        "PIN-003",
        replace(f"{PROD}/versions.hcl", 'function      = "0.1.0"', 'function      = "0.2.0"'),
    ),
)

CODE = (
    bad("an external data source", "CODE-004", append(REGISTRY, EXTERNAL)),
    bad("a provisioner", "CODE-005", append(REGISTRY, PROVISIONER)),
    bad(
        "a provider that nobody listed",
        "CODE-003",
        replace(
            "modules/registry/versions.tf",
            "  required_providers {\n",
            '  required_providers {\n    null = { source = "somebody/null", version = "3.2.4" }\n',
        ),
    ),
    bad(
        "a module with a provider of its own",
        "CODE-007",
        append(REGISTRY, '\nprovider "aws" {\n  region = "us-east-1"\n}\n'),
    ),
    bad(
        "a module from elsewhere",
        "CODE-006",
        append(
            REGISTRY,
            '\nmodule "theirs" {\n  source = "git::https://github.com/somebody/theirs.git"\n}\n',
        ),
    ),
    bad(
        "a program that reads the configuration",
        "CODE-001",
        replace(
            f"{DEV}/registry/terragrunt.hcl",
            "inputs = {",
            'inputs = {\n  ran = run_cmd("sh", "-c", "env")',
        ),
    ),
    bad(
        "a hook in a unit",
        "CODE-002",
        replace(
            f"{DEV}/registry/terragrunt.hcl",
            "terraform {\n",
            'terraform {\n  before_hook "env" {\n    commands = ["plan"]\n'
            '    execute  = ["env"]\n  }\n\n',
        ),
    ),
)

ROOT = (
    bad(
        "a provider that takes any account",
        "ROOT-001",
        replace("live/root.hcl", '      allowed_account_ids = ["${local.account_id}"]\n', ""),
    ),
    bad(
        "a state without a lock",
        "ROOT-002",
        replace("live/root.hcl", "use_lockfile = true", "use_lockfile = false"),
    ),
    bad(
        "modules from elsewhere",
        "ROOT-003",
        replace(
            "live/root.hcl",
            "git::https://github.com/${local.organization.github_repository}.git",
            "git::https://github.com/somebody/theirs.git",
        ),
    ),
    bad(
        "one account for two folders",
        "TREE-004",
        replace("live/organization.yaml", '"333333333333"', '"222222222222"'),
    ),
    bad(
        "another account, written out",
        "TREE-004",
        replace(
            f"{DEV}/registry/terragrunt.hcl",
            "= include.root.locals.account_id",
            '= "333333333333"',
        ),
    ),
    bad(
        "a unit that stands outside",
        "UNIT-001",
        replace(f"{DEV}/registry/terragrunt.hcl", '"root.hcl"', '"account.hcl"'),
    ),
    bad(
        "a file of Terraform beside a unit", "TREE-002", write(f"{DEV}/registry/main.tf", EXTERNAL)
    ),
)

UNITS = (
    bad(
        "mocks that serve a plan",
        "DEP-004",
        replace(
            f"{DEV}/acm-domain/terragrunt.hcl",
            """\
  config_path = "../truststore"

  mock_outputs_allowed_terraform_commands = ["init", "validate"]
""",
            """\
  config_path = "../truststore"

  mock_outputs_allowed_terraform_commands = ["init", "validate", "plan"]
""",
        ),
    ),
    bad(
        "mocks instead of outputs",
        "DEP-003",
        replace(
            f"{DEV}/acm-domain/terragrunt.hcl",
            'config_path = "../truststore"\n',
            'config_path = "../truststore"\n  skip_outputs = true\n',
        ),
    ),
    bad(
        "a dependency on another environment",
        "DEP-002",
        replace(f"{DEV}/acm-domain/terragrunt.hcl", '"../truststore"', '"../../stage/registry"'),
    ),
    bad("a unit removed that others depend on", "DEP-001", remove(f"{DEV}/truststore")),
    bad(
        "an image by its tag",
        "DIGEST-001",
        write(
            f"{PROD}/images.hcl",
            """\
locals {
  images = {
    whoami = "333333333333.dkr.ecr.eu-west-1.amazonaws.com/example-whoami:latest"
  }
}
""",
        ),
    ),
    bad(
        "a registry that may be destroyed",
        "MODULE-001",
        replace(REGISTRY, STATEFUL, ""),
    ),
)


SETTINGS = (
    bad(
        "mutual TLS removed",
        "CKV_MTLS_1",
        replace(
            "modules/acm-domain/main.tf",
            """\
  mutual_tls_authentication {
    truststore_uri     = var.truststore_uri
    truststore_version = var.truststore_version
  }
""",
            "",
        ),
    ),
    bad(
        "the truststore's pin removed",
        "CKV_MTLS_1",
        replace(
            "modules/acm-domain/main.tf", "    truststore_version = var.truststore_version\n", ""
        ),
    ),
    bad(
        "the default endpoint opened",
        "CKV_MTLS_2",
        replace(
            "modules/http-api-mtls/main.tf",
            "disable_execute_api_endpoint = true",
            "disable_execute_api_endpoint = false",
        ),
    ),
    bad(
        "the authorizer's cache on",
        "CKV_MTLS_3",
        replace(
            "modules/http-api-mtls/main.tf",
            "authorizer_result_ttl_in_seconds = 0",
            "authorizer_result_ttl_in_seconds = 300",
        ),
    ),
    bad(
        "an older TLS",
        "CKV_MTLS_4",
        replace("modules/acm-domain/main.tf", '"TLS_1_2"', '"TLS_1_0"'),
    ),
    bad(
        "a public bucket",
        "CKV_AWS_54",
        replace(
            "modules/truststore/main.tf",
            "  block_public_policy     = true",
            "  block_public_policy     = false",
        ),
    ),
    bad(
        "logs kept for ever",
        "CKV_AWS_66",
        replace("modules/function/main.tf", "  retention_in_days = var.log_retention_days\n", ""),
    ),
)

WAIVERS = (
    bad("a waiver that has expired", "WAIVER-002", waiver("CODE-004", days=-1)),
    bad("a waiver for longer than may be", "WAIVER-003", waiver("CODE-004", days=181)),
    bad("a waiver for no rule", "WAIVER-004", waiver("CODE-999", days=30)),
    bad("a waiver for what nothing may waive", "WAIVER-005", waiver("CODE-005", days=30)),
    bad(
        "a waiver without an owner",
        "WAIVER-001",
        write("policies/waivers.yaml", "waivers:\n  - rule: CODE-004\n"),
    ),
)


@parametrize((*PINS, *CODE, *ROOT, *UNITS, *SETTINGS, *WAIVERS))
def test_the_gate_refuses(world: World, begun: Begun, nothing_applied: None, case: Case) -> None:
    case.assert_refused(judged(world, case.change))


def test_a_waiver_lets_one_thing_through_and_says_for_how_long(world: World) -> None:
    change = Change("Run a program", (append(REGISTRY, EXTERNAL), waiver("CODE-004", days=30)))
    answer = judged(world, change)
    waived = [found for found in findings(answer) if found["rule"] == "CODE-004"]
    assert [(found["waiver"], found["days_left"]) for found in waived] == [("PLAT-123", 30)]
    assert not waived[0]["blocking"]


@parametrize(
    (
        bad("what an expired waiver was for", "CODE-004", waiver("CODE-004", days=-1)),
        bad("what nothing may waive", "CODE-005", waiver("CODE-005", days=30)),
    )
)
def test_a_waiver_that_is_refused_waives_nothing(world: World, case: Case) -> None:
    code = append(REGISTRY, EXTERNAL if case.rule == "CODE-004" else PROVISIONER)
    case.assert_refused(judged(world, Change(case.change.title, (*case.change.edits, code))))


def judged(world: World, change: Change) -> Answer:
    """What the pull request's first job says."""
    with world.pull_request(change):
        return world.pipeline("gate", "--base", "origin/main", "--json")


@parametrize(PINS[:1])
def test_what_the_gate_refuses_is_not_planned(
    world: World, nothing_applied: None, case: Case
) -> None:
    with world.pull_request(case.change):
        answer = world.plan()
    case.assert_refused(answer)
    assert answer.json["sets"] == []


def test_the_gate_lets_the_organisation_through(world: World) -> None:
    world.pipeline("gate", "--json").passed()
