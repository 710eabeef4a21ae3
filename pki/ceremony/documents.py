"""Documents that people approve: one way to write each, and a digest of exactly that.

The canonical form is that of RFC 8785 for what these documents hold: strings, integers, booleans,
null, arrays, and objects whose names are ASCII. Whoever has the file has the digest, with
``sha256sum`` and nothing else.
"""

import hashlib
import json
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

type Refuse = Callable[[str], Exception]
"""Makes the error that a reader raises."""

_DIGEST_PREFIX = "sha256:"


def encode(document: object) -> bytes:
    """The canonical form: names sorted, no white space, UTF-8."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def digest_of(document: object) -> str:
    """``sha256:`` and the lower-case hexadecimal SHA-256 of the canonical form."""
    return f"{_DIGEST_PREFIX}{hashlib.sha256(encode(document)).hexdigest()}"


def digest_hex(digest: str) -> str:
    """A digest without the name of its algorithm."""
    return digest.removeprefix(_DIGEST_PREFIX)


def decode(data: bytes, refuse: Refuse) -> object:
    """Parse JSON.

    Raises:
        Exception: what ``refuse`` makes; it is not JSON.
    """
    try:
        document: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise refuse(f"it is not JSON: {error}") from error
    return document


def fields(document: object, names: Collection[str], what: str, refuse: Refuse) -> dict[str, Any]:
    """An object that has these names and no other.

    Raises:
        Exception: what ``refuse`` makes; the message names what is unknown or missing.
    """
    if not isinstance(document, dict):
        raise refuse(f"{what} is no JSON object")
    if unknown := sorted(set(document) - set(names)):
        raise refuse(f"{what} has unknown fields: {', '.join(unknown)}")
    if missing := sorted(set(names) - set(document)):
        raise refuse(f"{what} lacks {', '.join(missing)}")
    return document


def text(value: object, what: str, refuse: Refuse) -> str:
    """A string that is not empty.

    Raises:
        Exception: what ``refuse`` makes.
    """
    if not isinstance(value, str) or not value:
        raise refuse(f"{what}: expected text, found {value!r}")
    return value


def moment(value: object, what: str, refuse: Refuse) -> datetime:
    """A time as :func:`timestamp` writes it.

    Raises:
        Exception: what ``refuse`` makes.
    """
    try:
        parsed = datetime.strptime(str(value), _TIME).replace(tzinfo=UTC)
    except ValueError:
        parsed = None
    if parsed is None or timestamp(parsed) != value:
        raise refuse(f"{what}: expected a time such as 2026-11-24T12:00:00Z, found {value!r}")
    return parsed


def timestamp(when: datetime) -> str:
    """ISO 8601 in UTC, to the second."""
    return when.astimezone(UTC).strftime(_TIME)


_TIME = "%Y-%m-%dT%H:%M:%SZ"
