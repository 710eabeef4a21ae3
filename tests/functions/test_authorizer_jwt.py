"""The strict verifier: the verdicts of joserfc and PyJWT, and nothing that has two spellings."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt as joserfc_jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet as JoserfcKeySet
from joserfc.jwk import RSAKey

from mtls_authorizer.jwt import LEEWAY_SECONDS, MAXIMUM_TOKEN_LENGTH, AccessToken, verify
from mtls_authorizer.refusal import Refusal, RefusedError
from tests.functions.support import (
    APP_CLIENT_ID,
    CLAIMS,
    HEADER,
    ISSUER,
    NOW_SECONDS,
    THUMBPRINT,
    base64url,
    jwk,
    rsa_key,
    sign,
    sign_bytes,
    without,
)

KEYS = {"key-1": rsa_key().public_key()}
PUBLIC_PEM = rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def find_key(key_id: str) -> RSAPublicKey:
    try:
        return KEYS[key_id]
    except KeyError:
        raise RefusedError(Refusal.KEY_UNKNOWN) from None


def verified(token: str, now: float = NOW_SECONDS) -> AccessToken:
    return verify(token, find_key=find_key, issuer=ISSUER, now=now)


def refusal(token: str, now: float = NOW_SECONDS) -> Refusal:
    with pytest.raises(RefusedError) as refused:
        verified(token, now)
    return refused.value.reason


def accepts(token: str) -> bool:
    try:
        verified(token)
    except RefusedError:
        return False
    return True


def pyjwt_accepts(token: str) -> bool:
    try:
        key = KEYS[pyjwt.get_unverified_header(token)["kid"]]
        pyjwt.decode(
            token,
            key,
            algorithms=["RS256"],
            options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
    except (pyjwt.PyJWTError, KeyError, TypeError):
        return False
    return True


def joserfc_accepts(token: str) -> bool:
    keys = JoserfcKeySet([RSAKey.import_key(PUBLIC_PEM, {"kid": "key-1"})])
    try:
        joserfc_jwt.decode(token, keys, algorithms=["RS256"])
    except (JoseError, ValueError):
        return False
    return True


def part(members: Mapping[str, Any]) -> str:
    return base64url(json.dumps(members).encode())


def _hs256_with_public_key() -> str:
    signed = f"{part({**HEADER, 'alg': 'HS256'})}.{part(CLAIMS)}"
    mac = hmac.new(PUBLIC_PEM, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64url(mac)}"


def _es256() -> str:
    signed = f"{part({**HEADER, 'alg': 'ES256'})}.{part(CLAIMS)}"
    key = ec.generate_private_key(ec.SECP256R1())
    return f"{signed}.{base64url(key.sign(signed.encode(), ec.ECDSA(SHA256()))[-64:])}"


def _ps256() -> str:
    signed = f"{part({**HEADER, 'alg': 'PS256'})}.{part(CLAIMS)}"
    signature = rsa_key().sign(signed.encode(), PSS(MGF1(SHA256()), 32), SHA256())
    return f"{signed}.{base64url(signature)}"


def _embedded_key() -> str:
    attacker = rsa_key("attacker")
    return sign(header={"alg": "RS256", "jwk": jwk(attacker, "key-1")}, key=attacker)


HEAD, PAYLOAD, SIGNATURE = sign().split(".")

# Attack classes that are published (RFC 8725; CVE-2015-9235, CVE-2016-5431, CVE-2018-0114,
# CVE-2022-21449). Three verifiers, one verdict: refused.
ATTACKS: dict[str, str] = {
    "alg none, no signature": f"{part({'alg': 'none'})}.{PAYLOAD}.",
    "alg none with kid": f"{part({**HEADER, 'alg': 'none'})}.{PAYLOAD}.",
    "alg None": f"{part({**HEADER, 'alg': 'None'})}.{PAYLOAD}.{SIGNATURE}",
    "alg NONE": f"{part({**HEADER, 'alg': 'NONE'})}.{PAYLOAD}.",
    "HS256 under the public key": _hs256_with_public_key(),
    "ES256 under another key": _es256(),
    "ES256 of zeros": f"{part({**HEADER, 'alg': 'ES256'})}.{PAYLOAD}.{base64url(bytes(64))}",
    "PS256 under the right key": _ps256(),
    "RS512 claimed": sign(header={**HEADER, "alg": "RS512"}),
    "alg in lower case": sign(header={**HEADER, "alg": "rs256"}),
    "no alg": sign(header={"kid": "key-1"}),
    "alg a list": sign(header={**HEADER, "alg": ["RS256"]}),
    "key in the header": _embedded_key(),
    "jku of an attacker": sign(
        header={"alg": "RS256", "kid": "evil", "jku": "https://evil.example/jwks"},
        key=rsa_key("attacker"),
    ),
    "kid of no key": sign(header={**HEADER, "kid": "key-2"}),
    "kid a path": sign(header={**HEADER, "kid": "../../dev/null"}),
    "kid an injection": sign(header={**HEADER, "kid": "key-1' OR '1'='1"}),
    "kid empty": sign(header={**HEADER, "kid": ""}),
    "kid a number": sign(header={**HEADER, "kid": 1}),
    "key of an attacker": sign(key=rsa_key("attacker")),
    "signature missing": f"{HEAD}.{PAYLOAD}.",
    "signature segment missing": f"{HEAD}.{PAYLOAD}",
    "signature cut": f"{HEAD}.{PAYLOAD}.{SIGNATURE[:-4]}",
    "signature of zeros": f"{HEAD}.{PAYLOAD}.{base64url(bytes(256))}",
    "payload exchanged": f"{HEAD}.{part({**CLAIMS, 'scope': 'api/write'})}.{SIGNATURE}",
    "payload empty": f"{HEAD}..{SIGNATURE}",
    "header exchanged": f"{part({**HEADER, 'typ': 'JWT'})}.{PAYLOAD}.{SIGNATURE}",
    "four segments": f"{HEAD}.{PAYLOAD}.{SIGNATURE}.{SIGNATURE}",
    "five segments as JWE": f"{HEAD}.{PAYLOAD}.{SIGNATURE}.{SIGNATURE}.{SIGNATURE}",
    "critical extension": sign(header={**HEADER, "crit": ["exp"], "exp": 1}),
    "payload no object": sign_bytes(json.dumps(HEADER).encode(), b'["not", "claims"]'),
    "payload no JSON": sign_bytes(json.dumps(HEADER).encode(), b"\xff\xfe"),
    "header no object": sign_bytes(b'["RS256"]', json.dumps(CLAIMS).encode()),
    "empty": "",
    "dots": "..",
}

# Where libraries are lenient and one token would have several spellings.
AMBIGUITIES: dict[str, str] = {
    "duplicate alg": sign_bytes(
        b'{"alg":"none","alg":"RS256","kid":"key-1"}', json.dumps(CLAIMS).encode()
    ),
    "duplicate claim": sign_bytes(
        json.dumps(HEADER).encode(), json.dumps(CLAIMS)[:-1].encode() + b', "scope": "api/write"}'
    ),
    "duplicate claim, nested": sign_bytes(
        json.dumps(HEADER).encode(),
        json.dumps(without(CLAIMS, "cnf"))[:-1].encode()
        + b', "cnf": {"x5t#S256": "a", "x5t#S256": "b"}}',
    ),
    "NaN": sign_bytes(
        json.dumps(HEADER).encode(), json.dumps(CLAIMS)[:-1].encode() + b', "x": NaN}'
    ),
    "padding": f"{HEAD}.{PAYLOAD}.{SIGNATURE}==",
    "line break": f"{HEAD}.{PAYLOAD}.{SIGNATURE}\n",
    "blank in front": f" {HEAD}.{PAYLOAD}.{SIGNATURE}",
    "base64 instead of base64url": sign().replace("-", "+").replace("_", "/"),
    "nested too deep": sign_bytes(json.dumps(HEADER).encode(), b"[" * 3000),
    "a type that is no access token": sign(header={**HEADER, "typ": "dpop+jwt"}),
    "longer than any token": sign({**CLAIMS, "padding": "x" * MAXIMUM_TOKEN_LENGTH}),
    "a kid longer than any": sign(header={**HEADER, "kid": "k" * 1000}),
}


def _respellings_of_the_signature() -> list[str]:
    """The signatures that a lenient decoder takes for the same: low bits of the last digit."""
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return [
        f"{HEAD}.{PAYLOAD}.{SIGNATURE[:-1]}{digit}"
        for digit in digits
        if digit != SIGNATURE[-1]
        and base64.urlsafe_b64decode(SIGNATURE[:-1] + digit + "==")
        == base64.urlsafe_b64decode(SIGNATURE + "==")
    ]


@pytest.mark.parametrize(
    "header",
    [
        HEADER,
        {**HEADER, "typ": "JWT"},
        {**HEADER, "typ": "at+jwt"},
        {"kid": "key-1", "alg": "RS256"},
    ],
)
@pytest.mark.parametrize("verdict", [accepts, pyjwt_accepts, joserfc_accepts])
def test_a_genuine_token_is_accepted_by_all(
    header: Mapping[str, Any], verdict: Callable[[str], bool]
) -> None:
    assert verdict(sign(header=header))


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("verdict", [accepts, pyjwt_accepts, joserfc_accepts])
def test_a_published_attack_is_refused_by_all(name: str, verdict: Callable[[str], bool]) -> None:
    assert not verdict(ATTACKS[name])


@pytest.mark.parametrize("name", AMBIGUITIES)
def test_an_ambiguous_token_is_refused(name: str) -> None:
    assert not accepts(AMBIGUITIES[name])


def test_another_spelling_of_the_signature_is_refused() -> None:
    # GIVEN spellings that decode to the genuine signature
    respelled = _respellings_of_the_signature()
    assert len(respelled) == 15

    assert {refusal(token) for token in respelled} == {Refusal.TOKEN_MALFORMED}


@given(
    position=st.integers(min_value=0, max_value=len(sign()) - 1),
    character=st.characters(codec="utf-8"),
)
def test_a_token_with_one_character_changed_is_another_token(position: int, character: str) -> None:
    genuine = sign()
    changed = genuine[:position] + character + genuine[position + 1 :]

    assert accepts(changed) is (changed == genuine)


@given(st.text(max_size=400))
def test_no_text_breaks_the_verifier(text: str) -> None:
    assert not accepts(text)


@given(
    header=st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "crit", "x"]), st.text() | st.none()
    ),
    claims=st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.dictionaries(st.text(), inner),
    ),
)
def test_whatever_is_accepted_the_libraries_accept(header: dict[str, Any], claims: object) -> None:
    token = sign_bytes(json.dumps({**HEADER, **header}).encode(), json.dumps(claims).encode())

    if accepts(token):
        assert pyjwt_accepts(token)
        assert joserfc_accepts(token)


def test_a_verified_token_says_what_it_says() -> None:
    assert verified(sign()) == AccessToken(
        client_id=APP_CLIENT_ID,
        scope="api/read",
        expires_at=NOW_SECONDS + 900,
        x5t_s256=THUMBPRINT,
    )


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://evil.example"}, Refusal.ISSUER_WRONG),
        ({"iss": ISSUER + "/"}, Refusal.ISSUER_WRONG),
        ({"iss": [ISSUER]}, Refusal.ISSUER_WRONG),
        ({"token_use": "id"}, Refusal.TOKEN_USE_WRONG),
        ({"token_use": None}, Refusal.TOKEN_USE_WRONG),
        ({"exp": "9999999999"}, Refusal.CLAIM_MALFORMED),
        ({"exp": True}, Refusal.CLAIM_MALFORMED),
        ({"exp": 10**400}, Refusal.CLAIM_MALFORMED),
        ({"exp": float("inf")}, Refusal.TOKEN_MALFORMED),
        ({"exp": 1e300}, Refusal.CLAIM_MALFORMED),
        ({"exp": -1}, Refusal.CLAIM_MALFORMED),
        ({"iat": None}, Refusal.CLAIM_MALFORMED),
        ({"nbf": "soon"}, Refusal.CLAIM_MALFORMED),
        ({"client_id": ""}, Refusal.CLAIM_MALFORMED),
        ({"client_id": 7}, Refusal.CLAIM_MALFORMED),
        ({"scope": ["api/read"]}, Refusal.CLAIM_MALFORMED),
        ({"scope": ""}, Refusal.CLAIM_MALFORMED),
        ({"scope": "api/read\n"}, Refusal.CLAIM_MALFORMED),
        ({"cnf": None}, Refusal.BINDING_MISSING),
        ({"cnf": THUMBPRINT}, Refusal.BINDING_MISSING),
        ({"cnf": {"jkt": THUMBPRINT}}, Refusal.BINDING_MISSING),
        ({"cnf": {"x5t#S256": None}}, Refusal.CLAIM_MALFORMED),
        ({"cnf": {"x5t#S256": "\ud800"}}, Refusal.CLAIM_MALFORMED),
    ],
)
def test_a_claim_that_does_not_fit_is_refused(claims: dict[str, Any], reason: Refusal) -> None:
    assert refusal(sign({**CLAIMS, **claims})) is reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("iss", Refusal.ISSUER_WRONG),
        ("token_use", Refusal.TOKEN_USE_WRONG),
        ("exp", Refusal.CLAIM_MALFORMED),
        ("iat", Refusal.CLAIM_MALFORMED),
        ("client_id", Refusal.CLAIM_MALFORMED),
        ("scope", Refusal.CLAIM_MALFORMED),
        ("cnf", Refusal.BINDING_MISSING),
    ],
)
def test_a_claim_that_is_missing_is_refused(name: str, reason: Refusal) -> None:
    assert refusal(sign(without(CLAIMS, name))) is reason


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [
        (900 + LEEWAY_SECONDS, Refusal.TOKEN_EXPIRED),
        (-LEEWAY_SECONDS - 1, Refusal.TOKEN_NOT_YET_VALID),
    ],
)
def test_a_token_outside_its_time_is_refused(seconds: float, reason: Refusal) -> None:
    assert refusal(sign(), NOW_SECONDS + seconds) is reason


@pytest.mark.parametrize("seconds", [900 + LEEWAY_SECONDS - 1, -LEEWAY_SECONDS])
def test_a_clock_may_be_a_little_off(seconds: float) -> None:
    assert verified(sign(), NOW_SECONDS + seconds).client_id == APP_CLIENT_ID


def test_not_before_counts_when_it_is_there() -> None:
    later = {**CLAIMS, "nbf": NOW_SECONDS + 60}

    assert refusal(sign(later)) is Refusal.TOKEN_NOT_YET_VALID


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("alg none with kid", Refusal.TOKEN_MALFORMED),
        ("HS256 under the public key", Refusal.ALGORITHM_NOT_ALLOWED),
        ("PS256 under the right key", Refusal.ALGORITHM_NOT_ALLOWED),
        ("kid of no key", Refusal.KEY_UNKNOWN),
        ("key in the header", Refusal.KEY_UNKNOWN),
        ("key of an attacker", Refusal.SIGNATURE_INVALID),
        ("payload exchanged", Refusal.SIGNATURE_INVALID),
        ("critical extension", Refusal.TOKEN_MALFORMED),
    ],
)
def test_the_reason_names_the_check(name: str, reason: Refusal) -> None:
    assert refusal(ATTACKS[name]) is reason
