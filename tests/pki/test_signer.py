import copy

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from pki.errors import KeyKeeperError
from pki.keys import KeyType, PrivateKey, generate
from pki.signer import FileSigner, KmsSigner, Signer, signing_key
from tests.pki.support import Cloud

MESSAGE = b"to be signed" * 1000
"""Longer than the 4,096 bytes that kms:Sign takes."""


@pytest.mark.parametrize("key_spec", ["ECC_NIST_P256", "ECC_NIST_P384"])
def test_kms_signs_for_an_ec_key(cloud: Cloud, key_spec: str) -> None:
    cloud.make_key("alias/example-root-ca-g9", key_spec)
    signer = cloud.signer_of(cloud.organization.root("g9"))
    key = signing_key(signer)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    algorithm = hashes.SHA384() if key.curve.name == "secp384r1" else hashes.SHA256()

    signature = key.sign(MESSAGE, ec.ECDSA(algorithm))

    key.public_key().verify(signature, MESSAGE, ec.ECDSA(algorithm))


def test_kms_signs_for_an_rsa_key(rsa_cloud: Cloud) -> None:
    key = signing_key(rsa_cloud.signer_of(rsa_cloud.organization.root("g1")))
    assert isinstance(key, rsa.RSAPrivateKey)

    signature = key.sign(MESSAGE, padding.PKCS1v15(), hashes.SHA256())

    key.public_key().verify(signature, MESSAGE, padding.PKCS1v15(), hashes.SHA256())


def test_kms_is_given_a_digest_once(cloud: Cloud) -> None:
    kms = cloud.security("kms")
    asked: list[dict[str, object]] = []
    kms.meta.events.register(
        "provide-client-params.kms.Sign", lambda params, **_: asked.append(params)
    )
    signer = KmsSigner(kms, cloud.organization.root("g1").key_alias)

    signer.sign_digest(b"d" * 48, hashes.SHA384())

    assert [(entry["MessageType"], entry["Message"]) for entry in asked] == [("DIGEST", b"d" * 48)]


def test_a_failing_signature_is_not_asked_for_again(cloud: Cloud) -> None:
    kms = cloud.security("kms")
    signer = KmsSigner(kms, cloud.organization.root("g1").key_alias)
    signer.public_key()
    attempts: list[object] = []

    def fail(request: object, **_: object) -> None:
        attempts.append(request)
        raise ConnectionResetError

    kms.meta.events.register_first("before-send.kms.Sign", fail)

    with pytest.raises(ConnectionResetError):
        signer.sign_digest(b"d" * 48, hashes.SHA384())
    assert len(attempts) == 1


def test_a_missing_kms_key_is_named_with_what_to_do(cloud: Cloud) -> None:
    signer = cloud.signer_of(cloud.organization.root("g7"))

    with pytest.raises(KeyKeeperError, match="no KMS key alias/example-root-ca-g7") as caught:
        signer.public_key()

    assert caught.value.hint == "apply the unit ca/pki of the security account first"


def test_a_kms_key_for_encryption_is_refused(cloud: Cloud) -> None:
    kms = cloud.security("kms")
    key = kms.create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["KeyId"]

    with pytest.raises((KeyKeeperError, ClientError)):
        KmsSigner(kms, key).public_key()


@pytest.mark.parametrize("key_type", [KeyType.EC_P256, KeyType.RSA_2048])
def test_a_kept_key_only_signs(key_type: KeyType) -> None:
    key = signing_key(FileSigner(generate(key_type)))

    with pytest.raises(TypeError, match="stays with its keeper"):
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    with pytest.raises(TypeError, match="stays with its keeper"):
        key.private_numbers()
    assert copy.deepcopy(key) is copy.copy(key) is key


def test_a_kept_rsa_key_signs_with_pkcs1_only() -> None:
    key = signing_key(FileSigner(generate(KeyType.RSA_2048)))
    assert isinstance(key, rsa.RSAPrivateKey)

    with pytest.raises(TypeError, match="RSASSA-PKCS1-v1_5"):
        key.sign(MESSAGE, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


def as_pem(key: PrivateKey, password: bytes) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password),
    )


def test_a_file_signer_opens_an_encrypted_key() -> None:
    key = generate(KeyType.EC_P256)

    signer: Signer = FileSigner.from_pem(as_pem(key, b"open sesame"), b"open sesame")

    assert signer.public_key() == key.public_key()


@pytest.mark.parametrize("password", [None, b"wrong"])
def test_a_file_signer_needs_the_password(password: bytes | None) -> None:
    pem = as_pem(generate(KeyType.EC_P256), b"open sesame")

    with pytest.raises(KeyKeeperError, match="cannot be read with this password"):
        FileSigner.from_pem(pem, password)
