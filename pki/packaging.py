"""How a certificate and its key are handed over: as PEM files, or as one PKCS #12 file (RFC 7292).

A passphrase comes from a file, the environment or a prompt, never from the command line, where
every process of the machine could read it.
"""

import getpass
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from pki import files
from pki.errors import UsageError
from pki.keys import PrivateKey

CERTIFICATE = "client.crt"
PRIVATE_KEY = "client.key"
CHAIN = "chain.pem"
BUNDLE = "client.p12"
MODES = {
    PRIVATE_KEY: files.PRIVATE,
    BUNDLE: files.PRIVATE,
    CHAIN: files.PUBLIC,
    CERTIFICATE: files.PUBLIC,
}
"""Each file's mode, in the order in which files are put into place: the certificate last."""

PASSPHRASE_VARIABLE = "PKI_PASSPHRASE"  # noqa: S105 (where one is, not one)
MINIMUM_PASSPHRASE = 12
"""Characters. PKCS #12's integrity check costs an attacker 2,048 rounds a guess in nearly every
tool, this one included, whatever the encryption costs: the passphrase has to carry the weight."""

_MAXIMUM_PASSPHRASE_BYTES = 1024
_ROUNDS = 100_000
_LEGACY_ROUNDS = 2_048


class Format(StrEnum):
    """What a client is given."""

    PEM = "pem"
    PKCS12 = "pkcs12"


class PassphraseError(ValueError):
    """The passphrase does not open the key, or one is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packaging:
    """How files are made of a certificate.

    Attributes:
        format: PEM files, or a PKCS #12 file beside the certificate and chain in PEM.
        passphrase: encrypts the key; None for a key in PEM that only its file's mode protects.
        legacy: whether the PKCS #12 file is for systems that know no PBES2: 3DES and SHA-1.
    """

    format: Format = Format.PEM
    passphrase: bytes | None = field(default=None, repr=False)
    legacy: bool = False

    def names(self, *, with_key: bool) -> tuple[str, ...]:
        """The names of the files that :meth:`contents` makes."""
        if self.format is Format.PKCS12:
            return CERTIFICATE, CHAIN, BUNDLE
        return (CERTIFICATE, CHAIN, PRIVATE_KEY) if with_key else (CERTIFICATE, CHAIN)

    def contents(
        self,
        client_id: str,
        certificate: x509.Certificate,
        chain: Sequence[x509.Certificate],
        private_key: PrivateKey | None,
    ) -> Mapping[str, bytes]:
        """File names and what goes into them."""
        contents = {
            CERTIFICATE: certificate.public_bytes(Encoding.PEM),
            CHAIN: b"".join(entry.public_bytes(Encoding.PEM) for entry in chain),
        }
        if self.format is Format.PKCS12:
            contents[BUNDLE] = self.bundle(client_id, certificate, chain, private_key)
        elif private_key is not None:
            contents[PRIVATE_KEY] = self.seal(private_key)
        return contents

    def bundle(
        self,
        client_id: str,
        certificate: x509.Certificate,
        chain: Sequence[x509.Certificate],
        private_key: PrivateKey | None,
    ) -> bytes:
        """One PKCS #12 file; without a key it need not be encrypted."""
        return pkcs12.serialize_key_and_certificates(
            client_id.encode(), private_key, certificate, chain, self._bundle_encryption()
        )

    def seal(self, private_key: PrivateKey) -> bytes:
        """A key as PKCS #8 in PEM, encrypted when there is a passphrase."""
        encryption = (
            NoEncryption() if self.passphrase is None else BestAvailableEncryption(self.passphrase)
        )
        return private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)

    def open(self, sealed: bytes) -> PrivateKey:
        """Read what :meth:`seal` wrote, with this or with no passphrase.

        Raises:
            PassphraseError: the passphrase is another, or missing.
            ValueError: it is no RSA or EC key in PEM.
        """
        try:
            key = load_pem_private_key(sealed, self.passphrase)
        except TypeError:
            if self.passphrase is None:
                raise PassphraseError("the key is encrypted") from None
            key = load_pem_private_key(sealed, None)
        except ValueError as error:
            if self.passphrase is None:
                raise
            raise PassphraseError("the passphrase does not open the key") from error
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise ValueError("a key that is neither RSA nor EC")  # noqa: TRY004 (bad data)
        return key

    def _bundle_encryption(self) -> KeySerializationEncryption:
        if self.passphrase is None:
            return NoEncryption()
        builder = PrivateFormat.PKCS12.encryption_builder()
        if self.legacy:
            return (
                builder.kdf_rounds(_LEGACY_ROUNDS)
                .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
                .hmac_hash(hashes.SHA1())  # noqa: S303 (what such systems read)
                .build(self.passphrase)
            )
        return (
            builder.kdf_rounds(_ROUNDS)
            .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
            .hmac_hash(hashes.SHA256())
            .build(self.passphrase)
        )


def read_passphrase(
    file: Path | None,
    *,
    ask: Callable[[str], str] | None,
    environment: Mapping[str, str] = os.environ,
) -> bytes:
    """The passphrase: from the file, else from ``PKI_PASSPHRASE``, else asked for twice.

    Args:
        file: holds it in its first line.
        ask: asks at the terminal without echo; None where there is no terminal.
        environment: the process's.

    Raises:
        UsageError: there is none, it is too short, or the two entered differ.
        FileError: the file cannot be read.
    """
    if file is not None:
        return _strong(_first_line(file), str(file))
    if (given := environment.get(PASSPHRASE_VARIABLE)) is not None:
        return _strong(given, PASSPHRASE_VARIABLE)
    if ask is None:
        raise UsageError(
            "a passphrase is needed, and there is no terminal to ask at",
            hint=f"name a file with --passphrase-file, or set {PASSPHRASE_VARIABLE}",
        )
    entered = ask("Passphrase: ")
    if ask("The same again: ") != entered:
        raise UsageError("the two passphrases differ", hint="run it again")
    return _strong(entered, "the passphrase")


def ask_at_terminal() -> Callable[[str], str] | None:
    """How to ask for a passphrase, or None when nobody sits there."""
    return getpass.getpass if os.isatty(0) else None


def _first_line(file: Path) -> str:
    content = files.read(file, "passphrase", at_most=_MAXIMUM_PASSPHRASE_BYTES)
    if len(content) > _MAXIMUM_PASSPHRASE_BYTES:
        raise UsageError(f"{file} is no passphrase: more than {_MAXIMUM_PASSPHRASE_BYTES} bytes")
    try:
        lines = content.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is no passphrase: not UTF-8") from error
    if len(lines) > 1:
        raise UsageError(f"{file} is no passphrase: more than one line")
    return lines[0] if lines else ""


def _strong(passphrase: str, source: str) -> bytes:
    if len(passphrase) < MINIMUM_PASSPHRASE:
        raise UsageError(
            f"{source} is too short: a passphrase has at least {MINIMUM_PASSPHRASE} characters",
            hint="make one: openssl rand -base64 24",
        )
    return passphrase.encode("utf-8")
