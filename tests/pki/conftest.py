from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from moto import mock_aws
from moto.kms.utils import ECDSAPrivateKey, RSAPrivateKey

from tests.pki.softhsm import SoftHsm, soft_hsm
from tests.pki.support import Cloud, Hierarchy, RecordedProgress, build_cloud, build_hierarchy
from tests.pki.support import write_live as write_live_tree


@pytest.fixture
def live_dir(tmp_path: Path) -> Path:
    return write_live_tree(tmp_path)


@pytest.fixture
def progress() -> RecordedProgress:
    return RecordedProgress()


@pytest.fixture(scope="session")
def hierarchy() -> Hierarchy:
    return build_hierarchy()


@pytest.fixture(scope="session")
def rsa_4096_keys() -> list[rsa.RSAPrivateKey]:
    """A root's and an issuing CA's key: made once, since each takes seconds."""
    return [rsa.generate_private_key(65537, 4096) for _ in range(2)]


@pytest.fixture(scope="session")
def hsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftHsm]:
    with soft_hsm(tmp_path_factory.mktemp("hsm")) as ready:
        yield ready


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty cloud, and credentials that lead nowhere else."""
    for name in (
        *("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"),
        *("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "999999999999")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setattr(RSAPrivateKey, "sign", _sign_digest_rsa)
    monkeypatch.setattr(ECDSAPrivateKey, "sign", _sign_digest_ec)
    with mock_aws():
        yield


@pytest.fixture
def cloud(aws: None, live_dir: Path) -> Cloud:
    return build_cloud(live_dir)


@pytest.fixture
def rsa_cloud(
    aws: None,
    live_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    rsa_4096_keys: list[rsa.RSAPrivateKey],
) -> Cloud:
    keys = iter(rsa_4096_keys)

    def take(key: Any, key_size: int) -> None:
        key.key_size, key.private_key = key_size, next(keys)

    monkeypatch.setattr(RSAPrivateKey, "__init__", take)
    return build_cloud(live_dir, "RSA_4096")


def _sign_digest_rsa(key: Any, message: bytes, signing_algorithm: str) -> bytes:
    """``MessageType=DIGEST``, which moto's KMS does not know: it would hash the digest again."""
    assert signing_algorithm == "RSASSA_PKCS1_V1_5_SHA_256"
    signature: bytes = key.private_key.sign(
        message, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256())
    )
    return signature


def _sign_digest_ec(key: Any, message: bytes, signing_algorithm: str) -> bytes:
    """As :func:`_sign_digest_rsa`."""
    algorithms: dict[str, hashes.HashAlgorithm] = {
        "ECDSA_SHA_256": hashes.SHA256(),
        "ECDSA_SHA_384": hashes.SHA384(),
    }
    prehashed = utils.Prehashed(algorithms[signing_algorithm])
    signature: bytes = key.private_key.sign(message, ec.ECDSA(prehashed))
    return signature
