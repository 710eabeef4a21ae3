"""``truststore`` and ``rotation`` as a person types them, against moto's cloud."""

import stat
from pathlib import Path
from typing import Any

import pytest
from moto.apigatewayv2.models import apigatewayv2_backends

from pki import console
from pki.commands import rotation, trust_options, truststore
from pki.errors import RolloutError
from pki.truststore import build_bundle
from pki.truststore_bucket import Pin
from tests.pki.support import Cloud, Hierarchy, Shell, build_hierarchy, client_record, register

DOMAIN = "api.dev.example.com"
PIN = Path("truststore.json")


@pytest.fixture
def shell(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    monkeypatch.chdir(cloud.live_dir.parent)
    cloud.workload("apigatewayv2").create_domain_name(
        DomainName=DOMAIN, DomainNameConfigurations=[{"EndpointType": "REGIONAL"}]
    )

    def apply() -> None:
        backend = apigatewayv2_backends[cloud.environment.account_id]["eu-west-1"]
        made: Any = backend.domain_names[DOMAIN]
        made.mutual_tls_authentication = {
            "truststoreUri": cloud.truststore().uri,
            "truststoreVersion": Pin.read(PIN).version,
        }

    monkeypatch.setattr(trust_options, "terragrunt_apply", lambda unit: apply)
    add_ca(cloud, "g1")
    pin = cloud.truststore().store(bundle(cloud, "g1"), None)
    pin.write(PIN)
    apply()
    return Shell(
        capsys, {"rotation": rotation.main, "truststore": truststore.main}, "--environment", "dev"
    )


def add_ca(cloud: Cloud, generation: str) -> Hierarchy:
    # Now, and not at the tests' usual time: the commands look at the clock.

    made = build_hierarchy(generation=generation.upper(), now=console.now())
    cloud.store().put(cloud.organization.root(generation), made.root.certificate)
    cloud.store().put(cloud.organization.issuing("dev", generation), made.issuing.certificate)
    return made


def bundle(cloud: Cloud, generation: str) -> bytes:

    organization, store = cloud.organization, cloud.store()
    issuing = store.get(organization.issuing("dev", generation))
    return build_bundle([issuing], [store.get(organization.root(generation))])


CHANGE = f"--pin-file {PIN} --no-canary --settle 0"


def test_a_rotation_goes_from_state_to_state(shell: Shell, cloud: Cloud) -> None:
    assert shell.json("rotation status")["state"] == "retired"
    add_ca(cloud, "g2")
    status = shell.json("rotation status")
    assert (status["state"], status["next"].split(" --environment")[0]) == (
        "prepared",
        "rotation trust",
    )
    planned = shell.json("rotation trust --plan")
    assert planned["added"] == [
        "CN=example dev Issuing CA G2,O=example",
        "CN=example Root CA G2,O=example",
    ]
    trusted = shell.json(f"rotation trust {CHANGE}")
    assert (trusted["state"], trusted["uploaded"]) == ("drained", True)
    retired = shell.json(f"rotation retire {CHANGE}")
    assert retired["removed"] == [
        "CN=example dev Issuing CA G1,O=example",
        "CN=example Root CA G1,O=example",
    ]
    assert shell.json("rotation status")["state"] == "retired"
    assert shell.json(f"truststore status --pin-file {PIN}")["verdict"] == "ok"


@pytest.fixture
def in_use(shell: Shell, cloud: Cloud) -> str:
    """A certificate of g1 that may be used, while g1 and g2 are trusted."""
    add_ca(cloud, "g2")
    shell.json(f"rotation trust {CHANGE}")
    issuer = cloud.store().get(cloud.organization.issuing("dev", "g1"))
    record = client_record(
        issuer=issuer.subject.rfc4514_string(),
        not_before=issuer.not_valid_before_utc.replace(microsecond=0),
    )
    register(cloud.registry(), record)
    return record.client_id


def test_a_ca_with_certificates_in_use_is_not_retired(shell: Shell, in_use: str) -> None:
    before = Pin.read(PIN)

    assert shell.run(f"rotation retire {CHANGE}") == 1
    assert f"1 of CN=example dev Issuing CA G1,O=example (such as {in_use}" in shell.err
    assert Pin.read(PIN) == before


def test_who_has_to_renew_is_listed_with_what_to_type(shell: Shell, in_use: str) -> None:
    (entry,) = shell.json("rotation drain")["certificates"]

    assert entry["client_id"] == in_use
    assert entry["ended_by"].startswith(f"renew-client {in_use} --environment dev")


def test_a_compromised_ca_goes_although_its_certificates_are_in_use(
    shell: Shell, in_use: str
) -> None:
    result = shell.json(f"rotation retire --distrust g1 --reason stolen {CHANGE}")

    assert "CN=example dev Issuing CA G1,O=example" in result["removed"]
    assert result["returns_to"] is None
    assert shell.run("truststore status") == 1
    assert f"such as {in_use}'s" in shell.err


def test_a_ca_that_is_not_trusted_yet_takes_over_from_none(shell: Shell, cloud: Cloud) -> None:
    add_ca(cloud, "g2")

    assert shell.run(f"rotation retire {CHANGE}") == 1
    assert "hint: first: rotation trust --environment dev" in shell.err


def test_a_pin_that_the_domain_does_not_have_exits_with_1(shell: Shell) -> None:
    Path("other.json").write_text('{"version": "other", "sha256": "ab"}')

    assert shell.run("truststore status --pin-file other.json") == 1
    assert "error: pin file: other: not what the domain has pinned" in shell.err


def test_a_planned_rollout_changes_nothing(shell: Shell, cloud: Cloud) -> None:
    add_ca(cloud, "g2")
    before = Pin.read(PIN)

    planned = shell.json(f"truststore rollout --plan --pin-file {PIN}")

    assert (planned["version"], planned["returns_to"]) == (before.version, None)
    assert Pin.read(PIN) == before


@pytest.mark.parametrize(
    "command",
    [
        f"truststore rollout --pin-file {PIN}",
        f"truststore rollout --pin-file {PIN} --canary x --no-canary",
        "truststore rollout --no-canary",
        "truststore status --version v",
        "truststore canary",
        "truststore canary --no-canary",
        "rotation status --distrust g1 --reason stolen",
        "rotation retire --distrust g1",
    ],
)
def test_what_makes_no_sense_is_wrong_usage(shell: Shell, command: str) -> None:
    assert shell.run(command) == 2


@pytest.mark.parametrize("option", ["--settle -1", "--settle soon", "--settle 3601"])
def test_a_wait_is_a_number_of_seconds(
    shell: Shell, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        shell.run(f"truststore rollout {option}")

    assert caught.value.code == 2
    assert "no number of seconds from 0 to 3600" in capsys.readouterr().err


def terragrunt(folder: Path, *lines: str) -> None:
    program = folder / "terragrunt"
    program.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def test_the_unit_is_applied_with_the_apply_role(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terragrunt(tmp_path, f'echo "$MTLS_ROLE $*" > {tmp_path}/said')
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    trust_options.terragrunt_apply(Path("live/unit"))()

    said = (tmp_path / "said").read_text()
    assert said.startswith("apply run --non-interactive --working-dir live/unit -- apply ")


def test_a_unit_that_cannot_be_applied_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terragrunt(tmp_path, "exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    with pytest.raises(RolloutError, match="live/unit could not be applied"):
        trust_options.terragrunt_apply(Path("live/unit"))()


def test_without_terragrunt_nothing_is_applied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(RolloutError, match="terragrunt is not on PATH"):
        trust_options.terragrunt_apply(Path("live/unit"))()
