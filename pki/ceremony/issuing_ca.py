"""An issuing CA as whoever accounts for its key sees it: what carries its signature, and what not.

What names a signature of the key explains it only when it carries one.
"""

from dataclasses import dataclass

from cryptography import x509

from clientcert import fingerprint
from pki import pem
from pki.crl import Crl
from pki.errors import CrlError
from pki.issuing import was_issued_by
from pki.organization import Authority
from pki.registry import StoredRecord


@dataclass(frozen=True, slots=True)
class IssuingCa:
    """An issuing CA.

    Attributes:
        authority: its names.
        certificate: its certificate.
    """

    authority: Authority
    certificate: x509.Certificate

    @property
    def name(self) -> str:
        """Its name (RFC 4514), as the registry has it."""
        return self.certificate.subject.rfc4514_string()

    def issued(self, stored: StoredRecord) -> bool:
        """Whether a record holds the certificate that it is of, and this CA signed that."""
        der = stored.certificate_der
        try:
            return (
                der is not None
                and fingerprint(der) == stored.record.fingerprint
                and was_issued_by(x509.load_der_x509_certificate(der), self.certificate)
            )
        except pem.MALFORMED:
            return False

    def listed(self, der: bytes) -> bool:
        """Whether this is a list that this CA signed."""
        try:
            Crl.from_der(der, self.certificate)
        except CrlError:
            return False
        return True
