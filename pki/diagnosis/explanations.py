"""What each reason means, and what to do: one entry for every reason that a check can give."""

from dataclasses import dataclass

from mtls_authorizer.refusal import Refusal as CallRefusal
from pki.gateway.chain import Refusal as HandshakeRefusal


@dataclass(frozen=True, slots=True)
class Explanation:
    """A reason in words.

    Attributes:
        meaning: what is wrong.
        remedy: what to do about it.
    """

    meaning: str
    remedy: str


_NEW_CERTIFICATE = "get a new certificate: provision-client, or EST while the old one is usable"
_ASK_ANEW = "ask /token for a new token, with this very certificate"
_OURS = "a fault on the API's side: tell the operator, with the time of the call"

HANDSHAKE: dict[HandshakeRefusal, Explanation] = {
    HandshakeRefusal.TRUSTSTORE_INVALID: Explanation(
        "the truststore cannot be used, so that the domain refuses everybody",
        "lint and upload it again, then roll it out: upload-truststore, truststore rollout",
    ),
    HandshakeRefusal.MALFORMED: Explanation(
        "the certificate cannot be parsed, or is no X.509 version 3 certificate",
        "export it again as PEM: openssl x509 -in FILE -outform PEM",
    ),
    HandshakeRefusal.NOT_YET_VALID: Explanation(
        "its validity has not begun", "check the clock of this machine and of the device"
    ),
    HandshakeRefusal.EXPIRED: Explanation("its validity has ended", _NEW_CERTIFICATE),
    HandshakeRefusal.WEAK_KEY: Explanation(
        "API Gateway takes RSA keys of 2048 bits or more, and EC keys on P-256 or P-384",
        "make another key and get a certificate for it: provision-client",
    ),
    HandshakeRefusal.WEAK_SIGNATURE: Explanation(
        "it is signed with a hash weaker than SHA-256",
        "get a certificate from this platform's CA: provision-client",
    ),
    HandshakeRefusal.NOT_FOR_CLIENTS: Explanation(
        "it may not authenticate a client: a CA's or a server's certificate",
        "present the client's own certificate, client.crt, and not the chain's",
    ),
    HandshakeRefusal.UNTRUSTED_ISSUER: Explanation(
        "the domain's truststore does not hold its issuer",
        "check the environment; after a rotation, see where it stands: rotation status",
    ),
    HandshakeRefusal.BAD_SIGNATURE: Explanation(
        "a CA in the truststore has its issuer's name, and did not sign it: a forgery, or another "
        "CA of the same name",
        "do not use it; if it came from this platform, tell the security officer",
    ),
    HandshakeRefusal.INCOMPLETE_CHAIN: Explanation(
        "the truststore holds its issuer, and not every CA from there to the root",
        "upload the whole bundle: upload-truststore, then truststore rollout",
    ),
    HandshakeRefusal.CHAIN_TOO_LONG: Explanation(
        "there are more CAs above it than API Gateway or a path length allows",
        "get a certificate from the environment's issuing CA: provision-client",
    ),
    HandshakeRefusal.ISSUER_NOT_A_CA: Explanation(
        "its issuer may not sign certificates",
        "get a certificate from the environment's issuing CA: provision-client",
    ),
    HandshakeRefusal.ISSUER_NOT_VALID: Explanation(
        "a CA above it has expired, or is not valid yet",
        "rotate that CA: see docs/rotation.md",
    ),
    HandshakeRefusal.ISSUER_WEAK: Explanation(
        "a CA above it has a weak key or a weak signature",
        "rotate that CA: see docs/rotation.md",
    ),
    HandshakeRefusal.CHAIN_REJECTED: Explanation(
        "the chain breaks a rule of RFC 5280, such as a critical extension that nobody knows",
        "compare it with openssl verify -x509_strict; get one of this platform's CA",
    ),
}

CALL: dict[CallRefusal, Explanation] = {
    CallRefusal.ROUTE_NOT_LISTED: Explanation(
        "the API has no such route behind the authorizer",
        "check method and path; routes are written like 'GET /whoami'",
    ),
    CallRefusal.CERTIFICATE_MISSING: Explanation(
        "the call came without a client certificate", "present certificate and key in the handshake"
    ),
    CallRefusal.CERTIFICATE_MALFORMED: Explanation(
        "the PEM is not exactly one certificate", "present client.crt as it was delivered"
    ),
    CallRefusal.TOKEN_MISSING: Explanation(
        "the call has no Authorization header", f"{_ASK_ANEW}, and send it as Bearer"
    ),
    CallRefusal.AUTHORIZATION_MALFORMED: Explanation(
        "the header is not exactly one 'Authorization: Bearer <token>'",
        "send the access token alone, once, without quotes",
    ),
    CallRefusal.TOKEN_MALFORMED: Explanation(
        "it is no signed JWT, or was cut or altered", _ASK_ANEW
    ),
    CallRefusal.ALGORITHM_NOT_ALLOWED: Explanation(
        "the token is not signed with RS256: it is not this API's", _ASK_ANEW
    ),
    CallRefusal.KEY_UNKNOWN: Explanation(
        "the issuer has no such key: another environment's token, or a very old one",
        _ASK_ANEW,
    ),
    CallRefusal.KEYS_UNAVAILABLE: Explanation("the issuer's keys cannot be had", _OURS),
    CallRefusal.SIGNATURE_INVALID: Explanation(
        "the token was altered, or another one signed it", _ASK_ANEW
    ),
    CallRefusal.CLAIM_MALFORMED: Explanation(
        "a claim is missing or of the wrong type: not an access token of this API", _ASK_ANEW
    ),
    CallRefusal.ISSUER_WRONG: Explanation(
        "another user pool issued it: another environment's token", _ASK_ANEW
    ),
    CallRefusal.TOKEN_USE_WRONG: Explanation("it is an ID token", _ASK_ANEW),
    CallRefusal.TOKEN_EXPIRED: Explanation("the token has expired", _ASK_ANEW),
    CallRefusal.TOKEN_NOT_YET_VALID: Explanation(
        "the token is from the future", "check the clock of this machine"
    ),
    CallRefusal.CLIENT_NOT_ALLOWED: Explanation(
        "it was issued to an app client that this API does not take", _ASK_ANEW
    ),
    CallRefusal.BINDING_MISSING: Explanation(
        "it is bound to no certificate: it did not come from /token", _ASK_ANEW
    ),
    CallRefusal.BINDING_MISMATCH: Explanation(
        "it is bound to another certificate: stolen, or from before a renewal", _ASK_ANEW
    ),
    CallRefusal.REGISTRY_UNAVAILABLE: Explanation("the registry gave no answer", _OURS),
    CallRefusal.RECORD_MALFORMED: Explanation(
        "the certificate's record in the registry is malformed", _OURS
    ),
    CallRefusal.CERTIFICATE_UNKNOWN: Explanation(
        "the environment's registry does not know it, whoever issued it",
        "check the environment; an interrupted provision-client registers it when run again",
    ),
    CallRefusal.CERTIFICATE_REVOKED: Explanation(
        "it is revoked", f"find out why (show-client), then {_NEW_CERTIFICATE}"
    ),
    CallRefusal.CERTIFICATE_RETIRED: Explanation(
        "its renewal has replaced it and the overlap is over",
        "use the renewed certificate and its key: show-client names it",
    ),
    CallRefusal.CERTIFICATE_OUTSIDE_VALIDITY: Explanation(
        "the registry's dates say that it is not valid now", _NEW_CERTIFICATE
    ),
    CallRefusal.CLIENT_MISMATCH: Explanation(
        "it was issued to another app client than this certificate's", _ASK_ANEW
    ),
    CallRefusal.SCOPE_NOT_GRANTED: Explanation(
        "the token has a scope that the certificate's record does not grant any more",
        _ASK_ANEW,
    ),
    CallRefusal.SCOPE_INSUFFICIENT: Explanation(
        "the token does not have the scope of this route",
        "ask /token for that scope; when it refuses, the device was not granted it: show-client",
    ),
    CallRefusal.INTERNAL_ERROR: Explanation("the decision itself failed", _OURS),
}
