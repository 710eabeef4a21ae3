"""A client gets its certificate: judged, drafted, signed, registered, delivered.

Order, and why: what will be signed is written down before it is signed, the certificate before it
is registered, and the files are put into place last (:mod:`pki.delivery`). A run that dies is
completed by the next one, with the same serial number; a certificate that no registry knows gets
nowhere.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from clientcert import RegistryRecord, Status, fingerprint
from pki.delivery import ClientFolder, Journal
from pki.errors import FileError, RegistryError
from pki.issuing import CertificateAuthority, IssuerFacts, Signed, draft_client, sign
from pki.keys import KeyType, PrivateKey, PublicKey, classify, generate
from pki.packaging import CERTIFICATE, Packaging
from pki.progress import Progress
from pki.registration import Grant, Renewal, register, require_admissible, require_new_key
from pki.registry import Registry

_ONE_SECOND = timedelta(seconds=1)


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
        alternative_names: subject alternative names that it is granted.
        renewal: which certificate it replaces, or None.
        additional: whether an active certificate beside the new one is meant.
        overwrite: whether existing files may be replaced.
    """

    client_id: str
    environment: str
    key: PublicKey | KeyType
    scopes: frozenset[str]
    cognito_client_id: str
    lifetime: timedelta
    alternative_names: tuple[x509.GeneralName, ...] = ()
    renewal: Renewal | None = None
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
        packaging: how files are made of the certificate and a key made here.
    """

    issuer: CertificateAuthority
    root: x509.Certificate
    registry: Registry
    folder: ClientFolder
    progress: Progress
    now: Callable[[], datetime]
    packaging: Packaging = field(default_factory=Packaging)


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
        KeyReusedError: a certificate has, or had, the key.
        RegistryError: an interrupted run asked for something else, or what is to be renewed
            cannot be.
        FileError: a file is in the way.
        IssuanceError: the certificate would break its profile or outlive its issuer.
        KeyKeeperError: the CA key cannot be used.
    """
    with provisioning.folder.locked():
        return provision_locked(provisioning, request)


def provision_locked(provisioning: Provisioning, request: ClientRequest) -> Provisioned:
    """As :func:`provision`, for whoever holds the folder's lock."""
    left = provisioning.folder.interrupted(provisioning.packaging)
    if left is not None and _can_be_completed(provisioning, request, left):
        grant = replace(left.grant, additional=request.additional)
        return _complete(provisioning, replace(left, grant=grant), resumed=True)
    provisioning.folder.discard()
    grant = _grant(request, provisioning.now())
    _require_admissible(provisioning, grant)
    if not request.overwrite:
        made_here = isinstance(request.key, KeyType)
        provisioning.folder.refuse_to_overwrite(provisioning.packaging.names(with_key=made_here))
    return _complete(provisioning, _begin(provisioning, request, grant), resumed=False)


def _grant(request: ClientRequest, now: datetime) -> Grant:
    return Grant(
        client_id=request.client_id,
        scopes=request.scopes,
        cognito_client_id=request.cognito_client_id,
        issued_at=now.replace(microsecond=0),
        renewal=request.renewal,
        additional=request.additional,
    )


def _can_be_completed(provisioning: Provisioning, request: ClientRequest, left: Journal) -> bool:
    """Whether the interrupted run's certificate is the one asked for now.

    A certificate that no registry knows, or a revoked one, may be dropped; an active one may not.
    One that no registry knows is judged as a new one is: others may have been at work meanwhile.
    """
    if left.environment != request.environment:
        raise FileError(
            f"an interrupted run for environment {left.environment} left its files in "
            f"{provisioning.folder.path('')}",
            hint=f"complete it with --environment {left.environment}, or choose another "
            "--output-dir",
        )
    fits = _fits(provisioning, request, left)
    registered = None if left.signed is None else _registered(provisioning, left.signed)
    if registered is None:
        if not fits or left.draft.validity.not_after <= provisioning.now():
            return False
        _require_admissible(provisioning, replace(left.grant, additional=request.additional))
        require_new_key(provisioning.registry, left.draft.public_key)
        return True
    if registered.status is Status.REVOKED:
        return False
    if not fits:
        raise RegistryError(
            f"an interrupted run registered {registered.fingerprint} for {registered.client_id} "
            "with other options",
            hint="repeat it with its own options (key, scopes, app client, days, names), or "
            "revoke that fingerprint first",
        )
    return True


def _registered(provisioning: Provisioning, signed: Signed) -> RegistryRecord | None:
    der = signed.certificate.public_bytes(Encoding.DER)
    return provisioning.registry.find(fingerprint(der))


def _fits(provisioning: Provisioning, request: ClientRequest, left: Journal) -> bool:
    draft, grant = left.draft, left.grant
    made_here = isinstance(request.key, KeyType)
    same_key = (
        classify(draft.public_key) is request.key if made_here else draft.public_key == request.key
    )
    lifetime = draft.validity.not_after - draft.validity.not_before + _ONE_SECOND
    return (
        grant.client_id == request.client_id
        and grant.scopes == request.scopes
        and grant.cognito_client_id == request.cognito_client_id
        and grant.renewal == request.renewal
        and left.has_private_key == made_here
        and same_key
        and lifetime == request.lifetime
        and draft.alternative_names == request.alternative_names
        and draft.issuer == IssuerFacts.of(provisioning.issuer.certificate)
    )


def _require_admissible(provisioning: Provisioning, grant: Grant) -> None:
    require_admissible(grant, provisioning.registry.client(grant.client_id), provisioning.now())


def _begin(provisioning: Provisioning, request: ClientRequest, grant: Grant) -> Journal:
    private_key, public_key = _keys(request)
    require_new_key(provisioning.registry, public_key)
    issuer = provisioning.issuer.certificate
    journal = Journal(
        environment=request.environment,
        draft=draft_client(
            IssuerFacts.of(issuer),
            public_key,
            request.client_id,
            request.lifetime,
            provisioning.now(),
            request.alternative_names,
        ),
        grant=grant,
        chain=(issuer, provisioning.root),
        has_private_key=private_key is not None,
    )
    provisioning.folder.begin(journal, private_key, provisioning.packaging)
    return journal


def _complete(provisioning: Provisioning, journal: Journal, *, resumed: bool) -> Provisioned:
    signed = journal.signed
    if signed is None:
        signed = sign(journal.draft, provisioning.issuer.signer, provisioning.now())
        journal = replace(journal, signed=signed)
        provisioning.folder.note(journal)
        provisioning.progress.step(f"issued {signed.certificate.subject.rfc4514_string()}")
    seen = provisioning.registry.client(journal.grant.client_id)
    record = register(provisioning.registry, signed, journal.grant, seen, provisioning.now())
    provisioning.progress.step(f"registered {record.fingerprint}")
    provisioning.folder.publish(journal, provisioning.packaging)
    provisioning.progress.step(f"wrote {provisioning.folder.path(CERTIFICATE)}")
    return Provisioned(record, journal.has_private_key, resumed)


def _keys(request: ClientRequest) -> tuple[PrivateKey | None, PublicKey]:
    if isinstance(request.key, KeyType):
        private_key = generate(request.key)
        return private_key, private_key.public_key()
    return None, request.key
