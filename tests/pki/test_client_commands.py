"""What a person types to give clients their certificates, one or many, and the next ones."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    load_pem_private_key,
    pkcs12,
)

from clientcert import Status
from pki.commands import issuance, provision_client, rekey_client, renew_client
from pki.keys import KeyType, generate
from pki.profiles import client_name
from tests.pki.bulk_support import pem_request
from tests.pki.support import Cloud, Shell, establish

PASSPHRASE = "correct horse battery staple"
MAINS = {
    "provision-client": provision_client.main,
    "renew-client": renew_client.main,
    "rekey-client": rekey_client.main,
}


@pytest.fixture
def shell(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    establish(cloud)
    monkeypatch.chdir(cloud.live_dir.parent)
    monkeypatch.setattr(issuance, "CONNECTIONS", 1)  # moto copies tables, unguarded by a lock
    Path("passphrase").write_text(PASSPHRASE)
    return Shell(capsys, MAINS, "--environment", "dev")


def certificate_at(path: str | Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(Path(path).read_bytes())


def names_in(path: str | Path) -> list[str]:
    extension = certificate_at(path).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return [str(name.value) for name in extension.value]


def test_the_granted_names_are_in_the_certificate(shell: Shell) -> None:
    result = shell.json(
        "provision-client device-001 --generate-key --san URI:spiffe://example.com/device-001 "
        "--san DNS:device-001.example.com"
    )

    assert names_in(result["files"]["certificate"]) == [
        "spiffe://example.com/device-001",
        "device-001.example.com",
    ]


def test_names_that_only_the_request_asks_for_are_refused(shell: Shell) -> None:
    builder = x509.CertificateSigningRequestBuilder().subject_name(client_name("device-001"))
    builder = builder.add_extension(
        x509.SubjectAlternativeName([x509.DNSName("a.b")]), critical=False
    )
    request = builder.sign(generate(KeyType.EC_P256), hashes.SHA256())
    Path("a.csr").write_bytes(request.public_bytes(Encoding.PEM))

    assert shell.run("provision-client device-001 --csr a.csr") == 1
    assert shell.err.startswith("error: a.csr: the request asks for the alternative names DNS:a.b")
    assert shell.run("provision-client device-001 --csr a.csr --san DNS:a.b") == 0


def test_a_name_against_the_environments_rule_is_refused(shell: Shell, cloud: Cloud) -> None:
    facts = cloud.live_dir / "organization.yaml"
    facts.write_text(facts.read_text() + "client_names:\n  dev: 'sensor-[0-9]+'\n")

    assert shell.run("provision-client device-001 --generate-key") == 1
    assert "names must match sensor-[0-9]+" in shell.err
    assert shell.run("provision-client sensor-1 --generate-key") == 0


@pytest.mark.parametrize(
    "command", ["renew-client device-001 --csr next.csr", "rekey-client device-001"]
)
def test_a_rule_that_is_narrowed_locks_out_no_client_that_has_its_name(
    shell: Shell, cloud: Cloud, command: str
) -> None:
    shell.json("provision-client device-001 --generate-key")
    Path("next.csr").write_bytes(pem_request("device-001"))
    facts = cloud.live_dir / "organization.yaml"
    facts.write_text(facts.read_text() + "client_names:\n  dev: 'sensor-[0-9]+'\n")

    shell.json(command)

    assert len(cloud.registry().of_client("device-001")) == 2


def test_a_pkcs12_file_opens_with_the_passphrase_and_no_plain_key_is_left(shell: Shell) -> None:
    result = shell.json(
        "provision-client device-001 --generate-key --format pkcs12 --passphrase-file passphrase"
    )

    opened = pkcs12.load_pkcs12(Path(result["files"]["pkcs12"]).read_bytes(), PASSPHRASE.encode())
    assert opened.key is not None
    left = sorted(path.name for path in Path(".local/clients/device-001").iterdir())
    assert left == ["chain.pem", "client.crt", "client.p12"]
    assert PASSPHRASE not in shell.out + shell.err


def test_a_pkcs12_file_without_a_passphrase_is_wrong_usage(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, cloud: Cloud
) -> None:
    monkeypatch.delenv("PKI_PASSPHRASE", raising=False)
    monkeypatch.setattr("os.isatty", lambda _: False)

    assert shell.run("provision-client device-001 --generate-key --format pkcs12") == 2
    assert "no terminal to ask at" in shell.err
    assert cloud.registry().of_client("device-001") == ()


def test_a_renewed_certificate_keeps_what_the_client_may_and_the_old_one_retires(
    shell: Shell, cloud: Cloud
) -> None:
    first = shell.json(
        "provision-client device-001 --generate-key --scope api/write --san DNS:d.example.com"
    )
    Path("next.csr").write_bytes(pem_request("device-001"))

    second = shell.json("renew-client device-001 --csr next.csr --overlap 3")

    assert second["renewed_from"] == first["fingerprint"]
    assert (second["scopes"], second["cognito_client_id"]) == (["api/write"], "cognito-id")
    assert names_in(second["files"]["certificate"]) == ["d.example.com"]
    old, new = cloud.registry().of_client("device-001")
    assert old.retires_at is not None
    assert timedelta(days=2, hours=23) < old.retires_at - datetime.now(UTC) <= timedelta(days=3)
    assert new.is_usable(datetime.now(UTC))
    assert second["old_retires_at"] == old.to_item()["retires_at"]["S"]


def test_without_an_overlap_the_old_certificate_retires_at_once(shell: Shell, cloud: Cloud) -> None:
    shell.json("provision-client device-001 --generate-key")

    result = shell.json("rekey-client device-001 --overlap 0 --key-type ec-p384")

    old, new = cloud.registry().of_client("device-001")
    assert old.is_retired(datetime.now(UTC))
    assert old.status is Status.ACTIVE
    assert new.fingerprint == result["fingerprint"]
    key = load_pem_private_key(Path(result["files"]["private_key"]).read_bytes(), None)
    assert key.public_key() == certificate_at(result["files"]["certificate"]).public_key()


def test_the_renewed_certificate_is_the_one_that_is_renewed_next(shell: Shell) -> None:
    shell.json("provision-client device-001 --generate-key")
    second = shell.json("rekey-client device-001")

    third = shell.json("rekey-client device-001 --output-dir third")

    assert third["renewed_from"] == second["fingerprint"]


def test_a_request_with_the_old_key_is_refused(shell: Shell) -> None:
    key = generate(KeyType.EC_P256)
    Path("a.csr").write_bytes(pem_request("device-001", key))
    shell.json("provision-client device-001 --csr a.csr")

    assert shell.run("renew-client device-001 --csr a.csr") == 1
    assert "device-001 already has, or had, a certificate for this key" in shell.err


def test_a_client_without_a_certificate_is_not_renewed(shell: Shell) -> None:
    assert shell.run("rekey-client device-001") == 1
    assert shell.err == (
        "error: device-001 has no active certificate to renew\n"
        "hint: a client without one is provisioned: provision-client\n"
    )


def test_of_several_certificates_the_one_that_is_meant_is_renewed(shell: Shell) -> None:
    first = shell.json("provision-client device-001 --generate-key")
    shell.json("provision-client device-001 --generate-key --additional --output-dir other")

    assert shell.run("rekey-client device-001") == 1
    assert "has 2 active certificates" in shell.err
    result = shell.json(f"rekey-client device-001 --fingerprint {first['fingerprint']}")
    assert result["renewed_from"] == first["fingerprint"]


def test_a_csv_of_clients_is_provisioned(shell: Shell, cloud: Cloud) -> None:
    Path("a.csr").write_bytes(pem_request("a"))
    Path("fleet.csv").write_text(
        "name,csr,key_type,sans\na,a.csr,,DNS:a.example.com\nb,,ec-p256,\n"
    )

    result = shell.json("provision-client --csv fleet.csv --days 30")

    assert (result["delivered"], result["refused"]) == (2, [])
    assert names_in(".local/bulk/fleet/certificates/a.crt") == ["a.example.com"]
    assert Path(".local/bulk/fleet/certificates/b.key").stat().st_mode & 0o777 == 0o600
    written = json.loads(Path(result["files"]["result"]).read_text())
    assert [entry["client_id"] for entry in written["delivered"]] == ["a", "b"]
    assert {record.record.client_id for record in cloud.registry().records()} == {"a", "b"}
    again = shell.json("provision-client --csv fleet.csv --days 30")
    assert (again["delivered"], again["delivered_by_this_run"]) == (2, 0)


def test_a_wrong_line_keeps_all_from_being_issued_until_the_rest_is_asked_for(
    shell: Shell, cloud: Cloud
) -> None:
    Path("fleet.csv").write_text("name,key_type\na,ec-p256\nB,ec-p256\n")

    assert shell.run("provision-client --csv fleet.csv --json") == 1
    refused = json.loads(shell.out)["refused"]
    assert [entry["origin"] for entry in refused] == ["fleet.csv, line 3"]
    assert "error: 1 of 2 requests were refused, so nothing was issued" in shell.err
    assert list(cloud.registry().records()) == []
    assert shell.run("provision-client --csv fleet.csv --partial") == 1
    assert [entry.record.client_id for entry in cloud.registry().records()] == ["a"]


def test_a_folder_of_requests_is_provisioned(shell: Shell) -> None:
    Path("requests").mkdir()
    for name in ("a", "b"):
        Path(f"requests/{name}.csr").write_bytes(pem_request(name))

    result = shell.json("provision-client --csr-dir requests --output-dir out")

    assert result["delivered"] == 2
    assert certificate_at("out/certificates/a.crt").subject == client_name("a")


@pytest.mark.parametrize(
    "command",
    [
        "provision-client --csr x",
        "provision-client a --csv fleet.csv",
        "provision-client a --generate-key --partial",
        "provision-client --csv fleet.csv --san DNS:a.b",
        "provision-client --csv fleet.csv --key-type ec-p256",
        "rekey-client a --san DNS:a.b --no-san",
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(shell: Shell, command: str) -> None:
    Path("fleet.csv").write_text("name,key_type\na,ec-p256\n")

    assert shell.run(command) == 2
