from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from clientcert import RevocationReason
from pki.crl import Crl
from pki.crl_bucket import SIGNATURE_REQUEST_ID, CrlBucket
from pki.errors import CrlError, KeyKeeperError
from pki.organization import Authority
from pki.publication import Outcome, Publication, publish
from pki.signer import Signer
from tests.pki.support import (
    NOW,
    Cloud,
    RecordedProgress,
    client_record,
    establish,
    kill_at_every_step,
    lost_answer,
    register,
)


@dataclass
class Scene:
    """An environment with one issuing CA, one client, and an empty bucket for lists."""

    cloud: Cloud
    publication: Publication
    authority: Authority

    def publish(self, at: datetime = NOW) -> Outcome:
        return publish(replace(self.publication, now=lambda: at))

    def published(self) -> Crl:
        stored = self.publication.bucket.find(self.authority)
        assert stored is not None
        return Crl.from_der(stored.content, self.cloud.store().get(self.authority))

    def object(self, suffix: str = "") -> dict[str, object]:
        answer: dict[str, object] = self.cloud.security("s3").get_object(
            Bucket=self.cloud.organization.crl_bucket, Key=f"dev/g1.crl{suffix}"
        )
        return answer

    def revoke(self) -> None:
        self.cloud.registry().revoke("a" * 64, RevocationReason.KEY_COMPROMISE, NOW)


@pytest.fixture
def scene(cloud: Cloud) -> Scene:
    establish(cloud)
    s3 = cloud.security("s3")
    s3.create_bucket(
        Bucket=cloud.organization.crl_bucket,
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
    )
    authority = cloud.organization.issuing("dev", "g1")
    issuer = cloud.store().get(authority).subject.rfc4514_string()
    register(cloud.registry(), client_record(issuer=issuer))
    publication = Publication(
        environment="dev",
        store=cloud.store(),
        registry=cloud.registry(),
        bucket=CrlBucket(s3, cloud.organization.crl_bucket),
        signer_of=cloud.signer_of,
        progress=RecordedProgress(),
        now=lambda: NOW,
    )
    return Scene(cloud, publication, authority)


def test_the_first_list_has_number_one(scene: Scene) -> None:
    outcome = scene.publish()

    (published,) = outcome.published
    assert (published.crl.number, published.crl.entries, published.is_new) == (1, (), True)
    assert scene.published() == published.crl
    outcome.require_complete()


def test_a_revoked_certificate_is_on_the_next_list(scene: Scene) -> None:
    scene.publish()
    scene.revoke()

    scene.publish(NOW + timedelta(minutes=1))

    assert scene.published().number == 2
    assert [entry.serial_number for entry in scene.published().entries] == [1234]


def test_what_has_not_changed_is_signed_again_halfway(scene: Scene) -> None:
    scene.publish()

    scene.publish(NOW + timedelta(hours=12))
    assert scene.published().number == 1

    scene.publish(NOW + timedelta(hours=12, seconds=1))
    assert scene.published().number == 2


def test_a_list_is_served_with_its_type_and_until_the_next_one(scene: Scene) -> None:
    scene.publish()

    for suffix, content_type in (("", "application/pkix-crl"), (".pem", "application/x-pem-file")):
        found = scene.object(suffix)
        assert found["ContentType"] == content_type
        assert found["CacheControl"] == "max-age=3600"


def test_a_list_names_the_signature_that_made_it(scene: Scene) -> None:
    (published,) = scene.publish().published

    metadata = scene.object()["Metadata"]
    assert published.signature_request_id
    assert metadata == {
        "crl-number": "1",
        SIGNATURE_REQUEST_ID: published.signature_request_id,
    }


def test_a_missing_pem_is_made_again_without_a_signature(scene: Scene) -> None:
    scene.publish()
    scene.cloud.security("s3").delete_object(
        Bucket=scene.cloud.organization.crl_bucket, Key="dev/g1.crl.pem"
    )

    scene.publish()

    assert scene.object(".pem")["Body"].read() == scene.published().pem  # type: ignore[attr-defined]
    assert scene.published().number == 1


def test_an_interrupted_publication_is_completed_by_the_next(scene: Scene) -> None:
    s3 = scene.cloud.security("s3")
    bucket = scene.cloud.organization.crl_bucket

    def run() -> None:
        scene.publish()

    def between(_: int) -> None:
        scene.publish()
        assert scene.object(".pem")["Body"].read() == scene.published().pem  # type: ignore[attr-defined]
        for key in ("dev/g1.crl", "dev/g1.crl.pem"):
            s3.delete_object(Bucket=bucket, Key=key)

    assert kill_at_every_step(run, between) > 5


def test_a_lost_answer_is_no_other_publication(scene: Scene) -> None:
    with lost_answer("PutObject"):
        outcome = scene.publish()

    outcome.require_complete()
    assert scene.published().number == 1


def test_a_list_that_somebody_published_meanwhile_stays(scene: Scene) -> None:
    def signer_of(authority: Authority) -> Signer:
        scene.publish()
        return scene.cloud.signer_of(authority)

    late = replace(scene.publication, signer_of=signer_of, now=lambda: NOW + timedelta(minutes=1))
    outcome = publish(late)

    with pytest.raises(CrlError, match="published by somebody else meanwhile"):
        outcome.require_complete()
    assert scene.published().this_update == NOW - timedelta(minutes=5)


def test_a_foreign_object_is_refused_and_left(scene: Scene) -> None:
    scene.cloud.security("s3").put_object(
        Bucket=scene.cloud.organization.crl_bucket, Key="dev/g1.crl", Body=b"<html>"
    )

    with pytest.raises(CrlError, match=r"dev/g1\.crl: this is no certificate revocation list"):
        scene.publish().require_complete()


def test_one_lost_key_does_not_keep_back_the_other_lists(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    g1, g2 = scene.authority, scene.cloud.organization.issuing("dev", "g2")
    scene.cloud.store().put(g2, scene.cloud.store().get(g1))

    def signer_of(authority: Authority) -> Signer:
        if authority == g1:
            raise KeyKeeperError("the key is gone")
        return scene.cloud.signer_of(g1)

    outcome = publish(replace(scene.publication, signer_of=signer_of))

    assert [published.authority for published in outcome.published] == [g2]
    with pytest.raises(CrlError, match=r"dev/g1\.crl: the key is gone"):
        outcome.require_complete()


def test_an_environment_without_a_valid_issuing_ca_has_no_list(scene: Scene) -> None:
    with pytest.raises(CrlError, match="no issuing CA that is valid now"):
        scene.publish(NOW + timedelta(days=365 * 6))


def test_whatever_aws_refuses_elsewhere_is_passed_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "Scan")

    scan: Callable[[], None] = refuse
    monkeypatch.setattr(scene.publication.registry, "records", scan)

    with pytest.raises(ClientError, match="AccessDenied"):
        scene.publish()
