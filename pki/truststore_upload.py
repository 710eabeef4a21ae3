"""From CA certificates to a version of the truststore that could be pinned."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from clientcert import RegistryRecord
from pki.ca_store import CaStore
from pki.errors import TruststoreError, UsageError
from pki.organization import Authority
from pki.progress import Progress
from pki.truststore import Finding, Severity, build_bundle, lint, read_bundle
from pki.truststore_bucket import Pin, Stored, TruststoreBucket


@dataclass(frozen=True, slots=True)
class Upload:
    """What an upload did.

    Attributes:
        pin: the version that now holds the bundle.
        uploaded: False when the bucket held the same bundle already.
        findings: the warnings; an error would have stopped it.
    """

    pin: Pin
    uploaded: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Distrust:
    """A CA that is compromised: it leaves the truststore, whoever still has its certificates.

    Attributes:
        generation: of the issuing CA.
        reason: why, for the record.
    """

    generation: str
    reason: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A truststore before it is uploaded.

    Attributes:
        bundle: issuing CAs, then their roots, PEM.
        authorities: the issuing CAs in it, oldest first.
        distrusted: generations that are out of it as compromised.
        replaces: what the bucket holds now.
        reason: why the newly distrusted one is.
    """

    bundle: bytes
    authorities: tuple[Authority, ...]
    distrusted: frozenset[str]
    replaces: Stored | None
    reason: str | None = None


def draft(
    store: CaStore,
    bucket: TruststoreBucket,
    environment: str,
    include: Collection[str] | None = None,
    distrust: Distrust | None = None,
) -> Draft:
    """Put together an environment's next truststore.

    Unless some are named, it holds the issuing CAs that the bucket's current one holds, and those
    that are newer: what was taken out stays out. A compromised one can never come back.

    Raises:
        UsageError: a generation is named that does not exist, or is compromised.
        TruststoreError: there is no issuing CA, no root issued one, or the bucket's current
            object is no bundle.
        CaStoreError: a certificate cannot be read.
    """
    current = bucket.current()
    authorities = store.issuing(environment)
    _require_known(environment, authorities, {*(include or ()), *_named(distrust)})
    distrusted = (current.distrusted if current else frozenset()) | _named(distrust)
    if back := distrusted & set(include or ()):
        raise UsageError(
            f"{environment}'s issuing CA {', '.join(sorted(back))} is compromised",
            hint="it can never be trusted again: make a new generation",
        )
    certificates = {authority: store.get(authority) for authority in authorities}
    if include is None:
        chosen = _kept_and_newer(certificates, current)
    else:
        chosen = [authority for authority in authorities if authority.generation in include]
    chosen = [authority for authority in chosen if authority.generation not in distrusted]
    roots = [store.get(authority) for authority in store.roots()]
    return Draft(
        build_bundle([certificates[authority] for authority in chosen], roots),
        tuple(chosen),
        distrusted,
        current,
        distrust.reason if distrust else None,
    )


def stranded(
    bundle: bytes,
    records: Iterable[RegistryRecord],
    now: datetime,
    distrusted: Collection[str] = (),
) -> dict[str, tuple[RegistryRecord, ...]]:
    """The certificates that may be used now, and that callers could use no more under a bundle.

    Args:
        bundle: the truststore.
        records: of the environment's registry.
        now: UTC.
        distrusted: names of CAs (RFC 4514) whose certificates are to be refused.

    Returns:
        Issuer (RFC 4514) to its certificates, the one that ends last at the end.
    """
    trusted = {certificate.subject.rfc4514_string() for certificate in read_bundle(bundle)}
    found: dict[str, list[RegistryRecord]] = defaultdict(list)
    for record in records:
        if record.issuer not in {*trusted, *distrusted} and record.is_usable(now):
            found[record.issuer].append(record)
    return {
        issuer: tuple(sorted(entries, key=lambda entry: entry.not_after))
        for issuer, entries in found.items()
    }


def require_nobody_stranded(
    bundle: bytes,
    records: Iterable[RegistryRecord],
    now: datetime,
    distrusted: Collection[str] = (),
) -> None:
    """Refuse a bundle without a CA of which certificates are still in use.

    Raises:
        TruststoreError: the message counts them.
    """
    lost = stranded(bundle, records, now, distrusted)
    if lost:
        listed = "; ".join(
            f"{len(entries)} of {issuer} (such as {entries[-1].client_id}, until "
            f"{entries[-1].not_after:%Y-%m-%d})"
            for issuer, entries in sorted(lost.items())
        )
        raise TruststoreError(
            f"certificates in use would be refused: {listed}",
            hint="renew or revoke them first (rotation drain lists them); a compromised CA is "
            "taken out with --distrust",
        )


def distrusted_names(store: CaStore, environment: str, generations: Collection[str]) -> set[str]:
    """Names (RFC 4514) of an environment's issuing CAs of these generations.

    Raises:
        CaStoreError: a certificate cannot be read.
    """
    return {
        store.get(authority).subject.rfc4514_string()
        for authority in store.issuing(environment)
        if authority.generation in generations
    }


def upload(bucket: TruststoreBucket, drafted: Draft, now: datetime, progress: Progress) -> Upload:
    """Lint a bundle, then make it the bucket's current version, unless it is that already.

    Raises:
        TruststoreError: the bundle has an error, the bucket keeps no versions, or somebody else
            uploaded meanwhile.
    """
    findings = lint(drafted.bundle, now)
    require_no_error(findings)
    progress.step("linted the bundle")
    current = drafted.replaces
    if current is not None and (current.bundle, current.distrusted) == (
        drafted.bundle,
        drafted.distrusted,
    ):
        return Upload(current.pin, uploaded=False, findings=findings)
    pin = bucket.store(drafted.bundle, current, drafted.distrusted, drafted.reason)
    progress.step(f"uploaded {bucket.uri}")
    return Upload(pin, uploaded=True, findings=findings)


def check(bucket: TruststoreBucket, bundle: bytes, pin: Pin) -> None:
    """Check that a pin names the bucket's current version, and that it holds this bundle.

    Raises:
        TruststoreError: it does not; the message says what differs.
    """
    current = bucket.current()
    if current is None:
        raise TruststoreError(f"{bucket.uri} does not exist", hint="run upload-truststore")
    if current.bundle != bundle:
        raise TruststoreError(
            f"{bucket.uri} is not the bundle of the environment's CAs",
            hint="run upload-truststore, and review the change of its pin",
        )
    if current.pin != pin:
        raise TruststoreError(
            f"the pin names version {pin.version}, the bucket's current one is "
            f"{current.pin.version}",
            hint="run upload-truststore with --pin-file, and review the change of the pin",
        )


def require_no_error(findings: Sequence[Finding], bundle: str = "the bundle") -> None:
    """Refuse a bundle with an error among its findings.

    Args:
        findings: of the linter.
        bundle: how to call it.

    Raises:
        TruststoreError: the message lists the errors.
    """
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        listed = "; ".join(f"{finding.message} [{finding.rule}]" for finding in errors)
        raise TruststoreError(
            f"{bundle} is refused: {listed}",
            hint="a bundle is CA certificates in PEM, each before its issuer, up to the root: "
            "pki/README.md has the rules",
        )


def _named(distrust: Distrust | None) -> frozenset[str]:
    return frozenset() if distrust is None else frozenset({distrust.generation})


def _require_known(
    environment: str, authorities: Sequence[Authority], named: Collection[str]
) -> None:
    unknown = set(named) - {authority.generation for authority in authorities}
    if unknown:
        known = ", ".join(authority.generation for authority in authorities) or "none"
        raise UsageError(
            f"{environment} has no issuing CA of generation {', '.join(sorted(unknown))}",
            hint=f"generations found: {known}",
        )


def _kept_and_newer(
    certificates: dict[Authority, x509.Certificate], current: Stored | None
) -> list[Authority]:
    """What the current bundle holds and what is newer; all, where it holds none."""
    authorities = list(certificates)
    if current is None:
        return authorities
    try:
        trusted = read_bundle(current.bundle)
    except TruststoreError as error:
        raise TruststoreError(
            f"the bucket's current truststore is no bundle: {error}",
            hint="say which CAs the next one holds: --include",
        ) from error
    kept = [authority for authority in authorities if certificates[authority] in trusted]
    if not kept:
        return authorities
    newer = authorities[authorities.index(kept[-1]) + 1 :]
    return [*kept, *newer]
