"""Public keys: which ones are strong enough, what they are called, how they sign."""

import hashlib
from collections.abc import Collection
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

type PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
type PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_MINIMUM_RSA_EXPONENT = 65537
"""FIPS 186-5, section 5.4: the exponent is odd and greater than 2^16."""


class KeyType(StrEnum):
    """The keys that API Gateway accepts in a chain, as far as anyone should use them."""

    RSA_2048 = "rsa-2048"
    RSA_3072 = "rsa-3072"
    RSA_4096 = "rsa-4096"
    EC_P256 = "ec-p256"
    EC_P384 = "ec-p384"


_RSA_BITS = {KeyType.RSA_2048: 2048, KeyType.RSA_3072: 3072, KeyType.RSA_4096: 4096}
_CURVES: dict[KeyType, ec.EllipticCurve] = {
    KeyType.EC_P256: ec.SECP256R1(),
    KeyType.EC_P384: ec.SECP384R1(),
}


class WeakKeyError(ValueError):
    """A key that no certificate should carry. The message says what it is."""


def classify(key: object) -> KeyType:
    """Name a public key's type.

    Raises:
        WeakKeyError: another algorithm, size, curve or exponent than those of :class:`KeyType`.
    """
    if isinstance(key, rsa.RSAPublicKey):
        exponent = key.public_numbers().e
        if exponent < _MINIMUM_RSA_EXPONENT:
            raise WeakKeyError(f"RSA with public exponent {exponent}")
        for key_type, bits in _RSA_BITS.items():
            if key.key_size == bits:
                return key_type
        raise WeakKeyError(f"RSA of {key.key_size} bits")
    if isinstance(key, ec.EllipticCurvePublicKey):
        for key_type, curve in _CURVES.items():
            if key.curve.name == curve.name:
                return key_type
        raise WeakKeyError(f"EC on curve {key.curve.name}")
    raise WeakKeyError(type(key).__name__.removesuffix("PublicKey"))


def supported(key: object, allowed: Collection[KeyType]) -> PublicKey:
    """The key itself, when its type is one of those allowed.

    Raises:
        WeakKeyError: it is not.
    """
    key_type = classify(key)
    if key_type not in allowed:
        raise WeakKeyError(key_type.value)
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise WeakKeyError(type(key).__name__)
    return key


def generate(key_type: KeyType) -> PrivateKey:
    """Make a new key pair from the system's randomness."""
    if key_type in _CURVES:
        return ec.generate_private_key(_CURVES[key_type])
    return rsa.generate_private_key(_MINIMUM_RSA_EXPONENT, _RSA_BITS[key_type])


def signature_hash(key: PublicKey) -> hashes.SHA256 | hashes.SHA384:
    """The hash a CA signs with: SHA-384 on P-384, SHA-256 everywhere else."""
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == ec.SECP384R1.name:
        return hashes.SHA384()
    return hashes.SHA256()


def verifies(
    key: PublicKey, signature: bytes, data: bytes, algorithm: hashes.HashAlgorithm
) -> bool:
    """Whether a key made a signature over data: RSASSA-PKCS1-v1_5 with RSA, ECDSA with EC."""
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, PKCS1v15(), algorithm)
        else:
            key.verify(signature, data, ec.ECDSA(algorithm))
    except InvalidSignature:
        return False
    return True


def public_key_sha256(key: PublicKey) -> str:
    """SHA-256 of the SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7), lower-case hexadecimal."""
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest()
