"""Other people's judges: no error finding on any certificate, of any profile and key type."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pki.issuing import issue_client
from pki.keys import KeyType, generate
from tests.pki.support import build_hierarchy, pem_of

CA_KEYS = [KeyType.EC_P256, KeyType.EC_P384, KeyType.RSA_4096]


@pytest.fixture(scope="module", params=CA_KEYS)
def chain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with root.pem, issuing.pem and a client certificate of each key type."""
    folder = tmp_path_factory.mktemp(request.param)
    now = datetime.now(UTC)
    hierarchy = build_hierarchy(request.param, now=now)
    (folder / "root.pem").write_bytes(pem_of(hierarchy.root.certificate))
    (folder / "issuing.pem").write_bytes(pem_of(hierarchy.issuing.certificate))
    for key_type in (KeyType.EC_P256, KeyType.EC_P384, KeyType.RSA_2048):
        key = generate(key_type).public_key()
        leaf = issue_client(hierarchy.issuing, key, "device-001", timedelta(days=365), now)
        (folder / f"client-{key_type}.pem").write_bytes(pem_of(leaf))
    return folder


def clients(chain: Path) -> list[Path]:
    found = sorted(chain.glob("client-*.pem"))
    assert len(found) == 3
    return found


def test_openssl_verifies_the_chain_strictly(chain: Path) -> None:
    for client in clients(chain):
        arguments = ["-CAfile", chain / "root.pem", "-untrusted", chain / "issuing.pem", client]
        done = subprocess.run(
            ["openssl", "verify", "-x509_strict", "-purpose", "sslclient", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_openssl_refuses_the_client_as_a_server(chain: Path) -> None:
    client = clients(chain)[0]
    arguments = ["-CAfile", chain / "root.pem", "-untrusted", chain / "issuing.pem", client]

    done = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0


def test_pkilint_finds_no_error_in_any_certificate(
    chain: Path, pkilint: Callable[..., str]
) -> None:
    for certificate in sorted(chain.glob("*.pem")):
        assert pkilint("lint_pkix_cert", "lint", "-s", "ERROR", certificate).strip() == ""


def test_pkilint_finds_no_error_between_issuer_and_subject(
    chain: Path, pkilint: Callable[..., str]
) -> None:
    lint = "lint_pkix_signer_signee_cert_chain"
    pairs = [(chain / "root.pem", chain / "issuing.pem")]
    pairs += [(chain / "issuing.pem", client) for client in clients(chain)]

    for issuer, subject in pairs:
        assert pkilint(lint, "lint", "-s", "ERROR", issuer, subject).strip() == ""


def test_pkilint_would_find_an_error(chain: Path, pkilint: Callable[..., str]) -> None:
    """The two tests above can fail: the wrong issuer is found."""
    client = clients(chain)[0]

    with pytest.raises(AssertionError, match="ERROR"):
        pkilint(
            "lint_pkix_signer_signee_cert_chain", "lint", "-s", "ERROR", chain / "root.pem", client
        )
