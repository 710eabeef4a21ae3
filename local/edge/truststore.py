"""Truststores: what API Gateway accepts as one, and which S3 object version a domain uses.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-mutual-tls.html
"""

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

MAX_BYTES = 1_000_000

UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What cryptography raises, early or late, for a certificate that it cannot read."""

_PEM_LABEL = re.compile(rb"-----BEGIN ([^\r\n-]+)-----")


@dataclass(frozen=True, slots=True)
class Pin:
    """A domain's ``mutualTlsAuthentication``: an S3 URI and, as it should be, an object version."""

    uri: str
    version: str | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Truststore:
    """The certificate authorities that a domain accepts client certificates from.

    Compared by identity: a judgement made under one truststore holds for that very object.
    """

    certificates: tuple[x509.Certificate, ...]
    by_subject: dict[bytes, x509.Certificate] = field(repr=False)
    source: str = ""


@dataclass(frozen=True, slots=True)
class InvalidTruststore:
    """A truststore that cannot be used, and why: its domain refuses everybody."""

    source: str
    problem: str


type ClientTrust = Truststore | InvalidTruststore


def parse(pem: bytes, source: str = "") -> ClientTrust:
    """Read a truststore as API Gateway imports it.

    An expired entry is no error (AWS warns); see ``expired``.

    Args:
        pem: The S3 object.
        source: Where it came from, for messages.

    Returns:
        The truststore, or what is wrong with it: size, no certificate, another kind of PEM block,
        a certificate that cannot be parsed, two entries with one subject.
    """
    if len(pem) > MAX_BYTES:
        return InvalidTruststore(source, f"{len(pem)} bytes, at most {MAX_BYTES} are allowed")
    foreign = {label.decode("ascii", "replace") for label in _PEM_LABEL.findall(pem)}
    foreign -= {"CERTIFICATE"}
    if foreign:
        return InvalidTruststore(source, f"holds PEM blocks other than CERTIFICATE: {min(foreign)}")
    try:
        certificates = tuple(x509.load_pem_x509_certificates(pem))
        names = Counter(certificate.subject.rfc4514_string() for certificate in certificates)
    except UNREADABLE:
        return InvalidTruststore(source, "not a bundle of PEM certificates")
    name, times = names.most_common(1)[0]
    if times > 1:
        return InvalidTruststore(source, f"{times} certificates have the subject {name}")
    by_subject = {c.subject.public_bytes(): c for c in certificates}
    return Truststore(certificates, by_subject, source)


def expired(truststore: Truststore, now: dt.datetime) -> list[str]:
    """Subjects of the entries that are past their end, in RFC 4514 form."""
    return [
        certificate.subject.rfc4514_string()
        for certificate in truststore.certificates
        if certificate.not_valid_after_utc < now
    ]


@dataclass(frozen=True, slots=True)
class S3Object:
    """An object's bytes and the version they are, None in a bucket without versions."""

    content: bytes
    version: str | None


class ObjectMissingError(Exception):
    """The object, its version or its bucket is not there or may not be read."""


class ReadObject(Protocol):
    """Reads one S3 object as an account.

    Raises ``ObjectMissingError``; any other exception means the store could not be asked.
    """

    def __call__(self, account: str, bucket: str, key: str, version: str | None) -> S3Object:
        """Read an object, the given version of it or the current one."""
        ...


class Pinned:
    """The truststore of each domain, as frozen when the domain's configuration last changed.

    Overwriting the S3 object changes nothing (AWS: only an update of the domain name with a new
    ``truststoreVersion`` does). Without a version, the one that was current when the configuration
    was first seen is kept until the configuration changes.
    """

    def __init__(self, read: ReadObject, on_problem: Callable[[str, str], None]) -> None:
        """Make an empty store.

        Args:
            read: Reads S3 objects.
            on_problem: Told ``(domain, problem)`` once for each new problem or warning.
        """
        self._read = read
        self._on_problem = on_problem
        self._frozen: dict[tuple[str, str], tuple[Pin, ClientTrust]] = {}
        self._told: dict[str, str] = {}

    def resolve(self, account: str, domain: str, pin: Pin, now: dt.datetime) -> ClientTrust:
        """Return the domain's truststore, reading S3 only when the pin is new.

        Raises:
            Exception: What ``read`` raises when S3 cannot be asked; nothing is changed then.
        """
        known = self._frozen.get((account, domain))
        if known is not None and known[0] == pin:
            return known[1]
        source = f"{pin.uri} version {pin.version}" if pin.version else pin.uri
        location = urlsplit(pin.uri)
        if location.scheme != "s3" or not location.netloc or len(location.path) < 2:
            return self._invalid(domain, InvalidTruststore(source, "not an s3:// URI"))
        try:
            found = self._read(account, location.netloc, location.path[1:], pin.version)
        except ObjectMissingError as error:
            # Not frozen: the object may still be on its way, so it is asked for again.
            return self._invalid(domain, InvalidTruststore(source, str(error)))
        source = (
            f"{pin.uri} version {found.version or pin.version or 'none (bucket not versioned)'}"
        )
        trust = parse(found.content, source)
        self._frozen[account, domain] = (pin, trust)
        if isinstance(trust, InvalidTruststore):
            return self._invalid(domain, trust)
        self._told.pop(domain, None)
        for subject in expired(trust, now):
            self._on_problem(domain, f"truststore {source}: entry has expired: {subject}")
        return trust

    def keep_only(self, domains: AbstractSet[tuple[str, str]]) -> None:
        """Forget every domain but these ``(account, name)``: a deleted one starts afresh."""
        for gone in self._frozen.keys() - domains:
            del self._frozen[gone]

    def _invalid(self, domain: str, trust: InvalidTruststore) -> InvalidTruststore:
        message = f"truststore {trust.source} is unusable, every client is refused: {trust.problem}"
        if self._told.get(domain) != message:
            self._told[domain] = message
            self._on_problem(domain, message)
        return trust
