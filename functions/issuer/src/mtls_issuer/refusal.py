"""Why no certificate is issued: a reason for the logs, and what the device may know of it."""

from enum import StrEnum


class Refusal(StrEnum):
    """The closed list of reasons."""

    # What was asked
    CALL_MALFORMED = "call_malformed"
    REQUEST_MALFORMED = "request_malformed"
    REQUEST_SUBJECT_DIFFERS = "request_subject_differs"
    REQUEST_NAMES_DIFFER = "request_names_differ"
    REQUEST_NOT_ACCEPTED = "request_not_accepted"
    # The presented certificate
    CERTIFICATE_MALFORMED = "certificate_malformed"
    CERTIFICATE_UNKNOWN = "certificate_unknown"
    CERTIFICATE_REVOKED = "certificate_revoked"
    CERTIFICATE_RETIRED = "certificate_retired"
    CERTIFICATE_OUTSIDE_VALIDITY = "certificate_outside_validity"
    CERTIFICATE_OF_ANOTHER_ISSUER = "certificate_of_another_issuer"
    RECORD_MALFORMED = "record_malformed"
    # The policy
    RENEWAL_NOT_ALLOWED = "renewal_not_allowed"
    RENEWAL_TOO_EARLY = "renewal_too_early"
    ALREADY_RENEWED = "already_renewed"
    KEY_NOT_ALLOWED = "key_not_allowed"
    KEY_REUSED = "key_reused"


class RefusedError(Exception):
    """No certificate is issued; `reason` says why.

    Attributes:
        reason: for the logs.
        message: for the device's developer, where the cause lies in the device's own request or
            in the policy; empty where an answer would tell a thief about the certificate.
    """

    def __init__(self, reason: Refusal, message: str = "") -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.message = message
