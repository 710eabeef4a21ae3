"""Lists as relying parties read them; openssl and pkilint are the judges."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from clientcert import RegistryRecord, RevocationReason, Status
from pki.crl import VALIDITY, Crl, Entry, entries_of, sign_crl
from pki.errors import CrlError
from pki.issuing import CertificateAuthority, issue_client
from pki.keys import KeyType, generate
from pki.profiles import ca_name
from tests.pki.support import NOW, Hierarchy, build_hierarchy, pem_of

CA_KEYS = [KeyType.EC_P256, KeyType.EC_P384, KeyType.RSA_2048, KeyType.RSA_4096]
LATER = NOW + timedelta(hours=6)
REASONS = st.sampled_from(RevocationReason)


def entries(*serial_numbers: int, at: datetime = NOW) -> tuple[Entry, ...]:
    return tuple(Entry(number, at, RevocationReason.KEY_COMPROMISE) for number in serial_numbers)


def record(
    issuer: CertificateAuthority, serial_number: int = 7, **changes: object
) -> RegistryRecord:
    active = RegistryRecord(
        fingerprint="a" * 64,
        client_id="device-001",
        serial_number=str(serial_number),
        issuer=issuer.certificate.subject.rfc4514_string(),
        not_before=NOW,
        not_after=NOW + timedelta(days=90),
        status=Status.ACTIVE,
        scopes=frozenset({"api/read"}),
        cognito_client_id="cognito-id",
        issued_at=NOW,
    )
    return replace(active, **changes)  # type: ignore[arg-type]


def revoked(issuer: CertificateAuthority, **changes: object) -> RegistryRecord:
    usual = {
        "status": Status.REVOKED,
        "revoked_at": NOW,
        "revocation_reason": RevocationReason.KEY_COMPROMISE,
    }
    return record(issuer, **(usual | changes))  # type: ignore[arg-type]


@given(st.dictionaries(st.integers(1, 2**159 - 1), REASONS, max_size=20), st.integers(1, 2**60))
def test_a_list_says_what_it_was_made_of(
    hierarchy: Hierarchy, reasons: dict[int, RevocationReason], number: int
) -> None:
    said = tuple(sorted(Entry(serial, NOW, reason) for serial, reason in reasons.items()))

    made = sign_crl(hierarchy.issuing, said, number, LATER).crl

    read = Crl.from_der(made.der, hierarchy.issuing.certificate)
    assert (read.number, read.entries) == (number, said)
    assert made.pem == x509.load_der_x509_crl(made.der).public_bytes(Encoding.PEM)


def test_unspecified_is_no_reason_in_a_list(hierarchy: Hierarchy) -> None:
    entry = Entry(7, NOW, RevocationReason.UNSPECIFIED)

    made = sign_crl(hierarchy.issuing, (entry,), 1, LATER).crl

    assert len(next(iter(made.signed)).extensions) == 0


def test_a_list_begins_a_little_before_and_ends_a_day_after_it_is_made(
    hierarchy: Hierarchy,
) -> None:
    made = sign_crl(hierarchy.issuing, (), 1, LATER).crl

    assert made.this_update == LATER - timedelta(minutes=5)
    assert made.next_update == LATER + timedelta(days=1)


def test_a_list_does_not_outlive_its_issuer(hierarchy: Hierarchy) -> None:
    end = hierarchy.issuing.certificate.not_valid_after_utc

    made = sign_crl(hierarchy.issuing, (), 1, end - timedelta(hours=1)).crl

    assert made.next_update == end


def test_an_expired_issuer_signs_no_list(hierarchy: Hierarchy) -> None:
    after = hierarchy.issuing.certificate.not_valid_after_utc + timedelta(seconds=1)

    with pytest.raises(CrlError, match="is not valid now"):
        sign_crl(hierarchy.issuing, (), 1, after)


def test_a_list_of_another_issuer_is_refused(hierarchy: Hierarchy) -> None:
    other = build_hierarchy(generation="G2")
    made = sign_crl(other.issuing, (), 1, LATER).crl

    with pytest.raises(CrlError, match=r"not one that .* signed"):
        Crl.from_der(made.der, hierarchy.issuing.certificate)


def test_a_list_under_the_right_name_and_the_wrong_key_is_refused(hierarchy: Hierarchy) -> None:
    namesake = build_hierarchy()
    made = sign_crl(namesake.issuing, (), 1, LATER).crl

    with pytest.raises(CrlError, match=r"not one that .* signed"):
        Crl.from_der(made.der, hierarchy.issuing.certificate)


def test_what_is_no_list_is_refused(hierarchy: Hierarchy) -> None:
    with pytest.raises(CrlError, match="no certificate revocation list"):
        Crl.from_der(b"<html>", hierarchy.issuing.certificate)


def test_a_revoked_certificate_stands_on_its_issuers_list(hierarchy: Hierarchy) -> None:
    listed = entries_of(hierarchy.issuing.certificate, [revoked(hierarchy.issuing)], None, LATER)

    assert listed == entries(7)


def test_an_active_certificate_stands_on_no_list(hierarchy: Hierarchy) -> None:
    active = record(hierarchy.issuing, retires_at=LATER + timedelta(seconds=1))

    assert entries_of(hierarchy.issuing.certificate, [active], None, LATER) == ()


def test_a_retired_certificate_stands_on_the_list_as_superseded(hierarchy: Hierarchy) -> None:
    retired = record(hierarchy.issuing, retires_at=NOW + timedelta(hours=1))

    listed = entries_of(hierarchy.issuing.certificate, [retired], None, LATER)

    assert listed == (Entry(7, NOW + timedelta(hours=1), RevocationReason.SUPERSEDED),)


def test_another_issuers_certificate_stands_on_the_others_list(hierarchy: Hierarchy) -> None:
    other = build_hierarchy(generation="G2")

    assert entries_of(hierarchy.issuing.certificate, [revoked(other.issuing)], None, LATER) == ()


def test_the_first_list_has_every_revoked_certificate(hierarchy: Hierarchy) -> None:
    long_gone = revoked(hierarchy.issuing)
    now = long_gone.not_after + timedelta(days=300)

    assert entries_of(hierarchy.issuing.certificate, [long_gone], None, now) == entries(7)


def test_an_expired_certificate_stays_until_a_list_was_made_after_its_end(
    hierarchy: Hierarchy,
) -> None:
    """Also when no list was made for long: RFC 5280, section 3.3."""
    gone = revoked(hierarchy.issuing)
    before_its_end = sign_crl(
        hierarchy.issuing, entries(7), 1, gone.not_after - timedelta(minutes=1)
    ).crl
    after_its_end = sign_crl(
        hierarchy.issuing, entries(7), 2, gone.not_after + timedelta(minutes=10)
    ).crl
    now = gone.not_after + 5 * VALIDITY

    issuer = hierarchy.issuing.certificate
    assert entries_of(issuer, [gone], before_its_end, now) == entries(7)
    assert entries_of(issuer, [gone], after_its_end, now) == ()


def test_an_expired_certificate_stays_for_a_lists_validity(hierarchy: Hierarchy) -> None:
    """A list made out of turn, moments after its end, is none that relying parties have seen."""
    gone = revoked(hierarchy.issuing)
    after_its_end = sign_crl(
        hierarchy.issuing, entries(7), 2, gone.not_after + timedelta(minutes=10)
    ).crl

    issuer = hierarchy.issuing.certificate
    assert entries_of(issuer, [gone], after_its_end, gone.not_after + VALIDITY) == entries(7)
    later = gone.not_after + VALIDITY + timedelta(seconds=1)
    assert entries_of(issuer, [gone], after_its_end, later) == ()


def test_a_list_is_fresh_for_half_of_its_validity(hierarchy: Hierarchy) -> None:
    made = sign_crl(hierarchy.issuing, entries(7), 1, LATER).crl

    assert made.still_says(entries(7), LATER + VALIDITY / 2)
    assert not made.still_says(entries(7), LATER + VALIDITY / 2 + timedelta(seconds=1))
    assert not made.still_says(entries(7, 8), LATER)
    assert not made.still_says((), LATER)


@pytest.fixture(scope="module", params=CA_KEYS)
def judged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a CA's chain, two of its clients, and a list with one of them on it."""
    folder = tmp_path_factory.mktemp(request.param)
    now = datetime.now(UTC)
    hierarchy = build_hierarchy(request.param, now=now)
    for name, certificate in (
        ("root", hierarchy.root.certificate),
        ("issuing", hierarchy.issuing.certificate),
    ):
        (folder / f"{name}.pem").write_bytes(pem_of(certificate))
    serial_numbers = []
    for name in ("revoked", "active"):
        key = generate(KeyType.EC_P256).public_key()
        leaf = issue_client(hierarchy.issuing, key, f"device-{name}", timedelta(days=365), now)
        serial_numbers.append(leaf.serial_number)
        (folder / f"{name}.pem").write_bytes(pem_of(leaf))
    listed = [Entry(serial_numbers[0], now.replace(microsecond=0), RevocationReason.KEY_COMPROMISE)]
    listed += [
        Entry(10**40 + index, now.replace(microsecond=0), reason)
        for index, reason in enumerate(RevocationReason)
    ]
    made = sign_crl(hierarchy.issuing, tuple(sorted(listed)), 3, now).crl
    (folder / "list.crl").write_bytes(made.der)
    (folder / "list.crl.pem").write_bytes(made.pem)
    (folder / "empty.crl").write_bytes(sign_crl(hierarchy.issuing, (), 4, now).crl.der)
    return folder


def openssl(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["openssl", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def verify(folder: Path, client: str) -> "subprocess.CompletedProcess[str]":
    return openssl(
        *("verify", "-x509_strict", "-crl_check", "-CRLfile", folder / "list.crl.pem"),
        *("-CAfile", folder / "root.pem", "-untrusted", folder / "issuing.pem"),
        folder / f"{client}.pem",
    )


def test_openssl_verifies_the_lists_signature(judged: Path) -> None:
    done = openssl(
        *("crl", "-noout", "-verify", "-inform", "DER", "-in", judged / "list.crl"),
        *("-CAfile", judged / "issuing.pem"),
    )

    assert "verify OK" in done.stdout + done.stderr
    assert done.returncode == 0


def test_openssl_refuses_the_client_on_the_list(judged: Path) -> None:
    done = verify(judged, "revoked")

    assert done.returncode != 0
    assert "certificate revoked" in done.stdout + done.stderr


def test_openssl_takes_the_client_that_is_not_on_the_list(judged: Path) -> None:
    done = verify(judged, "active")

    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_pkilint_finds_no_error_in_any_list(judged: Path, pkilint: Callable[..., str]) -> None:
    for made in ("list.crl", "empty.crl"):
        found = pkilint(
            *("lint_crl", "lint", "-s", "ERROR", "-t", "CRL", "-p", "PKIX"), judged / made
        )
        assert found.strip() == ""


def test_pkilint_would_find_an_error(judged: Path, pkilint: Callable[..., str]) -> None:
    """The test above can fail: a list without number and key identifier is found."""
    key = generate(KeyType.EC_P256)
    bare = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(ca_name("example", "bare"))
        .last_update(NOW)
        .next_update(LATER)
        .sign(key, hashes.SHA256())
    )
    (judged / "bare.crl").write_bytes(bare.public_bytes(Encoding.DER))

    with pytest.raises(AssertionError, match="ERROR"):
        pkilint(
            *("lint_crl", "lint", "-s", "ERROR", "-t", "CRL", "-p", "PKIX"), judged / "bare.crl"
        )
