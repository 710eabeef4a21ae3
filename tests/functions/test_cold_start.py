"""What a function loads before it can answer, seen in the zip that is deployed.

Each runs with the zip's content and the standard library, and nothing else: what is missing from
the zip is missing here. Ceilings are ratios to `import boto3` in the same process.
"""

import platform
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.functions.support import ISSUER, REGION
from tools.build_functions import Architecture, build_package, find_functions
from tools.paths import BUILD, ROOT

MEASURE = """
import time
def cost(statement):
    before = time.process_time()
    exec(statement)
    return time.process_time() - before
boto3 = cost("import boto3")
print(cost("import {module}") / boto3)
"""

# Slow to load, and needed by none of them.
UNWANTED = frozenset(
    {
        "aws_lambda_powertools.event_handler",
        "aws_lambda_powertools.utilities.data_classes",
        "aws_xray_sdk",
        "cryptography.x509",
        "jwt",
        "pydantic",
    }
)

HANDLERS = {
    "authorizer": "mtls_authorizer.handler",
    "est": "mtls_est.handler",
    "token": "mtls_token.handler",
    "token-binding": "mtls_token_binding.handler",
    "whoami": "mtls_whoami.handler",
}

type Unzip = Callable[[str], Path]


@pytest.fixture(scope="session")
def unzipped(tmp_path_factory: pytest.TempPathFactory) -> Unzip:
    """A function's package, unzipped; built if its inputs changed."""
    functions, architecture = find_functions(ROOT), Architecture.parse(platform.machine())
    trees: dict[str, Path] = {}

    def unzip(name: str) -> Path:
        if name not in trees:
            package = build_package(ROOT, functions[name], architecture, BUILD / "lambda")
            trees[name] = tmp_path_factory.mktemp(name)
            with zipfile.ZipFile(package.path) as archive:
                archive.extractall(trees[name])
        return trees[name]

    return unzip


def run(tree: Path, code: str, **variables: str) -> str:
    """Run code with the tree and the standard library alone."""
    environment = {
        "POWERTOOLS_SERVICE_NAME": "x",
        "POWERTOOLS_METRICS_NAMESPACE": "x",
        "AWS_DEFAULT_REGION": REGION,
        **variables,
    }
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import sys; sys.path.insert(0, {str(tree)!r})\n{code}",
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", HANDLERS)
def test_a_package_holds_all_that_its_handler_imports(unzipped: Unzip, name: str) -> None:
    loaded = run(unzipped(name), f"import {HANDLERS[name]}; print(*sys.modules)").split()

    assert HANDLERS[name] in loaded
    assert not UNWANTED & set(loaded)


@pytest.mark.parametrize("name", [name for name in HANDLERS if name != "whoami"])
def test_what_a_handler_adds_costs_less_than_boto3_itself(unzipped: Unzip, name: str) -> None:
    tree = unzipped(name)

    ratios = [float(run(tree, MEASURE.format(module=HANDLERS[name]))) for _ in range(5)]

    assert min(ratios) < 1


def test_the_issuer_finds_the_cas_package_in_its_own(unzipped: Unzip) -> None:
    loaded = run(
        unzipped("issuer"),
        "import socket; socket.socket.connect = None\n"
        "import mtls_issuer.handler; print(*sys.modules)",
    ).split()

    assert {"mtls_issuer.handler", "pki.issuing", "pki.registry"} <= set(loaded)
    assert not {"rich", "pki.console"} & set(loaded)


def test_the_sample_resource_carries_no_aws_client(unzipped: Unzip) -> None:
    assert not list(unzipped("whoami").glob("boto*"))


@pytest.mark.parametrize("name", HANDLERS)
def test_importing_a_handler_touches_no_network(unzipped: Unzip, name: str) -> None:
    # GIVEN neither settings nor a network
    code = f"import socket; socket.socket.connect = None; import {HANDLERS[name]}"

    run(unzipped(name), code)


def test_in_lambda_clients_are_built_before_the_first_call(unzipped: Unzip) -> None:
    built = run(
        unzipped("authorizer"),
        "from mtls_authorizer.handler import _authorizer; print(_authorizer.cache_info().currsize)",
        AWS_LAMBDA_INITIALIZATION_TYPE="on-demand",
        ISSUER=ISSUER,
        JWKS_URI=f"{ISSUER}/.well-known/jwks.json",
        REGISTRY_TABLE="example-dev-registry",
        ROUTE_SCOPES="{}",
        CLIENT_IDS="[]",
    )

    assert built.strip() == "1"


@pytest.mark.parametrize(
    ("name", "services"),
    [
        ("authorizer", ["dynamodb"]),
        ("est", ["dynamodb", "lambda", "sts"]),
        ("issuer", ["apigatewayv2", "dynamodb", "kms", "s3", "sts"]),
        ("token", ["dynamodb", "kms", "secretsmanager"]),
        ("token-binding", ["kms"]),
    ],
)
def test_a_package_holds_the_service_models_that_it_declares_and_no_other(
    unzipped: Unzip, name: str, services: list[str]
) -> None:
    tree = unzipped(name)
    held = sorted(path.name for path in (tree / "botocore" / "data").iterdir() if path.is_dir())

    run(tree, f"import boto3\nfor name in {services}: boto3.client(name)")

    assert held == services
