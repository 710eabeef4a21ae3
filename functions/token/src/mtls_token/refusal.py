"""Why no token is issued: a reason for the log, an OAuth error for the client."""

from enum import StrEnum


class OAuthError(StrEnum):
    """Error codes of RFC 6749: section 5.2, and two of section 4.1.2.1 for failures of ours."""

    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    INVALID_SCOPE = "invalid_scope"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    SERVER_ERROR = "server_error"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"


class Refusal(StrEnum):
    """The closed list of reasons. They go to the log and the metrics, never to the client."""

    # The request
    CONTENT_TYPE_WRONG = "content_type_wrong"
    BODY_OVERSIZED = "body_oversized"
    BODY_MALFORMED = "body_malformed"
    QUERY_NOT_ALLOWED = "query_not_allowed"
    PARAMETER_REPEATED = "parameter_repeated"
    OTHER_CLIENT_AUTHENTICATION = "other_client_authentication"
    GRANT_TYPE_MISSING = "grant_type_missing"
    GRANT_TYPE_UNSUPPORTED = "grant_type_unsupported"
    SCOPE_MALFORMED = "scope_malformed"
    # The client
    CERTIFICATE_MISSING = "certificate_missing"
    CERTIFICATE_MALFORMED = "certificate_malformed"
    CERTIFICATE_UNKNOWN = "certificate_unknown"
    CERTIFICATE_REVOKED = "certificate_revoked"
    CERTIFICATE_RETIRED = "certificate_retired"
    CERTIFICATE_OUTSIDE_VALIDITY = "certificate_outside_validity"
    CLIENT_MISMATCH = "client_mismatch"
    SCOPE_NOT_GRANTED = "scope_not_granted"
    # What stands behind
    RECORD_MALFORMED = "record_malformed"
    REGISTRY_UNAVAILABLE = "registry_unavailable"
    SECRET_UNAVAILABLE = "secret_unavailable"  # noqa: S105 - a reason code
    SECRET_MALFORMED = "secret_malformed"  # noqa: S105
    SIGNING_UNAVAILABLE = "signing_unavailable"
    COGNITO_UNAVAILABLE = "cognito_unavailable"
    COGNITO_REFUSED_CLIENT = "cognito_refused_client"
    COGNITO_REFUSED_SCOPE = "cognito_refused_scope"
    COGNITO_REFUSED = "cognito_refused"
    COGNITO_ANSWER_MALFORMED = "cognito_answer_malformed"
    TOKEN_NOT_BOUND = "token_not_bound"  # noqa: S105
    TOKEN_UNEXPECTED = "token_unexpected"  # noqa: S105
    INTERNAL_ERROR = "internal_error"


ERRORS: dict[Refusal, OAuthError] = {
    Refusal.CONTENT_TYPE_WRONG: OAuthError.INVALID_REQUEST,
    Refusal.BODY_OVERSIZED: OAuthError.INVALID_REQUEST,
    Refusal.BODY_MALFORMED: OAuthError.INVALID_REQUEST,
    Refusal.QUERY_NOT_ALLOWED: OAuthError.INVALID_REQUEST,
    Refusal.PARAMETER_REPEATED: OAuthError.INVALID_REQUEST,
    Refusal.OTHER_CLIENT_AUTHENTICATION: OAuthError.INVALID_REQUEST,
    Refusal.GRANT_TYPE_MISSING: OAuthError.INVALID_REQUEST,
    Refusal.GRANT_TYPE_UNSUPPORTED: OAuthError.UNSUPPORTED_GRANT_TYPE,
    Refusal.SCOPE_MALFORMED: OAuthError.INVALID_SCOPE,
    Refusal.CERTIFICATE_MISSING: OAuthError.INVALID_CLIENT,
    Refusal.CERTIFICATE_MALFORMED: OAuthError.INVALID_CLIENT,
    Refusal.CERTIFICATE_UNKNOWN: OAuthError.INVALID_CLIENT,
    Refusal.CERTIFICATE_REVOKED: OAuthError.INVALID_CLIENT,
    Refusal.CERTIFICATE_RETIRED: OAuthError.INVALID_CLIENT,
    Refusal.CERTIFICATE_OUTSIDE_VALIDITY: OAuthError.INVALID_CLIENT,
    Refusal.CLIENT_MISMATCH: OAuthError.INVALID_CLIENT,
    Refusal.SCOPE_NOT_GRANTED: OAuthError.INVALID_SCOPE,
    Refusal.RECORD_MALFORMED: OAuthError.SERVER_ERROR,
    Refusal.REGISTRY_UNAVAILABLE: OAuthError.TEMPORARILY_UNAVAILABLE,
    Refusal.SECRET_UNAVAILABLE: OAuthError.TEMPORARILY_UNAVAILABLE,
    Refusal.SECRET_MALFORMED: OAuthError.SERVER_ERROR,
    Refusal.SIGNING_UNAVAILABLE: OAuthError.TEMPORARILY_UNAVAILABLE,
    Refusal.COGNITO_UNAVAILABLE: OAuthError.TEMPORARILY_UNAVAILABLE,
    Refusal.COGNITO_REFUSED_CLIENT: OAuthError.SERVER_ERROR,
    Refusal.COGNITO_REFUSED_SCOPE: OAuthError.INVALID_SCOPE,
    Refusal.COGNITO_REFUSED: OAuthError.SERVER_ERROR,
    Refusal.COGNITO_ANSWER_MALFORMED: OAuthError.SERVER_ERROR,
    Refusal.TOKEN_NOT_BOUND: OAuthError.SERVER_ERROR,
    Refusal.TOKEN_UNEXPECTED: OAuthError.SERVER_ERROR,
    Refusal.INTERNAL_ERROR: OAuthError.SERVER_ERROR,
}
"""What the client is told; every reason has its entry."""


class RefusedError(Exception):
    """No token is issued; `reason` says why."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason.value)
        self.reason = reason
