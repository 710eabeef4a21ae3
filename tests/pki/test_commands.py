"""The commands as a person types them, against moto's cloud."""

import json
import tomllib
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from clientcert import Status
from pki import console
from pki.commands import (
    approve_ceremony,
    bootstrap_ca,
    diagnose,
    expiry_report,
    list_clients,
    provision_client,
    publish_crl,
    rekey_client,
    renew_client,
    renew_root,
    revoke_client,
    rotate_issuing_ca,
    rotation,
    show_client,
    truststore,
    unrevoke_client,
    upload_truststore,
    verify_transcript,
)
from pki.keys import KeyType, generate
from tests.pki.support import Cloud, Shell, establish

type Main = Callable[[Sequence[str] | None], int]

MAINS: dict[str, Main] = {
    "approve-ceremony": approve_ceremony.main,
    "bootstrap-ca": bootstrap_ca.main,
    "diagnose": diagnose.main,
    "expiry-report": expiry_report.main,
    "list-clients": list_clients.main,
    "provision-client": provision_client.main,
    "rekey-client": rekey_client.main,
    "renew-client": renew_client.main,
    "renew-root": renew_root.main,
    "publish-crl": publish_crl.main,
    "revoke-client": revoke_client.main,
    "rotate-issuing-ca": rotate_issuing_ca.main,
    "rotation": rotation.main,
    "show-client": show_client.main,
    "truststore": truststore.main,
    "unrevoke-client": unrevoke_client.main,
    "upload-truststore": upload_truststore.main,
    "verify-transcript": verify_transcript.main,
}


@pytest.fixture
def shell(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    monkeypatch.chdir(cloud.live_dir.parent)
    return Shell(capsys, MAINS)


@pytest.fixture
def ready(shell: Shell, cloud: Cloud) -> Shell:
    establish(cloud, now=console.now())
    return shell


def write_csr(path: Path, common_name: str = "device-001") -> None:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    csr = x509.CertificateSigningRequestBuilder().subject_name(name)
    signed = csr.sign(generate(KeyType.EC_P256), hashes.SHA256())
    path.write_bytes(signed.public_bytes(Encoding.PEM))


def test_pyproject_declares_exactly_these_commands() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    declared = {
        name: target
        for name, target in project["project"]["scripts"].items()
        if target.startswith("pki.")
    }

    assert set(declared) == set(MAINS)
    for name, target in declared.items():
        module, function = target.split(":")
        assert getattr(import_module(module), function) is MAINS[name]


@pytest.mark.parametrize("name", list(MAINS))
def test_help_shows_examples_and_exit_codes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        MAINS[name](["--help"])

    text = capsys.readouterr().out
    assert caught.value.code == 0
    assert f"examples:\n  {name}" in text
    assert "exit codes:\n  0  " in text
    assert "\n  130  interrupted" in text
    assert "--json" in text


def test_an_unknown_environment_exits_with_2(shell: Shell) -> None:
    assert shell.run("bootstrap-ca --environment production --plan plan.json") == 2
    assert "no environment 'production' under live/" in shell.err


def test_a_client_is_provisioned_with_a_key(ready: Shell, cloud: Cloud) -> None:
    result = ready.json(
        "provision-client device-001 --environment dev --generate-key "
        "--scope api/read --scope api/write"
    )

    files = result["files"]
    assert files["certificate"] == ".local/clients/device-001/client.crt"
    assert all(Path(path).is_file() for path in files.values())
    assert (result["scopes"], result["cognito_client_id"]) == (
        ["api/read", "api/write"],
        "cognito-id",
    )
    assert cloud.registry().find(result["fingerprint"]) is not None
    key = Path(files["private_key"]).read_text().splitlines()[1]
    assert key not in ready.out + ready.err


def test_a_client_is_provisioned_from_its_request(ready: Shell) -> None:
    write_csr(Path("client.csr"))

    result = ready.json("provision-client device-001 --environment dev --csr client.csr --days 90")

    assert result["files"]["private_key"] is None
    written = {path.name for path in Path(".local/clients/device-001").iterdir()}
    assert written == {"chain.pem", "client.crt"}


def test_a_request_of_another_name_exits_with_1(ready: Shell, cloud: Cloud) -> None:
    write_csr(Path("client.csr"), "device-002")

    assert ready.run("provision-client device-001 --environment dev --csr client.csr") == 1
    assert ready.err == (
        "error: client.csr: the request's subject is 'CN=device-002'\n"
        "hint: it must be empty or CN=device-001 and nothing else\n"
    )
    assert cloud.registry().of_client("device-001") == ()


def test_an_oversized_request_is_named_with_its_limit(shell: Shell) -> None:
    Path("client.csr").write_bytes(b"x" * 100_000)

    assert shell.run("provision-client device-001 --environment dev --csr client.csr") == 1
    assert shell.err.startswith(
        "error: client.csr: the request is oversized: more than 16384 bytes\nhint: make one: "
    )


@pytest.mark.parametrize(
    "arguments",
    [
        "Device --generate-key",
        "device-001",
        "device-001 --generate-key --csr x",
        "device-001 --generate-key --scope read",
        "device-001 --generate-key --key-type dsa",
        "device-001 --generate-key --generation 1",
    ],
)
def test_wrong_arguments_exit_with_2(shell: Shell, arguments: str) -> None:
    with pytest.raises(SystemExit) as caught:
        shell.run(f"provision-client --environment dev {arguments}")

    assert caught.value.code == 2


def test_a_key_type_without_a_key_to_make_exits_with_2(shell: Shell) -> None:
    write_csr(Path("client.csr"))

    command = "provision-client device-001 --environment dev --csr client.csr --key-type rsa-2048"

    assert shell.run(command) == 2
    assert "--key-type goes with --generate-key only" in shell.err


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("provision-client device-001 --generate-key --days 366", "'366' is no number of days"),
        ("provision-client device-001 --generate-key --days 0", "from 1 to 365"),
        ("provision-client device-001 --generate-key --days -1", "from 1 to 365"),
        ("provision-client device-001 --generate-key --days week", "from 1 to 365"),
        (
            "provision-client device-001 --generate-key --key-type bogus",
            "'bogus' is none of ec-p256, ec-p384, rsa-2048, rsa-3072\n",
        ),
        (
            "revoke-client device-001 --reason bogus",
            "'bogus' is none of unspecified, keyCompromise",
        ),
    ],
)
def test_a_wrong_argument_is_answered_with_what_would_be_right(
    command: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *arguments = command.split()

    with pytest.raises(SystemExit) as caught:
        MAINS[name]([*arguments, "--environment", "dev"])

    assert caught.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("name", ["nonexistent", "file/below"])
def test_a_live_dir_without_the_facts_is_wrong_usage(shell: Shell, name: str) -> None:
    Path("file").touch()

    assert shell.run(f"bootstrap-ca --plan plan.json --live-dir {name}") == 2
    assert shell.err.startswith(f"error: --live-dir {name}: no organization.yaml in it\nhint: ")


def test_an_unknown_app_client_exits_with_1(ready: Shell) -> None:
    command = "provision-client device-001 --environment dev --generate-key --app-client partner"

    assert ready.run(command) == 1
    assert "dev has no app client 'partner'" in ready.err


def test_without_a_ca_nothing_is_provisioned(shell: Shell) -> None:
    assert shell.run("provision-client device-001 --environment dev --generate-key") == 1
    assert "hint: run bootstrap-ca first" in shell.err


def test_the_truststore_is_uploaded_pinned_and_checked(ready: Shell) -> None:
    result = ready.json("upload-truststore --environment dev --pin-file pins/truststore.json")

    pin = json.loads(Path("pins/truststore.json").read_text())
    assert pin == {"version": result["version"], "sha256": result["sha256"]}
    assert result["uploaded"]
    again = ready.json("upload-truststore --environment dev --pin-file pins/again.json")
    assert (again["version"], again["uploaded"]) == (pin["version"], False)
    assert "note: the bundle is unchanged: no new version was made" in ready.err
    assert json.loads(Path("pins/again.json").read_text()) == pin
    assert ready.run("upload-truststore --environment dev --check pins/truststore.json") == 0


def test_a_wrong_pin_exits_with_1(ready: Shell) -> None:
    ready.json("upload-truststore --environment dev")
    Path("pin.json").write_text('{"version": "other", "sha256": "ab"}')

    assert ready.run("upload-truststore --environment dev --check pin.json") == 1
    assert "the pin names version other" in ready.err


def test_linting_a_file_asks_nothing_of_aws(
    ready: Shell, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready.json("provision-client device-001 --environment dev --generate-key")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")

    assert ready.run("upload-truststore --lint .local/clients/device-001/chain.pem") == 0
    assert ready.run("upload-truststore --lint .local/clients/device-001/client.crt") == 1
    assert ready.err.startswith("error: .local/clients/device-001/client.crt is refused: ")
    assert "[not-a-ca]" in ready.err
    assert "\nhint: a bundle is CA certificates in PEM" in ready.err
    assert ready.run("upload-truststore --lint none.pem") == 1
    assert ready.run("upload-truststore --lint none.pem --include g1") == 2


def test_the_findings_are_told_to_scripts_whether_it_is_refused_or_not(ready: Shell) -> None:
    ready.json("provision-client device-001 --environment dev --generate-key")
    folder = ".local/clients/device-001"

    assert ready.json(f"upload-truststore --lint {folder}/chain.pem") == {"findings": []}
    assert ready.run(f"upload-truststore --lint {folder}/client.crt --json") == 1
    findings = json.loads(ready.out)["findings"]
    assert {finding["rule"] for finding in findings} == {"not-a-ca", "incomplete-chain"}
    assert {finding["severity"] for finding in findings} == {"error"}
    assert findings[0]["message"].startswith("CN=device-001 is no CA")


def test_a_bundle_that_is_read_no_further_than_its_limit_is_too_large(shell: Shell) -> None:
    Path("large.pem").write_bytes(
        b"-----BEGIN CERTIFICATE-----\n" + b"AAAA\n" * 250_000 + b"-----END CERTIFICATE-----\n"
    )

    assert shell.run("upload-truststore --lint large.pem") == 1
    assert "error: large.pem is refused: it is oversized: more than 999999 bytes [size]\n" in (
        shell.err
    )


def test_a_client_is_revoked_by_name_and_stays_revoked(ready: Shell, cloud: Cloud) -> None:
    issued = ready.json("provision-client device-001 --environment dev --generate-key")

    command = "revoke-client device-001 --environment dev --reason keyCompromise"
    first, second = ready.json(command), ready.json(command)

    assert [entry["fingerprint"] for entry in first["revoked"]] == [issued["fingerprint"]]
    assert second["revoked"] == []
    assert [entry["reason"] for entry in second["already_revoked"]] == ["keyCompromise"]
    record = cloud.registry().find(issued["fingerprint"])
    assert record is not None
    assert record.status is Status.REVOKED


@pytest.mark.parametrize("how", ["--fingerprint {fingerprint}", "--serial {serial_number}"])
def test_a_client_is_revoked_by_its_certificate(ready: Shell, how: str) -> None:
    issued = ready.json("provision-client device-001 --environment dev --generate-key")

    result = ready.json(f"revoke-client {how.format(**issued)} --environment dev")

    assert [entry["client_id"] for entry in result["revoked"]] == ["device-001"]


def test_a_name_with_two_certificates_exits_with_2_until_all_are_meant(ready: Shell) -> None:
    ready.json("provision-client device-001 --environment dev --generate-key")
    ready.json(
        "provision-client device-001 --environment dev --generate-key --additional "
        "--output-dir next"
    )

    assert ready.run("revoke-client device-001 --environment dev") == 2
    assert "has 2 active certificates" in ready.err
    result = ready.json("revoke-client device-001 --environment dev --all")
    assert len(result["revoked"]) == 2


def test_an_unknown_client_exits_with_1(ready: Shell) -> None:
    assert ready.run("revoke-client device-404 --environment dev") == 1
    assert "the registry has no certificate of device-404" in ready.err


def test_a_hold_ends_and_anything_else_does_not(ready: Shell) -> None:
    ready.json("provision-client device-001 --environment dev --generate-key")
    ready.json("revoke-client device-001 --environment dev --reason certificateHold")

    result = ready.json("unrevoke-client device-001 --environment dev")

    assert [entry["client_id"] for entry in result["released"]] == ["device-001"]
    ready.json("revoke-client device-001 --environment dev --reason keyCompromise")
    assert ready.run("unrevoke-client device-001 --environment dev") == 1
    assert "no certificate on hold" in ready.err


def test_a_file_of_clients_is_revoked(ready: Shell) -> None:
    for name in ("device-001", "device-002"):
        ready.json(f"provision-client {name} --environment dev --generate-key --output-dir {name}")
    Path("stolen.csv").write_text("certificate,reason\ndevice-001,superseded\ndevice-002\n")

    result = ready.json("revoke-client --from stolen.csv --environment dev --reason keyCompromise")

    reasons = {entry["client_id"]: entry["reason"] for entry in result["revoked"]}
    assert reasons == {"device-001": "superseded", "device-002": "keyCompromise"}
    assert "2 lines: 2 certificates revoked, 0 before" in ready.err


@pytest.mark.parametrize("content", [b"?\n", b"\xff\n", b""])
def test_a_malformed_file_exits_with_2_and_names_the_file(shell: Shell, content: bytes) -> None:
    Path("stolen.csv").write_bytes(content)

    assert shell.run("revoke-client --from stolen.csv --environment dev") == 2
    assert "stolen.csv" in shell.err


def test_a_list_is_published_and_not_again_until_it_changes(ready: Shell, cloud: Cloud) -> None:
    cloud.security("s3").create_bucket(
        Bucket=cloud.organization.crl_bucket,
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
    )
    ready.json("provision-client device-001 --environment dev --generate-key")

    def published() -> tuple[int, int, bool]:
        (found,) = ready.json("publish-crl --environment dev")["lists"]
        return found["number"], found["entries"], found["new"]

    assert published() == (1, 0, True)
    assert published() == (1, 0, False)
    ready.json("revoke-client device-001 --environment dev")
    assert published() == (2, 1, True)


def test_a_list_without_a_bucket_exits_with_1(ready: Shell) -> None:
    assert ready.run("publish-crl --environment dev") == 1
    assert "hint: apply the unit ca/crl of the security account first" in ready.err


def test_all_without_a_name_exits_with_2(shell: Shell) -> None:
    assert shell.run("revoke-client --serial 1 --environment dev --all") == 2


def test_an_emulator_that_does_not_run_exits_with_1(
    live_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "999999999999")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    assert bootstrap_ca.main(["--plan", "plan.json", "--live-dir", str(live_dir)]) == 1
    assert capsys.readouterr().err == (
        "error: cannot reach http://127.0.0.1:1\nhint: run make up\n"
    )
