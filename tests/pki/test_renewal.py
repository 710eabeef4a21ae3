"""A renewal that dies is completed: one successor, and the old certificate retires once."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from clientcert import RevocationReason
from pki.delivery import ClientFolder
from pki.errors import RegistryError, UnknownClientError
from pki.keys import KeyType
from pki.provisioning import ClientRequest, Provisioning, provision
from pki.renewal import RenewalRequest, renew
from pki.signer import Signer
from tests.pki.bulk_support import pem_request
from tests.pki.support import NOW, Cloud, Hierarchy, RecordedProgress

FIRST = ClientRequest(
    client_id="device-001",
    environment="dev",
    key=KeyType.EC_P256,
    scopes=frozenset({"api/read"}),
    cognito_client_id="cognito-id",
    lifetime=timedelta(days=365),
)


class Interruption(Exception):  # noqa: N818 (it is no error of ours)
    """The process stops here."""


class StopsAt:
    """Progress that dies at the step that begins so."""

    def __init__(self, beginning: str) -> None:
        self.beginning = beginning

    def step(self, message: str) -> None:
        if message.startswith(self.beginning):
            raise Interruption


@pytest.fixture
def renewing(cloud: Cloud, hierarchy: Hierarchy, tmp_path: Path) -> Provisioning:
    """The client has its first certificate; the folder is for the next one."""
    first = Provisioning(
        issuer=hierarchy.issuing,
        root=hierarchy.root.certificate,
        registry=cloud.registry(),
        folder=ClientFolder(tmp_path / "first"),
        progress=RecordedProgress(),
        now=lambda: NOW,
    )
    provision(first, FIRST)
    return replace(first, folder=ClientFolder(tmp_path / "next"))


@pytest.fixture
def request_() -> RenewalRequest:
    return RenewalRequest(
        client_id="device-001",
        environment="dev",
        source=pem_request("device-001"),
        lifetime=timedelta(days=365),
    )


@pytest.mark.parametrize("step", ["issued", "registered", "wrote"])
def test_an_interrupted_renewal_is_completed_with_one_successor(
    renewing: Provisioning, request_: RenewalRequest, cloud: Cloud, step: str
) -> None:
    with pytest.raises(Interruption):
        renew(replace(renewing, progress=StopsAt(step)), request_)

    if step == "wrote":  # all was done but to say so
        assert len(cloud.registry().of_client("device-001")) == 2
        return
    done = renew(renewing, request_)

    assert done.resumed
    old, new = sorted(  # issued in the same second
        cloud.registry().of_client("device-001"), key=lambda record: record.renewed_from or ""
    )
    assert (new.renewed_from, new.fingerprint) == (old.fingerprint, done.record.fingerprint)
    assert old.retires_at == NOW + timedelta(days=7)


def test_what_was_drafted_is_what_is_signed_after_an_interruption(
    renewing: Provisioning, request_: RenewalRequest
) -> None:
    class Dies:
        def __init__(self, signer: Signer) -> None:
            self.public_key = signer.public_key

        def sign_digest(self, *_: object) -> object:
            raise Interruption

    dying = replace(renewing.issuer, signer=Dies(renewing.issuer.signer))  # type: ignore[arg-type]
    with pytest.raises(Interruption):
        renew(replace(renewing, issuer=dying), request_)
    left = renewing.folder.interrupted(renewing.packaging)
    assert left is not None

    done = renew(renewing, request_)

    assert done.resumed
    assert done.record.serial_number == str(left.draft.serial_number)


def test_what_was_revoked_meanwhile_is_not_renewed(
    renewing: Provisioning, request_: RenewalRequest, cloud: Cloud
) -> None:
    with pytest.raises(Interruption):
        renew(replace(renewing, progress=StopsAt("issued")), request_)
    (old,) = cloud.registry().of_client("device-001")
    cloud.registry().revoke(old.fingerprint, RevocationReason.KEY_COMPROMISE, NOW)

    with pytest.raises(RegistryError, match="cannot be renewed: it is revoked"):
        renew(renewing, request_)

    assert len(cloud.registry().of_client("device-001")) == 1


def test_another_clients_certificate_is_not_renewed(
    renewing: Provisioning, request_: RenewalRequest
) -> None:
    with pytest.raises(UnknownClientError, match="has no certificate 000"):
        renew(renewing, replace(request_, fingerprint="0" * 64))


def test_a_second_renewal_postpones_no_retirement(
    renewing: Provisioning, request_: RenewalRequest, cloud: Cloud, tmp_path: Path
) -> None:
    (old,) = cloud.registry().of_client("device-001")
    renew(renewing, replace(request_, overlap=timedelta(days=1)))

    renew(
        replace(renewing, folder=ClientFolder(tmp_path / "again")),
        replace(
            request_,
            source=pem_request("device-001"),
            fingerprint=old.fingerprint,
            overlap=timedelta(days=30),
        ),
    )

    retiring = cloud.registry().find(old.fingerprint)
    assert retiring is not None
    assert retiring.retires_at == NOW + timedelta(days=1)
