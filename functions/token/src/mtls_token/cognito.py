"""Cognito's token endpoint over HTTP."""

import json
from collections.abc import Mapping
from urllib.parse import urlencode

import urllib3

from mtls_token.issuance import AppClient, AskCognito, CognitoGrant
from mtls_token.refusal import Refusal, RefusedError

_MAXIMUM_ANSWER_LENGTH = 64 * 1024

# Cognito runs the trigger before it answers, and gives it 5 s.
_TIMEOUT = urllib3.Timeout(connect=1, read=8)

_REFUSALS = {
    "invalid_client": Refusal.COGNITO_REFUSED_CLIENT,
    "unauthorized_client": Refusal.COGNITO_REFUSED_CLIENT,
    "invalid_scope": Refusal.COGNITO_REFUSED_SCOPE,
}


def token_endpoint(pool: urllib3.PoolManager, url: str) -> AskCognito:
    """A function that asks the endpoint at this URL: no redirects, no retries."""

    def ask(client: AppClient, scopes: frozenset[str], metadata: Mapping[str, str]) -> CognitoGrant:
        form = urlencode(
            {
                "grant_type": "client_credentials",
                "scope": " ".join(sorted(scopes)),
                "aws_client_metadata": json.dumps(dict(metadata)),
            }
        )
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
            **urllib3.make_headers(basic_auth=f"{client.client_id}:{client.secret}"),
        }
        status, document = _post(pool, url, form, headers)
        if status == 200:
            return _grant(document)
        if status == 429 or status >= 500:
            raise RefusedError(Refusal.COGNITO_UNAVAILABLE)
        raise RefusedError(_REFUSALS.get(_error_code(document), Refusal.COGNITO_REFUSED))

    return ask


def _post(
    pool: urllib3.PoolManager, url: str, form: str, headers: Mapping[str, str]
) -> tuple[int, bytes]:
    try:
        response = pool.request(
            "POST",
            url,
            body=form,
            headers=headers,
            timeout=_TIMEOUT,
            retries=False,
            redirect=False,
            preload_content=False,
        )
        document = response.read(_MAXIMUM_ANSWER_LENGTH + 1, decode_content=True)
    except urllib3.exceptions.HTTPError:
        # The error's text may hold the request; its kind is enough.
        raise RefusedError(Refusal.COGNITO_UNAVAILABLE) from None
    if len(document) > _MAXIMUM_ANSWER_LENGTH:
        response.close()
        raise RefusedError(Refusal.COGNITO_ANSWER_MALFORMED)
    response.release_conn()
    return response.status, document


def _grant(document: bytes) -> CognitoGrant:
    members = _members(document)
    token, expires_in = members.get("access_token"), members.get("expires_in")
    token_type = members.get("token_type")
    if (
        not isinstance(token, str)
        or not isinstance(token_type, str)
        or token_type.lower() != "bearer"
        or isinstance(expires_in, bool)
        or not isinstance(expires_in, int)
        or expires_in <= 0
    ):
        raise RefusedError(Refusal.COGNITO_ANSWER_MALFORMED)
    return CognitoGrant(token, expires_in)


def _error_code(document: bytes) -> str:
    try:
        return str(_members(document).get("error"))
    except RefusedError:
        return ""


def _members(document: bytes) -> dict[str, object]:
    try:
        members = json.loads(document)
    except (ValueError, RecursionError):
        raise RefusedError(Refusal.COGNITO_ANSWER_MALFORMED) from None
    if not isinstance(members, dict):
        raise RefusedError(Refusal.COGNITO_ANSWER_MALFORMED)
    return members
