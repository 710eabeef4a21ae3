import hashlib
import json
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pki.errors import FileError, TruststoreError, UsageError
from pki.truststore_bucket import Pin, Stored, TruststoreBucket
from pki.truststore_upload import (
    Distrust,
    Draft,
    Upload,
    check,
    distrusted_names,
    draft,
    require_nobody_stranded,
    stranded,
)
from pki.truststore_upload import upload as upload_draft
from tests.pki.support import (
    NOW,
    Cloud,
    Hierarchy,
    RecordedProgress,
    build_hierarchy,
    client_record,
    establish,
    lost_answer,
    pem_of,
)


@pytest.fixture
def bundle(hierarchy: Hierarchy) -> bytes:
    return pem_of(hierarchy.issuing.certificate, hierarchy.root.certificate)


@pytest.fixture
def other_bundle() -> bytes:
    other = build_hierarchy(generation="G2")
    return pem_of(other.issuing.certificate, other.root.certificate)


def upload(
    bucket: TruststoreBucket, bundle: bytes, now: datetime, progress: RecordedProgress
) -> Upload:
    """Any bundle, whatever CAs there are."""
    return upload_draft(bucket, Draft(bundle, (), frozenset(), bucket.current()), now, progress)


def environment_bundle(cloud: Cloud, include: Collection[str] | None = None) -> bytes:
    return draft(cloud.store(), cloud.truststore(), "dev", include).bundle


def versions(cloud: Cloud) -> int:
    listed = cloud.workload("s3").list_object_versions(Bucket=cloud.environment.truststore_bucket)
    return len(listed.get("Versions", ()))


def test_the_first_upload_makes_a_version_and_pins_it(
    cloud: Cloud, bundle: bytes, progress: RecordedProgress
) -> None:
    done = upload(cloud.truststore(), bundle, NOW, progress)

    assert done.uploaded
    assert done.pin.sha256 == hashlib.sha256(bundle).hexdigest()
    current = cloud.truststore().current()
    assert current is not None
    assert (current.bundle, current.pin) == (bundle, done.pin)


def test_the_same_bundle_again_makes_no_version_but_the_same_pin(
    cloud: Cloud, bundle: bytes, progress: RecordedProgress
) -> None:
    first = upload(cloud.truststore(), bundle, NOW, progress)

    second = upload(cloud.truststore(), bundle, NOW, progress)

    assert (second.uploaded, second.pin) == (False, first.pin)
    assert versions(cloud) == 1


def test_another_bundle_makes_another_version(
    cloud: Cloud, bundle: bytes, other_bundle: bytes, progress: RecordedProgress
) -> None:
    first = upload(cloud.truststore(), bundle, NOW, progress)

    second = upload(cloud.truststore(), other_bundle, NOW, progress)

    assert second.pin.version != first.pin.version
    assert versions(cloud) == 2


def test_a_bundle_with_an_error_is_never_uploaded(
    cloud: Cloud, hierarchy: Hierarchy, progress: RecordedProgress
) -> None:
    with pytest.raises(TruststoreError, match="is not in the bundle"):
        upload(cloud.truststore(), pem_of(hierarchy.issuing.certificate), NOW, progress)

    assert versions(cloud) == 0


def test_a_warning_does_not_stop_an_upload(
    cloud: Cloud, hierarchy: Hierarchy, bundle: bytes, progress: RecordedProgress
) -> None:
    late = hierarchy.issuing.certificate.not_valid_after_utc - timedelta(days=30)

    done = upload(cloud.truststore(), bundle, late, progress)

    assert [finding.rule for finding in done.findings] == ["expires-soon"]


class Overtaken(TruststoreBucket):
    """Somebody else uploads between our look and our write."""

    somebody_elses: bytes

    def current(self) -> Stored | None:
        seen = super().current()
        TruststoreBucket.store(self, self.somebody_elses, seen)
        return seen


def test_an_upload_whose_answer_was_lost_is_repeated_without_harm(
    cloud: Cloud, bundle: bytes, progress: RecordedProgress
) -> None:
    with lost_answer("PutObject"):
        done = upload(cloud.truststore(), bundle, NOW, progress)

    current = cloud.truststore().current()
    assert current is not None
    assert done.pin == current.pin
    assert versions(cloud) == 1


@pytest.mark.parametrize("exists", [False, True])
def test_an_upload_beside_another_overwrites_nothing(
    cloud: Cloud, bundle: bytes, other_bundle: bytes, progress: RecordedProgress, *, exists: bool
) -> None:
    if exists:
        cloud.truststore().store(b"earlier", None)
    bucket = Overtaken(cloud.workload("s3"), cloud.environment)
    bucket.somebody_elses = other_bundle

    with pytest.raises(TruststoreError, match="changed by somebody else meanwhile"):
        upload(bucket, bundle, NOW, progress)

    current = cloud.truststore().current()
    assert current is not None
    assert current.bundle == other_bundle


def test_a_bucket_without_versions_is_refused(
    cloud: Cloud, bundle: bytes, progress: RecordedProgress
) -> None:
    cloud.workload("s3").put_bucket_versioning(
        Bucket=cloud.environment.truststore_bucket,
        VersioningConfiguration={"Status": "Suspended"},
    )

    with pytest.raises(TruststoreError, match="keeps no versions"):
        upload(cloud.truststore(), bundle, NOW, progress)

    assert versions(cloud) == 0


def test_a_missing_bucket_is_named_with_what_to_do(
    cloud: Cloud, bundle: bytes, progress: RecordedProgress
) -> None:
    cloud.workload("s3").delete_bucket(Bucket=cloud.environment.truststore_bucket)

    with pytest.raises(TruststoreError, match="does not exist in account 222222222222") as caught:
        upload(cloud.truststore(), bundle, NOW, progress)

    assert caught.value.hint == "apply the unit dev/truststore first"


def test_an_environments_bundle_comes_from_its_cas(cloud: Cloud) -> None:
    root, issuing = establish(cloud)

    bundle = environment_bundle(cloud)

    assert bundle == pem_of(issuing.certificate, root.certificate)
    assert environment_bundle(cloud, ["g1"]) == bundle


def test_generations_are_in_order_and_may_be_chosen(cloud: Cloud) -> None:
    hierarchies = {name: build_hierarchy(generation=name.upper()) for name in ("g2", "g10")}
    for name, made in hierarchies.items():
        cloud.store().put(cloud.organization.root(name), made.root.certificate)
        cloud.store().put(cloud.organization.issuing("dev", name), made.issuing.certificate)
    second, tenth = hierarchies["g2"], hierarchies["g10"]

    assert environment_bundle(cloud) == pem_of(
        second.issuing.certificate,
        tenth.issuing.certificate,
        second.root.certificate,
        tenth.root.certificate,
    )
    assert environment_bundle(cloud, ["g10"]) == pem_of(
        tenth.issuing.certificate, tenth.root.certificate
    )


def test_an_unknown_generation_is_wrong_usage(cloud: Cloud) -> None:
    with pytest.raises(UsageError, match="no issuing CA of generation g3"):
        environment_bundle(cloud, ["g3"])


def test_an_environment_without_ca_is_refused(cloud: Cloud) -> None:
    with pytest.raises(TruststoreError, match="has no issuing CA"):
        environment_bundle(cloud)


def test_a_pin_is_written_and_read(tmp_path: Path) -> None:
    pin = Pin("v1", "ab")

    pin.write(tmp_path / "pins" / "truststore.json")

    assert json.loads((tmp_path / "pins" / "truststore.json").read_text()) == {
        "version": "v1",
        "sha256": "ab",
    }
    assert Pin.read(tmp_path / "pins" / "truststore.json") == pin


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"version": "v"}', '{"version": "", "sha256": "a"}', '"text"']
)
def test_what_is_no_pin_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "pin.json").write_text(text)

    with pytest.raises(TruststoreError, match="is no pin"):
        Pin.read(tmp_path / "pin.json")


def test_a_missing_pin_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot read the pin file"):
        Pin.read(tmp_path / "none.json")


def test_a_right_pin_passes_the_check(
    cloud: Cloud, bundle: bytes, progress: RecordedProgress
) -> None:
    pin = upload(cloud.truststore(), bundle, NOW, progress).pin

    check(cloud.truststore(), bundle, pin)


def test_an_old_pin_fails_the_check(
    cloud: Cloud, bundle: bytes, other_bundle: bytes, progress: RecordedProgress
) -> None:
    old = upload(cloud.truststore(), other_bundle, NOW, progress).pin
    upload(cloud.truststore(), bundle, NOW, progress)

    with pytest.raises(TruststoreError, match=f"the pin names version {old.version}"):
        check(cloud.truststore(), bundle, old)


def test_a_bucket_with_another_bundle_fails_the_check(
    cloud: Cloud, bundle: bytes, other_bundle: bytes, progress: RecordedProgress
) -> None:
    pin = upload(cloud.truststore(), other_bundle, NOW, progress).pin

    with pytest.raises(TruststoreError, match="is not the bundle of the environment's CAs"):
        check(cloud.truststore(), bundle, pin)


def test_an_empty_bucket_fails_the_check(cloud: Cloud, bundle: bytes) -> None:
    with pytest.raises(TruststoreError, match="does not exist"):
        check(cloud.truststore(), bundle, Pin("v1", "ab"))


def put(cloud: Cloud, *generations: str) -> dict[str, Hierarchy]:
    """Issuing CAs in the CA store, each of a root of its own."""
    made = {name: build_hierarchy(generation=name.upper()) for name in generations}
    for name, hierarchy in made.items():
        cloud.store().put(cloud.organization.root(name), hierarchy.root.certificate)
        cloud.store().put(cloud.organization.issuing("dev", name), hierarchy.issuing.certificate)
    return made


def generations(drafted: Draft) -> list[str]:
    return [authority.generation for authority in drafted.authorities]


def drafted(
    cloud: Cloud, include: Collection[str] | None = None, distrust: Distrust | None = None
) -> Draft:
    return draft(cloud.store(), cloud.truststore(), "dev", include, distrust)


def test_a_ca_that_was_taken_out_stays_out_and_a_newer_one_comes_in(
    cloud: Cloud, progress: RecordedProgress
) -> None:
    put(cloud, "g1", "g2")
    upload_draft(cloud.truststore(), drafted(cloud, ["g2"]), NOW, progress)
    put(cloud, "g3")

    assert generations(drafted(cloud)) == ["g2", "g3"]
    assert generations(drafted(cloud, ["g1", "g2"])) == ["g1", "g2"]


def test_a_current_object_that_is_no_bundle_decides_nothing(cloud: Cloud) -> None:
    put(cloud, "g1")
    cloud.truststore().store(b"nonsense", None)

    with pytest.raises(TruststoreError, match="is no bundle"):
        drafted(cloud)
    assert generations(drafted(cloud, ["g1"])) == ["g1"]


def test_a_compromised_ca_is_remembered_with_the_object_and_never_comes_back(
    cloud: Cloud, progress: RecordedProgress
) -> None:
    put(cloud, "g1", "g2")
    chosen = drafted(cloud, distrust=Distrust("g2", "stolen"))
    assert generations(chosen) == ["g1"]

    pin = upload_draft(cloud.truststore(), chosen, NOW, progress).pin

    assert cloud.truststore().stored(pin.version).distrusted == {"g2"}
    assert generations(drafted(cloud)) == ["g1"]
    with pytest.raises(UsageError, match="g2 is compromised"):
        drafted(cloud, ["g2"])


def test_distrusting_a_ca_that_is_out_already_is_recorded_by_a_version(
    cloud: Cloud, progress: RecordedProgress
) -> None:
    put(cloud, "g1", "g2")
    upload_draft(cloud.truststore(), drafted(cloud, ["g2"]), NOW, progress)

    done = upload_draft(
        cloud.truststore(), drafted(cloud, distrust=Distrust("g1", "old")), NOW, progress
    )

    assert done.uploaded


def test_a_bundle_without_the_ca_of_a_certificate_in_use_is_refused(hierarchy: Hierarchy) -> None:
    issuer = hierarchy.issuing.certificate.subject.rfc4514_string()
    other = build_hierarchy(generation="G2")
    bundle = pem_of(other.issuing.certificate, other.root.certificate)
    record = client_record(issuer=issuer)

    with pytest.raises(TruststoreError, match=f"1 of {issuer} .such as {record.client_id}"):
        require_nobody_stranded(bundle, [record], record.not_before)


@pytest.mark.parametrize("case", ["expired", "trusted", "distrusted"])
def test_a_bundle_may_lack_the_ca_of_certificates_that_nobody_uses(
    hierarchy: Hierarchy, bundle: bytes, other_bundle: bytes, case: str
) -> None:
    issuer = hierarchy.issuing.certificate.subject.rfc4514_string()
    record = client_record(issuer=issuer)
    now = record.not_after + timedelta(days=1) if case == "expired" else record.not_before

    lost = stranded(
        bundle if case == "trusted" else other_bundle,
        [record],
        now,
        {issuer} if case == "distrusted" else (),
    )

    assert lost == {}


def test_compromised_generations_are_known_by_name(cloud: Cloud) -> None:
    made = put(cloud, "g1", "g2")

    assert distrusted_names(cloud.store(), "dev", {"g2"}) == {
        made["g2"].issuing.certificate.subject.rfc4514_string()
    }


def test_the_history_of_a_truststore_is_listed_newest_first(
    cloud: Cloud, bundle: bytes, other_bundle: bytes, progress: RecordedProgress
) -> None:
    first = upload(cloud.truststore(), bundle, NOW, progress).pin
    second = upload(cloud.truststore(), other_bundle, NOW, progress).pin

    listed = cloud.truststore().versions()

    assert {version.id for version in listed} == {first.version, second.version}
    assert [version.id for version in listed if version.is_current] == [second.version]


def test_a_version_that_never_was_is_named(cloud: Cloud) -> None:
    with pytest.raises(TruststoreError, match="has no version"):
        cloud.truststore().stored("never")
