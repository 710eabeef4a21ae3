"""Reading PEM text (RFC 7468) strictly: nothing before, between or after the blocks is ignored."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

MALFORMED = (
    ValueError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What cryptography raises on malformed DER: when it is loaded, or when a part is first read."""

_NOT_TEXT = re.compile(rb"[^\t\r\n\x20-\x7e]")
_DER_SEQUENCE = b"\x30"
_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,64})-----")


class PemError(ValueError):
    """Text that is not PEM. The message says what it looks like instead, never what it holds."""


@dataclass(frozen=True, slots=True)
class Block:
    """One PEM block.

    Attributes:
        label: what stands after ``BEGIN``.
        der: the decoded body.
        line: line number of its ``BEGIN``, from 1.
    """

    label: str
    der: bytes
    line: int


def parse_pem(data: bytes) -> Iterator[Block]:
    """Read block after block.

    Raises:
        PemError: empty, binary, truncated, not base64, or text outside the blocks.
    """
    lines = _text(data).split("\n")
    position = 0
    while position < len(lines):
        if not lines[position].strip():
            position += 1
            continue
        begin = _BEGIN.fullmatch(lines[position].strip())
        if begin is None:
            raise PemError(f"line {position + 1} is neither PEM nor blank")
        label = begin.group(1)
        end = _find_end(lines, position + 1, label)
        body = "".join(line.strip() for line in lines[position + 1 : end])
        yield Block(label, _decode(body, position + 1), position + 1)
        position = end + 1


def _text(data: bytes) -> str:
    if _NOT_TEXT.search(data):
        if data.startswith(_DER_SEQUENCE):
            raise PemError("it is DER (binary), not PEM")
        raise PemError("it holds bytes that are no ASCII text")
    if not data.strip():
        raise PemError("it is empty")
    return data.decode("ascii")


def _find_end(lines: list[str], start: int, label: str) -> int:
    for position in range(start, len(lines)):
        text = lines[position].strip()
        if text == f"-----END {label}-----":
            return position
        if text.startswith("-----"):
            break
    raise PemError(f"the block {label} that begins on line {start} has no end: it is truncated")


def _decode(body: str, line: int) -> bytes:
    try:
        der = base64.b64decode(body, validate=True)
    except ValueError as error:
        raise PemError(f"the block that begins on line {line} is not base64") from error
    if not der:
        raise PemError(f"the block that begins on line {line} is empty")
    return der


def is_whole(der: bytes, signature: bytes) -> bool:
    """Whether signed DER ends in its signature, in whole octets.

    A BIT STRING that calls bits unused would be a second encoding of what was signed, with another
    fingerprint, and its signature would verify all the same (X.690, section 8.6.2.2).
    """
    return der[-len(signature) - 1 :] == b"\0" + signature
