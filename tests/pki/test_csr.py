import base64
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from pki.csr import (
    MAXIMUM_CSR_BYTES,
    accept_csr,
    parse_alternative_names,
    parse_client_id,
    require_permitted_name,
)
from pki.errors import CsrError, IssuanceError, UsageError
from pki.keys import KeyType, PrivateKey, generate
from pki.organization import Environment
from pki.profiles import name_to_text

NAME = "device-001"
SHA1_REQUEST = "openssl req -new -sha1 -newkey rsa:2048 -noenc -keyout key.pem -out sha1.csr -subj"
SHA256 = hashes.SHA256()
KEY = generate(KeyType.EC_P256)


def csr(
    *extensions: x509.ExtensionType,
    key: PrivateKey | ed25519.Ed25519PrivateKey = KEY,
    subject: tuple[tuple[x509.ObjectIdentifier, str], ...] = ((NameOID.COMMON_NAME, NAME),),
    algorithm: hashes.SHA256 | None = SHA256,
) -> bytes:
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in subject])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, algorithm).public_bytes(Encoding.PEM)


def key_usage(**wanted: bool) -> x509.KeyUsage:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: wanted.get(name, False) for name in names})


def der_of(pem: bytes) -> bytes:
    return base64.b64decode(b"".join(pem.splitlines()[1:-1]))


REQUEST_DER = der_of(csr())


def flip_last_bit(pem: bytes) -> bytes:
    """The same request with its signature changed."""
    der = bytearray(der_of(pem))
    der[-1] ^= 1
    return x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM)


@pytest.mark.parametrize("key_type", list(KeyType))
def test_every_supported_key_is_accepted(key_type: KeyType) -> None:
    key = generate(key_type)

    assert accept_csr(csr(key=key), NAME).public_key == key.public_key()


def test_a_request_without_subject_is_accepted() -> None:
    assert accept_csr(csr(subject=()), NAME).public_key == KEY.public_key()


def test_a_request_may_ask_for_what_it_gets_anyway() -> None:
    request = csr(
        x509.BasicConstraints(ca=False, path_length=None),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]),
        key_usage(digital_signature=True, key_encipherment=True),
    )

    assert accept_csr(request, NAME).public_key == KEY.public_key()


def test_the_request_that_the_hint_shows_is_accepted(tmp_path: Path) -> None:
    with pytest.raises(CsrError) as caught:
        accept_csr(b"", NAME)
    assert caught.value.hint is not None
    command = caught.value.hint.removeprefix("make one: ").split()

    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    accept_csr((tmp_path / "client.csr").read_bytes(), NAME)


def test_older_tools_label_is_accepted() -> None:
    accept_csr(csr().replace(b"CERTIFICATE REQUEST", b"NEW CERTIFICATE REQUEST"), NAME)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "it is empty"),
        (b" \n\n", "it is empty"),
        (b"hello", "line 1 is neither PEM nor blank"),
        (csr()[:-40], "it is truncated"),
        (csr().replace(b"\n", b"\n*", 1), "is not base64"),
        (csr() + b"trailing", "is neither PEM nor blank"),
        (csr() + csr(), "expected one PEM block CERTIFICATE REQUEST, found CERTIFICATE REQUEST, C"),
        (b"x" * (MAXIMUM_CSR_BYTES + 1), "oversized: more than 16384 bytes"),
        (REQUEST_DER, "it is DER"),
        (b"\xff\xfe", "no ASCII text"),
        (
            b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
            "no PKCS #10 structure",
        ),
        (
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "expected one PEM block CERTIFICATE REQUEST, found CERTIFICATE",
        ),
    ],
)
def test_what_is_no_request_is_refused_with_its_own_message(data: bytes, message: str) -> None:
    with pytest.raises(CsrError, match=message) as caught:
        accept_csr(data, NAME)

    assert caught.value.hint


def test_a_private_key_is_refused_and_not_repeated() -> None:
    secret = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    with pytest.raises(CsrError, match="holds a private key") as caught:
        accept_csr(secret + csr(), NAME)

    said = f"{caught.value} {caught.value.hint}".encode()
    assert all(line not in said for line in secret.splitlines()[1:-1])


def test_a_changed_request_does_not_prove_possession() -> None:
    with pytest.raises(CsrError, match="does not prove possession"):
        accept_csr(flip_last_bit(csr()), NAME)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (rsa.generate_private_key(65537, 1024), "RSA of 1024 bits"),  # noqa: S505 (on purpose)
        (rsa.generate_private_key(3, 2048), "RSA with public exponent 3"),
        (ec.generate_private_key(ec.SECP256K1()), "EC on curve secp256k1"),
        (ec.generate_private_key(ec.SECP521R1()), "EC on curve secp521r1"),
    ],
    ids=["rsa-1024", "exponent-3", "secp256k1", "p-521"],
)
def test_a_weak_key_is_refused(key: PrivateKey, message: str) -> None:
    with pytest.raises(CsrError, match=message):
        accept_csr(csr(key=key), NAME)


def test_an_ed25519_request_is_refused() -> None:
    request = csr(key=ed25519.Ed25519PrivateKey.generate(), algorithm=None)

    with pytest.raises(CsrError, match="expected SHA-256, SHA-384 or SHA-512"):
        accept_csr(request, NAME)


def test_a_sha1_request_is_refused(tmp_path: Path) -> None:
    subprocess.run(
        [*SHA1_REQUEST.split(), f"/CN={NAME}"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )

    with pytest.raises(CsrError, match="signed with sha1"):
        accept_csr((tmp_path / "sha1.csr").read_bytes(), NAME)


@pytest.mark.parametrize(
    "subject",
    [
        ((NameOID.COMMON_NAME, "device-002"),),
        ((NameOID.COMMON_NAME, NAME), (NameOID.ORGANIZATION_NAME, "example")),
        ((NameOID.COMMON_NAME, NAME), (NameOID.COMMON_NAME, "device-002")),
        ((NameOID.ORGANIZATION_NAME, NAME),),
    ],
)
def test_another_subject_is_refused(
    subject: tuple[tuple[x509.ObjectIdentifier, str], ...],
) -> None:
    with pytest.raises(CsrError, match="the request's subject is") as caught:
        accept_csr(csr(subject=subject), NAME)

    assert caught.value.hint == f"it must be empty or CN={NAME} and nothing else"


@pytest.mark.parametrize(
    ("extension", "message"),
    [
        (x509.BasicConstraints(ca=True, path_length=None), "CA:TRUE"),
        (
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
            r"extendedKeyUsage 1\.3\.6\.1\.5\.5\.7\.3\.1",
        ),
        (
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.CODE_SIGNING]
            ),
            "extendedKeyUsage",
        ),
        (key_usage(key_cert_sign=True), "keyCertSign"),
        (key_usage(crl_sign=True), "cRLSign"),
        (x509.NameConstraints([x509.DNSName("other")], None), r"extension 2\.5\.29\.30"),
    ],
    ids=["ca", "server-auth", "code-signing", "cert-sign", "crl-sign", "name-constraints"],
)
def test_what_is_not_given_is_refused(extension: x509.ExtensionType, message: str) -> None:
    with pytest.raises(CsrError, match=message):
        accept_csr(csr(extension), NAME)


SPIFFE = x509.UniformResourceIdentifier("spiffe://example.com/device-001")
HOST = x509.DNSName("device-001.example.com")


@pytest.mark.parametrize("asked", [(SPIFFE, HOST), (HOST, SPIFFE)])
def test_a_request_may_ask_for_the_alternative_names_it_was_granted(
    asked: tuple[x509.GeneralName, ...],
) -> None:
    request = csr(x509.SubjectAlternativeName(asked))

    assert accept_csr(request, NAME, (SPIFFE, HOST)).public_key == KEY.public_key()


def test_a_request_need_not_ask_for_the_alternative_names_it_is_granted() -> None:
    assert accept_csr(csr(), NAME, (SPIFFE,)).public_key == KEY.public_key()


@pytest.mark.parametrize(
    ("asked", "granted", "message"),
    [
        (
            [HOST],
            [],
            "asks for the alternative names DNS:device-001.example.com, but none was granted",
        ),
        ([HOST, SPIFFE], [SPIFFE], "but only URI:spiffe://example.com/device-001 was granted"),
        ([HOST], [HOST, SPIFFE], "but only DNS:device-001.example.com, URI:spiffe://ex.* was"),
        ([x509.DNSName("x.example.com")], [HOST], "asks for the alternative names DNS:x.exam"),
        ([x509.RFC822Name("a@example.com")], [], "alternative names RFC822Name, but none"),
        ([], [HOST], r"alternative names \(empty\), but only"),
    ],
)
def test_other_alternative_names_than_those_granted_are_refused(
    asked: list[x509.GeneralName], granted: list[x509.GeneralName], message: str
) -> None:
    request = csr(x509.SubjectAlternativeName(asked))

    with pytest.raises(CsrError, match=message) as caught:
        accept_csr(request, NAME, granted)

    assert caught.value.hint is not None
    assert "--san" in caught.value.hint


def test_a_request_that_must_name_its_client_may_not_leave_that_out() -> None:
    accept_csr(csr(), NAME, subject_required=True)

    with pytest.raises(CsrError, match="subject is ''") as caught:
        accept_csr(csr(subject=()), NAME, subject_required=True)

    assert caught.value.hint == f"it must be CN={NAME} and nothing else"


def test_a_name_that_does_not_fit_the_environments_rule_is_refused() -> None:
    strict = Environment("example", "dev", "non-prod", "2" * 12, "eu-west-1", re.compile("d-[0-9]"))

    require_permitted_name(strict, "d-1")
    require_permitted_name(replace(strict, client_names=None), "anything")
    with pytest.raises(IssuanceError, match=r"no client named 'd-12': names must match d-\[0-9\]"):
        require_permitted_name(strict, "d-12")


def test_alternative_names_are_read_as_they_are_written() -> None:
    texts = ["URI:spiffe://example.com/device-001", "DNS:device-001.example.com"]

    assert parse_alternative_names(texts) == (SPIFFE, HOST)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["DNS:a.example.com", "DNS:a.example.com"], "is given twice"),
        ([f"DNS:h{n}.example.com" for n in range(9)], "at most 8"),
        (["URI:spiffe://a/b", "URI:spiffe://a/c"], "one SPIFFE ID"),
        (["URI:spiffe://a/b", "URI:https://a/c"], "one SPIFFE ID"),
        (["IP:10.0.0.1"], "is no subject alternative name"),
        (["DNS:*.example.com"], "is no subject alternative name"),
        (["spiffe://a/b"], "is no subject alternative name"),
    ],
)
def test_alternative_names_that_nobody_could_rely_on_are_wrong_usage(
    texts: list[str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        parse_alternative_names(texts)


@given(st.lists(st.text(max_size=40) | st.sampled_from(["URI:a:b", "DNS:a.b"]), max_size=10))
def test_arbitrary_alternative_names_are_read_or_refused_and_never_crash(texts: list[str]) -> None:
    try:
        names = parse_alternative_names(texts)
    except UsageError:
        return
    assert [name_to_text(name) for name in names] == texts


@pytest.mark.parametrize("text", ["device-001", "0", "a" * 63, "a--b-"])
def test_a_client_name_is_lower_case_digits_and_dashes(text: str) -> None:
    assert parse_client_id(text) == text


@pytest.mark.parametrize(
    "text", ["", "-a", "Device", "a" * 64, "a.b", "a/b", "..", "a b", "ä", "device-001\n"]
)
def test_another_client_name_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match="is no client name"):
        parse_client_id(text)


@given(st.binary(max_size=2048))
def test_arbitrary_bytes_are_refused_and_never_crash(data: bytes) -> None:
    with pytest.raises(CsrError):
        accept_csr(data, NAME)


@given(st.data())
def test_a_request_with_changed_bytes_is_refused_and_never_crashes(data: st.DataObject) -> None:
    der = bytearray(REQUEST_DER)
    position = data.draw(st.integers(0, len(der) - 1))
    der[position] ^= data.draw(st.integers(1, 255))
    body = base64.encodebytes(bytes(der))
    changed = b"-----BEGIN CERTIFICATE REQUEST-----\n" + body + b"-----END CERTIFICATE REQUEST-----"

    with pytest.raises(CsrError):
        accept_csr(changed, NAME)
