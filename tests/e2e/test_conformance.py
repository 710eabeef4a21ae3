"""Other people's judges on what the CA signed with its keys in KMS."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.support import Platform

pytestmark = pytest.mark.platform


@pytest.fixture(scope="module")
def chain(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A device's certificate and its issuers, a file each: client, issuing, root."""
    device = platform.provision("conformance")
    folder = tmp_path_factory.mktemp("chain")
    certificates = [
        x509.load_pem_x509_certificate((device / "client.crt").read_bytes()),
        *x509.load_pem_x509_certificates((device / "chain.pem").read_bytes()),
    ]
    files = {name: folder / f"{name}.pem" for name in ("client", "issuing", "root")}
    for file, certificate in zip(files.values(), certificates, strict=True):
        file.write_bytes(certificate.public_bytes(Encoding.PEM))
    return files


def test_openssl_verifies_the_chain_strictly(chain: dict[str, Path]) -> None:
    done = subprocess.run(
        [
            *("openssl", "verify", "-x509_strict", "-purpose", "sslclient"),
            *("-CAfile", chain["root"], "-untrusted", chain["issuing"], chain["client"]),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


@pytest.mark.parametrize("name", ["client", "issuing", "root"])
def test_pkilint_finds_no_error_in_a_certificate(
    name: str, chain: dict[str, Path], pkilint: Callable[..., str]
) -> None:
    assert pkilint("lint_pkix_cert", "lint", "-s", "ERROR", chain[name]).strip() == ""


@pytest.mark.parametrize(("issuer", "subject"), [("root", "issuing"), ("issuing", "client")])
def test_pkilint_finds_no_error_between_issuer_and_subject(
    issuer: str, subject: str, chain: dict[str, Path], pkilint: Callable[..., str]
) -> None:
    command = ("lint_pkix_signer_signee_cert_chain", "lint", "-s", "ERROR")
    assert pkilint(*command, chain[issuer], chain[subject]).strip() == ""
