"""Publishing: one revocation list for each issuing CA of an environment that is still valid.

Order, and why: the published lists are read first, then the registry, and a list replaces exactly
the one that was read. So of two runs at once the one that looked at the registry earlier cannot
take back what the other published.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError
from cryptography import x509

from clientcert import RegistryRecord
from pki.ca_store import CaStore
from pki.crl import Crl, entries_of, sign_crl
from pki.crl_bucket import CrlBucket, StoredObject
from pki.errors import CrlError, PkiError
from pki.issuing import CertificateAuthority
from pki.organization import Authority
from pki.progress import Progress
from pki.registry import Registry
from pki.signer import Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """The collaborators.

    Attributes:
        environment: whose lists.
        store: where the issuing CAs' certificates are.
        registry: the environment's registry.
        bucket: where the lists go.
        signer_of: the keeper of an issuing CA's key.
        progress: told of each list.
        now: the clock, UTC.
    """

    environment: str
    store: CaStore
    registry: Registry
    bucket: CrlBucket
    signer_of: Callable[[Authority], Signer]
    progress: Progress
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Published:
    """The list of one issuing CA, as it is published now.

    Attributes:
        authority: the issuing CA.
        crl: its list.
        location: the URI of the list in DER.
        is_new: whether this run signed it.
        signature_request_id: of this run's signature; None where there was none, or no log.
    """

    authority: Authority
    crl: Crl
    location: str
    is_new: bool
    signature_request_id: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did.

    Attributes:
        published: the lists that are published and fresh.
        failures: what went wrong with others, in words.
    """

    published: tuple[Published, ...]
    failures: tuple[str, ...]

    def require_complete(self) -> None:
        """Accept nothing less than every list.

        Raises:
            CrlError: a list could not be published.
        """
        if self.failures:
            raise CrlError(
                "; ".join(self.failures),
                hint="the other lists are published; run it again when this is mended",
            )


@dataclass(frozen=True, slots=True)
class _Current:
    authority: Authority
    certificate: x509.Certificate
    stored: StoredObject | None


def publish(publication: Publication, *, always: bool = False) -> Outcome:
    """Publish what has changed, and what would soon be out of date.

    Args:
        publication: the collaborators.
        always: whether to sign even what has not changed and is fresh.

    Raises:
        CrlError: there is no bucket, or no issuing CA that is valid now.
        CaStoreError: a CA's certificate cannot be read.
        RegistryError: the registry cannot be read.
    """
    now = publication.now()
    current = [entry for entry in _current(publication) if _is_valid(entry.certificate, now)]
    if not current:
        raise CrlError(
            f"{publication.environment} has no issuing CA that is valid now",
            hint="run bootstrap-ca first",
        )
    records = [stored.record for stored in publication.registry.records()]
    published: list[Published] = []
    failures: list[str] = []
    for entry in current:
        try:
            published.append(_publish(publication, entry, records, now, always=always))
        except (PkiError, ClientError, BotoCoreError) as error:
            # One CA's key may be gone while the others still work.
            failures.append(f"{publication.bucket.location(entry.authority)}: {error}")
    return Outcome(tuple(published), tuple(failures))


def _current(publication: Publication) -> list[_Current]:
    return [
        _Current(authority, publication.store.get(authority), publication.bucket.find(authority))
        for authority in publication.store.issuing(publication.environment)
    ]


def _is_valid(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _publish(
    publication: Publication,
    current: _Current,
    records: list[RegistryRecord],
    now: datetime,
    *,
    always: bool,
) -> Published:
    authority, certificate, bucket = current.authority, current.certificate, publication.bucket
    location = bucket.location(authority)
    previous = None if current.stored is None else Crl.from_der(current.stored.content, certificate)
    entries = entries_of(certificate, records, previous, now)
    if previous is not None and not always and previous.still_says(entries, now):
        bucket.put_pem(authority, previous, now)
        publication.progress.step(f"{location} is up to date")
        return Published(authority, previous, location, is_new=False, signature_request_id=None)
    issuer = CertificateAuthority(certificate, publication.signer_of(authority))
    number = 1 if previous is None else previous.number + 1
    new = sign_crl(issuer, entries, number, now)
    bucket.put(authority, new, current.stored, now)
    publication.progress.step(f"published {location}, number {number}, {len(entries)} entries")
    return Published(
        authority,
        new.crl,
        location,
        is_new=True,
        signature_request_id=new.signature_request_id,
    )
