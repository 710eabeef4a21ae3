"""Why a call is refused. The reason goes to the log and the metrics, never to the caller."""

from enum import StrEnum


class Refusal(StrEnum):
    """The closed list of reasons, one a check."""

    ROUTE_NOT_LISTED = "route_not_listed"
    CERTIFICATE_MISSING = "certificate_missing"
    CERTIFICATE_MALFORMED = "certificate_malformed"
    TOKEN_MISSING = "token_missing"  # noqa: S105 - a reason code
    AUTHORIZATION_MALFORMED = "authorization_malformed"
    TOKEN_MALFORMED = "token_malformed"  # noqa: S105
    ALGORITHM_NOT_ALLOWED = "algorithm_not_allowed"
    KEY_UNKNOWN = "key_unknown"
    KEYS_UNAVAILABLE = "keys_unavailable"
    SIGNATURE_INVALID = "signature_invalid"
    CLAIM_MALFORMED = "claim_malformed"
    ISSUER_WRONG = "issuer_wrong"
    TOKEN_USE_WRONG = "token_use_wrong"  # noqa: S105
    TOKEN_EXPIRED = "token_expired"  # noqa: S105
    TOKEN_NOT_YET_VALID = "token_not_yet_valid"  # noqa: S105
    CLIENT_NOT_ALLOWED = "client_not_allowed"
    BINDING_MISSING = "binding_missing"
    BINDING_MISMATCH = "binding_mismatch"
    REGISTRY_UNAVAILABLE = "registry_unavailable"
    RECORD_MALFORMED = "record_malformed"
    CERTIFICATE_UNKNOWN = "certificate_unknown"
    CERTIFICATE_REVOKED = "certificate_revoked"
    CERTIFICATE_RETIRED = "certificate_retired"
    CERTIFICATE_OUTSIDE_VALIDITY = "certificate_outside_validity"
    CLIENT_MISMATCH = "client_mismatch"
    SCOPE_NOT_GRANTED = "scope_not_granted"
    SCOPE_INSUFFICIENT = "scope_insufficient"
    INTERNAL_ERROR = "internal_error"


class RefusedError(Exception):
    """The call is refused; `reason` says why."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason.value)
        self.reason = reason
