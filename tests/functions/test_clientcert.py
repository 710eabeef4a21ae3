"""clientcert: the fingerprint rule, the registry's schema, the binding statement."""

import base64
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import boto3
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from clientcert import (
    BindingStatement,
    MalformedCertificateError,
    MalformedRecordError,
    MalformedStatementError,
    Registry,
    RegistryRecord,
    RevocationReason,
    SignedStatement,
    Status,
    certificate_pem,
    der_from_pem,
    fingerprint,
    thumbprint,
)
from tests.functions.support import (
    APP_CLIENT_ID,
    FINGERPRINT,
    NOW,
    RECORD,
    REGION,
    REVOKED,
    THUMBPRINT,
    USER_POOL_ID,
    certificate_of,
    event,
)

PEM = certificate_of(event("authorizer"))
BEGIN, END = "-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n"


class TestFingerprint:
    def test_agrees_with_openssl(self) -> None:
        der = der_from_pem(PEM)

        assert fingerprint(der) == FINGERPRINT
        assert thumbprint(der) == THUMBPRINT

    def test_agrees_with_cryptography_for_a_new_certificate(self) -> None:
        issued = trustme.CA().issue_cert(common_name="device-002", key_type=trustme.KeyType.ECDSA)
        pem = issued.cert_chain_pems[0].bytes()
        certificate = x509.load_pem_x509_certificate(pem)

        der = der_from_pem(pem.decode("ascii"))

        assert der == certificate.public_bytes(serialization.Encoding.DER)
        assert fingerprint(der) == certificate.fingerprint(hashes.SHA256()).hex()

    @pytest.mark.parametrize(
        "respelled",
        [
            PEM.replace("\n", "\r\n"),
            PEM.rstrip("\n"),
            f"\n\n{PEM}\n",
            BEGIN + "".join(PEM.splitlines()[1:-1]) + "\n" + END,
        ],
    )
    def test_line_breaks_do_not_matter(self, respelled: str) -> None:
        assert fingerprint(der_from_pem(respelled)) == FINGERPRINT

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "no PEM at all",
            PEM + PEM,
            "Subject: CN=other\n" + PEM,
            PEM + "trailing",
            PEM.replace("CERTIFICATE", "X509 CRL"),
            PEM.replace("CERTIFICATE", "TRUSTED CERTIFICATE"),
            PEM.replace("MII", "MII*", 1),
            PEM.replace("MII", "MIÏ", 1),
            PEM.replace("MII", "MI\u2028I", 1),
            BEGIN + END,
            "-----BEGIN CERTIFICATE-----END CERTIFICATE-----",
            BEGIN + base64.b64encode(b"not a certificate").decode() + "\n" + END,
            BEGIN + base64.b64encode(der_from_pem(PEM) + b"\x00").decode() + "\n" + END,
            BEGIN + base64.b64encode(der_from_pem(PEM)[:-1]).decode() + "\n" + END,
            # An indefinite length, and a length that is longer than it must be: BER, not DER.
            BEGIN + base64.b64encode(b"\x30\x80\x00\x00").decode() + "\n" + END,
            BEGIN + base64.b64encode(b"\x30\x81\x01\x00").decode() + "\n" + END,
            BEGIN + "A" * 70_000 + "\n" + END,
        ],
    )
    def test_anything_but_one_certificate_is_refused(self, text: str) -> None:
        with pytest.raises(MalformedCertificateError):
            der_from_pem(text)

    def test_a_second_spelling_of_the_last_digit_is_refused(self) -> None:
        # GIVEN base64 whose unused low bits are not zero: decoders take it for the same bytes
        der = b"\x30\x02\x05\x00"
        body = base64.b64encode(der).decode()
        assert body == "MAIFAA=="
        respelled = BEGIN + "MAIFAB==\n" + END

        with pytest.raises(MalformedCertificateError, match="canonical"):
            der_from_pem(respelled)

    @given(st.binary(max_size=300))
    def test_whatever_is_accepted_is_what_was_encoded(self, content: bytes) -> None:
        length = len(content)
        octets = (length.bit_length() + 7) // 8
        prefix = (
            bytes([length]) if length < 0x80 else bytes([0x80 | octets]) + length.to_bytes(octets)
        )
        der = b"\x30" + prefix + content

        assert der_from_pem(BEGIN + base64.encodebytes(der).decode() + END) == der

    @given(st.text(max_size=200))
    def test_no_text_breaks_the_reader(self, text: str) -> None:
        for hostile in (text, BEGIN + text + END):
            try:
                der = der_from_pem(hostile)
            except MalformedCertificateError:
                continue
            assert der[0] == 0x30

    def test_a_long_run_of_blanks_is_refused_at_once(self) -> None:
        # WHEN the reader backtracked over blanks this would take minutes
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                "from clientcert import *\n"
                "try: der_from_pem('-----BEGIN CERTIFICATE-----' + chr(10) * 65000 + 'x')\n"
                "except MalformedCertificateError: print('refused')",
            ],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )

        assert done.stdout.strip() == "refused"


class TestCertificateOfAnEvent:
    def test_is_the_pem_of_the_handshake(self) -> None:
        assert certificate_pem(event("token")) == PEM

    @pytest.mark.parametrize(
        "without_certificate",
        [
            {},
            {"requestContext": None},
            {"requestContext": {}},
            {"requestContext": {"authentication": None}},
            {"requestContext": {"authentication": {"clientCert": None}}},
            {"requestContext": {"authentication": {"clientCert": {"clientCertPem": ""}}}},
            {"requestContext": {"authentication": {"clientCert": {"clientCertPem": 1}}}},
            {"requestContext": {"authentication": {"clientCert": {"subjectDN": "CN=device-001"}}}},
            {"headers": {"x-amzn-mtls-clientcert": PEM}},
        ],
    )
    def test_is_none_without_mutual_tls(self, without_certificate: dict[str, object]) -> None:
        assert certificate_pem(without_certificate) is None


class TestRegistryRecord:
    @pytest.mark.parametrize(
        "record",
        [
            RECORD,
            REVOKED,
            replace(RECORD, retires_at=NOW),
            replace(RECORD, renewed_from="0" * 64),
        ],
    )
    def test_survives_the_table(self, record: RegistryRecord) -> None:
        assert RegistryRecord.from_item(record.to_item()) == record

    def test_writes_times_in_utc(self) -> None:
        west = timezone(timedelta(hours=-5))

        item = replace(RECORD, issued_at=datetime(2026, 11, 1, 7, 5, tzinfo=west)).to_item()

        assert item["issued_at"] == {"S": "2026-11-01T12:05:00Z"}

    @pytest.mark.parametrize("name", sorted(RECORD.to_item()))
    def test_a_missing_attribute_is_named(self, name: str) -> None:
        item = RECORD.to_item()
        del item[name]

        with pytest.raises(MalformedRecordError, match=name):
            RegistryRecord.from_item(item)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("fingerprint", {"S": FINGERPRINT.upper()}),
            ("fingerprint", {"S": FINGERPRINT + "\n"}),
            ("fingerprint", {"B": b"x"}),
            ("serial_number", {"S": "0x1f"}),
            ("serial_number", {"N": "31"}),
            ("serial_number", {"S": "-5"}),
            ("client_id", {"S": ""}),
            ("status", {"S": "Active"}),
            ("status", {"S": "unknown"}),
            ("scopes", {"S": "api/read"}),
            ("scopes", {"SS": []}),
            ("scopes", {"SS": ["api/read api/write"]}),
            ("not_after", {"S": "2027-11-01"}),
            ("not_after", {"S": "2027-11-1T12:00:00Z"}),
            ("not_after", {"S": "2027-11-01T12:00:00+00:00"}),
            ("not_after", {"S": "2020-01-01T00:00:00Z"}),
            ("revoked_at", {"S": "2026-11-24T12:00:00Z"}),
            ("revocation_reason", {"S": "keyCompromise"}),
            ("retires_at", {"S": "soon"}),
            ("renewed_from", {"S": FINGERPRINT.upper()}),
        ],
    )
    def test_an_attribute_of_another_form_is_named(self, name: str, value: object) -> None:
        with pytest.raises(MalformedRecordError, match=name):
            RegistryRecord.from_item({**RECORD.to_item(), name: value})

    def test_a_revoked_record_needs_its_reason(self) -> None:
        item = REVOKED.to_item()
        del item["revocation_reason"]

        with pytest.raises(MalformedRecordError, match="revocation_reason"):
            RegistryRecord.from_item(item)

    def test_a_time_without_zone_is_refused(self) -> None:
        with pytest.raises(MalformedRecordError, match="not_after: a time zone"):
            replace(RECORD, not_after=datetime(2027, 11, 1, 12, 0))  # noqa: DTZ001 - the point

    @pytest.mark.parametrize(
        ("record", "now", "usable"),
        [
            (RECORD, NOW, True),
            (RECORD, RECORD.not_before, True),
            (RECORD, RECORD.not_after, True),
            (RECORD, RECORD.not_before - timedelta(seconds=1), False),
            (RECORD, RECORD.not_after + timedelta(seconds=1), False),
            (REVOKED, NOW, False),
            (replace(RECORD, retires_at=NOW + timedelta(seconds=1)), NOW, True),
            (replace(RECORD, retires_at=NOW), NOW, False),
        ],
    )
    def test_is_usable_while_active_and_valid(
        self, record: RegistryRecord, now: datetime, *, usable: bool
    ) -> None:
        assert record.is_usable(now) is usable

    @pytest.mark.parametrize(
        ("retires_at", "until"),
        [
            (None, RECORD.not_after),
            (NOW, NOW),
            (RECORD.not_after + timedelta(days=1), RECORD.not_after),
        ],
    )
    def test_is_usable_until_it_ends_or_retires(
        self, retires_at: datetime | None, until: datetime
    ) -> None:
        assert replace(RECORD, retires_at=retires_at).usable_until == until

    def test_knows_the_reasons_of_rfc_5280(self) -> None:
        names = {reason.value for reason in x509.ReasonFlags} - {"removeFromCRL"}

        assert {reason.value for reason in RevocationReason} == names

    @given(
        scopes=st.frozensets(st.from_regex(r"[a-z]{1,9}/[a-z]{1,9}", fullmatch=True), min_size=1),
        serial=st.integers(min_value=1, max_value=2**159 - 1),
        name=st.text(min_size=1, max_size=64),
        moment=st.datetimes(timezones=st.just(UTC), min_value=datetime(2000, 1, 1)),  # noqa: DTZ001
    )
    def test_any_record_survives_the_table(
        self, scopes: frozenset[str], serial: int, name: str, moment: datetime
    ) -> None:
        second = moment.replace(microsecond=0)
        record = replace(
            RECORD,
            scopes=scopes,
            serial_number=str(serial),
            client_id=name,
            issued_at=second,
            status=Status.REVOKED,
            revoked_at=second,
            revocation_reason=RevocationReason.SUPERSEDED,
        )

        assert RegistryRecord.from_item(record.to_item()) == record


class TestRegistry:
    @pytest.fixture(autouse=True)
    def table(self, aws_credentials: None) -> Iterator[None]:
        with mock_aws():
            self.client = boto3.client("dynamodb", region_name=REGION)
            self.client.create_table(
                TableName="example-dev-registry",
                KeySchema=[{"AttributeName": "fingerprint", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "fingerprint", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
            yield

    def test_finds_a_record(self) -> None:
        self.client.put_item(TableName="example-dev-registry", Item=RECORD.to_item())

        assert Registry(self.client, "example-dev-registry").find(FINGERPRINT) == RECORD

    def test_knows_nothing_of_a_stranger(self) -> None:
        assert Registry(self.client, "example-dev-registry").find("0" * 64) is None

    def test_reads_consistently(self) -> None:
        # GIVEN a client that notes what it is asked
        asked: list[dict[str, object]] = []
        self.client.meta.events.register(
            "provide-client-params.dynamodb.GetItem",
            lambda params, **_: asked.append(params),
        )

        Registry(self.client, "example-dev-registry").find(FINGERPRINT)

        assert [params["ConsistentRead"] for params in asked] == [True]

    def test_refuses_a_malformed_record(self) -> None:
        item = {**RECORD.to_item(), "status": {"S": "maybe"}}
        self.client.put_item(TableName="example-dev-registry", Item=item)

        with pytest.raises(MalformedRecordError, match="status"):
            Registry(self.client, "example-dev-registry").find(FINGERPRINT)


STATEMENT = BindingStatement(
    x5t_s256=THUMBPRINT,
    client_id=APP_CLIENT_ID,
    user_pool_id=USER_POOL_ID,
    issued_at=1795521600,
    nonce="n" * 22,
)
MAC = hashlib.sha256(b"mac").digest()


class TestBindingStatement:
    def test_survives_the_metadata(self) -> None:
        assert SignedStatement.from_metadata(STATEMENT.to_metadata(MAC)) == SignedStatement(
            STATEMENT, MAC
        )

    def test_metadata_holds_strings_only(self) -> None:
        assert all(isinstance(value, str) for value in STATEMENT.to_metadata(MAC).values())

    def test_the_mac_covers_every_field(self) -> None:
        changed = [
            replace(STATEMENT, x5t_s256="A" * 43),
            replace(STATEMENT, client_id="other"),
            replace(STATEMENT, user_pool_id="eu-west-1_Other"),
            replace(STATEMENT, issued_at=STATEMENT.issued_at + 1),
            replace(STATEMENT, nonce="m" * 22),
        ]

        messages = {statement.message() for statement in (STATEMENT, *changed)}

        assert len(messages) == 1 + len(changed)

    @pytest.mark.parametrize("name", [*sorted(STATEMENT.to_metadata(MAC))])
    @pytest.mark.parametrize("value", [None, 1, "", "x\ny", "ü", "=" * 43, "x" * 200])
    def test_a_field_of_another_form_is_named(self, name: str, value: object) -> None:
        metadata = {**STATEMENT.to_metadata(MAC), name: value}

        with pytest.raises(MalformedStatementError, match=name):
            SignedStatement.from_metadata(metadata)

    @pytest.mark.parametrize("metadata", [None, [], "text", {}])
    def test_other_metadata_is_refused(self, metadata: object) -> None:
        with pytest.raises(MalformedStatementError):
            SignedStatement.from_metadata(metadata)

    @pytest.mark.parametrize("client_id", ["", "a\nissued_at=1", "a" * 129, "a/b"])
    def test_cannot_be_made_with_a_field_of_another_form(self, client_id: str) -> None:
        with pytest.raises(MalformedStatementError, match="client_id"):
            replace(STATEMENT, client_id=client_id)
