"""What goes wrong in live/ without a word: booleans, locks, files that are read unseen."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support import DEV, LIVE, ORGANIZATION
from tools.paths import ROOT

UNITS = sorted(LIVE.glob("*/*/*/*/terragrunt.hcl"))
ACM_DOMAIN = DEV.folder(LIVE) / "acm-domain"
INPUTS = re.compile(r"^inputs = \{\n.*?^\}", re.MULTILINE | re.DOTALL)
READS = re.compile(
    r"\b(file|filebase64|fileset|templatefile|read_terragrunt_config|read_tfvars_file"
    r"|sops_decrypt_file)\("
)


def terragrunt(tools: dict[str, str], *arguments: str, **environ: str) -> Any:
    result = subprocess.run(
        ["terragrunt", *arguments],
        env={**tools, "AWS_EC2_METADATA_DISABLED": "true", **environ},
        cwd=LIVE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def rendered_state(tools: dict[str, str], unit: Path, **environ: str) -> dict[str, Any]:
    document = terragrunt(tools, "render", "--json", "--working-dir", str(unit), **environ)
    config: dict[str, Any] = document["remote_state"]["config"]
    return config


@pytest.mark.parametrize("laptop", ["", "http://127.0.0.1:1"])
def test_booleans_of_the_state_configuration_stay_booleans(
    laptop: str, tools: dict[str, str]
) -> None:
    """A conditional around the configuration would make strings of them: "true" locks nothing."""
    config = rendered_state(tools, ACM_DOMAIN, AWS_ENDPOINT_URL=laptop)
    flags = {name: value for name, value in config.items() if isinstance(value, bool)}
    on_laptop = laptop != ""
    assert flags == {
        "encrypt": True,
        "skip_credentials_validation": on_laptop,
        "skip_metadata_api_check": on_laptop,
        "use_lockfile": True,
        "use_path_style": on_laptop,
    }
    assert {"true", "false"}.isdisjoint(str(value) for value in config.values())


def test_even_a_plan_may_take_and_give_back_its_lock(tools: dict[str, str]) -> None:
    """Native locking puts, reads and deletes <key>.tflock: without the rights no plan runs."""
    config = rendered_state(tools, ACM_DOMAIN, MTLS_ROLE="plan")
    lock = f"{config['bucket']}/{config['key']}.tflock"
    assert config["use_lockfile"] is True
    assert config["assume_role"]["role_arn"].endswith(f":role/{ORGANIZATION.name}-plan")

    policies = (ROOT / "modules" / "deploy-roles" / "policies.tf").read_text()
    statement = re.search(
        r'Sid      = "StateLock"\n +Effect   = "Allow"\n +Action   = (.*)\n +Resource = (.*)\n',
        policies,
    )
    assert statement is not None
    assert set(re.findall(r'"(.*?)"', statement[1])) == {"s3:PutObject", "s3:DeleteObject"}
    pattern = statement[2].strip('"').replace("${local.state_bucket_arn}", config["bucket"])
    assert re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), lock)


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: str(path.parent.relative_to(LIVE)))
def test_nothing_is_read_inside_inputs(unit: Path) -> None:
    """Terragrunt does not know such a file as read by the unit: its change would select nothing."""
    inputs = INPUTS.search(unit.read_text())
    assert inputs is not None
    assert READS.search(inputs[0]) is None


def test_files_that_are_read_are_known_to_be(tools: dict[str, str], tmp_path: Path) -> None:
    """A bare `file()` is not tracked, not even in locals: `mark_as_read` makes it so."""
    pin = tmp_path / "pins" / DEV.name / "truststore.json"
    (unit,) = terragrunt(
        tools,
        *("find", "--json", "--reading", "--filter", f"./{ACM_DOMAIN.relative_to(LIVE)}"),
        AWS_ENDPOINT_URL="http://127.0.0.1:1",
        MTLS_LOCAL_DIR=str(tmp_path),
    )
    read = {(LIVE / path).resolve() for path in unit["reading"]}
    environment = DEV.folder(LIVE)
    assert {
        pin,
        LIVE / "organization.yaml",
        LIVE / "root.hcl",
        LIVE / DEV.account_name / "account.hcl",
        LIVE / DEV.account_name / DEV.region / "region.hcl",
        *(environment / name for name in ("env.hcl", "images.hcl", "versions.hcl")),
    } <= read


@pytest.mark.parametrize(
    "file", [LIVE / "root.hcl", *UNITS], ids=lambda path: str(path.relative_to(LIVE))
)
def test_every_file_that_is_read_is_marked_as_read(file: Path) -> None:
    assert re.findall(r"\bfile\((?!mark_as_read\()", file.read_text()) == []


def test_a_lock_file_of_the_providers_is_released_with_every_module() -> None:
    """For each of 14 platforms the archive's hash and, for mirrors and caches, the provider's."""
    locks = {
        path.parent.name: path.read_text() for path in ROOT.glob("modules/*/.terraform.lock.hcl")
    }
    assert set(locks) == {path.parent.name for path in ROOT.glob("modules/*/versions.tf")}
    for text in locks.values():
        assert len(set(re.findall(r'"zh:[0-9a-f]{64}"', text))) == 15
        assert len(set(re.findall(r'"h1:[A-Za-z0-9+/]{43}="', text))) == 14


@pytest.mark.parametrize(("laptop", "commands"), [("", ["init"]), ("http://127.0.0.1:1", [])])
def test_providers_are_taken_as_they_are_locked(
    laptop: str, commands: list[str], tools: dict[str, str]
) -> None:
    terraform = terragrunt(
        tools,
        *("render", "--json", "--working-dir", str(ACM_DOMAIN)),
        AWS_ENDPOINT_URL=laptop,
    )["terraform"]
    locked = terraform["extra_arguments"]["providers_as_locked"]
    assert (locked["commands"], locked["arguments"]) == (commands, ["-lockfile=readonly"])
    assert terraform["copy_terraform_lock_file"] is False
