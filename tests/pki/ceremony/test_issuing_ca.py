"""What proves a signature of an issuing CA's key, and what only says so."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from clientcert import fingerprint
from pki.ceremony.issuing_ca import IssuingCa
from pki.crl import sign_crl
from pki.issuing import issue_client
from pki.keys import KeyType, generate
from pki.registry import StoredRecord
from tests.pki.ceremony.support import ORGANIZATION
from tests.pki.support import NOW, Hierarchy, build_hierarchy, client_record

OURS, OTHER = build_hierarchy(), build_hierarchy()
CA = IssuingCa(ORGANIZATION.issuing("dev", "g1"), OURS.issuing.certificate)


def leaf(hierarchy: Hierarchy) -> bytes:
    key = generate(KeyType.EC_P256).public_key()
    made = issue_client(hierarchy.issuing, key, "device-001", timedelta(days=30), NOW)
    return made.public_bytes(Encoding.DER)


def stored(der: bytes | None, of: bytes) -> StoredRecord:
    return StoredRecord(client_record(fingerprint(of)), None, "request-1", der)


def test_a_record_that_holds_its_certificate_proves_the_signature() -> None:
    der = leaf(OURS)

    assert CA.issued(stored(der, der))


@pytest.mark.parametrize("case", ["none", "of another record", "of another CA", "malformed"])
def test_a_record_without_its_certificate_proves_nothing(case: str) -> None:
    made, foreign = leaf(OURS), leaf(OTHER)
    der, of = {
        "none": (None, made),
        "of another record": (leaf(OURS), made),
        "of another CA": (foreign, foreign),
        "malformed": (b"0", b"0"),
    }[case]

    assert not CA.issued(stored(der, of))


def test_a_list_proves_the_signature_of_who_signed_it_alone() -> None:
    assert CA.listed(sign_crl(OURS.issuing, (), 1, NOW).crl.der)
    assert not CA.listed(sign_crl(OTHER.issuing, (), 1, NOW).crl.der)
    assert not CA.listed(b"no list")
