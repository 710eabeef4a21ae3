import json
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from pki.errors import IssuanceError, KeyKeeperError, UsageError
from pki.issuing import (
    CertificateAuthority,
    Draft,
    IssuerFacts,
    draft_client,
    draft_issuing_ca,
    draft_root,
    issue_client,
    issue_issuing_ca,
    issue_root,
    sign,
    was_issued_by,
)
from pki.keys import KeyType, PublicKey, generate
from pki.profiles import BACKDATING, ca_name, name_to_text, parse_name
from pki.signer import FileSigner, KeptSignature
from tests.pki.support import NOW, Hierarchy, build_hierarchy

KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)
YEAR = timedelta(days=365)


def client_key() -> PublicKey:
    return generate(KeyType.EC_P256).public_key()


def key_usages(certificate: x509.Certificate) -> set[str]:
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    return {name for name in KEY_USAGES if getattr(usage.value, name)}


@pytest.fixture
def leaf(hierarchy: Hierarchy) -> x509.Certificate:
    return issue_client(hierarchy.issuing, client_key(), "device-001", YEAR, NOW)


def test_a_client_certificate_follows_its_profile(leaf: x509.Certificate) -> None:
    constraints = leaf.extensions.get_extension_for_class(x509.BasicConstraints)
    extended = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value

    assert leaf.subject.rfc4514_string() == "CN=device-001"
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=False, path_length=None)
    assert key_usages(leaf) == {"digital_signature"}
    assert list(extended) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_a_client_certificate_is_backdated_and_spans_at_most_its_days(
    leaf: x509.Certificate,
) -> None:
    assert leaf.not_valid_before_utc == NOW - BACKDATING
    assert leaf.not_valid_after_utc == NOW - BACKDATING + YEAR - timedelta(seconds=1)


def test_key_identifiers_link_leaf_and_issuer(leaf: x509.Certificate, hierarchy: Hierarchy) -> None:
    authority = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    issuer = hierarchy.issuing.certificate
    subject = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value

    assert authority.key_identifier == subject.digest


def test_serial_numbers_are_random_positive_and_fit_twenty_octets(hierarchy: Hierarchy) -> None:
    serials = [
        issue_client(hierarchy.issuing, client_key(), "device-001", YEAR, NOW).serial_number
        for _ in range(32)
    ]

    assert len(set(serials)) == 32
    assert all(0 < serial < 2**159 for serial in serials)
    assert max(serials) > 2**128


def test_a_root_may_hold_one_ca_level_and_an_issuing_ca_none(hierarchy: Hierarchy) -> None:
    for authority, path_length in ((hierarchy.root, 1), (hierarchy.issuing, 0)):
        certificate = authority.certificate
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        assert constraints.critical
        assert constraints.value == x509.BasicConstraints(ca=True, path_length=path_length)
        assert key_usages(certificate) == {"key_cert_sign", "crl_sign"}


def test_a_root_lasts_ten_years_and_an_issuing_ca_five(hierarchy: Hierarchy) -> None:
    root, issuing = hierarchy.root.certificate, hierarchy.issuing.certificate

    assert f"{root.not_valid_after_utc:%Y-%m}" == "2036-11"
    assert f"{issuing.not_valid_after_utc:%Y-%m}" == "2031-11"


@pytest.mark.parametrize(
    ("key_type", "expected"),
    [(KeyType.EC_P256, hashes.SHA256), (KeyType.EC_P384, hashes.SHA384)],
)
def test_the_signature_hash_fits_the_curve(key_type: KeyType, expected: type) -> None:
    certificate = build_hierarchy(key_type).issuing.certificate

    assert isinstance(certificate.signature_hash_algorithm, expected)


def test_nothing_outlives_its_issuer(hierarchy: Hierarchy) -> None:
    late = hierarchy.issuing.certificate.not_valid_after_utc - timedelta(days=100)

    with pytest.raises(IssuanceError, match="after its issuer") as caught:
        issue_client(hierarchy.issuing, client_key(), "device-001", YEAR, late)

    assert caught.value.hint is not None
    assert "at most 100 days" in caught.value.hint


def test_what_the_hint_of_a_refusal_offers_is_granted(hierarchy: Hierarchy) -> None:
    late = hierarchy.issuing.certificate.not_valid_after_utc - timedelta(days=100)

    certificate = issue_client(
        hierarchy.issuing, client_key(), "device-001", timedelta(days=100), late
    )

    assert certificate.not_valid_after_utc <= hierarchy.issuing.certificate.not_valid_after_utc


def test_an_issuing_ca_that_would_outlive_its_root_is_refused(hierarchy: Hierarchy) -> None:
    late = NOW + timedelta(days=365 * 6)

    with pytest.raises(IssuanceError, match="an issuing CA would end"):
        issue_issuing_ca(hierarchy.root, client_key(), ca_name("example", "late"), late)


@pytest.mark.parametrize("moment", [NOW - YEAR, NOW + 6 * YEAR])
def test_an_issuer_outside_its_validity_issues_nothing(
    hierarchy: Hierarchy, moment: object
) -> None:
    with pytest.raises(IssuanceError, match="it is not that now"):
        issue_client(
            hierarchy.issuing,
            client_key(),
            "device-001",
            timedelta(days=1),
            moment,  # type: ignore[arg-type]
        )


@pytest.mark.parametrize("days", [0, -1, 366])
def test_a_lifetime_outside_the_policy_is_refused(hierarchy: Hierarchy, days: int) -> None:
    with pytest.raises(IssuanceError, match=f"valid for 1 to 365 days, not {days}"):
        issue_client(hierarchy.issuing, client_key(), "device-001", timedelta(days=days), NOW)


def test_an_issuing_ca_may_not_issue_another_ca(hierarchy: Hierarchy) -> None:
    with pytest.raises(IssuanceError, match="may not issue an issuing CA"):
        issue_issuing_ca(hierarchy.issuing, client_key(), ca_name("example", "sub"), NOW)


def test_a_leaf_may_not_issue_anything(hierarchy: Hierarchy) -> None:
    signer = FileSigner(generate(KeyType.EC_P256))
    leaf = issue_client(hierarchy.issuing, signer.public_key(), "device-001", YEAR, NOW)

    with pytest.raises(IssuanceError, match="may not issue"):
        issue_client(
            CertificateAuthority(leaf, signer), client_key(), "other", timedelta(days=1), NOW
        )


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 1024).public_key(),  # noqa: S505 (weak on purpose)
        ec.generate_private_key(ec.SECP521R1()).public_key(),
    ],
    ids=["rsa-1024", "p-521"],
)
def test_a_weak_or_unknown_client_key_is_refused(hierarchy: Hierarchy, key: PublicKey) -> None:
    with pytest.raises(IssuanceError, match="may not have a key of this kind"):
        issue_client(hierarchy.issuing, key, "device-001", YEAR, NOW)


def test_a_ca_key_is_of_a_kind_that_its_profile_allows() -> None:
    signer = FileSigner(generate(KeyType.RSA_3072))

    with pytest.raises(IssuanceError, match="a root CA may not have a key of this kind: rsa-3072"):
        issue_root(signer, ca_name("example", "weak"), NOW)


def test_a_keeper_with_another_key_is_no_authority(hierarchy: Hierarchy) -> None:
    with pytest.raises(KeyKeeperError, match="is not the one that its certificate names"):
        CertificateAuthority(hierarchy.issuing.certificate, FileSigner(generate(KeyType.EC_P256)))


class WrongSigner(FileSigner):
    """Signs, but not what it was asked to."""

    def sign_digest(self, digest: bytes, algorithm: hashes.HashAlgorithm) -> KeptSignature:
        return super().sign_digest(bytes(len(digest)), algorithm)


def test_a_certificate_whose_signature_is_wrong_never_leaves() -> None:
    with pytest.raises(IssuanceError, match="does not verify"):
        issue_root(WrongSigner(generate(KeyType.EC_P256)), ca_name("example", "root"), NOW)


def test_a_certificate_of_another_ca_was_not_issued_by_this_one(hierarchy: Hierarchy) -> None:
    other = build_hierarchy()

    assert was_issued_by(hierarchy.issuing.certificate, hierarchy.root.certificate)
    assert not was_issued_by(hierarchy.issuing.certificate, other.root.certificate)


def test_a_second_encoding_of_a_certificate_is_not_the_issuers() -> None:
    while True:  # until the signature's last bit may be called unused
        hierarchy = build_hierarchy()
        certificate = hierarchy.issuing.certificate
        if certificate.signature[-1] % 2 == 0:
            break
    der = bytearray(certificate.public_bytes(Encoding.DER))
    der[-len(certificate.signature) - 1] = 1
    respelled = x509.load_der_x509_certificate(bytes(der))

    respelled.verify_directly_issued_by(hierarchy.root.certificate)
    assert not was_issued_by(respelled, hierarchy.root.certificate)


class TestDraft:
    NAMES = (
        x509.UniformResourceIdentifier("spiffe://example.com/device-001"),
        x509.DNSName("device-001.example.com"),
    )

    @pytest.fixture
    def draft(self, hierarchy: Hierarchy) -> Draft:
        issuer = IssuerFacts.of(hierarchy.issuing.certificate)
        return draft_client(issuer, client_key(), "device-001", YEAR, NOW, self.NAMES)

    def test_becomes_the_certificate_that_it_describes(
        self, draft: Draft, hierarchy: Hierarchy
    ) -> None:
        certificate = sign(draft, hierarchy.issuing.signer, NOW).certificate
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)

        assert draft.matches(certificate)
        assert certificate.serial_number == draft.serial_number
        assert tuple(names.value) == self.NAMES

    def test_signed_again_is_the_same_certificate(self, draft: Draft, hierarchy: Hierarchy) -> None:
        first, second = (
            sign(draft, hierarchy.issuing.signer, NOW).certificate.tbs_certificate_bytes
            for _ in range(2)
        )

        assert first == second

    def test_survives_being_written_down(self, draft: Draft) -> None:
        assert Draft.from_document(json.loads(json.dumps(draft.to_document()))) == draft

    def test_of_a_ca_is_an_issuer_before_it_is_signed(self) -> None:
        signer = FileSigner(generate(KeyType.EC_P256))
        root = draft_root(signer.public_key(), ca_name("example", "root"), NOW)
        name = ca_name("example", "issuing")
        issuing = draft_issuing_ca(root.as_issuer(), client_key(), name, NOW)

        certificate = sign(root, signer, NOW).certificate

        assert was_issued_by(sign(issuing, signer, NOW).certificate, certificate)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("profile", "server"),
            ("serial_number", "0x1f"),
            ("serial_number", "031"),
            ("not_after", "soon"),
            ("alternative_names", ["email:a@example.com"]),
            ("public_key", "no key"),
            ("issuer", None),
            ("surprise", 1),
        ],
    )
    def test_is_refused_when_it_reads_otherwise(
        self, draft: Draft, name: str, value: object
    ) -> None:
        with pytest.raises(IssuanceError, match="draft of a certificate is malformed"):
            Draft.from_document(draft.to_document() | {name: value})

    def test_is_not_any_other_certificate(self, draft: Draft, leaf: x509.Certificate) -> None:
        assert not draft.matches(leaf)

    def test_is_not_signed_by_another_key(self, draft: Draft) -> None:
        with pytest.raises(KeyKeeperError, match="not the one that the draft names"):
            sign(draft, FileSigner(generate(KeyType.EC_P256)), NOW)

    def test_is_not_signed_once_its_issuer_has_ended(
        self, draft: Draft, hierarchy: Hierarchy
    ) -> None:
        late = hierarchy.issuing.certificate.not_valid_after_utc + timedelta(seconds=1)

        with pytest.raises(IssuanceError, match="it is not that now"):
            sign(draft, hierarchy.issuing.signer, late)


@pytest.mark.parametrize(
    "text",
    [
        "device-001",
        "URI:no-scheme",
        "URI:spiffe://a b",
        "URI:spiffe://x\n",
        "DNS:",
        "DNS:one",
        "DNS:UPPER.example.com",
        "DNS:*.example.com",
        "DNS:a..b",
        "IP:10.0.0.1",
        "email:a@example.com",
    ],
)
def test_an_alternative_name_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no subject alternative name"):
        parse_name(text)


@pytest.mark.parametrize("text", ["URI:spiffe://example.com/a", "URI:urn:dev:1", "DNS:a.example"])
def test_an_alternative_name_is_written_as_it_is_read(text: str) -> None:
    assert name_to_text(parse_name(text)) == text
