"""Every check's refusals, by the reason that the API's own logs would show."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from clientcert import RegistryRecord, RevocationReason, Status, fingerprint, thumbprint
from mtls_authorizer.refusal import Refusal as CallRefusal
from pki.diagnosis.explanations import CALL, HANDSHAKE
from pki.diagnosis.facts import Facts
from pki.diagnosis.replay import Check, Presented, Verdict, refused_by, replay
from pki.errors import DiagnosisError
from pki.gateway.chain import Refusal as HandshakeRefusal
from pki.issuing import issue_client
from pki.keys import KeyType, generate
from pki.truststore import build_bundle
from tests.functions.support import CLAIMS, ISSUER, NOW_SECONDS, jwk, rsa_key, sign
from tests.pki.support import NOW, Hierarchy, build_hierarchy, client_record

KEY = generate(KeyType.EC_P256)
APP_CLIENT = "cognito-id"
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def certificate(hierarchy: Hierarchy) -> x509.Certificate:
    return issue_client(hierarchy.issuing, KEY.public_key(), "device-001", timedelta(days=90), NOW)


@pytest.fixture
def record(certificate: x509.Certificate) -> RegistryRecord:
    return client_record(
        fingerprint(certificate.public_bytes(Encoding.DER)),
        not_after=certificate.not_valid_after_utc,
        not_before=certificate.not_valid_before_utc,
    )


@pytest.fixture
def facts(hierarchy: Hierarchy, record: RegistryRecord) -> Facts:
    bundle = build_bundle([hierarchy.issuing.certificate], [hierarchy.root.certificate])
    return Facts(
        environment="dev",
        domain="api.dev.example.com",
        truststore_version="v1",
        truststore=bundle,
        authorizer={
            "ISSUER": ISSUER,
            "JWKS_URI": f"{ISSUER}/.well-known/jwks.json",
            "REGISTRY_TABLE": "example-dev-registry",
            "ROUTE_SCOPES": json.dumps({"GET /whoami": "api/read"}),
            "CLIENT_IDS": json.dumps([APP_CLIENT]),
        },
        jwks=json.dumps({"keys": [jwk(rsa_key(), "key-1")]}).encode(),
        records=(record,),
        taken_at=NOW,
    )


def token(certificate: x509.Certificate, key: RSAPrivateKey | None = None, **claims: Any) -> str:
    usual = {
        **CLAIMS,
        "client_id": APP_CLIENT,
        "cnf": {"x5t#S256": thumbprint(certificate.public_bytes(Encoding.DER))},
    }
    return sign(usual | claims, key=key)


def verdicts(
    presented: Presented, facts: Facts | None, truststore: bytes | None = None
) -> Mapping[Check, str]:
    """Each check, and its reason or else its verdict."""
    findings = replay(presented, facts, truststore, NOW)
    return {entry.check: entry.reason or entry.verdict.value for entry in findings}


def test_a_call_that_is_let_in_passes_every_check(
    certificate: x509.Certificate, facts: Facts
) -> None:
    presented = Presented(certificate=certificate, key=KEY.public_key(), token=token(certificate))

    findings = replay(presented, facts, None, NOW)

    assert {entry.verdict for entry in findings} == {Verdict.PASSED}
    assert [entry.check for entry in findings] == list(Check)
    assert refused_by(findings) is None


def test_without_a_token_the_call_is_not_checked(
    certificate: x509.Certificate, facts: Facts
) -> None:
    assert verdicts(Presented(certificate=certificate), facts)[Check.CALL] == "not checked"


def test_by_a_truststore_alone_only_the_handshake_is_judged(
    certificate: x509.Certificate, facts: Facts
) -> None:
    assert verdicts(Presented(certificate=certificate), None, facts.truststore) == {
        Check.HANDSHAKE: "passed",
        Check.TOKEN_REQUEST: "not checked",
        Check.CALL: "not checked",
    }


def test_another_certificates_key_is_named(certificate: x509.Certificate, facts: Facts) -> None:
    presented = Presented(certificate=certificate, key=generate(KeyType.EC_P256).public_key())

    assert verdicts(presented, facts)[Check.KEY] == "key_mismatch"


def test_another_cas_certificate_is_refused_in_the_handshake_and_unknown_behind_it(
    facts: Facts,
) -> None:
    stranger = build_hierarchy(generation="G9").issuing
    certificate = issue_client(stranger, KEY.public_key(), "device-001", DAY, NOW)

    findings = replay(Presented(certificate=certificate), facts, None, NOW)
    refusal = refused_by(findings)

    assert refusal is not None
    assert (refusal.check, refusal.reason) == (Check.HANDSHAKE, "untrusted_issuer")
    assert findings[1].reason == "certificate_unknown"
    assert "device-001 has a usable one" in findings[1].detail


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {
                "status": Status.REVOKED,
                "revoked_at": NOW,
                "revocation_reason": RevocationReason.KEY_COMPROMISE,
            },
            "certificate_revoked",
        ),
        ({"retires_at": NOW}, "certificate_retired"),
        ({"not_after": NOW - timedelta(seconds=1)}, "certificate_outside_validity"),
    ],
)
def test_what_the_registry_says_refuses_the_token_and_the_call(
    certificate: x509.Certificate,
    record: RegistryRecord,
    facts: Facts,
    change: dict[str, Any],
    reason: str,
) -> None:
    changed = replace(facts, records=(replace(record, **change),))
    presented = Presented(certificate=certificate, token=token(certificate))

    assert verdicts(presented, changed) == {
        Check.HANDSHAKE: "passed",
        Check.TOKEN_REQUEST: reason,
        Check.CALL: reason,
    }


def test_when_it_was_revoked_and_why_is_told(
    certificate: x509.Certificate, record: RegistryRecord, facts: Facts
) -> None:
    revoked = replace(
        record,
        status=Status.REVOKED,
        revoked_at=NOW,
        revocation_reason=RevocationReason.SUPERSEDED,
    )

    refusal = refused_by(
        replay(Presented(certificate=certificate), replace(facts, records=(revoked,)), None, NOW)
    )

    assert refusal is not None
    assert "since 2026-11-24 12:00:00 UTC, superseded" in refusal.detail


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": NOW_SECONDS - 60}, "token_expired"),
        ({"iss": "https://cognito-idp.eu-west-1.amazonaws.com/other"}, "issuer_wrong"),
        ({"token_use": "id"}, "token_use_wrong"),
        ({"client_id": "another"}, "client_not_allowed"),
        ({"cnf": {"x5t#S256": "A" * 43}}, "binding_mismatch"),
        ({"cnf": None}, "binding_missing"),
        ({"scope": "api/write"}, "scope_not_granted"),
    ],
)
def test_a_tokens_fault_is_named_as_the_authorizer_names_it(
    certificate: x509.Certificate, facts: Facts, claims: dict[str, Any], reason: str
) -> None:
    presented = Presented(certificate=certificate, token=token(certificate, **claims))

    assert verdicts(presented, facts)[Check.CALL] == reason


@pytest.mark.parametrize("text", ["", "no token", "a.b.c", "Bearer x", "ü", "x" * 9000, "a b"])
def test_what_is_no_token_is_refused_and_never_shown(
    certificate: x509.Certificate, facts: Facts, text: str
) -> None:
    (*_, call) = replay(Presented(certificate=certificate, token=text), facts, None, NOW)

    assert call.verdict is Verdict.REFUSED
    assert not text or text not in f"{call.detail}{call.remedy}"


def test_another_issuers_signature_is_named(certificate: x509.Certificate, facts: Facts) -> None:
    forged = token(certificate, rsa_key("second"))

    assert (
        verdicts(Presented(certificate=certificate, token=forged), facts)[Check.CALL]
        == "signature_invalid"
    )


def test_a_route_without_authorizer_is_named(certificate: x509.Certificate, facts: Facts) -> None:
    presented = Presented(certificate=certificate, token=token(certificate), route="GET /nowhere")

    assert verdicts(presented, facts)[Check.CALL] == "route_not_listed"


def test_without_the_issuers_keys_the_call_is_not_checked(
    certificate: x509.Certificate, facts: Facts
) -> None:
    presented = Presented(certificate=certificate, token=token(certificate))

    assert verdicts(presented, replace(facts, jwks=None))[Check.CALL] == "not checked"


def test_every_reason_is_explained() -> None:
    assert HANDSHAKE.keys() == set(HandshakeRefusal)
    assert CALL.keys() == set(CallRefusal)


class TestFacts:
    def test_survive_a_file(self, facts: Facts, tmp_path: Path) -> None:
        facts.write(tmp_path / "facts.json")

        assert Facts.read(tmp_path / "facts.json") == facts

    @pytest.mark.parametrize("content", ["", "[]", "{}", '{"environment": 1}', "[" * 10000])
    def test_of_another_form_are_refused(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "facts.json").write_text(content)

        with pytest.raises(DiagnosisError, match="does not hold the facts"):
            Facts.read(tmp_path / "facts.json")

    def test_of_a_broken_authorizer_are_named(self, facts: Facts) -> None:
        broken = replace(facts, authorizer={})

        with pytest.raises(DiagnosisError, match="ISSUER"):
            broken.settings()
