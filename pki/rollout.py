"""From CA certificates to a pinned truststore version."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from pki.ca_store import CaStore
from pki.errors import TruststoreError, UsageError
from pki.progress import Progress
from pki.truststore import Finding, Severity, build_bundle, lint
from pki.truststore_bucket import Pin, TruststoreBucket


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


def environment_bundle(
    store: CaStore, environment: str, generations: Sequence[str] | None
) -> bytes:
    """The bundle of an environment: its issuing CAs (or those named), then their roots.

    Raises:
        UsageError: a generation is named that does not exist.
        TruststoreError: there is no issuing CA, or no root issued one.
        CaStoreError: a certificate cannot be read.
    """
    authorities = store.issuing(environment)
    if generations is not None:
        unknown = set(generations) - {authority.generation for authority in authorities}
        if unknown:
            known = ", ".join(authority.generation for authority in authorities) or "none"
            raise UsageError(
                f"{environment} has no issuing CA of generation {', '.join(sorted(unknown))}",
                hint=f"generations found: {known}",
            )
        authorities = tuple(entry for entry in authorities if entry.generation in generations)
    issuing = [store.get(authority) for authority in authorities]
    roots: list[x509.Certificate] = [store.get(authority) for authority in store.roots()]
    return build_bundle(issuing, roots)


def upload(bucket: TruststoreBucket, bundle: bytes, now: datetime, progress: Progress) -> Upload:
    """Lint the bundle, then make it the bucket's current version, unless it is that already.

    Raises:
        TruststoreError: the bundle has an error, the bucket keeps no versions, or somebody else
            uploaded meanwhile.
    """
    findings = lint(bundle, now)
    require_no_error(findings)
    progress.step("linted the bundle")
    current = bucket.current()
    if current is not None and current.bundle == bundle:
        return Upload(current.pin, uploaded=False, findings=findings)
    pin = bucket.store(bundle, current)
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
