"""Key keepers: who holds a CA's private key, behind one interface.

A keeper gives its public key and signs a digest; the private key stays with it.
:func:`signing_key` dresses a keeper as a private key, so that cryptography's own builders sign
with it: no certificate is put together by hand.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Protocol, Self, override

from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding, PKCS1v15
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    KeySerializationEncryption,
    PrivateFormat,
    load_der_public_key,
    load_pem_private_key,
)

from pki.aws import error_code
from pki.errors import KeyKeeperError, MissingKeyError
from pki.keys import PrivateKey, PublicKey

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_kms.literals import SigningAlgorithmSpecType

__all__ = ["FileSigner", "KeptSignature", "KmsSigner", "Signer", "Witness", "signing_key"]

_KMS_ALGORITHMS: "dict[tuple[type, str], SigningAlgorithmSpecType]" = {
    (rsa.RSAPublicKey, "sha256"): "RSASSA_PKCS1_V1_5_SHA_256",
    (rsa.RSAPublicKey, "sha384"): "RSASSA_PKCS1_V1_5_SHA_384",
    (ec.EllipticCurvePublicKey, "sha256"): "ECDSA_SHA_256",
    (ec.EllipticCurvePublicKey, "sha384"): "ECDSA_SHA_384",
}
_UNUSABLE = {"DisabledException", "KMSInvalidStateException", "KeyUnavailableException"}


@dataclass(frozen=True, slots=True)
class KeptSignature:
    """What a keeper signed.

    Attributes:
        signature: RSASSA-PKCS1-v1_5 with RSA, DER-encoded ECDSA with EC.
        request_id: what the keeper's own log calls the use of its key, such as CloudTrail's
            ``requestID``; None where a keeper keeps no log.
    """

    signature: bytes
    request_id: str | None = None


class Signer(Protocol):
    """A key keeper."""

    def public_key(self) -> PublicKey:
        """The public half.

        Raises:
            MissingKeyError: there is no such key.
            KeyKeeperError: it cannot be asked for now, or is no RSA or EC key.
        """
        ...

    def sign_digest(self, digest: bytes, algorithm: hashes.HashAlgorithm) -> KeptSignature:
        """Sign a digest, once: nothing is repeated, since every use of a key is accounted for.

        Args:
            digest: the hash of what is signed.
            algorithm: the hash function that made it.

        Raises:
            KeyKeeperError: the keeper will not sign.
        """
        ...


class KmsSigner:
    """An asymmetric KMS key: nobody can export it, and CloudTrail sees each use.

    Signs digests, since ``kms:Sign`` takes at most 4,096 bytes of message
    (https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html).

    Example:
        >>> KmsSigner(session.client("kms", config=NO_RETRIES), "alias/example-root-ca-g1")
    """

    def __init__(self, kms: "KMSClient", key_id: str) -> None:
        """Keep the client and the key's id, ARN or alias; the client must not retry."""
        self._kms = kms
        self._key_id = key_id
        self._public_key: PublicKey | None = None

    def public_key(self) -> PublicKey:
        """See :meth:`Signer.public_key`; asked once."""
        if self._public_key is None:
            self._public_key = self._fetch_public_key()
        return self._public_key

    def sign_digest(self, digest: bytes, algorithm: hashes.HashAlgorithm) -> KeptSignature:
        """See :meth:`Signer.sign_digest`."""
        kind = rsa.RSAPublicKey if self._is_rsa() else ec.EllipticCurvePublicKey
        try:
            kms_algorithm = _KMS_ALGORITHMS[kind, algorithm.name]
        except KeyError as error:
            raise KeyKeeperError(f"{self._key_id} does not sign with {algorithm.name}") from error
        try:
            answer = self._kms.sign(
                KeyId=self._key_id,
                Message=digest,
                MessageType="DIGEST",
                SigningAlgorithm=kms_algorithm,
            )
        except ClientError as error:
            raise self._translated(error) from error
        return KeptSignature(answer["Signature"], answer["ResponseMetadata"]["RequestId"])

    def _is_rsa(self) -> bool:
        return isinstance(self.public_key(), rsa.RSAPublicKey)

    def _fetch_public_key(self) -> PublicKey:
        try:
            answer = self._kms.get_public_key(KeyId=self._key_id)
        except ClientError as error:
            raise self._translated(error) from error
        if answer["KeyUsage"] != "SIGN_VERIFY":
            raise KeyKeeperError(f"KMS key {self._key_id} is for {answer['KeyUsage']}")
        return _rsa_or_ec(load_der_public_key(answer["PublicKey"]), f"KMS key {self._key_id}")

    def _translated(self, error: ClientError) -> Exception:
        code = error_code(error)
        if code == "NotFoundException":
            return MissingKeyError(
                f"there is no KMS key {self._key_id} in the security account",
                hint="apply the unit ca/pki of the security account first",
            )
        if code in _UNUSABLE:
            return KeyKeeperError(
                f"KMS key {self._key_id} cannot be used now ({code})",
                hint="a CA key is enabled for its ceremony only: enable it and run again",
            )
        return error


class FileSigner:
    """A key in this process's memory: for tests and for disposable CAs, never for a real one."""

    def __init__(self, private_key: PrivateKey) -> None:
        """Keep the key."""
        self._private_key = private_key

    @classmethod
    def from_pem(cls, pem: bytes, password: bytes | None = None) -> Self:
        """Read an encrypted or plain PEM private key.

        Raises:
            KeyKeeperError: the text is no such key, or the password does not open it.
        """
        try:
            key = load_pem_private_key(pem, password)
        except (ValueError, TypeError) as error:
            raise KeyKeeperError("the PEM private key cannot be read with this password") from error
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise KeyKeeperError("a CA key is RSA or EC")
        return cls(key)

    def public_key(self) -> PublicKey:
        """See :meth:`Signer.public_key`."""
        return self._private_key.public_key()

    def sign_digest(self, digest: bytes, algorithm: hashes.HashAlgorithm) -> KeptSignature:
        """See :meth:`Signer.sign_digest`."""
        prehashed = utils.Prehashed(algorithm)
        if isinstance(self._private_key, rsa.RSAPrivateKey):
            return KeptSignature(self._private_key.sign(digest, PKCS1v15(), prehashed))
        return KeptSignature(self._private_key.sign(digest, ec.ECDSA(prehashed)))


class Witness:
    """A signer that remembers what the keeper's log calls the last signature.

    Attributes:
        request_id: see :class:`KeptSignature`; None before the first.
    """

    def __init__(self, signer: Signer) -> None:
        """Stand before the keeper."""
        self._signer = signer
        self.request_id: str | None = None

    def public_key(self) -> PublicKey:
        """See :meth:`Signer.public_key`."""
        return self._signer.public_key()

    def sign_digest(self, digest: bytes, algorithm: hashes.HashAlgorithm) -> KeptSignature:
        """See :meth:`Signer.sign_digest`."""
        kept = self._signer.sign_digest(digest, algorithm)
        self.request_id = kept.request_id
        return kept


def signing_key(signer: Signer) -> PrivateKey:
    """The keeper as a private key that cryptography's builders accept; it can only sign.

    Raises:
        KeyKeeperError: as :meth:`Signer.public_key`.
    """
    public_key = signer.public_key()
    if isinstance(public_key, rsa.RSAPublicKey):
        return _KeptRsaKey(signer, public_key)
    return _KeptEcKey(signer, public_key)


def _rsa_or_ec(key: object, what: str) -> PublicKey:
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise KeyKeeperError(f"{what} is neither RSA nor EC")
    return key


def _digest(data: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
    hasher = hashes.Hash(algorithm)
    hasher.update(data)
    return hasher.finalize()


def _kept() -> NoReturn:
    raise TypeError("the private key stays with its keeper, which only signs")


class _KeptRsaKey(rsa.RSAPrivateKey):
    def __init__(self, signer: Signer, public_key: rsa.RSAPublicKey) -> None:
        self._signer = signer
        self._public_key = public_key

    @property
    @override
    def key_size(self) -> int:
        return self._public_key.key_size

    @override
    def public_key(self) -> rsa.RSAPublicKey:
        return self._public_key

    @override
    def sign(
        self,
        data: bytes,
        padding: AsymmetricPadding,
        algorithm: utils.Prehashed | hashes.HashAlgorithm | utils.NoDigestInfo,
    ) -> bytes:
        if not isinstance(padding, PKCS1v15) or not isinstance(algorithm, hashes.HashAlgorithm):
            raise TypeError("a CA signs with RSASSA-PKCS1-v1_5 over a hash")
        return self._signer.sign_digest(_digest(data, algorithm), algorithm).signature

    @override
    def decrypt(self, ciphertext: bytes, padding: AsymmetricPadding) -> bytes:
        _kept()

    @override
    def private_numbers(self) -> rsa.RSAPrivateNumbers:
        _kept()

    @override
    def private_bytes(
        self,
        encoding: Encoding,
        format: PrivateFormat,
        encryption_algorithm: KeySerializationEncryption,
    ) -> bytes:
        _kept()

    @override
    def __copy__(self) -> rsa.RSAPrivateKey:
        return self

    @override
    def __deepcopy__(self, memo: dict[int, object]) -> rsa.RSAPrivateKey:
        return self


class _KeptEcKey(ec.EllipticCurvePrivateKey):
    def __init__(self, signer: Signer, public_key: ec.EllipticCurvePublicKey) -> None:
        self._signer = signer
        self._public_key = public_key

    @property
    @override
    def curve(self) -> ec.EllipticCurve:
        return self._public_key.curve

    @property
    @override
    def key_size(self) -> int:
        return self._public_key.key_size

    @override
    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public_key

    @override
    def sign(
        self,
        data: bytes | bytearray | memoryview,
        signature_algorithm: ec.EllipticCurveSignatureAlgorithm,
    ) -> bytes:
        algorithm = signature_algorithm.algorithm
        if not isinstance(algorithm, hashes.HashAlgorithm):
            raise TypeError("a CA signs with ECDSA over a hash")
        return self._signer.sign_digest(_digest(bytes(data), algorithm), algorithm).signature

    @override
    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> bytes:
        _kept()

    @override
    def private_numbers(self) -> ec.EllipticCurvePrivateNumbers:
        _kept()

    @override
    def private_bytes(
        self,
        encoding: Encoding,
        format: PrivateFormat,
        encryption_algorithm: KeySerializationEncryption,
    ) -> bytes:
        _kept()

    @override
    def __copy__(self) -> ec.EllipticCurvePrivateKey:
        return self

    @override
    def __deepcopy__(self, memo: dict[int, object]) -> ec.EllipticCurvePrivateKey:
        return self
