"""Why a device gets no certificate: a reason for the log, a status and a sentence for itself."""

from enum import StrEnum


class Refusal(StrEnum):
    """The closed list of reasons; from `call_malformed` on they are the issuer's own."""

    # The HTTP request
    CONTENT_TYPE_WRONG = "content_type_wrong"
    QUERY_NOT_ALLOWED = "query_not_allowed"
    BODY_OVERSIZED = "body_oversized"
    BODY_MALFORMED = "body_malformed"
    # The client
    CERTIFICATE_MISSING = "certificate_missing"
    CERTIFICATE_MALFORMED = "certificate_malformed"
    CERTIFICATE_UNKNOWN = "certificate_unknown"
    CERTIFICATE_REVOKED = "certificate_revoked"
    CERTIFICATE_RETIRED = "certificate_retired"
    CERTIFICATE_OUTSIDE_VALIDITY = "certificate_outside_validity"
    CERTIFICATE_OF_ANOTHER_ISSUER = "certificate_of_another_issuer"
    # What it asks for
    REQUEST_MALFORMED = "request_malformed"
    REQUEST_SUBJECT_DIFFERS = "request_subject_differs"
    REQUEST_NAMES_DIFFER = "request_names_differ"
    REQUEST_NOT_ACCEPTED = "request_not_accepted"
    # The policy
    RENEWAL_NOT_ALLOWED = "renewal_not_allowed"
    RENEWAL_TOO_EARLY = "renewal_too_early"
    ALREADY_RENEWED = "already_renewed"
    KEY_NOT_ALLOWED = "key_not_allowed"
    KEY_REUSED = "key_reused"
    # What stands behind
    RECORD_MALFORMED = "record_malformed"
    REGISTRY_UNAVAILABLE = "registry_unavailable"
    ISSUER_UNAVAILABLE = "issuer_unavailable"
    ISSUER_FAILED = "issuer_failed"
    CALL_MALFORMED = "call_malformed"
    INTERNAL_ERROR = "internal_error"


_NOT_ACCEPTED = (403, "The client certificate was not accepted.")
_FAILED = (500, "The server could not issue a certificate.")
_LATER = (503, "Try again later: the same request gives the same certificate.")

ANSWERS: dict[Refusal, tuple[int, str]] = {
    Refusal.CONTENT_TYPE_WRONG: (415, "Send the request as application/pkcs10."),
    Refusal.QUERY_NOT_ALLOWED: (400, "No query is expected."),
    Refusal.BODY_OVERSIZED: (413, "The body is too large for a PKCS #10 request."),
    Refusal.BODY_MALFORMED: (
        400,
        "The body must be a PKCS #10 request in DER, encoded in base64 (RFC 8951, section 3.1): "
        "no PEM header, no PEM footer.",
    ),
    Refusal.CERTIFICATE_MISSING: _NOT_ACCEPTED,
    Refusal.CERTIFICATE_MALFORMED: _NOT_ACCEPTED,
    Refusal.CERTIFICATE_UNKNOWN: _NOT_ACCEPTED,
    Refusal.CERTIFICATE_REVOKED: _NOT_ACCEPTED,
    Refusal.CERTIFICATE_RETIRED: _NOT_ACCEPTED,
    Refusal.CERTIFICATE_OUTSIDE_VALIDITY: _NOT_ACCEPTED,
    Refusal.CERTIFICATE_OF_ANOTHER_ISSUER: _NOT_ACCEPTED,
    Refusal.REQUEST_MALFORMED: (400, "The body is no PKCS #10 request."),
    Refusal.REQUEST_SUBJECT_DIFFERS: (400, "The request's subject is not the certificate's."),
    Refusal.REQUEST_NAMES_DIFFER: (
        400,
        "The request's subject alternative names are not the certificate's.",
    ),
    Refusal.REQUEST_NOT_ACCEPTED: (400, "The request is not accepted."),
    Refusal.RENEWAL_NOT_ALLOWED: (403, "This client may not renew its certificate by itself."),
    Refusal.RENEWAL_TOO_EARLY: (403, "This certificate may not be renewed yet."),
    Refusal.ALREADY_RENEWED: (409, "This certificate was renewed already."),
    Refusal.KEY_NOT_ALLOWED: (400, "The policy does not allow this type of key."),
    Refusal.KEY_REUSED: (409, "A certificate has, or had, this key: make a new one."),
    Refusal.RECORD_MALFORMED: _FAILED,
    Refusal.REGISTRY_UNAVAILABLE: _LATER,
    Refusal.ISSUER_UNAVAILABLE: _LATER,
    Refusal.ISSUER_FAILED: _FAILED,
    Refusal.CALL_MALFORMED: _FAILED,
    Refusal.INTERNAL_ERROR: _FAILED,
}
"""HTTP status and what the device is told; every reason has its entry."""


class RefusedError(Exception):
    """The device gets nothing; `reason` says why.

    Attributes:
        reason: for the log.
        message: for the device's developer, in place of the reason's own sentence; or empty.
    """

    def __init__(self, reason: Refusal, message: str = "") -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.message = message
