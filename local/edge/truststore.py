"""Which S3 object version a domain takes its truststore from, and when it looks again.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-mutual-tls.html
"""

import datetime as dt
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from pki.gateway.truststore import ClientTrust, InvalidTruststore, expired, parse


@dataclass(frozen=True, slots=True)
class Pin:
    """A domain's ``mutualTlsAuthentication``: an S3 URI and, as it should be, an object version."""

    uri: str
    version: str | None = None


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
