"""Which client certificates are accepted, and why the others are not."""

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st

from pki.gateway.chain import Judgement, Refusal, judge
from pki.gateway.truststore import InvalidTruststore
from tests.edge.support import DAY, NOW, Issued, issue, name, truststore

ROOT = issue("Root", ca=True)
ISSUING = issue("Issuing CA G1", ROOT, ca=True, path_length=0)
TRUST = truststore(ISSUING, ROOT)


def refusal(leaf: Issued, *trusted: Issued, now: dt.datetime = NOW) -> Refusal | None:
    return judge(leaf.certificate, truststore(*trusted) if trusted else TRUST, now).refusal


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
    ],
    ids=["rsa-2048", "p-256", "p-384"],
)
def test_a_leaf_with_only_a_common_name_is_accepted(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
) -> None:
    assert refusal(issue("device-001", ISSUING, key=key)) is None


def test_a_leaf_issued_by_the_root_itself_is_accepted() -> None:
    assert refusal(issue("device-001", ROOT)) is None


def test_a_leaf_without_extended_key_usage_is_accepted() -> None:
    assert refusal(issue("device-001", ISSUING, usages=[])) is None


def test_the_order_of_the_bundle_does_not_matter() -> None:
    assert refusal(issue("device-001", ISSUING), ROOT, ISSUING) is None


def test_an_rsa_chain_signed_with_sha512_is_accepted() -> None:
    root = issue("R", ca=True, key=rsa.generate_private_key(65537, 2048), algorithm=hashes.SHA512())
    leaf = issue("device-001", root, algorithm=hashes.SHA384())
    assert refusal(leaf, root) is None


def test_an_unknown_issuer_is_refused() -> None:
    stranger = issue("Stranger", ca=True)
    assert refusal(issue("device-001", stranger)) is Refusal.UNTRUSTED_ISSUER


def test_a_self_signed_leaf_is_refused() -> None:
    assert refusal(issue("device-001")) is Refusal.UNTRUSTED_ISSUER


def test_an_issuer_of_the_same_name_but_another_key_is_refused() -> None:
    impostor = issue("Issuing CA G1", ROOT, ca=True)
    assert refusal(issue("device-001", impostor)) is Refusal.BAD_SIGNATURE


def test_a_leaf_alone_with_only_the_root_trusted_is_refused() -> None:
    assert refusal(issue("device-001", ISSUING), ROOT) is Refusal.UNTRUSTED_ISSUER


def test_an_issuer_whose_root_is_not_trusted_is_refused() -> None:
    assert refusal(issue("device-001", ISSUING), ISSUING) is Refusal.INCOMPLETE_CHAIN


def test_validity_counts_to_the_second() -> None:
    leaf = issue("device-001", ISSUING, not_before=NOW, not_after=NOW + DAY)
    second = dt.timedelta(seconds=1)
    assert refusal(leaf, now=NOW - second) is Refusal.NOT_YET_VALID
    assert refusal(leaf, now=NOW) is None
    assert refusal(leaf, now=NOW + DAY) is None
    assert refusal(leaf, now=NOW + DAY + second) is Refusal.EXPIRED


@pytest.mark.parametrize("expired", ["root", "issuing"])
def test_an_expired_ca_fails_its_leaves(expired: str) -> None:
    end = {"not_after": NOW - dt.timedelta(hours=1)}
    root = issue("Root", ca=True, not_after=end["not_after"] if expired == "root" else None)
    issuing = issue(
        "CA", root, ca=True, not_after=end["not_after"] if expired == "issuing" else None
    )
    assert refusal(issue("device-001", issuing), issuing, root) is Refusal.ISSUER_NOT_VALID


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 1024),  # noqa: S505 - the weak key is the point
        ec.generate_private_key(ec.SECP521R1()),
        ec.generate_private_key(ec.SECP256K1()),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["rsa-1024", "p-521", "secp256k1", "ed25519"],
)
def test_a_weak_or_unsupported_key_is_refused(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey,
) -> None:
    assert refusal(issue("device-001", ISSUING, key=key)) is Refusal.WEAK_KEY


def test_a_signature_weaker_than_sha256_is_refused() -> None:
    # cryptography refuses to sign with SHA-1 (test_server has one from OpenSSL): SHA-224 here.
    leaf = issue("device-001", ISSUING, algorithm=hashes.SHA224())
    assert refusal(leaf) is Refusal.WEAK_SIGNATURE


def test_a_weak_ca_fails_its_leaves() -> None:
    root = issue("Root", ca=True, key=ec.generate_private_key(ec.SECP521R1()))
    assert refusal(issue("device-001", root), root) is Refusal.ISSUER_WEAK


def _levels(count: int) -> list[Issued]:
    chain = [issue("Level 1", ca=True)]
    for level in range(2, count + 1):
        chain.append(issue(f"Level {level}", chain[-1], ca=True))
    return chain


def test_four_ca_levels_are_accepted() -> None:
    chain = _levels(4)
    assert refusal(issue("device-001", chain[-1]), *chain) is None


def test_five_ca_levels_are_refused() -> None:
    chain = _levels(5)
    assert refusal(issue("device-001", chain[-1]), *chain) is Refusal.CHAIN_TOO_LONG


def test_a_path_length_is_kept() -> None:
    root = issue("Root", ca=True, path_length=0)
    issuing = issue("CA", root, ca=True)
    assert refusal(issue("device-001", issuing), issuing, root) is Refusal.CHAIN_TOO_LONG


def test_an_issuer_without_basic_constraints_is_refused() -> None:
    issuing = issue("CA", ROOT, ca=True, basic_constraints=False)
    assert refusal(issue("device-001", issuing), issuing, ROOT) is Refusal.ISSUER_NOT_A_CA


def test_an_issuer_that_may_not_sign_certificates_is_refused() -> None:
    issuing = issue("CA", ROOT, ca=True, key_cert_sign=False)
    assert refusal(issue("device-001", issuing), issuing, ROOT) is Refusal.ISSUER_NOT_A_CA


def test_a_device_cannot_issue_for_another() -> None:
    device = issue("device-001", ISSUING)
    forged = issue("device-002", device)
    assert refusal(forged) is Refusal.UNTRUSTED_ISSUER
    assert refusal(forged, device, ISSUING, ROOT) is Refusal.ISSUER_NOT_A_CA


def test_a_server_certificate_is_refused() -> None:
    leaf = issue("server", ISSUING, usages=[ExtendedKeyUsageOID.SERVER_AUTH])
    assert refusal(leaf) is Refusal.NOT_FOR_CLIENTS


def test_a_ca_certificate_is_no_client_certificate() -> None:
    assert refusal(ISSUING) is Refusal.NOT_FOR_CLIENTS


def test_a_critical_extension_that_nobody_knows_is_refused() -> None:
    unknown = x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
    leaf = issue("device-001", ISSUING, extensions=((unknown, True),))
    assert refusal(leaf) is Refusal.CHAIN_REJECTED


def test_an_unknown_extension_that_is_not_critical_does_not_matter() -> None:
    unknown = x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
    assert refusal(issue("device-001", ISSUING, extensions=((unknown, False),))) is None


def test_name_constraints_of_a_ca_are_kept() -> None:
    constraints = x509.NameConstraints([x509.DNSName("example.com")], None)
    issuing = issue("CA", ROOT, ca=True, extensions=((constraints, True),))
    outside = x509.SubjectAlternativeName([x509.DNSName("device.example.org")])
    inside = x509.SubjectAlternativeName([x509.DNSName("device.example.com")])
    bad = issue("device-001", issuing, extensions=((outside, False),))
    good = issue("device-001", issuing, extensions=((inside, False),))
    assert refusal(bad, issuing, ROOT) is Refusal.CHAIN_REJECTED
    assert refusal(good, issuing, ROOT) is None


def test_a_certificate_that_was_tampered_with_is_refused() -> None:
    der = bytearray(issue("device-001", ISSUING).certificate.public_bytes(Encoding.DER))
    at = der.index(b"device-001")
    der[at : at + 10] = b"device-666"
    forged = x509.load_der_x509_certificate(bytes(der))
    assert judge(forged, TRUST, NOW).refusal is Refusal.BAD_SIGNATURE


def test_an_invalid_truststore_refuses_everybody() -> None:
    leaf = issue("device-001", ISSUING)
    broken = InvalidTruststore("s3://bucket/key", "empty")
    assert judge(leaf.certificate, broken, NOW) == Judgement(Refusal.TRUSTSTORE_INVALID)


def test_a_judgement_says_until_when_it_holds() -> None:
    leaf = issue("device-001", ISSUING, not_before=NOW + DAY, not_after=NOW + 2 * DAY)
    early = judge(leaf.certificate, TRUST, NOW)
    accepted = judge(leaf.certificate, TRUST, NOW + DAY)
    assert early == Judgement(Refusal.NOT_YET_VALID, NOW + DAY)
    assert accepted.refusal is None
    assert accepted.until == NOW + DAY


def test_an_issuer_name_in_another_encoding_is_another_name() -> None:
    assert name("Root") == ROOT.certificate.subject
    assert refusal(issue("device-001", issue("root", ca=True))) is Refusal.UNTRUSTED_ISSUER


LEAF_DER = issue("device-001", ISSUING).certificate.public_bytes(Encoding.DER)


@given(st.integers(0, len(LEAF_DER) - 1), st.integers(1, 255))
def test_a_certificate_with_one_byte_changed_is_never_accepted(at: int, change: int) -> None:
    der = bytearray(LEAF_DER)
    der[at] ^= change
    try:
        forged = x509.load_der_x509_certificate(bytes(der))
    except (ValueError, x509.InvalidVersion, CryptographyDeprecationWarning):
        return
    assert judge(forged, TRUST, NOW).refusal is not None
