"""A client gets its certificate: judged, issued, registered, delivered; nothing lost on the way.

Order, and why: the files are staged on disk before the certificate is registered, and renamed
into place afterwards (:mod:`pki.delivery`). A run that dies before the registry knows nothing of
the certificate leaves one that gets nowhere; a run that dies later leaves files that the next run
puts into place.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from clientcert import RegistryRecord, Status, fingerprint
from pki.delivery import CERTIFICATE, CHAIN, PRIVATE_KEY, ClientFolder, Delivery, Interrupted
from pki.errors import ActiveCertificateError, FileError, KeyReusedError, RegistryError
from pki.issuing import CertificateAuthority, issue_client, was_issued_by
from pki.keys import KeyType, PrivateKey, PublicKey, generate, public_key_sha256, supported
from pki.profiles import CLIENT
from pki.progress import Progress
from pki.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRequest:
    """What is asked for.

    Attributes:
        client_id: the device's name.
        environment: the environment that it may call.
        key: the public key of an accepted CSR, or the type of key to make.
        scopes: OAuth scopes that it may ask for.
        cognito_client_id: the app client that its tokens are issued to.
        lifetime: validity of the certificate.
        additional: whether an active certificate beside the new one is meant (rotation).
        overwrite: whether existing files may be replaced.
    """

    client_id: str
    environment: str
    key: PublicKey | KeyType
    scopes: frozenset[str]
    cognito_client_id: str
    lifetime: timedelta
    additional: bool = False
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class Provisioning:
    """The collaborators.

    Attributes:
        issuer: the environment's issuing CA.
        root: its root.
        registry: the environment's registry.
        folder: the client's folder.
        progress: told of each step.
        now: the clock, UTC.
    """

    issuer: CertificateAuthority
    root: x509.Certificate
    registry: Registry
    folder: ClientFolder
    progress: Progress
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What was delivered.

    Attributes:
        record: the certificate's registry record.
        has_private_key: whether a key was made and lies beside the certificate.
        resumed: whether an interrupted run was completed, rather than a new certificate issued.
    """

    record: RegistryRecord
    has_private_key: bool
    resumed: bool


def provision(provisioning: Provisioning, request: ClientRequest) -> Provisioned:
    """Issue, register and deliver one certificate, or complete an interrupted run.

    Raises:
        ActiveCertificateError: the client has an active certificate, and no other was meant.
        RegistryError: the key was used before, or an interrupted run asked for something else.
        FileError: a file is in the way.
        IssuanceError: the certificate would break its profile or outlive its issuer.
        KeyKeeperError: the CA key cannot be used.
    """
    with provisioning.folder.locked():
        return _provision(provisioning, request)


def _provision(provisioning: Provisioning, request: ClientRequest) -> Provisioned:
    left = provisioning.folder.interrupted()
    if left is not None and _can_be_completed(provisioning, request, left):
        return _deliver(provisioning, left, resumed=True)
    provisioning.folder.discard()
    _require_no_other(provisioning, request)
    if not request.overwrite:
        provisioning.folder.refuse_to_overwrite(_file_names(request))
    return _deliver(provisioning, _stage_new(provisioning, request), resumed=False)


def _can_be_completed(
    provisioning: Provisioning, request: ClientRequest, left: Interrupted
) -> bool:
    """Whether the interrupted run's certificate is the one asked for now.

    A certificate that no registry knows, or a revoked one, may be dropped; an active one may not.
    One that no registry knows is judged as a new one is: others may have been at work meanwhile.
    """
    fits = _fits(request, left) and was_issued_by(left.certificate, provisioning.issuer.certificate)
    if left.environment != request.environment:
        raise FileError(
            f"an interrupted run for environment {left.environment} left its files in "
            f"{provisioning.folder.path('')}",
            hint=f"complete it with --environment {left.environment}, or choose another "
            "--output-dir",
        )
    registered = provisioning.registry.find(left.record.fingerprint)
    if registered is None:
        if not fits or left.record.not_after <= provisioning.now():
            return False
        _require_no_other(provisioning, request)
        _require_new_key(provisioning, _key_of(left))
        return True
    if registered.status is Status.REVOKED:
        return False
    if not fits:
        raise RegistryError(
            f"an interrupted run registered {left.record.fingerprint} for {left.record.client_id} "
            "with other options",
            hint="repeat it with its own options (key, scopes, app client), or revoke that "
            "fingerprint first",
        )
    return True


def _fits(request: ClientRequest, left: Interrupted) -> bool:
    made_here = isinstance(request.key, KeyType)
    return (
        left.record.client_id == request.client_id
        and left.record.scopes == request.scopes
        and left.record.cognito_client_id == request.cognito_client_id
        and left.has_private_key == made_here
        and (made_here or left.certificate.public_key() == request.key)
    )


def _require_no_other(provisioning: Provisioning, request: ClientRequest) -> None:
    if request.additional:
        return
    now = provisioning.now()
    for record in provisioning.registry.of_client(request.client_id):
        if record.is_usable(now):
            raise ActiveCertificateError(
                f"{request.client_id} has an active certificate until {record.not_after:%Y-%m-%d}, "
                f"fingerprint {record.fingerprint}",
                hint="give it a second one with --additional (rotation), or revoke this one first",
            )


def _require_new_key(provisioning: Provisioning, key: PublicKey) -> None:
    """Whoever had it: a key that was given up as compromised stays so under any name."""
    owner = provisioning.registry.owner_of_key(public_key_sha256(key))
    if owner is not None:
        record = provisioning.registry.find(owner)
        whose = "another client" if record is None else record.client_id
        raise KeyReusedError(
            f"{whose} already has, or had, a certificate for this key",
            hint="every certificate gets a key of its own: make a new key and request",
        )


def _stage_new(provisioning: Provisioning, request: ClientRequest) -> Interrupted:
    private_key, public_key = _keys(request)
    _require_new_key(provisioning, public_key)
    now = provisioning.now()
    certificate = issue_client(
        provisioning.issuer, public_key, request.client_id, request.lifetime, now
    )
    record = _record(certificate, request, now)
    provisioning.progress.step(f"issued {certificate.subject.rfc4514_string()}")
    delivery = Delivery(
        request.environment,
        record,
        certificate,
        (provisioning.issuer.certificate, provisioning.root),
        private_key,
    )
    provisioning.folder.stage(delivery)
    return Interrupted(request.environment, record, certificate, private_key is not None)


def _deliver(provisioning: Provisioning, staged: Interrupted, *, resumed: bool) -> Provisioned:
    seen = provisioning.registry.client(staged.record.client_id)
    provisioning.registry.add(staged.record, public_key_sha256(_key_of(staged)), seen)
    provisioning.progress.step(f"registered {staged.record.fingerprint}")
    provisioning.folder.publish()
    provisioning.progress.step(f"wrote {provisioning.folder.path(CERTIFICATE)}")
    return Provisioned(staged.record, staged.has_private_key, resumed)


def _key_of(staged: Interrupted) -> PublicKey:
    return supported(staged.certificate.public_key(), CLIENT.key_types)


def _keys(request: ClientRequest) -> tuple[PrivateKey | None, PublicKey]:
    if isinstance(request.key, KeyType):
        private_key = generate(request.key)
        return private_key, private_key.public_key()
    return None, request.key


def _file_names(request: ClientRequest) -> tuple[str, ...]:
    made_here = isinstance(request.key, KeyType)
    return (CERTIFICATE, CHAIN, PRIVATE_KEY) if made_here else (CERTIFICATE, CHAIN)


def _record(certificate: x509.Certificate, request: ClientRequest, now: datetime) -> RegistryRecord:
    return RegistryRecord(
        fingerprint=fingerprint(certificate.public_bytes(Encoding.DER)),
        client_id=request.client_id,
        serial_number=str(certificate.serial_number),
        issuer=certificate.issuer.rfc4514_string(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        status=Status.ACTIVE,
        scopes=request.scopes,
        cognito_client_id=request.cognito_client_id,
        issued_at=now.replace(microsecond=0),
    )
