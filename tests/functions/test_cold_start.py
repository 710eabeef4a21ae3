"""What a function loads before it can answer. Ceilings are ratios to `import boto3`, same run."""

import subprocess
import sys

import pytest

from tests.functions.support import ISSUER, REGION

MEASURE = """
import sys, time
def cost(statement):
    before = time.process_time()
    exec(statement)
    return time.process_time() - before
boto3 = cost("import boto3")
print(cost("import {module}") / boto3)
"""

# Slow to load, and needed by none of them.
UNWANTED = (
    "aws_xray_sdk",
    "pydantic",
    "jwt",
    "requests",
    "cryptography.x509",
    "aws_lambda_powertools.utilities.data_classes",
    "aws_lambda_powertools.event_handler",
)

HANDLERS = (
    "mtls_authorizer.handler",
    "mtls_token.handler",
    "mtls_token_binding.handler",
    "mtls_whoami.handler",
)


def run(code: str, **variables: str) -> str:
    environment = {
        "POWERTOOLS_SERVICE_NAME": "x",
        "POWERTOOLS_METRICS_NAMESPACE": "x",
        "AWS_DEFAULT_REGION": REGION,
        **variables,
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("module", HANDLERS)
def test_what_a_handler_adds_costs_less_than_twice_boto3(module: str) -> None:
    ratios = [float(run(MEASURE.format(module=module))) for _ in range(3)]

    assert min(ratios) < 2


@pytest.mark.parametrize("module", HANDLERS)
def test_a_handler_loads_nothing_heavy(module: str) -> None:
    loaded = run(f"import sys, {module}; print(*sys.modules)").split()

    assert module in loaded
    assert not set(UNWANTED) & set(loaded)


def test_the_sample_resource_needs_no_aws_client() -> None:
    loaded = run("import sys, mtls_whoami.handler; print(*sys.modules)").split()

    assert not {"boto3", "botocore"} & set(loaded)


@pytest.mark.parametrize("module", HANDLERS)
def test_importing_a_handler_touches_no_aws(module: str) -> None:
    # GIVEN neither settings nor a network
    code = f"import socket; socket.socket.connect = None; import {module}"

    run(code)


def test_in_lambda_clients_are_built_before_the_first_call() -> None:
    code = "import mtls_authorizer.handler as handler; print(handler._authorizer.cache_info().currsize)"

    built = run(
        code,
        AWS_LAMBDA_INITIALIZATION_TYPE="on-demand",
        ISSUER=ISSUER,
        JWKS_URI=f"{ISSUER}/.well-known/jwks.json",
        REGISTRY_TABLE="example-dev-registry",
        ROUTE_SCOPES="{}",
        CLIENT_IDS="[]",
    )

    assert built.strip() == "1"
