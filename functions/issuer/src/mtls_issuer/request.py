"""What a device asks for: its PKCS #10 request, held against the certificate that it presented."""

from dataclasses import dataclass
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mtls_issuer.refusal import Refusal, RefusedError
from pki.csr import MAXIMUM_CSR_BYTES, accept_csr
from pki.errors import CsrError
from pki.keys import KeyType, PublicKey, classify, public_key_sha256
from pki.pem import MALFORMED


@dataclass(frozen=True, slots=True)
class RenewalRequest:
    """A request that proved possession of its key and names what the certificate names.

    Attributes:
        public_key: the key to certify.
        alternative_names: the certificate's own, to be carried over.
    """

    public_key: PublicKey
    alternative_names: tuple[x509.GeneralName, ...]

    @property
    def key_type(self) -> KeyType:
        """Algorithm and size of the key."""
        return classify(self.public_key)

    @property
    def public_key_sha256(self) -> str:
        """The key as the registry claims it."""
        return public_key_sha256(self.public_key)

    @classmethod
    def read(cls, der: bytes, presented: x509.Certificate, client_id: str) -> Self:
        """Judge a DER request; subject and names must be the certificate's (RFC 7030, 4.2.2).

        Raises:
            RefusedError: it cannot be read, names something else, does not prove possession of
                its key, or asks for what no client certificate gets.
        """
        if len(der) > MAXIMUM_CSR_BYTES:
            raise RefusedError(
                Refusal.REQUEST_MALFORMED, f"the request exceeds {MAXIMUM_CSR_BYTES} bytes"
            )
        try:
            csr = x509.load_der_x509_csr(der)
            subject, asked = csr.subject, _alternative_names(csr.extensions)
            canonical = csr.public_bytes(Encoding.PEM)
        except MALFORMED:
            raise RefusedError(
                Refusal.REQUEST_MALFORMED, "the body is no PKCS #10 request"
            ) from None
        granted = _alternative_names(presented.extensions)
        if subject != presented.subject:
            raise RefusedError(
                Refusal.REQUEST_SUBJECT_DIFFERS,
                "the request's subject must be the current certificate's: "
                f"{presented.subject.rfc4514_string()}",
            )
        if set(asked) != set(granted) or len(asked) != len(granted):
            raise RefusedError(
                Refusal.REQUEST_NAMES_DIFFER,
                "the request's subject alternative names must be the current certificate's",
            )
        try:
            accepted = accept_csr(canonical, client_id, granted, subject_required=True)
        except CsrError as error:
            raise RefusedError(Refusal.REQUEST_NOT_ACCEPTED, str(error)) from error
        return cls(accepted.public_key, granted)


def _alternative_names(extensions: x509.Extensions) -> tuple[x509.GeneralName, ...]:
    for extension in extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            return tuple(extension.value)
    return ()
