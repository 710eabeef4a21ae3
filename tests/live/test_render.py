"""What Terragrunt makes of live/: on AWS, on a laptop, and while an account has no roles."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support import DEV, LIVE, ORGANIZATION
from tools.paths import ROOT

NAME = ORGANIZATION.name
DEV_UNITS = LIVE / DEV.account_name / DEV.region / DEV.name
TRUSTSTORE = DEV_UNITS / "truststore"
REGISTRY = DEV_UNITS / "registry"
WHOAMI = DEV_UNITS / "whoami"


def terragrunt(
    tools: dict[str, str], *arguments: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["terragrunt", *arguments],
        env={**tools, "AWS_EC2_METADATA_DISABLED": "true", **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def render(tools: dict[str, str], unit: Path, **environ: str) -> dict[str, Any]:
    result = terragrunt(tools, "render", "--json", "--working-dir", str(unit), **environ)
    assert result.returncode == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def provider(rendered: dict[str, Any]) -> str:
    text: str = rendered["generate"]["provider"]["contents"]
    return text


def test_every_file_is_formatted(tools: dict[str, str]) -> None:
    result = terragrunt(tools, "hcl", "fmt", "--check", "--working-dir", str(LIVE))
    assert result.returncode == 0, result.stderr


def test_units_come_in_the_order_of_the_first_day(tools: dict[str, str]) -> None:
    result = terragrunt(tools, "find", "--dag", "--json", "--working-dir", str(LIVE))
    order = [Path(entry["path"]).name for entry in json.loads(result.stdout)]
    assert len(order) == len(list(LIVE.glob("*/*/*/*/terragrunt.hcl")))
    for before, after in (
        ("state-bucket", "deploy-roles"),
        ("deploy-roles", "pki"),
        ("registry", "cognito-m2m"),
        ("cognito-m2m", "authorizer"),
        ("truststore", "acm-domain"),
        ("dns-zone", "acm-domain"),
        ("acm-domain", "http-api-mtls"),
        ("authorizer", "http-api-mtls"),
        ("registry", "est"),
        ("est", "http-api-mtls"),
        ("whoami", "http-api-mtls"),
    ):
        assert order.index(before) < order.index(after)


def test_on_aws_the_provider_takes_the_plan_role_in_the_units_own_account(
    tools: dict[str, str],
) -> None:
    text = provider(render(tools, TRUSTSTORE))
    assert f'allowed_account_ids = ["{DEV.account_id}"]' in text
    assert f'"arn:aws:iam::{DEV.account_id}:role/{NAME}-plan"' in text
    assert f'unit         = "{TRUSTSTORE.relative_to(LIVE)}"' in text
    for argument in ("s3_use_path_style", "skip_credentials_validation", "skip_metadata_api_check"):
        assert f"{argument} " in text
    assert "= true" not in text


def test_state_lies_in_the_accounts_own_bucket_locked_and_through_the_role(
    tools: dict[str, str],
) -> None:
    state = render(tools, TRUSTSTORE, MTLS_ROLE="apply")["remote_state"]
    assert state["backend"] == "s3"
    assert state["config"] == {
        "assume_role": {
            "role_arn": f"arn:aws:iam::{DEV.account_id}:role/{NAME}-apply",
            "session_name": "terragrunt",
        },
        "bucket": f"{NAME}-tfstate-{DEV.account_id}",
        "encrypt": True,
        "key": f"{TRUSTSTORE.relative_to(LIVE)}/terraform.tfstate",
        "region": DEV.region,
        "skip_credentials_validation": False,
        "skip_metadata_api_check": False,
        "use_lockfile": True,
        "use_path_style": False,
    }


def test_on_the_laptop_three_flags_differ(tools: dict[str, str]) -> None:
    on_aws = provider(render(tools, TRUSTSTORE)).splitlines()
    laptop = provider(render(tools, TRUSTSTORE, AWS_ENDPOINT_URL="http://127.0.0.1:1")).splitlines()
    changed = [new.split()[0] for old, new in zip(on_aws, laptop, strict=True) if old != new]
    assert changed == [
        "s3_use_path_style",
        "skip_credentials_validation",
        "skip_metadata_api_check",
    ]


def test_plan_and_apply_use_working_directories_of_their_own(tools: dict[str, str]) -> None:
    directories = {
        render(tools, TRUSTSTORE, MTLS_ROLE=role)["download_dir"] for role in ("plan", "apply")
    }
    assert len(directories) == 2


def test_another_role_than_plan_or_apply_is_refused(tools: dict[str, str]) -> None:
    result = terragrunt(
        tools, "render", "--json", "--working-dir", str(TRUSTSTORE), MTLS_ROLE="admin"
    )
    assert result.returncode != 0


def test_bootstrapping_assumes_no_role(tools: dict[str, str]) -> None:
    rendered = render(tools, TRUSTSTORE, MTLS_BOOTSTRAP="1")
    assert "assume_role" not in provider(rendered)
    assert "assume_role" not in rendered["remote_state"]["config"]


def test_a_state_bucket_that_does_not_exist_keeps_its_state_in_a_file(
    tools: dict[str, str], tmp_path: Path
) -> None:
    unit = LIVE / "security" / ORGANIZATION.region / "account/state-bucket"
    state = render(tools, unit, MTLS_BOOTSTRAP="1", MTLS_BOOTSTRAP_STATE=str(tmp_path / "state"))[
        "remote_state"
    ]
    assert (state["backend"], state["config"]) == ("local", {"path": str(tmp_path / "state")})


def test_functions_are_zips_on_the_laptop(tools: dict[str, str]) -> None:
    rendered = render(
        tools, WHOAMI, AWS_ENDPOINT_URL="http://127.0.0.1:1", LAMBDA_ARCHITECTURE="x86_64"
    )
    assert rendered["inputs"]["package"] == {
        "architecture": "x86_64",
        "image_uri": None,
        "zip_path": str(ROOT / "build/lambda/x86_64/whoami.zip"),
    }


def test_functions_are_never_zips_on_aws(tools: dict[str, str]) -> None:
    package = render(tools, WHOAMI)["inputs"]["package"]
    assert package["zip_path"] is None
    assert package["architecture"] == "arm64"


def test_the_registry_is_for_the_security_accounts_ceremony_and_functions_alone(
    tools: dict[str, str],
) -> None:
    inputs = render(tools, REGISTRY)["inputs"]
    security_role = ORGANIZATION.ceremony_role_arn.removesuffix(f"{NAME}-ceremony")
    assert inputs["writer_callers"] == [
        ORGANIZATION.ceremony_role_arn,
        f"{security_role}{DEV.prefix}-issuer",
    ]
    assert inputs["reader_callers"] == [
        ORGANIZATION.ceremony_role_arn,
        f"{security_role}{DEV.prefix}-crl",
    ]
    assert inputs["truststore_bucket_arn"] == f"arn:aws:s3:::{DEV.truststore_bucket}"
    assert inputs["parameter_path"] == f"/{NAME}/{DEV.name}"


SHARED_ACCOUNT = [
    environment
    for environment in ORGANIZATION.environments
    if environment.account_id == DEV.account_id
]
NAMING = ("bucket_name", "domain_name", "name", "name_prefix")
"""Inputs that the names of everything in a module follow from."""


@pytest.mark.parametrize("unit", ["registry", "truststore"])
def test_environments_of_one_account_share_no_name(tools: dict[str, str], unit: str) -> None:
    names = [
        tuple(inputs[name] for name in NAMING if name in inputs)
        for environment in SHARED_ACCOUNT
        for inputs in [render(tools, environment.folder(LIVE) / unit)["inputs"]]
    ]
    assert all(names)
    assert len(set(names)) == len(SHARED_ACCOUNT) > 1


@pytest.mark.parametrize("unit", sorted(DEV_UNITS.glob("*/terragrunt.hcl")), ids=str)
def test_every_unit_takes_its_name_from_the_environments(unit: Path) -> None:
    named = r"include\.root\.locals\.(name_prefix|truststore_bucket_name|api_domain_name)\b"
    inputs = unit.read_text().partition("\ninputs = {")[2]
    assert re.search(rf"^  ({'|'.join(NAMING)}) += .*{named}", inputs, re.MULTILINE)


def test_every_environment_has_a_zone_in_its_own_account(tools: dict[str, str]) -> None:
    for environment in ORGANIZATION.environments:
        unit = environment.folder(LIVE).parent / "account" / "dns-zone"
        zone = f"{environment.name}.{ORGANIZATION.domain}"
        assert zone in render(tools, unit)["inputs"]["domain_names"]
        assert ORGANIZATION.api_domain_name(environment) == f"api.{zone}"


@pytest.mark.parametrize("account", sorted(ORGANIZATION.accounts))
def test_an_accounts_apply_role_trusts_its_own_environments_alone(
    tools: dict[str, str], account: str
) -> None:
    unit = LIVE / account / ORGANIZATION.region / "account" / "deploy-roles"
    inputs = render(tools, unit, MTLS_BOOTSTRAP="1", MTLS_BOOTSTRAP_STATE="/nowhere")["inputs"]
    held = {entry.name for entry in ORGANIZATION.environments if entry.account_name == account}
    assert set(inputs["github_environments"]) == {account, *held}
    assert inputs["plan_bucket_name"] == f"{NAME}-plans-{ORGANIZATION.accounts[account]}"


@pytest.mark.parametrize(("chosen", "expected"), [("", {"dev", "stage", "prod"}), ("dev", {"dev"})])
def test_a_laptop_spares_the_keys_of_environments_that_it_leaves_out(
    tools: dict[str, str], chosen: str, expected: set[str]
) -> None:
    authority = LIVE / "security" / ORGANIZATION.region / "ca"
    inputs = render(tools, authority / "crl", MTLS_ENVIRONMENTS=chosen)["inputs"]
    assert set(inputs["environments"]) == expected
