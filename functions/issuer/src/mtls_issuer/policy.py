"""Who may renew, when, and for how long: the environment's policy, typed."""

import json
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Self

from clientcert import SettingsError
from pki.keys import KeyType
from pki.profiles import MAXIMUM_CLIENT_LIFETIME


@dataclass(frozen=True, slots=True)
class RenewalPolicy:
    """The policy of one environment.

    A renewal always brings a new key: the registry certifies a key once.

    Attributes:
        clients: globs; a client whose name matches none of them may not renew by itself.
        window_days: a certificate may be renewed in its last so many days.
        lifetime_days: validity of the new certificate.
        overlap_days: how long the old certificate stays usable beside the new one.
        key_types: what kind of key the new certificate may have.
    """

    clients: tuple[str, ...]
    window_days: int
    lifetime_days: int
    overlap_days: int
    key_types: frozenset[KeyType]

    def __post_init__(self) -> None:
        if not self.clients or not all(self.clients):
            raise SettingsError("RENEWAL_POLICY: clients: one or more globs expected")
        if not self.key_types:
            raise SettingsError("RENEWAL_POLICY: key_types: one or more expected")
        longest = MAXIMUM_CLIENT_LIFETIME.days
        for name, least in (("window_days", 1), ("lifetime_days", 1), ("overlap_days", 0)):
            value = getattr(self, name)
            if not least <= value <= longest:
                raise SettingsError(f"RENEWAL_POLICY: {name}: {least} to {longest} expected")
        # Else a new certificate could be renewed at once, and again, without end.
        if self.window_days >= self.lifetime_days:
            raise SettingsError("RENEWAL_POLICY: window_days: fewer than lifetime_days expected")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the JSON object that `modules/issuer` writes.

        Raises:
            SettingsError: it is not the policy; the message names the member.
        """
        try:
            document = json.loads(text)
        except ValueError as error:
            raise SettingsError("RENEWAL_POLICY: not JSON") from error
        names = {field.name for field in fields(cls)}
        if not isinstance(document, dict) or set(document) != names:
            raise SettingsError(f"RENEWAL_POLICY: exactly {', '.join(sorted(names))} expected")
        return cls(
            clients=_texts(document, "clients"),
            window_days=_number(document, "window_days"),
            lifetime_days=_number(document, "lifetime_days"),
            overlap_days=_number(document, "overlap_days"),
            key_types=frozenset(map(_key_type, _texts(document, "key_types"))),
        )

    @property
    def lifetime(self) -> timedelta:
        """Validity of the new certificate."""
        return timedelta(days=self.lifetime_days)

    @property
    def overlap(self) -> timedelta:
        """How long the old certificate stays usable."""
        return timedelta(days=self.overlap_days)

    def allows(self, client_id: str) -> bool:
        """Whether the client may renew by itself."""
        return any(fnmatchcase(client_id, pattern) for pattern in self.clients)

    def opens_at(self, not_after: datetime) -> datetime:
        """From when on a certificate that ends then may be renewed."""
        return not_after - timedelta(days=self.window_days)


def _texts(document: dict[str, object], name: str) -> tuple[str, ...]:
    value = document[name]
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise SettingsError(f"RENEWAL_POLICY: {name}: list of strings expected")
    return tuple(value)


def _number(document: dict[str, object], name: str) -> int:
    value = document[name]
    if not isinstance(value, int) or isinstance(value, bool):
        raise SettingsError(f"RENEWAL_POLICY: {name}: whole number expected")
    return value


def _key_type(text: str) -> KeyType:
    try:
        return KeyType(text)
    except ValueError as error:
        raise SettingsError(f"RENEWAL_POLICY: key_types: {text!r} is no key type") from error
