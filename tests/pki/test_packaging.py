import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

from pki import packaging
from pki.errors import FileError, UsageError
from pki.issuing import issue_client
from pki.keys import KeyType, PrivateKey, generate
from pki.packaging import Format, Packaging, PassphraseError, read_passphrase
from tests.pki.support import NOW, Hierarchy

PASSPHRASE = b"correct horse battery"


@pytest.fixture
def key() -> PrivateKey:
    return generate(KeyType.EC_P256)


@pytest.fixture
def chain(hierarchy: Hierarchy) -> tuple[x509.Certificate, ...]:
    return hierarchy.issuing.certificate, hierarchy.root.certificate


@pytest.fixture
def certificate(hierarchy: Hierarchy, key: PrivateKey) -> x509.Certificate:
    public_key = key.public_key()
    return issue_client(hierarchy.issuing, public_key, "device-001", timedelta(days=1), NOW)


@pytest.mark.parametrize("packaging", [Packaging(), Packaging(format=Format.PKCS12)])
@pytest.mark.parametrize("with_key", [True, False])
def test_the_names_are_those_of_the_contents(
    packaging: Packaging,
    with_key: bool,  # noqa: FBT001 (a test's parameter)
    certificate: x509.Certificate,
    chain: tuple[x509.Certificate, ...],
    key: PrivateKey,
) -> None:
    contents = packaging.contents("device-001", certificate, chain, key if with_key else None)

    assert set(contents) == set(packaging.names(with_key=with_key))


@pytest.mark.parametrize("legacy", [False, True])
def test_a_pkcs12_file_holds_key_certificate_and_chain(
    legacy: bool,  # noqa: FBT001 (a test's parameter)
    certificate: x509.Certificate,
    chain: tuple[x509.Certificate, ...],
    key: PrivateKey,
) -> None:
    packaging = Packaging(format=Format.PKCS12, passphrase=PASSPHRASE, legacy=legacy)

    bundle = packaging.bundle("device-001", certificate, chain, key)

    opened = pkcs12.load_pkcs12(bundle, PASSPHRASE)
    assert opened.key is not None
    assert opened.key.public_key() == certificate.public_key()
    assert opened.cert is not None
    assert (opened.cert.certificate, opened.cert.friendly_name) == (certificate, b"device-001")
    assert tuple(entry.certificate for entry in opened.additional_certs) == chain


@pytest.mark.parametrize(
    ("legacy", "algorithm"),
    [(False, "PBES2, PBKDF2, AES-256-CBC, Iteration 100000"), (True, "3-KeyTripleDES-CBC")],
)
def test_openssl_reads_it_and_finds_the_encryption_that_was_meant(
    legacy: bool,  # noqa: FBT001 (a test's parameter)
    algorithm: str,
    certificate: x509.Certificate,
    chain: tuple[x509.Certificate, ...],
    key: PrivateKey,
    tmp_path: Path,
) -> None:
    packaging = Packaging(format=Format.PKCS12, passphrase=PASSPHRASE, legacy=legacy)
    file = tmp_path / "client.p12"
    file.write_bytes(packaging.bundle("device-001", certificate, chain, key))

    shown = subprocess.run(
        ["openssl", "pkcs12", "-in", file, "-info", "-noout", "-passin", "stdin"],
        input=PASSPHRASE + b"\n",
        capture_output=True,
        check=True,
    )

    assert algorithm in shown.stderr.decode()


def test_without_a_key_a_pkcs12_file_needs_no_passphrase(
    certificate: x509.Certificate, chain: tuple[x509.Certificate, ...]
) -> None:
    bundle = Packaging(format=Format.PKCS12).bundle("device-001", certificate, chain, None)

    opened = pkcs12.load_pkcs12(bundle, None)
    assert opened.key is None
    found = {entry.certificate for entry in opened.additional_certs}
    assert found == {certificate, *chain}


def test_a_key_in_pem_is_encrypted_when_there_is_a_passphrase(key: PrivateKey) -> None:
    sealed = Packaging(passphrase=PASSPHRASE).seal(key)

    assert sealed.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    opened = load_pem_private_key(sealed, PASSPHRASE)
    assert isinstance(opened, type(key))
    assert opened.public_key() == key.public_key()


@pytest.mark.parametrize("sealed_with", [None, PASSPHRASE])
def test_a_sealed_key_is_opened_again(sealed_with: bytes | None, key: PrivateKey) -> None:
    sealed = Packaging(passphrase=sealed_with).seal(key)

    opened = Packaging(passphrase=PASSPHRASE).open(sealed)

    assert opened.public_key() == key.public_key()


@pytest.mark.parametrize("passphrase", [None, b"another passphrase"])
def test_a_sealed_key_stays_shut_without_its_passphrase(
    passphrase: bytes | None, key: PrivateKey
) -> None:
    sealed = Packaging(passphrase=PASSPHRASE).seal(key)

    with pytest.raises(PassphraseError):
        Packaging(passphrase=passphrase).open(sealed)


def test_what_is_no_key_is_not_blamed_on_the_passphrase() -> None:
    with pytest.raises(ValueError, match="PEM") as caught:
        Packaging().open(b"hello")

    assert not isinstance(caught.value, PassphraseError)


def test_a_passphrase_is_never_shown() -> None:
    assert PASSPHRASE.decode() not in repr(Packaging(passphrase=PASSPHRASE))


def answers(*texts: str) -> Iterator[str]:
    return iter(texts)


def test_a_passphrase_comes_from_a_file_before_anything_else(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_text("from the file with ü\n")

    found = read_passphrase(file, ask=None, environment={"PKI_PASSPHRASE": "from the variable"})

    assert found == "from the file with ü".encode()


def test_a_passphrase_comes_from_the_environment_before_it_is_asked_for() -> None:
    environment = {"PKI_PASSPHRASE": "from the variable"}

    assert read_passphrase(None, ask=None, environment=environment) == b"from the variable"


def test_a_passphrase_is_asked_for_twice() -> None:
    entered = answers("from the keyboard", "from the keyboard")

    assert read_passphrase(None, ask=lambda _: next(entered), environment={}) == (
        b"from the keyboard"
    )


def test_two_different_passphrases_are_wrong_usage() -> None:
    entered = answers("from the keyboard", "from the keyboerd")

    with pytest.raises(UsageError, match="differ"):
        read_passphrase(None, ask=lambda _: next(entered), environment={})


def test_without_file_variable_and_terminal_there_is_no_passphrase() -> None:
    with pytest.raises(UsageError, match="no terminal to ask at"):
        read_passphrase(None, ask=None, environment={})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "too short"),
        (b"short\n", "at least 12 characters"),
        (b"first line is long\nsecond\n", "more than one line"),
        (b"\xff" * 20, "not UTF-8"),
        (b"x" * 1025, "more than 1024 bytes"),
    ],
)
def test_what_is_no_passphrase_is_refused_and_not_repeated(
    content: bytes, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "passphrase"
    file.write_bytes(content)

    with pytest.raises(UsageError, match=message) as caught:
        read_passphrase(file, ask=None, environment={})

    assert "short\n" not in str(caught.value)
    assert "second" not in str(caught.value)


def test_a_passphrase_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot read the passphrase"):
        read_passphrase(tmp_path / "none", ask=None, environment={})


def test_nobody_is_asked_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.isatty", lambda _: False)

    assert packaging.ask_at_terminal() is None
