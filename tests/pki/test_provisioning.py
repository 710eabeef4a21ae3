import json
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from clientcert import RevocationReason, Status, fingerprint
from pki.delivery import ClientFolder
from pki.errors import ActiveCertificateError, FileError, IssuanceError, RegistryError
from pki.issuing import was_issued_by
from pki.keys import KeyType, generate
from pki.provisioning import ClientRequest, Provisioned, Provisioning, provision
from pki.registry import Registry
from tests.pki.support import (
    NOW,
    Cloud,
    Hierarchy,
    RecordedProgress,
    build_hierarchy,
    kill_at_every_step,
    lost_answer,
    pem_of,
)

REQUEST = ClientRequest(
    client_id="device-001",
    environment="dev",
    key=KeyType.EC_P256,
    scopes=frozenset({"api/read"}),
    cognito_client_id="cognito-id",
    lifetime=timedelta(days=365),
)


@pytest.fixture
def provisioning(cloud: Cloud, hierarchy: Hierarchy, tmp_path: Path) -> Provisioning:
    return provisioning_in(cloud, hierarchy, tmp_path / "clients" / "device-001")


def provisioning_in(cloud: Cloud, hierarchy: Hierarchy, folder: Path) -> Provisioning:
    return Provisioning(
        issuer=hierarchy.issuing,
        root=hierarchy.root.certificate,
        registry=cloud.registry(),
        folder=ClientFolder(folder),
        progress=RecordedProgress(),
        now=lambda: NOW,
    )


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def delivered(provisioning: Provisioning) -> x509.Certificate:
    path = provisioning.folder.path("client.crt")
    return x509.load_pem_x509_certificate(path.read_bytes())


def assert_whole(provisioning: Provisioning, cloud: Cloud, context: str = "") -> None:
    """Exactly one certificate is active, and it lies in the folder with its key and chain."""
    (active,) = (
        record
        for record in cloud.registry().of_client("device-001")
        if record.status is Status.ACTIVE
    )
    folder = provisioning.folder.path("")
    certificate = delivered(provisioning)
    key = load_pem_private_key((folder / "client.key").read_bytes(), None)
    assert fingerprint(certificate.public_bytes(Encoding.DER)) == active.fingerprint, context
    assert key.public_key() == certificate.public_key(), context
    assert set(files_of(folder)) == {"client.crt", "client.key", "chain.pem"}, context


def test_a_client_is_issued_registered_and_delivered(
    provisioning: Provisioning, cloud: Cloud, hierarchy: Hierarchy
) -> None:
    done = provision(provisioning, REQUEST)

    assert_whole(provisioning, cloud)
    assert not done.resumed
    assert was_issued_by(delivered(provisioning), hierarchy.issuing.certificate)
    chain = pem_of(hierarchy.issuing.certificate, hierarchy.root.certificate)
    assert provisioning.folder.path("chain.pem").read_bytes() == chain


def test_the_registry_holds_what_api_gateway_will_show(
    provisioning: Provisioning, cloud: Cloud
) -> None:
    done = provision(provisioning, REQUEST)
    certificate = delivered(provisioning)

    record = cloud.registry().find(done.record.fingerprint)

    assert record is not None
    assert record == done.record
    assert record.serial_number == str(certificate.serial_number)
    assert record.issuer == "CN=example dev Issuing CA G1,O=example"
    assert record.not_after == certificate.not_valid_after_utc
    assert (record.scopes, record.cognito_client_id) == (frozenset({"api/read"}), "cognito-id")


def test_the_key_is_for_its_owner_alone(provisioning: Provisioning) -> None:
    provision(provisioning, REQUEST)

    modes = {
        name: provisioning.folder.path(name).stat().st_mode & 0o777
        for name in ("client.key", "client.crt", "chain.pem")
    }
    assert modes == {"client.key": 0o600, "client.crt": 0o644, "chain.pem": 0o644}


def test_no_step_says_anything_of_the_key(provisioning: Provisioning) -> None:
    provision(provisioning, REQUEST)

    key = provisioning.folder.path("client.key").read_text().splitlines()[1]
    progress = provisioning.progress
    assert isinstance(progress, RecordedProgress)
    assert progress.steps
    assert key not in "\n".join(progress.steps)


def test_an_rsa_key_is_made_when_asked(provisioning: Provisioning) -> None:
    provision(provisioning, replace(REQUEST, key=KeyType.RSA_2048))

    key = delivered(provisioning).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 2048


def test_a_clients_own_key_is_certified_and_none_is_written(provisioning: Provisioning) -> None:
    public_key = generate(KeyType.EC_P384).public_key()

    done = provision(provisioning, replace(REQUEST, key=public_key))

    assert delivered(provisioning).public_key() == public_key
    assert not done.has_private_key
    assert set(files_of(provisioning.folder.path(""))) == {"client.crt", "chain.pem"}


def test_a_second_active_certificate_is_refused(provisioning: Provisioning, cloud: Cloud) -> None:
    first = provision(provisioning, REQUEST)

    with pytest.raises(ActiveCertificateError, match=first.record.fingerprint) as caught:
        provision(provisioning, REQUEST)

    assert caught.value.hint is not None
    assert "--additional" in caught.value.hint
    assert_whole(provisioning, cloud)


def test_a_second_certificate_is_given_when_it_is_meant(
    provisioning: Provisioning, cloud: Cloud, tmp_path: Path
) -> None:
    provision(provisioning, REQUEST)
    beside = replace(provisioning, folder=ClientFolder(tmp_path / "next" / "device-001"))

    provision(beside, replace(REQUEST, additional=True))

    assert len(cloud.registry().of_client("device-001")) == 2


def test_an_expired_certificate_is_not_in_the_way(
    provisioning: Provisioning, tmp_path: Path
) -> None:
    provision(provisioning, REQUEST)
    later = replace(
        provisioning,
        folder=ClientFolder(tmp_path / "next"),
        now=lambda: NOW + timedelta(days=366),
    )

    assert not provision(later, REQUEST).resumed


def test_a_revoked_certificate_is_not_in_the_way(
    provisioning: Provisioning, cloud: Cloud, tmp_path: Path
) -> None:
    first = provision(provisioning, REQUEST)
    cloud.registry().revoke(first.record.fingerprint, RevocationReason.SUPERSEDED, NOW)

    second = provision(replace(provisioning, folder=ClientFolder(tmp_path / "next")), REQUEST)

    assert second.record.fingerprint != first.record.fingerprint


def test_a_key_is_certified_once(provisioning: Provisioning, cloud: Cloud, tmp_path: Path) -> None:
    request = replace(REQUEST, key=generate(KeyType.EC_P256).public_key(), additional=True)
    provision(provisioning, request)

    with pytest.raises(RegistryError, match="already has, or had, a certificate for this key"):
        provision(replace(provisioning, folder=ClientFolder(tmp_path / "next")), request)

    assert len(cloud.registry().of_client("device-001")) == 1


def test_a_key_that_another_client_gave_up_is_not_certified_under_a_new_name(
    provisioning: Provisioning, cloud: Cloud, tmp_path: Path
) -> None:
    request = replace(REQUEST, key=generate(KeyType.EC_P256).public_key())
    compromised = provision(provisioning, request).record
    cloud.registry().revoke(compromised.fingerprint, RevocationReason.KEY_COMPROMISE, NOW)

    with pytest.raises(
        RegistryError, match="already has, or had, a certificate for this key"
    ) as caught:
        provision(
            replace(provisioning, folder=ClientFolder(tmp_path / "device-002")),
            replace(request, client_id="device-002"),
        )

    assert compromised.fingerprint not in str(caught.value)
    assert cloud.registry().of_client("device-002") == ()


@pytest.mark.parametrize("name", ["client.crt", "client.key", "chain.pem"])
def test_an_existing_file_is_not_overwritten(
    provisioning: Provisioning, cloud: Cloud, name: str
) -> None:
    path = provisioning.folder.path(name)
    path.parent.mkdir(parents=True)
    path.write_text("precious")

    with pytest.raises(FileError, match=f"{name} exists"):
        provision(provisioning, REQUEST)

    assert path.read_text() == "precious"
    assert cloud.registry().of_client("device-001") == ()


def test_a_clients_own_key_file_is_not_in_the_way_of_its_request(
    provisioning: Provisioning,
) -> None:
    path = provisioning.folder.path("client.key")
    path.parent.mkdir(parents=True)
    path.write_text("precious")

    provision(provisioning, replace(REQUEST, key=generate(KeyType.EC_P256).public_key()))

    assert path.read_text() == "precious"


def test_existing_files_are_replaced_with_force(provisioning: Provisioning, cloud: Cloud) -> None:
    first = provision(provisioning, REQUEST)
    cloud.registry().revoke(first.record.fingerprint, RevocationReason.SUPERSEDED, NOW)

    provision(provisioning, replace(REQUEST, overwrite=True))

    assert_whole(provisioning, cloud)


def test_two_runs_in_one_folder_exclude_each_other(
    provisioning: Provisioning, cloud: Cloud
) -> None:
    with provisioning.folder.locked(), pytest.raises(FileError, match="another run is at work"):
        provision(provisioning, REQUEST)

    assert cloud.registry().of_client("device-001") == ()


def test_what_would_outlive_its_issuer_leaves_nothing_behind(
    provisioning: Provisioning, cloud: Cloud, hierarchy: Hierarchy
) -> None:
    late = hierarchy.issuing.certificate.not_valid_after_utc - timedelta(days=10)

    with pytest.raises(IssuanceError, match="after its issuer"):
        provision(replace(provisioning, now=lambda: late), REQUEST)

    assert files_of(provisioning.folder.path("")) == {}
    assert cloud.registry().of_client("device-001") == ()


class Interruption(Exception):  # noqa: N818 (it is no error of ours)
    """The process stops here."""


class StopsAt:
    """Progress that dies at the step that begins so."""

    def __init__(self, beginning: str) -> None:
        self.beginning = beginning

    def step(self, message: str) -> None:
        if message.startswith(self.beginning):
            raise Interruption


def interrupt(provisioning: Provisioning, step: str, request: ClientRequest = REQUEST) -> None:
    with pytest.raises(Interruption):
        provision(replace(provisioning, progress=StopsAt(step)), request)


class DiesRegistering(Registry):
    """The process stops when all is staged and nothing registered."""

    def add(self, *arguments: Any, **options: Any) -> None:
        raise Interruption


def interrupt_when_staged(
    provisioning: Provisioning, cloud: Cloud, request: ClientRequest = REQUEST
) -> None:
    dying = DiesRegistering(cloud.workload("dynamodb"), cloud.environment)
    with pytest.raises(Interruption):
        provision(replace(provisioning, registry=dying), request)


def test_a_registered_certificate_is_completed_by_the_next_run(
    provisioning: Provisioning, cloud: Cloud
) -> None:
    interrupt(provisioning, "registered")
    (registered,) = cloud.registry().of_client("device-001")

    done = provision(provisioning, REQUEST)

    assert done.resumed
    assert done.record == registered
    assert_whole(provisioning, cloud)


def test_a_certificate_that_nobody_registered_is_not_used_for_another_request(
    provisioning: Provisioning, cloud: Cloud
) -> None:
    interrupt(provisioning, "issued")

    done = provision(provisioning, replace(REQUEST, scopes=frozenset({"api/write"})))

    assert not done.resumed
    assert_whole(provisioning, cloud)


def test_a_staged_certificate_is_completed_by_the_next_run(
    provisioning: Provisioning, cloud: Cloud
) -> None:
    interrupt_when_staged(provisioning, cloud)

    assert provision(provisioning, REQUEST).resumed
    assert_whole(provisioning, cloud)


def test_an_unregistered_certificate_is_not_completed_beside_one_made_meanwhile(
    provisioning: Provisioning, cloud: Cloud, tmp_path: Path
) -> None:
    interrupt_when_staged(provisioning, cloud)
    provision(replace(provisioning, folder=ClientFolder(tmp_path / "elsewhere")), REQUEST)

    with pytest.raises(ActiveCertificateError, match="has an active certificate"):
        provision(provisioning, REQUEST)

    assert len(cloud.registry().of_client("device-001")) == 1
    assert provision(provisioning, replace(REQUEST, additional=True)).resumed


def test_an_unregistered_certificate_is_not_completed_for_a_key_used_meanwhile(
    provisioning: Provisioning, cloud: Cloud, tmp_path: Path
) -> None:
    request = replace(REQUEST, key=generate(KeyType.EC_P256).public_key())
    interrupt_when_staged(provisioning, cloud, request)
    beside = replace(provisioning, folder=ClientFolder(tmp_path / "elsewhere"))
    meanwhile = provision(beside, request).record
    cloud.registry().revoke(meanwhile.fingerprint, RevocationReason.KEY_COMPROMISE, NOW)

    with pytest.raises(RegistryError, match="already has, or had, a certificate for this key"):
        provision(provisioning, request)

    assert len(cloud.registry().of_client("device-001")) == 1


def test_an_interrupted_run_is_not_completed_with_other_options(
    provisioning: Provisioning,
) -> None:
    interrupt(provisioning, "registered")

    with pytest.raises(RegistryError, match="with other options") as caught:
        provision(provisioning, replace(REQUEST, scopes=frozenset({"api/write"})))

    assert caught.value.hint is not None
    assert provision(provisioning, REQUEST).resumed


def test_an_interrupted_run_of_another_environment_is_left_alone(
    provisioning: Provisioning,
) -> None:
    interrupt(provisioning, "registered")
    before = files_of(provisioning.folder.path(""))

    with pytest.raises(FileError, match="environment dev left its files"):
        provision(provisioning, replace(REQUEST, environment="stage"))

    assert files_of(provisioning.folder.path("")) == before


def test_an_interrupted_certificate_that_was_revoked_is_dropped(
    provisioning: Provisioning, cloud: Cloud
) -> None:
    interrupt(provisioning, "registered")
    (registered,) = cloud.registry().of_client("device-001")
    cloud.registry().revoke(registered.fingerprint, RevocationReason.KEY_COMPROMISE, NOW)

    done = provision(provisioning, REQUEST)

    assert not done.resumed
    assert_whole(provisioning, cloud)


def test_a_journal_that_does_not_fit_its_files_is_refused(provisioning: Provisioning) -> None:
    interrupt(provisioning, "registered")
    journal = provisioning.folder.path(".provisioning.json")
    content = json.loads(journal.read_text())
    content["draft"]["serial_number"] = "1"
    journal.write_text(json.dumps(content))

    with pytest.raises(FileError, match="the files do not fit it"):
        provision(provisioning, REQUEST)


def test_a_journal_without_its_key_is_refused(provisioning: Provisioning) -> None:
    interrupt(provisioning, "registered")
    provisioning.folder.path(".client.key.staged").unlink()

    with pytest.raises(FileError, match="the files do not fit it"):
        provision(provisioning, REQUEST)


def test_a_staged_certificate_of_another_ca_is_not_completed(
    provisioning: Provisioning, cloud: Cloud
) -> None:
    interrupt(replace(provisioning, issuer=build_hierarchy().issuing), "registered")

    with pytest.raises(RegistryError, match="with other options"):
        provision(provisioning, REQUEST)


def test_a_provisioning_killed_at_any_step_ends_the_same_when_run_again(
    cloud: Cloud, hierarchy: Hierarchy, tmp_path: Path
) -> None:
    fresh = count()
    current = provisioning_in(cloud, hierarchy, tmp_path / "first")

    def start_over() -> None:
        nonlocal current
        table = cloud.environment.registry_table
        dynamodb = cloud.workload("dynamodb")
        for record in cloud.registry().of_client("device-001"):
            dynamodb.delete_item(TableName=table, Key={"fingerprint": {"S": record.fingerprint}})
        current = provisioning_in(cloud, hierarchy, tmp_path / f"run-{next(fresh)}")

    def finish(after: int) -> None:
        with suppress(ActiveCertificateError):
            provision(current, REQUEST)
        assert_whole(current, cloud, f"killed after {after} effects")
        start_over()

    effects = kill_at_every_step(lambda: provision(current, REQUEST), finish)

    written, renamed = 4 * len(("chmod", "chmod", "fsync")), 4 * len(("rename", "fsync folder"))
    assert effects >= written + renamed + 2 * len(("query", "query", "put"))


def test_a_forced_provisioning_killed_at_any_step_never_mixes_two_keys(
    cloud: Cloud, hierarchy: Hierarchy, tmp_path: Path
) -> None:
    fresh = count()
    first: ClientRequest
    current: Provisioning

    def start_over() -> None:
        nonlocal first, current
        # Another client: one that had a certificate of each death would be read ever more slowly.
        first = replace(REQUEST, client_id=f"device-{next(fresh)}")
        current = provisioning_in(cloud, hierarchy, tmp_path / first.client_id)
        provision(current, first)

    def again() -> Provisioned:
        return provision(current, replace(first, overwrite=True, additional=True))

    def finish(after: int) -> None:
        done = again()
        key = load_pem_private_key(current.folder.path("client.key").read_bytes(), None)
        assert key.public_key() == delivered(current).public_key(), f"killed after {after}"
        assert cloud.registry().find(done.record.fingerprint) == done.record
        start_over()

    start_over()
    assert kill_at_every_step(again, finish) > 0


def test_a_registration_whose_answer_was_lost_is_repeated_without_harm(
    provisioning: Provisioning, cloud: Cloud
) -> None:
    with lost_answer("PutItem"):
        provision(provisioning, REQUEST)

    assert_whole(provisioning, cloud)


def test_issued_at_is_the_clocks_second(provisioning: Provisioning) -> None:
    done = provision(provisioning, REQUEST)

    assert done.record.issued_at == datetime.fromisoformat("2026-11-24T12:00:00+00:00")
