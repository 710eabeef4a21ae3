"""What is a truststore, and which version of it a domain uses."""

import base64
import datetime as dt
import warnings

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from local.edge.truststore import ObjectMissingError, Pin, Pinned, S3Object
from pki.gateway.truststore import MAX_BYTES, InvalidTruststore, Truststore, expired, parse
from tests.edge.support import ACCOUNT, DAY, HOST, NOW, issue, truststore

ROOT = issue("Root", ca=True)
ISSUING = issue("Issuing", ROOT, ca=True)


def problem(pem: bytes) -> str:
    trust = parse(pem, "s3://bucket/key")
    assert isinstance(trust, InvalidTruststore)
    return trust.problem


def test_a_bundle_is_read_whole() -> None:
    trust = parse(ISSUING.pem + ROOT.pem)
    assert isinstance(trust, Truststore)
    assert trust.certificates == (ISSUING.certificate, ROOT.certificate)


def test_text_around_the_certificates_is_allowed() -> None:
    pem = b"# the issuing CA\n" + ISSUING.pem + b"\n# the root\n" + ROOT.pem
    assert isinstance(parse(pem), Truststore)


@pytest.mark.parametrize(
    ("pem", "words"),
    [
        (b"", "not a bundle of PEM certificates"),
        (b"hello", "not a bundle of PEM certificates"),
        (ROOT.pem[:200], "not a bundle of PEM certificates"),
        (ROOT.pem.replace(b"MII", b"AAA"), "not a bundle of PEM certificates"),
        (ROOT.pem + ROOT.pem, "2 certificates have the subject CN=Root"),
        (ROOT.pem + issue("Root", ca=True).pem, "2 certificates have the subject CN=Root"),
        (ROOT.pem + ROOT.key_pem, "other than CERTIFICATE: PRIVATE KEY"),
        (ROOT.pem + b"\n" * MAX_BYTES, "at most 1000000"),
    ],
    ids=["empty", "text", "cut", "garbage", "twice", "same-subject", "key", "too-large"],
)
def test_what_is_no_truststore_says_why(pem: bytes, words: str) -> None:
    assert words in problem(pem)


@given(st.binary(max_size=300))
def test_no_bytes_make_the_parser_raise(noise: bytes) -> None:
    parse(noise)
    parse(ROOT.pem + noise)


@given(st.integers(0, 400), st.integers(1, 255))
def test_no_damage_to_a_certificate_makes_the_parser_raise(at: int, change: int) -> None:
    der = bytearray(ROOT.certificate.public_bytes(Encoding.DER))
    der[at % len(der)] ^= change
    pem = b"-----BEGIN CERTIFICATE-----\n%b-----END CERTIFICATE-----\n"
    with warnings.catch_warnings(action="ignore"):  # of serial numbers below one
        parse(pem % base64.encodebytes(der))


def test_an_expired_entry_is_reported_and_no_error() -> None:
    old = issue("Old", ca=True, not_after=NOW - dt.timedelta(hours=1))
    trust = truststore(old, ROOT)
    assert expired(trust, NOW) == ["CN=Old"]


class Bucket:
    """A versioned bucket of one key."""

    def __init__(self) -> None:
        self.versions: dict[str, bytes] = {}
        self.reads = 0

    def put(self, version: str, content: bytes) -> None:
        self.versions[version] = content

    def __call__(self, account: str, bucket: str, key: str, version: str | None) -> S3Object:
        self.reads += 1
        assert (account, bucket, key) == (ACCOUNT, "bucket", "truststore.pem")
        chosen = version or (list(self.versions)[-1] if self.versions else "")
        if chosen not in self.versions:
            raise ObjectMissingError("S3 answers NoSuchVersion")
        return S3Object(self.versions[chosen], chosen)


URI = "s3://bucket/truststore.pem"


class Told:
    def __init__(self) -> None:
        self.messages: list[str] = []

    def __call__(self, _domain: str, message: str) -> None:
        self.messages.append(message)


def resolve(pinned: Pinned, pin: Pin) -> Truststore | InvalidTruststore:
    return pinned.resolve(ACCOUNT, HOST, pin, NOW)


def test_the_pinned_version_is_used_and_not_the_newest() -> None:
    bucket = Bucket()
    bucket.put("v1", ROOT.pem)
    bucket.put("v2", ISSUING.pem)
    trust = resolve(Pinned(bucket, Told()), Pin(URI, "v1"))
    assert isinstance(trust, Truststore)
    assert trust.certificates == (ROOT.certificate,)


def test_a_pin_is_read_once() -> None:
    bucket = Bucket()
    bucket.put("v1", ROOT.pem)
    pinned = Pinned(bucket, Told())
    assert resolve(pinned, Pin(URI, "v1")) is resolve(pinned, Pin(URI, "v1"))
    assert bucket.reads == 1


def test_overwriting_the_object_changes_nothing_without_an_update_of_the_domain() -> None:
    bucket = Bucket()
    bucket.put("v1", ROOT.pem)
    pinned = Pinned(bucket, Told())
    before = resolve(pinned, Pin(URI))
    bucket.put("v2", ISSUING.pem + ROOT.pem)
    assert resolve(pinned, Pin(URI)) is before


def test_an_update_of_the_domain_takes_the_version_that_is_current_then() -> None:
    bucket = Bucket()
    bucket.put("v1", ROOT.pem)
    pinned = Pinned(bucket, Told())
    resolve(pinned, Pin(URI, "v1"))
    bucket.put("v2", ISSUING.pem + ROOT.pem)
    trust = resolve(pinned, Pin(URI))
    assert isinstance(trust, Truststore)
    assert len(trust.certificates) == 2


def test_a_missing_version_refuses_everybody_until_it_is_there() -> None:
    bucket, told = Bucket(), Told()
    pinned = Pinned(bucket, told)
    assert isinstance(resolve(pinned, Pin(URI, "v1")), InvalidTruststore)
    bucket.put("v1", ROOT.pem)
    assert isinstance(resolve(pinned, Pin(URI, "v1")), Truststore)


def test_a_problem_is_told_once() -> None:
    told = Told()
    pinned = Pinned(Bucket(), told)
    for _ in range(3):
        resolve(pinned, Pin(URI, "v1"))
    assert len(told.messages) == 1
    assert "every client is refused" in told.messages[0]


def test_an_invalid_truststore_stays_invalid_for_its_pin() -> None:
    bucket, told = Bucket(), Told()
    bucket.put("v1", b"not PEM")
    pinned = Pinned(bucket, told)
    resolve(pinned, Pin(URI, "v1"))
    assert isinstance(resolve(pinned, Pin(URI, "v1")), InvalidTruststore)
    assert bucket.reads == 1
    assert len(told.messages) == 1


def test_an_expired_entry_is_told_when_the_pin_is_read() -> None:
    bucket, told = Bucket(), Told()
    bucket.put("v1", issue("Old", ca=True, not_after=NOW - DAY / 2).pem + ROOT.pem)
    assert isinstance(resolve(Pinned(bucket, told), Pin(URI, "v1")), Truststore)
    assert told.messages == [f"truststore {URI} version v1: entry has expired: CN=Old"]


@pytest.mark.parametrize("uri", ["https://bucket/key", "s3://bucket", "s3:///key", "bucket/key"])
def test_a_uri_that_is_not_s3_refuses_everybody(uri: str) -> None:
    assert isinstance(resolve(Pinned(Bucket(), Told()), Pin(uri)), InvalidTruststore)


def test_an_outage_of_s3_is_not_taken_for_a_missing_object() -> None:
    def down(account: str, bucket: str, key: str, version: str | None) -> S3Object:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        resolve(Pinned(down, Told()), Pin(URI, "v1"))


def test_a_domain_that_was_deleted_starts_afresh() -> None:
    bucket = Bucket()
    bucket.put("v1", ROOT.pem)
    pinned = Pinned(bucket, Told())
    resolve(pinned, Pin(URI))
    bucket.put("v2", ISSUING.pem + ROOT.pem)
    pinned.keep_only(set())
    trust = resolve(pinned, Pin(URI))
    assert isinstance(trust, Truststore)
    assert len(trust.certificates) == 2
