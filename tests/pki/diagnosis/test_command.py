"""``diagnose`` as a person types it, with facts from files."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from clientcert import fingerprint
from pki.commands.diagnose import main
from pki.issuing import issue_client
from pki.keys import KeyType, generate
from pki.truststore import build_bundle
from tests.pki.support import NOW, Hierarchy

AT = ["--at", NOW.isoformat()]


@pytest.fixture
def folder(tmp_path: Path, hierarchy: Hierarchy) -> Path:
    """A client's files and the truststore that lets it in."""
    key = generate(KeyType.EC_P256)
    certificate = issue_client(
        hierarchy.issuing, key.public_key(), "device-001", timedelta(days=30), NOW
    )
    (tmp_path / "client.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
    (tmp_path / "client.der").write_bytes(certificate.public_bytes(Encoding.DER))
    for name, encryption in (
        ("client.key", NoEncryption()),
        ("sealed.key", BestAvailableEncryption(b"open sesame")),
    ):
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        (tmp_path / name).write_bytes(pem)
    bundle = build_bundle([hierarchy.issuing.certificate], [hierarchy.root.certificate])
    (tmp_path / "truststore.pem").write_bytes(bundle)
    (tmp_path / "other.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    return tmp_path


def run(folder: Path, *arguments: str, certificate: str = "client.crt") -> int:
    named = [str(folder / word) if (folder / word).is_file() else word for word in arguments]
    return main([str(folder / certificate), *named, *AT])


def test_a_certificate_that_the_truststore_lets_in_passes(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "--truststore", "truststore.pem", "--key", "client.key") == 0

    told = capsys.readouterr().out
    assert "CN=device-001" in told
    assert "belongs to the certificate" in told


def test_a_refusal_says_who_why_and_what_to_do(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "--truststore", "other.pem") == 1

    told = capsys.readouterr().err
    assert "refused by API Gateway, handshake: untrusted_issuer" in told
    assert "hint: check the environment" in told


def test_json_holds_every_check(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "--truststore", "truststore.pem", "--json") == 0

    document = json.loads(capsys.readouterr().out)
    der = (folder / "client.der").read_bytes()
    assert document["fingerprint"] == fingerprint(der)
    assert document["refused_by"] is None
    assert [check["verdict"] for check in document["checks"]] == [
        "passed",
        "not checked",
        "not checked",
    ]


def test_an_encrypted_key_is_opened_with_its_passphrase(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--truststore", "truststore.pem", "--key", "sealed.key")
    monkeypatch.delenv("CLIENT_KEY_PASSPHRASE", raising=False)
    assert run(folder, *arguments) == 1
    assert "CLIENT_KEY_PASSPHRASE" in capsys.readouterr().err

    monkeypatch.setenv("CLIENT_KEY_PASSPHRASE", "open sesame")
    assert run(folder, *arguments) == 0
    assert "open sesame" not in "".join(capsys.readouterr())


def test_der_is_named_with_how_to_export_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "--truststore", "truststore.pem", certificate="client.der") == 1

    told = capsys.readouterr().err
    assert "this is DER" in told
    assert "openssl x509 -inform DER" in told


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--truststore", "truststore.pem", "--environment", "dev"),
        ("--truststore", "truststore.pem", "--token-file", "-"),
        ("--truststore", "truststore.pem", "--save-facts", "facts.json"),
        ("--truststore", "truststore.pem", "--at", "tomorrow"),
    ],
)
def test_wrong_usage_exits_2(folder: Path, arguments: tuple[str, ...]) -> None:
    try:
        code = run(folder, *arguments)
    except SystemExit as error:
        code = int(str(error.code))

    assert code == 2
