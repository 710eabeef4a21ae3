"""Changes that are stopped by what their plan would do.

Where a rule reads the text of a module already (tests/pullrequests/test_gate.py), the text here
hides what it does behind an expression.
"""

import pytest

from tests.pullrequests.cases import Case, bad, parametrize
from tests.pullrequests.changes import remove, replace
from tests.pullrequests.conftest import Begun
from tests.pullrequests.world import World

pytestmark = pytest.mark.platform

DEV = "live/non-prod/eu-west-1/dev"
PROD = "live/prod/eu-west-1/prod"
WHOAMI = f"{DEV}/whoami/terragrunt.hcl"
REGISTRY = f"{DEV}/registry/terragrunt.hcl"
API = f"{DEV}/http-api-mtls/terragrunt.hcl"


CASES = (
    bad(
        "the truststore's pin removed",
        "APIGW-001",
        replace(
            "modules/acm-domain/main.tf",
            "    truststore_version = var.truststore_version\n",
            '    truststore_version = var.zone_id == "" ? "v" : null\n',
        ),
    ),
    bad(
        "a route without an authorizer",
        "APIGW-005",
        replace(API, 'authorization = "authorizer"', 'authorization = "none"'),
    ),
    bad(
        "a role that may do anything",
        "IAM-002",
        replace(
            "modules/registry/main.tf",
            'Action   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]',
            'Action   = ["s3:*"]',
        ),
    ),
    bad(
        "another environment trusted",
        "ENV-001",
        replace(
            REGISTRY,
            "writer_callers        = [local.ceremony,",
            "writer_callers        = [local.theirs, local.ceremony,",
        ),
        replace(
            REGISTRY,
            "\nlocals {\n",
            "\nlocals {\n  account = include.root.locals.account_id\n"
            '  theirs  = "arn:aws:iam::${local.account}:role/example-stage-whoami"\n',
        ),
    ),
    bad(
        "a role of an account that has no business here",
        "ACCOUNT-002",
        replace(
            REGISTRY,
            'accounts["security"]}:role/"',
            'accounts["prod"]}:role/"',
        ),
    ),
    bad(
        "logs kept for ever",
        "LOGS-001",
        replace(
            "modules/function/main.tf",
            "  retention_in_days = var.log_retention_days\n",
            "  retention_in_days = var.log_retention_days > 3653 ? 1 : 0\n",
        ),
    ),
    bad(
        "a replacement in prod",
        "CHANGE-002",
        replace(f"{PROD}/whoami/terragrunt.hcl", '}-whoami"', '}-whoareyou"'),
    ),
    bad(
        "a mock in the plan",
        "MOCK-001",
        replace(
            WHOAMI,
            "  environment = {\n",
            '  environment = {\n    TABLE = "mock-registry"\n',
        ),
    ),
    bad("a unit removed, and its resources left", "PIPELINE-001", remove(f"{DEV}/whoami")),
)


@parametrize(CASES)
def test_the_plan_is_refused(world: World, begun: Begun, nothing_applied: None, case: Case) -> None:
    with world.pull_request(case.change):
        answer = world.plan()
    case.assert_refused(answer)
