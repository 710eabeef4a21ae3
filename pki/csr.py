"""Certificate signing requests: what a client hands in, judged before anything is issued."""

import re
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pki import pem, profiles
from pki.errors import CsrError, UsageError
from pki.keys import PublicKey, WeakKeyError, supported

MAXIMUM_CSR_BYTES = 16 * 1024
"""An RSA 4096 request is under 2 KiB."""

_CLIENT_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_CSR_LABELS = ("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")
_STRONG_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_HOW_TO_MAKE_ONE = (
    "make one: openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc "
    "-keyout client.key -subj /CN={client_id} -out client.csr"
)


@dataclass(frozen=True, slots=True)
class AcceptedRequest:
    """A request that proved possession of its key and asks for nothing that is not given.

    Attributes:
        public_key: the key to certify.
    """

    public_key: PublicKey


def parse_client_id(text: str) -> str:
    """A client's name: 1 to 63 of a-z, 0-9 and dash, no dash first.

    Raises:
        UsageError: anything else.
    """
    if not _CLIENT_ID.fullmatch(text):
        raise UsageError(
            f"{text!r} is no client name",
            hint="1 to 63 lower-case letters, digits and dashes, no dash first: device-001",
        )
    return text


def accept_csr(data: bytes, client_id: str) -> AcceptedRequest:
    """Judge a PEM request (RFC 2986) for one client.

    Raises:
        CsrError: it is not one PEM request, its signature is wrong (no proof of possession), its
            key or hash is weak, its subject is another's, or it asks for what is not given.
    """
    how = _HOW_TO_MAKE_ONE.format(client_id=client_id)
    csr = _load(data, how)
    _check_hash(csr, how)
    key = _strong_key(csr, how)
    if not _proves_possession(csr):
        raise CsrError(
            "the request's signature does not verify: it does not prove possession of the key",
            hint="the file was changed after it was signed: make a new one",
        )
    _check_subject(csr, client_id, how)
    _check_extensions(csr, how)
    return AcceptedRequest(key)


def _load(data: bytes, how: str) -> x509.CertificateSigningRequest:
    if len(data) > MAXIMUM_CSR_BYTES:
        raise CsrError(f"the request is oversized: more than {MAXIMUM_CSR_BYTES} bytes", hint=how)
    try:
        blocks = list(pem.parse_pem(data))
    except pem.PemError as error:
        raise CsrError(f"the request cannot be read: {error}", hint=how) from error
    for block in blocks:
        if "PRIVATE KEY" in block.label:
            raise CsrError(
                "the file holds a private key, which nobody should send anywhere",
                hint="hand in the request alone, and keep the key where it was made",
            )
    if len(blocks) != 1 or blocks[0].label not in _CSR_LABELS:
        found = ", ".join(block.label for block in blocks)
        raise CsrError(f"expected one PEM block CERTIFICATE REQUEST, found {found}", hint=how)
    try:
        return x509.load_der_x509_csr(blocks[0].der)
    except pem.MALFORMED as error:
        raise CsrError("the request is no PKCS #10 structure", hint=how) from error


def _check_hash(csr: x509.CertificateSigningRequest, how: str) -> None:
    try:
        algorithm = csr.signature_hash_algorithm
    except pem.MALFORMED as error:
        raise CsrError("the request is signed with an unknown algorithm", hint=how) from error
    if not isinstance(algorithm, _STRONG_HASHES):
        name = "no separate hash" if algorithm is None else algorithm.name
        raise CsrError(
            f"the request is signed with {name}, expected SHA-256, SHA-384 or SHA-512",
            hint="make a new one with openssl req -sha256",
        )


def _strong_key(csr: x509.CertificateSigningRequest, how: str) -> PublicKey:
    try:
        return supported(csr.public_key(), profiles.CLIENT.key_types)
    except WeakKeyError as error:
        allowed = ", ".join(sorted(key_type.value for key_type in profiles.CLIENT.key_types))
        raise CsrError(
            f"the request's key is not accepted: {error}", hint=f"allowed: {allowed}"
        ) from error
    except pem.MALFORMED as error:
        raise CsrError("the request's key cannot be read", hint=how) from error


def _proves_possession(csr: x509.CertificateSigningRequest) -> bool:
    try:
        return csr.is_signature_valid
    except (*pem.MALFORMED, TypeError):
        return False


def _check_subject(csr: x509.CertificateSigningRequest, client_id: str, how: str) -> None:
    try:
        subject = csr.subject
    except pem.MALFORMED as error:
        raise CsrError("the request's subject cannot be read", hint=how) from error
    if not list(subject):
        return
    attributes = [(attribute.oid, attribute.value) for attribute in subject]
    if attributes != [(NameOID.COMMON_NAME, client_id)]:
        raise CsrError(
            f"the request's subject is {subject.rfc4514_string()!r}",
            hint=f"it must be empty or CN={client_id} and nothing else",
        )


def _check_extensions(csr: x509.CertificateSigningRequest, how: str) -> None:
    try:
        extensions = list(csr.extensions)
    except pem.MALFORMED as error:
        raise CsrError("the extensions the request asks for cannot be read", hint=how) from error
    for extension in extensions:
        refusal = _refusal(extension.value)
        if refusal is not None:
            raise CsrError(
                f"the request asks for {refusal}",
                hint="a client certificate is for clientAuth and digitalSignature only; "
                "make a request without extensions",
            )


def _refusal(asked: x509.ExtensionType) -> str | None:
    """What of an extension is not given; None when the profile covers it."""
    match asked:
        case x509.BasicConstraints():
            return "a CA certificate (basicConstraints CA:TRUE)" if asked.ca else None
        case x509.ExtendedKeyUsage():
            others = [usage for usage in asked if usage != ExtendedKeyUsageOID.CLIENT_AUTH]
            return f"extendedKeyUsage {others[0].dotted_string}" if others else None
        case x509.KeyUsage():
            signs = asked.key_cert_sign or asked.crl_sign
            return "a CA's key usage (keyCertSign or cRLSign)" if signs else None
        case x509.SubjectKeyIdentifier():
            return None
    return f"extension {asked.oid.dotted_string}, which this profile does not issue"
