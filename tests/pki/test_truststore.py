import base64
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from pki import truststore
from pki.errors import TruststoreError
from pki.issuing import issue_client
from pki.keys import KeyType, generate
from pki.profiles import ca_name
from pki.truststore import Severity, build_bundle, lint
from tests.pki.support import NOW, Hierarchy, build_hierarchy, pem_of

type AnyKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def rules(bundle: bytes, now: datetime = NOW) -> set[str]:
    return {finding.rule for finding in lint(bundle, now)}


def ca(
    name: str,
    key: AnyKey,
    issuer: tuple[str, AnyKey] | None = None,
    *,
    is_ca: bool = True,
) -> x509.Certificate:
    """A certificate made without our profiles, as another CA's tool might."""
    issuer_name, issuer_key = issuer or (name, key)
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(ca_name("example", name))
        .issuer_name(ca_name("example", issuer_name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


@pytest.fixture
def bundle(hierarchy: Hierarchy) -> bytes:
    return build_bundle([hierarchy.issuing.certificate], [hierarchy.root.certificate])


def test_a_bundle_is_issuing_cas_then_root(hierarchy: Hierarchy, bundle: bytes) -> None:
    assert bundle == pem_of(hierarchy.issuing.certificate, hierarchy.root.certificate)


def test_a_fresh_bundle_has_no_finding(bundle: bytes) -> None:
    assert lint(bundle, NOW) == ()


def test_a_bundle_in_rotation_holds_both_generations_and_both_roots(hierarchy: Hierarchy) -> None:
    second = build_hierarchy(generation="G2")

    bundle = build_bundle(
        [hierarchy.issuing.certificate, second.issuing.certificate],
        [hierarchy.root.certificate, second.root.certificate],
    )

    assert lint(bundle, NOW) == ()
    assert bundle.count(b"BEGIN CERTIFICATE") == 4


def test_a_root_that_issued_nothing_stays_out(hierarchy: Hierarchy, bundle: bytes) -> None:
    other = build_hierarchy(generation="G2").root.certificate

    roots = [hierarchy.root.certificate, other]

    assert build_bundle([hierarchy.issuing.certificate], roots) == bundle


def test_an_issuing_ca_without_its_root_makes_no_bundle(hierarchy: Hierarchy) -> None:
    other = build_hierarchy()

    with pytest.raises(TruststoreError, match="none of the roots issued"):
        build_bundle([hierarchy.issuing.certificate], [other.root.certificate])


def test_no_issuing_ca_makes_no_bundle(hierarchy: Hierarchy) -> None:
    with pytest.raises(TruststoreError, match="has no issuing CA"):
        build_bundle([], [hierarchy.root.certificate])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda bundle: b"", "it is empty"),
        (lambda bundle: bundle[:-30], "truncated"),
        (lambda bundle: bundle + b"garbage\n", "neither PEM nor blank"),
        (lambda bundle: b"hello", "neither PEM nor blank"),
        (lambda bundle: b"\x30\x82" + bundle, "it is DER|no ASCII"),
        (lambda bundle: bundle.replace(b"CERTIFICATE", b"PRIVATE KEY"), "holds a PRIVATE KEY"),
        (
            lambda bundle: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "does not hold an X.509 certificate",
        ),
    ],
    ids=["empty", "truncated", "trailing", "text", "binary", "key", "not-x509"],
)
def test_what_is_no_bundle_is_a_syntax_error(bundle: bytes, change: object, message: str) -> None:
    assert callable(change)

    (finding,) = lint(change(bundle), NOW)

    assert (finding.severity, finding.rule) == (Severity.ERROR, "syntax")
    with pytest.raises(TruststoreError, match=message):
        truststore.read_bundle(change(bundle))


def test_root_first_is_an_order_error(hierarchy: Hierarchy) -> None:
    reversed_bundle = pem_of(hierarchy.root.certificate, hierarchy.issuing.certificate)

    assert rules(reversed_bundle) == {"order"}


def test_a_missing_root_is_an_incomplete_chain(hierarchy: Hierarchy) -> None:
    assert rules(pem_of(hierarchy.issuing.certificate)) == {"incomplete-chain"}


def test_a_subject_may_stand_once_only(bundle: bytes) -> None:
    assert "duplicate-subject" in rules(bundle + bundle)


def test_two_keys_of_one_subject_are_a_duplicate(hierarchy: Hierarchy, bundle: bytes) -> None:
    renewed = build_hierarchy()

    more = build_bundle([renewed.issuing.certificate], [renewed.root.certificate])

    assert rules(bundle + more) == {"duplicate-subject"}


def test_a_leaf_is_refused(hierarchy: Hierarchy, bundle: bytes) -> None:
    key = generate(KeyType.EC_P256).public_key()
    leaf = issue_client(hierarchy.issuing, key, "device-001", timedelta(days=90), NOW)

    assert rules(pem_of(leaf) + bundle) == {"not-a-ca"}


def test_an_expired_ca_is_refused(hierarchy: Hierarchy, bundle: bytes) -> None:
    later = hierarchy.issuing.certificate.not_valid_after_utc + timedelta(days=1)

    assert rules(bundle, later) == {"expired"}


def test_a_ca_that_expires_soon_is_a_warning(hierarchy: Hierarchy, bundle: bytes) -> None:
    (finding,) = lint(
        bundle, hierarchy.issuing.certificate.not_valid_after_utc - timedelta(days=59)
    )

    assert (finding.severity, finding.rule) == (Severity.WARNING, "expires-soon")


def test_a_ca_of_the_future_is_refused(bundle: bytes) -> None:
    assert rules(bundle, NOW - timedelta(hours=1)) == {"not-yet-valid"}


def test_a_weak_key_is_refused() -> None:
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 (weak on purpose)

    assert rules(pem_of(ca("weak", weak))) == {"weak-key"}


def test_a_certificate_without_ca_extensions_is_refused() -> None:
    bare = ca("bare", generate(KeyType.EC_P256), is_ca=False)

    assert rules(pem_of(bare)) == {"not-a-ca"}


def test_five_ca_levels_are_too_deep() -> None:
    names = ["level-1", "level-2", "level-3", "level-4", "level-5"]
    keys = [generate(KeyType.EC_P256) for _ in names]
    pairs = list(zip(names, keys, strict=True))
    chain = [ca(*pairs[0])]
    chain += [ca(*pairs[place], issuer=pairs[place - 1]) for place in range(1, 5)]

    assert rules(pem_of(*reversed(chain))) == {"too-deep"}
    assert rules(pem_of(*reversed(chain[:4]))) == set()


def test_a_bundle_of_one_megabyte_is_too_large(
    bundle: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(truststore, "MAXIMUM_BUNDLE_BYTES", len(bundle) - 1)

    assert rules(bundle) == {"size"}
    monkeypatch.setattr(truststore, "MAXIMUM_BUNDLE_BYTES", len(bundle))
    assert rules(bundle) == set()


def test_a_large_bundle_that_was_cut_off_is_too_large_and_nothing_else(bundle: bytes) -> None:
    large = bundle * (2 + truststore.MAXIMUM_BUNDLE_BYTES // len(bundle))

    (finding,) = lint(large[: truststore.MAXIMUM_BUNDLE_BYTES + 1], NOW)

    assert (finding.rule, finding.message) == ("size", "it is oversized: more than 999999 bytes")


@given(st.binary(max_size=1000))
def test_arbitrary_bytes_are_an_error_and_never_crash(data: bytes) -> None:
    assert {finding.severity for finding in lint(data, NOW)} == {Severity.ERROR}


@given(st.data())
def test_a_changed_byte_never_crashes_the_linter(hierarchy: Hierarchy, data: st.DataObject) -> None:
    der = bytearray(hierarchy.root.certificate.public_bytes(Encoding.DER))
    position = data.draw(st.integers(0, len(der) - 1))
    der[position] ^= data.draw(st.integers(1, 255))
    body = base64.encodebytes(bytes(der))
    pem = b"-----BEGIN CERTIFICATE-----\n" + body + b"-----END CERTIFICATE-----\n"

    assert Severity.ERROR in {finding.severity for finding in lint(pem, NOW)}
