"""The first ceremony: the root, then an issuing CA for each environment.

Run again after an interruption, it goes on where it stopped; run again afterwards, it is refused.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from pki import profiles
from pki.ca_store import CaStore
from pki.errors import AlreadyBootstrappedError, CaStoreError, UsageError
from pki.issuing import CertificateAuthority, issue_issuing_ca, issue_root
from pki.organization import Authority, Organization
from pki.progress import Progress
from pki.signer import Signer


@dataclass(frozen=True, slots=True)
class Ceremony:
    """The collaborators of a bootstrap.

    Attributes:
        organization: names of CAs and keys.
        store: the CA certificates.
        signer_of: the key keeper of a CA.
        progress: told of each step.
        now: the clock, UTC.
    """

    organization: Organization
    store: CaStore
    signer_of: Callable[[Authority], Signer]
    progress: Progress
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Established:
    """A CA that exists after the ceremony, and whether this run issued it."""

    authority: Authority
    certificate: x509.Certificate
    created: bool


def bootstrap(
    ceremony: Ceremony,
    environments: Sequence[str],
    generation: str,
    root_generation: str | None = None,
) -> tuple[Established, ...]:
    """Issue the root and the issuing CAs that do not exist yet.

    A root outlives several generations of issuing CAs: unless another is asked for, the newest
    root that exists issues them, or where there is none, one of their own generation.

    Every key is asked for before anything is signed, so that a missing key stops the ceremony
    before it has begun.

    Raises:
        UsageError: no environment was given.
        AlreadyBootstrappedError: everything exists; nothing was done.
        CaStoreError: a certificate exists that does not belong to its key or its root.
        KeyKeeperError: a key is missing or cannot be used.
        IssuanceError: a key is weak, or a CA would outlive the root.
    """
    if not environments:
        raise UsageError("no environment to bootstrap", hint="live/ holds none: add one first")
    root = _root(ceremony, root_generation, default=generation)
    issuing = [ceremony.organization.issuing(name, generation) for name in environments]
    existing = _survey(ceremony, [root, *issuing])
    if len(existing) == 1 + len(issuing):
        raise _already(ceremony.store, existing)
    return tuple(_establish(ceremony, root, issuing, existing))


def _root(ceremony: Ceremony, generation: str | None, *, default: str) -> Authority:
    if generation is None and (roots := ceremony.store.roots()):
        return roots[-1]
    return ceremony.organization.root(generation or default)


def _establish(
    ceremony: Ceremony,
    root: Authority,
    issuing: Sequence[Authority],
    existing: dict[Authority, x509.Certificate],
) -> Iterator[Established]:
    root_signer = ceremony.signer_of(root)
    root_certificate = existing.get(root) or _store(
        ceremony, root, issue_root(root_signer, _subject(root), ceremony.now())
    )
    yield Established(root, root_certificate, created=root not in existing)
    root_ca = CertificateAuthority(root_certificate, root_signer)
    for authority in issuing:
        certificate = existing.get(authority) or _store(
            ceremony,
            authority,
            issue_issuing_ca(
                root_ca,
                ceremony.signer_of(authority).public_key(),
                _subject(authority),
                ceremony.now(),
            ),
        )
        yield Established(authority, certificate, created=authority not in existing)


def _survey(
    ceremony: Ceremony, authorities: Sequence[Authority]
) -> dict[Authority, x509.Certificate]:
    """What exists already, each checked against its key and its root.

    An issuing CA that exists may be an older root's than the one that issues today.
    """
    existing: dict[Authority, x509.Certificate] = {}
    for authority in authorities:
        public_key = ceremony.signer_of(authority).public_key()
        ceremony.progress.step(f"found key {authority.key_alias}")
        certificate = ceremony.store.find(authority)
        if certificate is None:
            continue
        if certificate.public_key() != public_key:
            raise CaStoreError(
                f"{ceremony.store.location(authority)} is for another key than "
                f"{authority.key_alias}",
                hint="a CA keeps its key for life: a new key is a new generation",
            )
        existing[authority] = certificate
    for certificate in existing.values():
        ceremony.store.root_of(certificate)
    return existing


def _store(
    ceremony: Ceremony, authority: Authority, certificate: x509.Certificate
) -> x509.Certificate:
    ceremony.progress.step(f"issued {certificate.subject.rfc4514_string()}")
    ceremony.store.put(authority, certificate)
    ceremony.progress.step(f"stored {ceremony.store.location(authority)}")
    return certificate


def _subject(authority: Authority) -> x509.Name:
    return profiles.ca_name(authority.organization, authority.common_name)


def _already(
    store: CaStore, existing: dict[Authority, x509.Certificate]
) -> AlreadyBootstrappedError:
    found = "; ".join(
        f"{certificate.subject.rfc4514_string()} at {store.location(authority)} "
        f"until {certificate.not_valid_after_utc:%Y-%m-%d}"
        for authority, certificate in existing.items()
    )
    return AlreadyBootstrappedError(
        f"already bootstrapped: {found}",
        hint="nothing was done: a CA is issued once; its successor is a new generation",
    )
