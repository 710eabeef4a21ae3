"""The publisher of revocation lists as Lambda runs it: KMS, two buckets, another's registry."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from clientcert import RevocationReason, SettingsError
from mtls_crl import handler as module
from mtls_crl.settings import Settings
from pki.crl_bucket import SIGNATURE_REQUEST_ID
from pki.errors import CrlError
from pki.publication import publish
from tests.functions.support import Invoke, LogLines
from tests.pki.support import Cloud, build_hierarchy, client_record, establish, register

ENVIRONMENT = {
    "AWS_REGION": "eu-west-1",
    "ENVIRONMENT": "dev",
    "ORGANIZATION": "example",
    "SECURITY_ACCOUNT_ID": "111111111111",
    "WORKLOAD_ACCOUNT_ID": "222222222222",
    "WORKLOAD_REGION": "eu-west-1",
}
LIST = "s3://example-crl-111111111111/dev/g1.crl"


@dataclass
class Scene:
    """An environment with one issuing CA and one client, whose lists nobody published yet."""

    cloud: Cloud

    @property
    def issuer(self) -> x509.Certificate:
        return self.cloud.store().get(self.cloud.organization.issuing("dev", "g1"))

    def stored(self) -> dict[str, Any]:
        found: dict[str, Any] = self.cloud.security("s3").get_object(
            Bucket=self.cloud.organization.crl_bucket, Key="dev/g1.crl"
        )
        return found

    def revoke(self) -> None:
        now = datetime.now(UTC)
        self.cloud.registry().revoke("a" * 64, RevocationReason.KEY_COMPROMISE, now)


@pytest.fixture
def scene(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Scene:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    # The function's own: moto takes an access key that it does not know for its default account.
    own = cloud.security("s3")._request_signer._credentials.get_frozen_credentials()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", own.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", own.secret_key)
    monkeypatch.setenv("AWS_SESSION_TOKEN", own.token)
    establish(cloud, now=datetime.now(UTC))
    cloud.security("s3").create_bucket(
        Bucket=cloud.organization.crl_bucket,
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
    )
    scene = Scene(cloud)
    register(cloud.registry(), client_record(issuer=scene.issuer.subject.rfc4514_string()))
    return scene


def test_it_publishes_a_list_that_the_issuing_ca_signed(scene: Scene, invoke: Invoke) -> None:
    (told,) = invoke(module.handler, {})["lists"]

    stored = scene.stored()
    crl = x509.load_der_x509_crl(stored["Body"].read())
    assert crl.is_signature_valid(scene.issuer.public_key())  # type: ignore[arg-type]
    assert told == {
        "issuer": "CN=example dev Issuing CA G1,O=example",
        "list": LIST,
        "number": 1,
        "entries": 0,
        "next_update": told["next_update"],
        "new": True,
        "signature_request_id": stored["Metadata"][SIGNATURE_REQUEST_ID],
    }
    assert datetime.fromisoformat(told["next_update"]) == crl.next_update_utc


def test_a_certificate_that_another_account_revoked_is_on_the_next_list(
    scene: Scene, invoke: Invoke
) -> None:
    invoke(module.handler, {})
    scene.revoke()

    (told,) = invoke(module.handler, {})["lists"]

    assert (told["number"], told["entries"]) == (2, 1)
    crl = x509.load_der_x509_crl(scene.stored()["Body"].read())
    assert [entry.serial_number for entry in crl] == [1234]


def test_what_is_fresh_is_neither_signed_nor_written_again(
    scene: Scene, invoke: Invoke, logs: LogLines
) -> None:
    invoke(module.handler, {})
    before = scene.stored()["LastModified"]

    (told,) = invoke(module.handler, {})["lists"]

    assert (told["number"], told["new"], told["signature_request_id"]) == (1, False, None)
    assert scene.stored()["LastModified"] == before
    (line,) = logs.messages("fresh")
    assert line["list"] == LIST


def test_the_metric_says_how_long_relying_parties_can_live_on_the_list(
    scene: Scene, invoke: Invoke, logs: LogLines
) -> None:
    (told,) = invoke(module.handler, {})["lists"]

    (line,) = logs.metrics("CrlSecondsLeft")
    left = datetime.fromisoformat(told["next_update"]) - datetime.now(UTC)
    assert line["CrlSecondsLeft"] == [pytest.approx(left.total_seconds(), abs=60)]
    assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "mtls-api"
    assert line["environment"] == "dev"


def test_a_list_that_fails_is_told_and_counted_and_keeps_back_no_other(
    scene: Scene, invoke: Invoke, logs: LogLines
) -> None:
    # GIVEN a second generation, whose key is gone
    organization = scene.cloud.organization
    other = build_hierarchy(now=datetime.now(UTC), generation="G2")
    scene.cloud.store().put(organization.root("g2"), other.root.certificate)
    scene.cloud.store().put(organization.issuing("dev", "g2"), other.issuing.certificate)

    with pytest.raises(CrlError):
        invoke(module.handler, {})

    (failed,) = logs.messages("not published")
    assert "alias/example-dev-issuing-ca-g2" in failed["detail"]
    (published,) = logs.messages("published")
    assert published["list"] == LIST
    assert scene.stored()["ContentType"] == "application/pkix-crl"
    assert logs.metrics("CrlSecondsLeft") == []  # which the alarm takes for the worst
    assert [line["Failed"] for line in logs.metrics("Failed")] == [[1]]


def test_a_run_that_cannot_begin_is_counted(
    scene: Scene, invoke: Invoke, logs: LogLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WORKLOAD_REGION")

    with pytest.raises(SettingsError, match="WORKLOAD_REGION"):
        invoke(module.handler, {})

    assert [line["Failed"] for line in logs.metrics("Failed")] == [[1]]


def test_the_metric_is_never_below_zero(scene: Scene, logs: LogLines) -> None:
    outcome = publish(module._publication(Settings.from_environment(ENVIRONMENT)))

    module._measure(outcome, datetime.now(UTC) + timedelta(days=30))
    module.metrics.flush_metrics()

    (line,) = logs.metrics("CrlSecondsLeft")
    assert line["CrlSecondsLeft"] == [0.0]


def test_nothing_that_is_logged_holds_a_certificate_or_a_key(
    scene: Scene, invoke: Invoke, logs: LogLines
) -> None:
    invoke(module.handler, {})

    pem = scene.issuer.public_bytes(Encoding.PEM).decode()
    assert "-----BEGIN" not in logs.text
    assert pem.splitlines()[1] not in logs.text


# --- Settings


def test_the_settings_name_what_is_the_environments() -> None:
    settings = Settings.from_environment(ENVIRONMENT)

    assert settings.environment.registry_table == "example-dev-registry"
    assert settings.environment.pki_reader_role_arn == (
        "arn:aws:iam::222222222222:role/example-dev-pki-reader"
    )
    assert settings.organization.ca_bucket == "example-ca-111111111111"
    assert settings.organization.crl_bucket == "example-crl-111111111111"
    assert settings.organization.environments == (settings.environment,)


@pytest.mark.parametrize("name", ENVIRONMENT)
@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_missing_is_named(name: str, value: str | None) -> None:
    environ = {**ENVIRONMENT, name: value}
    given = {key: text for key, text in environ.items() if text is not None}

    with pytest.raises(SettingsError, match=rf"\b{name}\b"):
        Settings.from_environment(given)
