"""What functions and certificate authority share: the fingerprint rule and the registry schema.

Standard library only: every Lambda package carries it, and clients are handed in.
"""

from clientcert.age import Clock, Moment, read_clocks
from clientcert.binding import (
    MAXIMUM_AGE_SECONDS,
    MAXIMUM_SKEW_SECONDS,
    BindingStatement,
    MalformedStatementError,
    SignedStatement,
)
from clientcert.event import certificate_pem
from clientcert.failures import may_pass
from clientcert.fingerprint import (
    MalformedCertificateError,
    der_from_pem,
    fingerprint,
    thumbprint,
)
from clientcert.lookup import (
    Registry,
    Unusable,
    UnusableCertificateError,
    presented_der,
    usable_record,
)
from clientcert.registry import (
    BY_CLIENT_ID_INDEX,
    BY_SERIAL_NUMBER_INDEX,
    MalformedRecordError,
    RegistryRecord,
    RevocationReason,
    Status,
)
from clientcert.settings import SettingsError, cognito_url, required

__all__ = [
    "BY_CLIENT_ID_INDEX",
    "BY_SERIAL_NUMBER_INDEX",
    "MAXIMUM_AGE_SECONDS",
    "MAXIMUM_SKEW_SECONDS",
    "BindingStatement",
    "Clock",
    "MalformedCertificateError",
    "MalformedRecordError",
    "MalformedStatementError",
    "Moment",
    "Registry",
    "RegistryRecord",
    "RevocationReason",
    "SettingsError",
    "SignedStatement",
    "Status",
    "Unusable",
    "UnusableCertificateError",
    "certificate_pem",
    "cognito_url",
    "der_from_pem",
    "fingerprint",
    "may_pass",
    "presented_der",
    "read_clocks",
    "required",
    "thumbprint",
    "usable_record",
]
