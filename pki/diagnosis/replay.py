"""The checks that a call meets, in its order, each by the code that makes it.

API Gateway's are those of :mod:`pki.gateway`, which the edge runs; the functions' are their own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from clientcert import UnusableCertificateError, fingerprint, read_clocks, usable_record
from mtls_authorizer.decision import AuthorizationRequest, Authorizer, GrantCache
from mtls_authorizer.jwks import KeySet
from mtls_authorizer.jwt import AccessToken, verify
from mtls_authorizer.refusal import Refusal, RefusedError
from pki.diagnosis.explanations import CALL, HANDSHAKE, Explanation
from pki.diagnosis.facts import Facts
from pki.gateway.chain import judge
from pki.gateway.truststore import ClientTrust, InvalidTruststore, parse
from pki.keys import PublicKey


class Check(StrEnum):
    """A check, by who makes it."""

    KEY = "private key"
    HANDSHAKE = "API Gateway, handshake"
    TOKEN_REQUEST = "token, the request for a token"  # noqa: S105 - a function's name
    CALL = "authorizer, the call"


class Verdict(StrEnum):
    """What a check said."""

    PASSED = "passed"
    REFUSED = "refused"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's result.

    Attributes:
        check: the check.
        verdict: what it said.
        detail: what it judged, or why it did not.
        reason: its reason code, as in the logs, when it refused.
        remedy: what to do, when it refused.
    """

    check: Check
    verdict: Verdict
    detail: str
    reason: str | None = None
    remedy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """What a client would call with.

    Attributes:
        certificate: its certificate.
        key: the public half of its private key, when that was given.
        token: its access token, when that was given.
        route: the route key of the call; None for the first one that the authorizer guards.
    """

    certificate: x509.Certificate
    key: PublicKey | None = None
    token: str | None = None
    route: str | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate's DER, hexadecimal."""
        return fingerprint(self.certificate.public_bytes(Encoding.DER))


def replay(
    presented: Presented, facts: Facts | None, truststore: bytes | None, now: datetime
) -> tuple[Finding, ...]:
    """Judge a call as the environment would.

    Every check is made, also behind one that refuses: what else is wrong is worth knowing.

    Args:
        presented: what the client calls with.
        facts: the environment's; None where there is only a truststore.
        truststore: the bundle to judge by instead of the environment's.
        now: the moment of the call.

    Raises:
        DiagnosisError: the environment's own settings are wrong.
    """
    return tuple(_findings(presented, facts, truststore, now))


def refused_by(findings: tuple[Finding, ...]) -> Finding | None:
    """The first check that refuses: the one that the client meets."""
    return next((entry for entry in findings if entry.verdict is Verdict.REFUSED), None)


def _findings(
    presented: Presented, facts: Facts | None, truststore: bytes | None, now: datetime
) -> Iterator[Finding]:
    if presented.key is not None:
        yield _key(presented)
    bundle, source = _bundle(facts, truststore)
    yield _handshake(presented, parse(bundle, source), now)
    if facts is None:
        for check in (Check.TOKEN_REQUEST, Check.CALL):
            yield Finding(check, Verdict.NOT_CHECKED, "needs --environment or --facts")
        return
    yield _token_request(presented, facts, now)
    yield _call(presented, facts, now)


def _bundle(facts: Facts | None, truststore: bytes | None) -> tuple[bytes, str]:
    if truststore is not None or facts is None:
        return truststore or b"", "the truststore given"
    return facts.truststore, f"version {facts.truststore_version} of {facts.domain}'s truststore"


def _key(presented: Presented) -> Finding:
    if presented.key == presented.certificate.public_key():
        return Finding(Check.KEY, Verdict.PASSED, "belongs to the certificate")
    return Finding(
        Check.KEY,
        Verdict.REFUSED,
        "is another certificate's: the client cannot prove that it holds this one",
        "key_mismatch",
        "use the key that the request was made with, or get a certificate for this one",
    )


def _handshake(presented: Presented, trust: ClientTrust, now: datetime) -> Finding:
    refusal = judge(presented.certificate, trust, now).refusal
    if refusal is None:
        return Finding(Check.HANDSHAKE, Verdict.PASSED, f"chains to {trust.source}")
    problem = f" ({trust.problem})" if isinstance(trust, InvalidTruststore) else ""
    return _refused(Check.HANDSHAKE, refusal.value, HANDSHAKE[refusal], problem)


def _token_request(presented: Presented, facts: Facts, now: datetime) -> Finding:
    try:
        record = usable_record(facts.record, presented.fingerprint, now.timestamp())
    except UnusableCertificateError as error:
        reason = Refusal(error.reason.value)
        return _refused(
            Check.TOKEN_REQUEST, reason.value, CALL[reason], _aside(facts, presented, now)
        )
    return Finding(
        Check.TOKEN_REQUEST,
        Verdict.PASSED,
        f"{record.client_id} may ask for {', '.join(sorted(record.scopes))} until "
        f"{record.usable_until:%Y-%m-%d %H:%M:%S} UTC",
    )


def _aside(facts: Facts, presented: Presented, now: datetime) -> str:
    """What the registry says beside the reason."""
    record = facts.record(presented.fingerprint)
    if record is not None and record.revoked_at is not None:
        return f" since {record.revoked_at:%Y-%m-%d %H:%M:%S} UTC, {record.revocation_reason}"
    usable = [entry for entry in facts.records if entry.is_usable(now)]
    if not usable:
        return ""
    newest = max(usable, key=lambda entry: entry.issued_at)
    return f"; {newest.client_id} has a usable one: fingerprint {newest.fingerprint}"


def _call(presented: Presented, facts: Facts, now: datetime) -> Finding:
    settings = facts.settings()
    if presented.token is None:
        return Finding(Check.CALL, Verdict.NOT_CHECKED, "needs a token: --token-file")
    if facts.jwks is None:
        return Finding(Check.CALL, Verdict.NOT_CHECKED, "the issuer's keys could not be had")
    keys = _key_set(facts.jwks)
    route = presented.route or next(iter(settings.route_scopes), "")

    def verify_token(token: str, at: float) -> AccessToken:
        return verify(token, find_key=keys.find, issuer=settings.issuer, now=at)

    authorizer = Authorizer(
        route_scopes=settings.route_scopes,
        client_ids=settings.client_ids,
        verify_token=verify_token,
        find_record=facts.record,
        grants=GrantCache(0, clock=read_clocks),
        now=now.timestamp,
    )
    pem = presented.certificate.public_bytes(Encoding.PEM).decode("ascii")
    try:
        identity = authorizer.authorize(
            AuthorizationRequest(route, (f"Bearer {presented.token}",), pem)
        )
    except RefusedError as refused:
        return _refused(Check.CALL, refused.reason.value, CALL[refused.reason], f" ({route})")
    return Finding(Check.CALL, Verdict.PASSED, f"{route} as {identity.client_id}")


def _key_set(document: bytes) -> KeySet:
    return KeySet(lambda: document, clock=read_clocks, on_failure=lambda _: None)


def _refused(check: Check, reason: str, explanation: Explanation, aside: str) -> Finding:
    return Finding(
        check, Verdict.REFUSED, f"{explanation.meaning}{aside}", reason, explanation.remedy
    )
