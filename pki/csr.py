"""Certificate signing requests: what a client hands in, judged before anything is issued."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pki import pem, profiles
from pki.errors import CsrError, IssuanceError, UsageError
from pki.keys import PublicKey, WeakKeyError, supported
from pki.organization import ORGANIZATION_FILE, Environment

MAXIMUM_CSR_BYTES = 16 * 1024
"""An RSA 4096 request is under 2 KiB."""

MAXIMUM_ALTERNATIVE_NAMES = 8

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


def parse_alternative_names(texts: Iterable[str]) -> tuple[x509.GeneralName, ...]:
    """The subject alternative names of one certificate, as :func:`pki.profiles.parse_name` reads.

    A SPIFFE ID stands alone among the URIs (X509-SVID, section 2: exactly one URI).

    Raises:
        UsageError: one cannot be read, is given twice, or they are too many.
    """
    names = tuple(map(profiles.parse_name, texts))
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"the alternative name {profiles.name_to_text(name)} is given twice")
    if len(names) > MAXIMUM_ALTERNATIVE_NAMES:
        raise UsageError(
            f"a certificate gets at most {MAXIMUM_ALTERNATIVE_NAMES} alternative names"
        )
    uris = [name.value for name in names if isinstance(name, x509.UniformResourceIdentifier)]
    if len(uris) > 1 and any(uri.startswith("spiffe:") for uri in uris):
        raise UsageError(
            "a certificate with a SPIFFE ID carries that one SPIFFE ID and no other URI",
            hint="SPIFFE's X509-SVID, section 2",
        )
    return names


def require_permitted_name(environment: Environment, client_id: str) -> None:
    """Hold a new client's name to the pattern that its environment sets, where it sets one.

    Not at a renewal: a rule that is narrowed would lock out who has its name already.

    Raises:
        IssuanceError: the name does not fit.
    """
    pattern = environment.client_names
    if pattern is not None and not pattern.fullmatch(client_id):
        raise IssuanceError(
            f"{environment.name} takes no client named {client_id!r}: names must match "
            f"{pattern.pattern}",
            hint=f"choose a name that does; the rule is client_names in live/{ORGANIZATION_FILE}",
        )


def accept_csr(
    data: bytes,
    client_id: str,
    alternative_names: Sequence[x509.GeneralName] = (),
    *,
    subject_required: bool = False,
) -> AcceptedRequest:
    """Judge a PEM request (RFC 2986) for one client.

    Args:
        data: the request.
        client_id: whose it must be.
        alternative_names: what the certificate is to carry; a request that asks for any must ask
            for exactly these.
        subject_required: whether the request must name the client itself, rather than leave that
            to whoever hands it in.

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
    _check_subject(csr, client_id, how, required=subject_required)
    _check_extensions(csr, alternative_names, how)
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
        verifies = csr.is_signature_valid
    except (*pem.MALFORMED, TypeError):
        return False
    return verifies and pem.is_whole(csr.public_bytes(Encoding.DER), csr.signature)


def _check_subject(
    csr: x509.CertificateSigningRequest, client_id: str, how: str, *, required: bool
) -> None:
    try:
        subject = csr.subject
    except pem.MALFORMED as error:
        raise CsrError("the request's subject cannot be read", hint=how) from error
    if not list(subject) and not required:
        return
    attributes = [(attribute.oid, attribute.value) for attribute in subject]
    if attributes != [(NameOID.COMMON_NAME, client_id)]:
        allowed = f"CN={client_id}" if required else f"empty or CN={client_id}"
        raise CsrError(
            f"the request's subject is {subject.rfc4514_string()!r}",
            hint=f"it must be {allowed} and nothing else",
        )


def _check_extensions(
    csr: x509.CertificateSigningRequest, granted: Sequence[x509.GeneralName], how: str
) -> None:
    try:
        extensions = list(csr.extensions)
    except pem.MALFORMED as error:
        raise CsrError("the extensions the request asks for cannot be read", hint=how) from error
    for extension in extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            _check_alternative_names(list(extension.value), granted)
            continue
        refusal = _refusal(extension.value)
        if refusal is not None:
            raise CsrError(
                f"the request asks for {refusal}",
                hint="a client certificate is for clientAuth and digitalSignature only; "
                "make a request without extensions",
            )


def _check_alternative_names(
    asked: Sequence[x509.GeneralName], granted: Sequence[x509.GeneralName]
) -> None:
    """What a device asks for is its own word: it gets the names that the operator gives it."""
    if set(asked) == set(granted):
        return
    given = f"only {_listed(granted)} was granted" if granted else "none was granted"
    raise CsrError(
        f"the request asks for the alternative names {_listed(asked)}, but {given}",
        hint="grant exactly these (--san, or the column sans), or make a request without them",
    )


def _listed(names: Sequence[x509.GeneralName]) -> str:
    return ", ".join(sorted(map(_described, names))) or "(empty)"


def _described(name: x509.GeneralName) -> str:
    try:
        return profiles.name_to_text(name)
    except IssuanceError:
        return type(name).__name__


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
