"""The edge's own server certificates."""

import datetime as dt
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from local.edge.certificates import ServerCertificates
from local.edge.errors import StateError
from tests.edge.support import DAY, HOST, NOW


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


def opened(directory: Path, clock: Clock | None = None) -> ServerCertificates:
    return ServerCertificates(directory, clock or Clock())


def test_a_web_client_that_trusts_the_ca_accepts_the_domain(tmp_path: Path) -> None:
    certificates = opened(tmp_path)
    ca = x509.load_pem_x509_certificate(certificates.ca_path.read_bytes())
    verifier = (
        PolicyBuilder().store(Store([ca])).time(NOW).build_server_verifier(x509.DNSName(HOST))
    )
    assert len(verifier.verify(certificates.identity(HOST).certificate, [])) == 2


def test_what_was_made_is_used_again(tmp_path: Path) -> None:
    first = opened(tmp_path / "state")
    second = opened(tmp_path / "state")
    assert first.ca == second.ca
    assert first.identity(HOST).certificate == second.identity(HOST).certificate


def test_keys_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    opened(tmp_path).identity(HOST)
    keys = sorted(tmp_path.rglob("*.key"))
    assert [key.name for key in keys] == [f"{HOST}.key", "server-ca.key"]
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


def test_a_domain_named_like_the_ca_does_not_get_its_key(tmp_path: Path) -> None:
    certificates = opened(tmp_path)
    assert certificates.identity("server-ca").certificate != certificates.ca


def test_a_certificate_about_to_end_is_made_anew(tmp_path: Path) -> None:
    clock = Clock()
    certificates = opened(tmp_path, clock)
    first = certificates.identity(HOST).certificate
    clock.now = first.not_valid_after_utc - DAY
    assert certificates.identity(HOST).certificate != first


def test_a_certificate_of_an_earlier_ca_is_made_anew(tmp_path: Path) -> None:
    first = opened(tmp_path).identity(HOST).certificate
    (tmp_path / "server-ca.pem").unlink()
    (tmp_path / "server-ca.key").unlink()
    assert opened(tmp_path).identity(HOST).certificate != first


def test_a_wildcard_domain_has_a_file_of_its_own(tmp_path: Path) -> None:
    certificate = opened(tmp_path).identity("*.example.com").certificate
    san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert san.get_values_for_type(x509.DNSName) == ["*.example.com"]
    assert (tmp_path / "domains" / "_wildcard.example.com.pem").exists()


@pytest.mark.parametrize("domain", ["../evil", "a/b", "", "a..b", "A.example.com", "x\0y", "-/"])
def test_a_name_that_is_no_domain_never_becomes_a_file(tmp_path: Path, domain: str) -> None:
    certificates = opened(tmp_path / "state")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(StateError, match="not a domain name"):
        certificates.identity(domain)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("content", [b"", b"damaged"])
@pytest.mark.parametrize("file", ["server-ca.pem", "server-ca.key"])
def test_damaged_files_are_refused_and_kept(tmp_path: Path, file: str, content: bytes) -> None:
    opened(tmp_path)
    (tmp_path / file).write_bytes(content)
    with pytest.raises(StateError, match="damaged") as refused:
        opened(tmp_path)
    assert refused.value.hint is not None
    assert (tmp_path / file).read_bytes() == content


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    opened(tmp_path / "one")
    opened(tmp_path / "two")
    (tmp_path / "two" / "server-ca.key").replace(tmp_path / "one" / "server-ca.key")
    with pytest.raises(StateError, match="does not belong"):
        opened(tmp_path / "one")


def test_an_expired_ca_is_refused(tmp_path: Path) -> None:
    clock = Clock()
    opened(tmp_path, clock)
    clock.now += 3651 * DAY
    with pytest.raises(StateError, match="expired"):
        opened(tmp_path, clock)


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="state directory"):
        opened(tmp_path / "file" / "state")
