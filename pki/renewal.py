"""A certificate is replaced: same name, scopes and app client, a new key, a new certificate.

The old one stays usable for an overlap, so that a device can change over when it suits it, and
then retires by itself.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from clientcert import RegistryRecord
from pki import pem
from pki.csr import accept_csr
from pki.errors import RegistryError, UnknownClientError
from pki.keys import KeyType, PublicKey
from pki.provisioning import ClientRequest, Provisioned, Provisioning, provision_locked
from pki.registration import Renewal
from pki.registry import ClientState

DEFAULT_OVERLAP = timedelta(days=7)
MAXIMUM_OVERLAP = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalRequest:
    """What is asked for.

    Attributes:
        client_id: the device's name.
        environment: the environment that it calls.
        source: a PEM request for the new key, or the type of key to make.
        lifetime: validity of the new certificate.
        overlap: how long the old one stays usable.
        fingerprint: which certificate is renewed; None for the current one.
        alternative_names: granted to the new certificate; None for those of the old one.
        overwrite: whether existing files may be replaced.
    """

    client_id: str
    environment: str
    source: bytes | KeyType
    lifetime: timedelta
    overlap: timedelta = DEFAULT_OVERLAP
    fingerprint: str | None = None
    alternative_names: tuple[x509.GeneralName, ...] | None = None
    overwrite: bool = False


def renew(provisioning: Provisioning, request: RenewalRequest) -> Provisioned:
    """Issue the successor of a certificate, or complete an interrupted run.

    Raises:
        UnknownClientError: the client has no certificate that could be renewed.
        CsrError: the request for the new key is refused.
        RegistryError, FileError, IssuanceError, KeyKeeperError: as
            :func:`pki.provisioning.provision`.
    """
    with provisioning.folder.locked():
        old = _renewed(provisioning, request)
        names = request.alternative_names
        if names is None:
            names = _alternative_names(provisioning, old)
        return provision_locked(
            provisioning,
            ClientRequest(
                client_id=request.client_id,
                environment=request.environment,
                key=_key(request, names),
                scopes=old.scopes,
                cognito_client_id=old.cognito_client_id,
                lifetime=request.lifetime,
                alternative_names=names,
                renewal=Renewal(old.fingerprint, request.overlap),
                overwrite=request.overwrite,
            ),
        )


def current(state: ClientState, now: datetime) -> RegistryRecord:
    """The one certificate of a client that is in use and not being replaced.

    Raises:
        UnknownClientError: it has none.
        RegistryError: it has several.
    """
    found = [
        record for record in state.records if record.is_usable(now) and record.retires_at is None
    ]
    if not found:
        raise UnknownClientError(
            f"{state.client_id} has no active certificate to renew",
            hint="a client without one is provisioned: provision-client",
        )
    if len(found) > 1:
        listed = ", ".join(record.fingerprint for record in found)
        raise RegistryError(
            f"{state.client_id} has {len(found)} active certificates: {listed}",
            hint="say which one is renewed: --fingerprint",
        )
    return found[0]


def _renewed(provisioning: Provisioning, request: RenewalRequest) -> RegistryRecord:
    """What an interrupted run was renewing, or what was asked for, or the current one."""
    state = provisioning.registry.client(request.client_id)
    wanted = request.fingerprint
    left = provisioning.folder.interrupted(provisioning.packaging)
    if wanted is None and left is not None and left.grant.renewal is not None:
        wanted = left.grant.renewal.fingerprint
    if wanted is None:
        return current(state, provisioning.now())
    for record in state.records:
        if record.fingerprint == wanted:
            return record
    raise UnknownClientError(
        f"{request.client_id} has no certificate {wanted}", hint="its certificates: show-client"
    )


def _key(request: RenewalRequest, names: tuple[x509.GeneralName, ...]) -> PublicKey | KeyType:
    if isinstance(request.source, KeyType):
        return request.source
    return accept_csr(request.source, request.client_id, names).public_key


def _alternative_names(
    provisioning: Provisioning, old: RegistryRecord
) -> tuple[x509.GeneralName, ...]:
    """The old certificate's, where the registry keeps that certificate."""
    stored = provisioning.registry.stored(old.fingerprint)
    if stored is None or stored.certificate_der is None:
        return ()
    try:
        certificate = x509.load_der_x509_certificate(stored.certificate_der)
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    except pem.MALFORMED as error:
        raise RegistryError(
            f"the registry's copy of certificate {old.fingerprint} cannot be read",
            hint="name the alternative names with --san, or none with --no-san",
        ) from error
    return tuple(extension.value)
