from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes

from pki.bootstrap import Ceremony, Established, bootstrap
from pki.errors import AlreadyBootstrappedError, CaStoreError, KeyKeeperError, UsageError
from pki.issuing import was_issued_by
from pki.organization import Authority
from pki.signer import KeptSignature, Signer
from tests.pki.support import (
    NOW,
    Cloud,
    RecordedProgress,
    build_hierarchy,
    kill_at_every_step,
    lost_answer,
)


def ceremony_in(cloud: Cloud, *, now: datetime = NOW) -> Ceremony:
    return Ceremony(
        cloud.organization, cloud.store(), cloud.signer_of, RecordedProgress(), lambda: now
    )


def run(cloud: Cloud) -> tuple[Established, ...]:
    return bootstrap(ceremony_in(cloud), ["dev"], "g1")


def test_root_and_issuing_ca_are_issued_and_stored(cloud: Cloud) -> None:
    root, issuing = run(cloud)

    assert root.certificate.subject.rfc4514_string() == "CN=example Root CA G1,O=example"
    assert issuing.certificate.subject.rfc4514_string() == (
        "CN=example dev Issuing CA G1,O=example"
    )
    assert (root.created, issuing.created) == (True, True)
    assert cloud.store().find(root.authority) == root.certificate
    assert cloud.store().find(issuing.authority) == issuing.certificate
    assert was_issued_by(issuing.certificate, root.certificate)


def test_an_rsa_4096_hierarchy_signs_with_sha_256(rsa_cloud: Cloud) -> None:
    root, issuing = run(rsa_cloud)

    assert isinstance(root.certificate.signature_hash_algorithm, hashes.SHA256)
    assert isinstance(issuing.certificate.signature_hash_algorithm, hashes.SHA256)


def test_a_second_bootstrap_is_refused_and_says_what_exists(cloud: Cloud) -> None:
    root, _ = run(cloud)

    with pytest.raises(AlreadyBootstrappedError) as caught:
        run(cloud)

    assert "CN=example Root CA G1,O=example at s3://example-ca-111111111111/root/g1.pem" in str(
        caught.value
    )
    assert cloud.store().find(root.authority) == root.certificate


def test_an_environment_added_later_gets_its_ca_from_the_same_root(
    cloud: Cloud, live_dir: Path
) -> None:
    first, _ = run(cloud)
    cloud.make_key(cloud.organization.issuing("stage", "g1").key_alias)

    root, dev, stage = bootstrap(ceremony_in(cloud), ["dev", "stage"], "g1")

    assert [entry.created for entry in (root, dev, stage)] == [False, False, True]
    assert root.certificate == first.certificate
    assert was_issued_by(stage.certificate, root.certificate)


def test_a_new_generation_of_an_issuing_ca_comes_from_the_newest_root(cloud: Cloud) -> None:
    cloud.make_key(cloud.organization.root("g2").key_alias)
    cloud.make_key(cloud.organization.issuing("dev", "g2").key_alias)
    run(cloud)

    root, issuing = bootstrap(ceremony_in(cloud), ["dev"], "g2")

    assert (root.authority.generation, root.created) == ("g1", False)
    assert (issuing.authority.generation, issuing.created) == ("g2", True)
    assert was_issued_by(issuing.certificate, root.certificate)
    assert [entry.generation for entry in cloud.store().roots()] == ["g1"]


def test_a_new_root_is_made_when_asked_for_and_issues_from_then_on(cloud: Cloud) -> None:
    for authority in (cloud.organization.root("g2"), cloud.organization.issuing("dev", "g2")):
        cloud.make_key(authority.key_alias)
    run(cloud)

    root, issuing = bootstrap(ceremony_in(cloud), ["dev"], "g2", "g2")

    assert (root.authority.generation, root.created) == ("g2", True)
    assert was_issued_by(issuing.certificate, root.certificate)
    cloud.make_key(cloud.organization.issuing("stage", "g1").key_alias)
    newest, dev, stage = bootstrap(ceremony_in(cloud), ["dev", "stage"], "g1")
    assert newest.certificate == root.certificate
    assert [entry.created for entry in (newest, dev, stage)] == [False, False, True]
    assert was_issued_by(stage.certificate, root.certificate)
    assert not was_issued_by(dev.certificate, root.certificate)


def test_a_missing_key_stops_the_ceremony_before_anything_is_signed(cloud: Cloud) -> None:
    with pytest.raises(KeyKeeperError, match="alias/example-stage-issuing-ca-g1"):
        bootstrap(ceremony_in(cloud), ["dev", "stage"], "g1")

    assert cloud.store().roots() == ()


def test_a_root_of_another_key_is_refused(cloud: Cloud) -> None:
    stranger = build_hierarchy().root.certificate
    cloud.store().put(cloud.organization.root("g1"), stranger)

    with pytest.raises(CaStoreError, match="is for another key than alias/example-root-ca-g1"):
        run(cloud)

    assert cloud.store().issuing("dev") == ()


def test_an_issuing_ca_of_another_root_is_refused(cloud: Cloud) -> None:
    root, _ = run(cloud)
    kms = cloud.security("kms")
    kms.delete_alias(AliasName=root.authority.key_alias)
    cloud.make_key(root.authority.key_alias)
    s3 = cloud.security("s3")
    s3.delete_object(Bucket=cloud.organization.ca_bucket, Key=root.authority.object_key)

    with pytest.raises(CaStoreError, match=r"no root in .* issued CN=example dev Issuing CA G1"):
        run(cloud)

    assert cloud.store().roots() == ()


def test_an_object_that_is_no_certificate_is_refused(cloud: Cloud) -> None:
    cloud.security("s3").put_object(
        Bucket=cloud.organization.ca_bucket, Key="root/g1.pem", Body=b"not a certificate"
    )

    with pytest.raises(CaStoreError, match=r"root/g1\.pem is not one certificate"):
        run(cloud)


def test_a_missing_bucket_is_named_with_what_to_do(cloud: Cloud) -> None:
    cloud.security("s3").delete_bucket(Bucket=cloud.organization.ca_bucket)

    with pytest.raises(CaStoreError, match="bucket example-ca-111111111111 does not exist"):
        run(cloud)


def test_no_environment_is_wrong_usage(cloud: Cloud) -> None:
    with pytest.raises(UsageError, match="no environment to bootstrap"):
        bootstrap(ceremony_in(cloud), [], "g1")


def test_a_ceremony_beside_another_overwrites_nothing(cloud: Cloud) -> None:
    other = ceremony_in(cloud)
    winner: list[Established] = []

    def signer_of(authority: Authority) -> Signer:
        """By the time that this one signs, the other has finished."""
        return LateSigner(cloud.signer_of(authority))

    class LateSigner:
        def __init__(self, signer: Signer) -> None:
            self.signer = signer
            self.public_key = signer.public_key

        def sign_digest(self, digest: bytes, algorithm: hashes.HashAlgorithm) -> KeptSignature:
            winner.extend(bootstrap(other, ["dev"], "g1"))
            return self.signer.sign_digest(digest, algorithm)

    slow = Ceremony(cloud.organization, cloud.store(), signer_of, RecordedProgress(), lambda: NOW)

    with pytest.raises(CaStoreError, match="appeared meanwhile"):
        bootstrap(slow, ["dev"], "g1")

    assert cloud.store().find(cloud.organization.root("g1")) == winner[0].certificate


def test_a_store_whose_answer_was_lost_is_repeated_without_harm(cloud: Cloud) -> None:
    with lost_answer("PutObject"):
        root, issuing = run(cloud)

    assert cloud.store().find(root.authority) == root.certificate
    assert cloud.store().find(issuing.authority) == issuing.certificate


def test_root_and_issuing_ca_from_different_days_nest(cloud: Cloud) -> None:
    bootstrap(ceremony_in(cloud), ["dev"], "g1")
    cloud.make_key(cloud.organization.issuing("stage", "g1").key_alias)

    root, stage = bootstrap(ceremony_in(cloud, now=NOW + timedelta(days=365)), ["stage"], "g1")

    assert stage.certificate.not_valid_after_utc < root.certificate.not_valid_after_utc


def test_a_bootstrap_killed_at_any_step_ends_the_same_when_run_again(cloud: Cloud) -> None:
    ceremony = ceremony_in(cloud)

    def start_over() -> None:
        s3 = cloud.security("s3")
        for key in ("root/g1.pem", "issuing/dev/g1.pem"):
            s3.delete_object(Bucket=cloud.organization.ca_bucket, Key=key)

    def finish(after: int) -> None:
        with suppress(AlreadyBootstrappedError):
            bootstrap(ceremony, ["dev"], "g1")
        root = cloud.store().get(cloud.organization.root("g1"))
        issuing = cloud.store().get(cloud.organization.issuing("dev", "g1"))
        assert was_issued_by(root, root), f"killed after {after} effects"
        assert was_issued_by(issuing, root), f"killed after {after} effects"
        start_over()

    effects = kill_at_every_step(lambda: bootstrap(ceremony, ["dev"], "g1"), finish)

    assert effects >= 2 * len(("get key", "find", "sign", "put")) * len(("root", "issuing"))
