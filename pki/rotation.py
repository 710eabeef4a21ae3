"""Rotation of an environment's issuing CA without one refused call.

Trust arrives before the first certificate that needs it, and leaves after the last. Where a
rotation stands is never written down: it follows from what exists.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cryptography import x509

from clientcert import RegistryRecord
from pki.ca_store import CaStore
from pki.domain import DomainName, DomainStatus
from pki.errors import CaStoreError, TruststoreError
from pki.organization import Authority
from pki.truststore import read_bundle
from pki.truststore_bucket import TruststoreBucket


class State(StrEnum):
    """Where a rotation stands, from the newest CA's point of view; in this order."""

    PREPARED = "prepared"
    """The newest CA has a certificate, and the domain does not trust it yet."""

    TRUSTED = "trusted"
    """The domain trusts it, and it has issued nothing yet."""

    ISSUING = "issuing"
    """It issues, and some clients still have certificates of older CAs alone."""

    DRAINING = "draining"
    """Every client has one of its certificates; older ones may still be used."""

    DRAINED = "drained"
    """No older certificate may be used; the older CAs are still trusted."""

    RETIRED = "retired"
    """It alone is trusted: nothing is under way."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One issuing CA, as things are.

    Attributes:
        authority: its names.
        certificate: its certificate.
        trusted: whether the domain's truststore holds it.
        uploaded: whether the bucket's current truststore holds it.
        issued: how many certificates the registry knows of it.
        usable: those of them that may be used now, the one that ends first at the beginning.
    """

    authority: Authority
    certificate: x509.Certificate
    trusted: bool
    uploaded: bool
    issued: int
    usable: tuple[RegistryRecord, ...]


@dataclass(frozen=True, slots=True)
class Rotation:
    """An environment's issuing CAs, oldest first; there is at least one."""

    generations: tuple[Generation, ...]

    @property
    def newest(self) -> Generation:
        """The CA that takes over, or has."""
        return self.generations[-1]

    @property
    def older(self) -> tuple[Generation, ...]:
        """All others."""
        return self.generations[:-1]

    @property
    def waiting(self) -> tuple[RegistryRecord, ...]:
        """Usable certificates of older CAs whose client has none of the newest yet."""
        done = {record.client_id for record in self.newest.usable}
        return tuple(record for record in self.remaining if record.client_id not in done)

    @property
    def remaining(self) -> tuple[RegistryRecord, ...]:
        """Usable certificates of older CAs, the one that ends first at the beginning."""
        records = [record for generation in self.older for record in generation.usable]
        return tuple(sorted(records, key=_end))

    @property
    def stranded(self) -> tuple[RegistryRecord, ...]:
        """Usable certificates whose CA the domain does not trust: their clients are refused."""
        return tuple(
            record
            for generation in self.generations
            if not generation.trusted
            for record in generation.usable
        )

    @property
    def state(self) -> State:
        """Where the rotation stands."""
        if not self.newest.trusted:
            return State.PREPARED
        if not any(generation.trusted for generation in self.older):
            return State.RETIRED
        if not self.remaining:
            return State.DRAINED
        if not self.newest.issued:
            return State.TRUSTED
        return State.ISSUING if self.waiting else State.DRAINING


def observe(
    store: CaStore,
    bucket: TruststoreBucket,
    domain: DomainName,
    records: Iterable[RegistryRecord],
    environment: str,
    now: datetime,
) -> Rotation:
    """Look at an environment's CAs, truststore, domain and registry.

    Raises:
        CaStoreError: there is no CA, or a certificate cannot be read.
        TruststoreError: the domain pins nothing, or a version that cannot be read.
    """
    authorities = store.issuing(environment)
    if not authorities:
        raise CaStoreError(f"{environment} has no issuing CA", hint="run bootstrap-ca first")
    pinned, current = domain.truststore(), bucket.current()
    trusted = () if pinned is None else read_bundle(bucket.stored(pinned.version).bundle)
    uploaded = () if current is None else _certificates(current.bundle)
    known = list(records)
    return Rotation(
        tuple(
            _generation(authority, store.get(authority), trusted, uploaded, known, now)
            for authority in authorities
        )
    )


def _generation(
    authority: Authority,
    certificate: x509.Certificate,
    trusted: Collection[x509.Certificate],
    uploaded: Collection[x509.Certificate],
    records: Iterable[RegistryRecord],
    now: datetime,
) -> Generation:
    name = certificate.subject.rfc4514_string()
    issued = [record for record in records if record.issuer == name]
    return Generation(
        authority=authority,
        certificate=certificate,
        trusted=certificate in trusted,
        uploaded=certificate in uploaded,
        issued=len(issued),
        usable=tuple(sorted((entry for entry in issued if entry.is_usable(now)), key=_end)),
    )


def _certificates(bundle: bytes) -> tuple[x509.Certificate, ...]:
    """What the bucket's current object holds; nobody reads one that is no bundle."""
    try:
        return read_bundle(bundle)
    except TruststoreError:
        return ()


def _end(record: RegistryRecord) -> datetime:
    """When a certificate's use ends: with its validity, or with its renewal's overlap."""
    return min(record.not_after, record.retires_at or record.not_after)


def issuing_authority(
    store: CaStore,
    bucket: TruststoreBucket,
    domain: DomainName,
    environment: str,
    generation: str | None = None,
) -> Authority:
    """The CA that issues an environment's client certificates now.

    That is the newest one which the domain trusts: what an untrusted CA issued would be refused.
    While a change of the domain still spreads, it is the oldest one instead, which the version
    before trusted too, for some callers still meet that one. Without a domain nobody calls yet,
    and it is the newest that there is.

    Args:
        store: the CA certificates.
        bucket: the environment's truststore.
        domain: the environment's custom domain.
        environment: its name.
        generation: the one to take instead, whatever the domain trusts.

    Raises:
        CaStoreError: there is none, or the domain trusts none of them.
        TruststoreError: the domain pins nothing, or a version that cannot be read.
    """
    if generation is not None:
        return store.newest_issuing(environment, generation)
    pinned = domain.truststore()
    if pinned is None:
        return store.newest_issuing(environment, None)
    certificates = read_bundle(bucket.stored(pinned.version).bundle)
    trusted = [
        authority
        for authority in store.issuing(environment)
        if store.get(authority) in certificates
    ]
    if not trusted:
        raise CaStoreError(
            f"{domain.name} trusts none of {environment}'s issuing CAs",
            hint="roll out a truststore that holds one: truststore rollout",
        )
    return trusted[-1 if pinned.status is DomainStatus.AVAILABLE else 0]
