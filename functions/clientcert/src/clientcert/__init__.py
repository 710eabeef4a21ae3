"""What functions and certificate authority share: the fingerprint rule and the registry schema.

Standard library only: every Lambda image carries this package.
"""

from clientcert.fingerprint import (
    MalformedCertificateError,
    der_from_pem,
    fingerprint,
    thumbprint,
)
from clientcert.registry import (
    BY_CLIENT_ID_INDEX,
    MalformedRecordError,
    RegistryRecord,
    RevocationReason,
    Status,
)

__all__ = [
    "BY_CLIENT_ID_INDEX",
    "MalformedCertificateError",
    "MalformedRecordError",
    "RegistryRecord",
    "RevocationReason",
    "Status",
    "der_from_pem",
    "fingerprint",
    "thumbprint",
]
