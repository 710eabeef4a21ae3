"""CA keys as PKCS#8 PEM, encrypted under a passphrase that only people know (RFC 5958, RFC 8018).

For organisations that cannot have the key in KMS: whoever signs has it in memory while they do.
"""

from contextlib import AbstractContextManager, nullcontext

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from pki.errors import KeyKeeperError, MissingKeyError
from pki.keepers.secret import SecretSource
from pki.keepers.storage import Storage
from pki.keys import KeyType, PublicKey, generate
from pki.organization import Authority
from pki.signer import FileSigner, KeptSignature

_ENCRYPTED = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"


class EncryptedPemKeeper:
    """Keys that are opened with a passphrase."""

    def __init__(self, storage: Storage, passphrase: SecretSource) -> None:
        """Keep where the keys are and where their passphrase comes from."""
        self._storage = storage
        self._passphrase = passphrase

    def signer_of(self, authority: Authority) -> "EncryptedPemSigner":
        """See :meth:`pki.keepers.Keeper.signer_of`."""
        return EncryptedPemSigner(self._storage, self._passphrase, authority)

    def create(self, authority: Authority, key_type: KeyType) -> PublicKey:
        """See :meth:`pki.keepers.Keeper.create`."""
        if self._storage.read(authority) is not None:
            raise self._exists(authority)
        passphrase = self._passphrase.read_new().encode()
        key = generate(key_type)
        pem = key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase)
        )
        # Refused although it is ours: what arrived twice, since the first answer was lost.
        if not self._storage.create(authority, pem) and self._storage.read(authority) != pem:
            raise self._exists(authority)
        return key.public_key()

    def unlocked(self, _: Authority) -> AbstractContextManager[None]:
        """See :meth:`pki.keepers.Keeper.unlocked`; here the passphrase is the lock."""
        return nullcontext()

    def _exists(self, authority: Authority) -> KeyKeeperError:
        return KeyKeeperError(
            f"{self._storage.location(authority)} exists: it was not replaced",
            hint="a CA keeps its key for life: a new key is a new generation",
        )


class EncryptedPemSigner:
    """One CA's key, opened when it is first used."""

    def __init__(self, storage: Storage, passphrase: SecretSource, authority: Authority) -> None:
        """Keep which key, and where."""
        self._storage = storage
        self._passphrase = passphrase
        self._authority = authority
        self._opened: FileSigner | None = None

    def public_key(self) -> PublicKey:
        """See :meth:`pki.signer.Signer.public_key`."""
        return self._open().public_key()

    def sign_digest(self, digest: bytes, algorithm: hashes.HashAlgorithm) -> KeptSignature:
        """See :meth:`pki.signer.Signer.sign_digest`."""
        return self._open().sign_digest(digest, algorithm)

    def _open(self) -> FileSigner:
        if self._opened is None:
            self._opened = self._read()
        return self._opened

    def _read(self) -> FileSigner:
        location = self._storage.location(self._authority)
        pem = self._storage.read(self._authority)
        if pem is None:
            raise MissingKeyError(
                f"there is no {location}",
                hint="a ceremony makes it: plan one (bootstrap-ca, rotate-issuing-ca, renew-root)",
            )
        if not pem.startswith(_ENCRYPTED):
            raise KeyKeeperError(
                f"{location} holds no encrypted PKCS#8 key",
                hint="find out who wrote it: a CA key never lies anywhere in the clear",
            )
        try:
            return FileSigner.from_pem(pem, self._passphrase.read().encode())
        except KeyKeeperError as error:
            if error.__cause__ is None:
                raise
            # The cause is dropped: what failed to parse may be the decrypted key.
            raise KeyKeeperError(
                f"the {self._passphrase.what} does not open {location}",
                hint=f"check {self._passphrase.variable}; nothing was signed",
            ) from None
