"""OAuth on the wire: RFC 6749 requests and answers, RFC 8414 metadata."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtls_token.oauth import (
    MAXIMUM_BODY_LENGTH,
    Answer,
    IssuedToken,
    TokenRequest,
    error_answer,
    metadata_answer,
    token_answer,
)
from mtls_token.refusal import ERRORS, OAuthError, Refusal, RefusedError
from tests.functions.support import ISSUER, certificate_of, event

DOMAIN = "api.dev.example.com"
PEM = certificate_of(event("token"))


def request(body: str | None, **changes: Any) -> dict[str, Any]:
    return {**event("token"), "body": body, "isBase64Encoded": False, **changes}


def read(body: str | None, **changes: Any) -> TokenRequest:
    return TokenRequest.from_event(request(body, **changes))


def refusal(body: str | None, **changes: Any) -> Refusal:
    with pytest.raises(RefusedError) as refused:
        read(body, **changes)
    return refused.value.reason


class TestTokenRequest:
    def test_is_read_from_a_captured_event(self) -> None:
        assert TokenRequest.from_event(event("token")) == TokenRequest(
            frozenset({"api/read"}), None, PEM
        )

    def test_scope_and_client_id_are_optional(self) -> None:
        assert read("grant_type=client_credentials") == TokenRequest(None, None, PEM)

    def test_scopes_are_a_set(self) -> None:
        asked = read("grant_type=client_credentials&scope=api/write+api/read+api/write")

        assert asked.scopes == frozenset({"api/read", "api/write"})

    def test_a_parameter_without_a_value_counts_as_left_out(self) -> None:
        assert read("grant_type=client_credentials&scope=&client_id=&client_secret=") == (
            TokenRequest(None, None, PEM)
        )

    @pytest.mark.parametrize("tail", ["&", "&scope", "&&client_id="])
    def test_what_a_form_may_leave_empty_is_left_out(self, tail: str) -> None:
        assert read(f"grant_type=client_credentials{tail}") == TokenRequest(None, None, PEM)

    def test_an_unknown_parameter_is_ignored(self) -> None:
        assert read("grant_type=client_credentials&audience=x") == TokenRequest(None, None, PEM)

    @pytest.mark.parametrize(
        "content_type",
        [
            "application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded; charset=UTF-8",
            "Application/X-WWW-Form-Urlencoded;charset=utf-8",
        ],
    )
    def test_the_content_type_may_have_parameters(self, content_type: str) -> None:
        asked = read(
            "grant_type=client_credentials&client_id=device-001",
            headers={"Content-Type": content_type},
        )

        assert asked.client_id == "device-001"

    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            (None, Refusal.GRANT_TYPE_MISSING),
            ("", Refusal.GRANT_TYPE_MISSING),
            ("grant_type", Refusal.GRANT_TYPE_MISSING),
            ('{"grant_type": "client_credentials"}', Refusal.GRANT_TYPE_MISSING),
            ("grant_type=client_credentials&scope=%FF", Refusal.BODY_MALFORMED),
            ("&".join(f"p{n}=1" for n in range(30)), Refusal.BODY_MALFORMED),
            ("x=" + "a" * MAXIMUM_BODY_LENGTH, Refusal.BODY_OVERSIZED),
            ("scope=api/read", Refusal.GRANT_TYPE_MISSING),
            ("grant_type=&scope=api/read", Refusal.GRANT_TYPE_MISSING),
            ("grant_type=authorization_code&code=x", Refusal.GRANT_TYPE_UNSUPPORTED),
            ("grant_type=Client_Credentials", Refusal.GRANT_TYPE_UNSUPPORTED),
            (
                "grant_type=client_credentials&grant_type=client_credentials",
                Refusal.PARAMETER_REPEATED,
            ),
            ("grant_type=client_credentials&scope=a&scope=b", Refusal.PARAMETER_REPEATED),
            ("grant_type=client_credentials&scope=a&scope=", Refusal.PARAMETER_REPEATED),
            ("grant_type=client_credentials&x=1&x=1", Refusal.PARAMETER_REPEATED),
            ("grant_type=client_credentials&scope=a++b", Refusal.SCOPE_MALFORMED),
            ("grant_type=client_credentials&scope=+a", Refusal.SCOPE_MALFORMED),
            ("grant_type=client_credentials&scope=a%0Ab", Refusal.SCOPE_MALFORMED),
            ("grant_type=client_credentials&scope=a%22", Refusal.SCOPE_MALFORMED),
            ("grant_type=client_credentials&scope=%C3%BC", Refusal.SCOPE_MALFORMED),
            (
                "grant_type=client_credentials&client_secret=x",
                Refusal.OTHER_CLIENT_AUTHENTICATION,
            ),
            (
                "grant_type=client_credentials&client_assertion=x",
                Refusal.OTHER_CLIENT_AUTHENTICATION,
            ),
        ],
    )
    def test_a_body_that_does_not_fit_is_refused(self, body: str | None, reason: Refusal) -> None:
        assert refusal(body) is reason

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"headers": {}}, Refusal.CONTENT_TYPE_WRONG),
            ({"headers": {"content-type": "application/json"}}, Refusal.CONTENT_TYPE_WRONG),
            ({"headers": {"content-type": "text/plain"}}, Refusal.CONTENT_TYPE_WRONG),
            ({"rawQueryString": "grant_type=client_credentials"}, Refusal.QUERY_NOT_ALLOWED),
            (
                {"headers": {"Authorization": "Basic ZGV2aWNlOnNlY3JldA=="}},
                Refusal.OTHER_CLIENT_AUTHENTICATION,
            ),
            ({"isBase64Encoded": True}, Refusal.BODY_MALFORMED),
        ],
    )
    def test_a_request_that_does_not_fit_is_refused(
        self, changes: dict[str, Any], reason: Refusal
    ) -> None:
        assert refusal("grant_type=client_credentials", **changes) is reason

    def test_a_body_that_is_not_utf_8_is_refused(self) -> None:
        assert refusal("//79", isBase64Encoded=True) is Refusal.BODY_MALFORMED

    @given(st.dictionaries(st.sampled_from(["grant_type", "scope", "client_id", "x"]), st.text()))
    def test_any_form_is_read_or_refused(self, form: dict[str, str]) -> None:
        body = base64.b64encode(urlencode(form).encode()).decode()

        try:
            asked = TokenRequest.from_event(request(body, isBase64Encoded=True))
        except RefusedError:
            return
        assert form["grant_type"] == "client_credentials"
        assert asked.client_id == (form.get("client_id") or None)

    @given(st.text(max_size=300))
    def test_no_body_breaks_the_reader(self, body: str) -> None:
        for encoded in (True, False):
            try:
                TokenRequest.from_event(request(body, isBase64Encoded=encoded))
            except RefusedError:
                continue


class TestAnswers:
    def test_a_token_is_answered_as_rfc_6749_says(self) -> None:
        answer = token_answer(IssuedToken("a.b.c", 900, frozenset({"api/write", "api/read"})))

        assert answer["statusCode"] == 200
        assert json.loads(answer["body"]) == {
            "access_token": "a.b.c",
            "token_type": "Bearer",
            "expires_in": 900,
            "scope": "api/read api/write",
        }
        assert answer["headers"] == {
            "content-type": "application/json",
            "cache-control": "no-store",
            "pragma": "no-cache",
        }

    @pytest.mark.parametrize("reason", Refusal)
    def test_every_reason_has_its_answer(self, reason: Refusal) -> None:
        answer = error_answer(reason)

        assert json.loads(answer["body"])["error"] == ERRORS[reason]
        assert answer["headers"]["cache-control"] == "no-store"

    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (OAuthError.INVALID_REQUEST, 400),
            (OAuthError.INVALID_CLIENT, 401),
            (OAuthError.INVALID_SCOPE, 400),
            (OAuthError.UNSUPPORTED_GRANT_TYPE, 400),
            (OAuthError.SERVER_ERROR, 500),
            (OAuthError.TEMPORARILY_UNAVAILABLE, 503),
        ],
    )
    def test_every_error_has_its_status(self, error: OAuthError, status: int) -> None:
        answers = [error_answer(reason) for reason in Refusal if ERRORS[reason] is error]

        assert {answer["statusCode"] for answer in answers} == {status}

    def test_the_reasons_behind_one_error_cannot_be_told_apart(self) -> None:
        answers = [json.dumps(error_answer(reason)) for reason in Refusal]

        assert len(set(answers)) == len(OAuthError)


class TestMetadata:
    def describe(self, **changes: Any) -> Answer:
        return metadata_answer(
            {**event("metadata"), **changes},
            domain_name=DOMAIN,
            jwks_uri=f"{ISSUER}/.well-known/jwks.json",
            scopes=("api/read", "api/write"),
        )

    def document(self, host: str | None, served: str = DOMAIN) -> dict[str, Any]:
        answer = self.describe(
            headers={} if host is None else {"Host": host},
            requestContext={"domainName": served},
        )
        document: dict[str, Any] = json.loads(answer["body"])
        return document

    def test_says_what_rfc_8414_and_rfc_8705_name(self) -> None:
        answer = self.describe()

        assert answer["statusCode"] == 200
        assert json.loads(answer["body"]) == {
            "issuer": f"https://{DOMAIN}",
            "token_endpoint": f"https://{DOMAIN}/token",
            "jwks_uri": f"{ISSUER}/.well-known/jwks.json",
            "token_endpoint_auth_methods_supported": ["tls_client_auth"],
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "scopes_supported": ["api/read", "api/write"],
            "tls_client_certificate_bound_access_tokens": True,
        }

    def test_a_port_of_our_own_host_is_kept(self) -> None:
        assert self.document(f"{DOMAIN}:8443")["issuer"] == f"https://{DOMAIN}:8443"

    @pytest.mark.parametrize(
        ("host", "served"),
        [
            (None, DOMAIN),
            (DOMAIN, DOMAIN),
            (f"{DOMAIN}:443", DOMAIN),
            (f"{DOMAIN}:", DOMAIN),
            (f"{DOMAIN}:port", DOMAIN),
            (f"{DOMAIN}:123456", DOMAIN),
            (f"{DOMAIN}:0443", DOMAIN),
            (f"{DOMAIN}:8443\n", DOMAIN),
            (f"{DOMAIN}:8443/path", DOMAIN),
            (f"user@{DOMAIN}:8443", DOMAIN),
            (f"evil.example:8443#{DOMAIN}", DOMAIN),
            ("evil.example:8443", DOMAIN),
            (f"{DOMAIN}.evil.example:8443", DOMAIN),
            (f"{DOMAIN}:8443", "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com"),
            ("[::1]:8443", "[::1]"),
        ],
    )
    def test_nothing_else_of_the_host_header_is_believed(
        self, host: str | None, served: str
    ) -> None:
        assert self.document(host, served)["issuer"] == f"https://{DOMAIN}"
