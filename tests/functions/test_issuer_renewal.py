"""Renewal: who gets the next certificate, once, and what each refusal is called."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import assume, given
from hypothesis import strategies as st

from clientcert import RegistryRecord, RevocationReason, SettingsError, fingerprint
from mtls_issuer.policy import RenewalPolicy
from mtls_issuer.refusal import Refusal, RefusedError
from mtls_issuer.request import RenewalRequest
from pki.errors import ConcurrentChangeError, IssuanceError, KeyKeeperError
from pki.keys import KeyType
from pki.registry import ClientState, Registry
from tests.functions.renewal import (
    DEVICE,
    NAMES,
    POLICY,
    Fleet,
    certify,
    make_request,
    new_key,
)
from tests.pki.support import Cloud, build_hierarchy


@pytest.fixture
def fleet(cloud: Cloud) -> Fleet:
    return Fleet(cloud)


def refusal(fleet: Fleet, der: bytes, request: bytes, policy: RenewalPolicy = POLICY) -> Refusal:
    before = fleet.registry.of_client(DEVICE)
    with pytest.raises(RefusedError) as refused:
        fleet.renewals(policy).renew(der, request)
    assert fleet.registry.of_client(DEVICE) == before
    return refused.value.reason


class TestRenewal:
    def test_the_new_certificate_is_the_devices_next(self, fleet: Fleet) -> None:
        der, key = fleet.enroll(), new_key()

        renewed = fleet.renewals().renew(der, make_request(key))

        certificate = renewed.certificate
        assert certificate.public_key() == key.public_key()
        assert certificate.subject.rfc4514_string() == f"CN={DEVICE}"
        assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(
            days=90, seconds=-1
        )
        assert not renewed.repeated

    def test_it_is_registered_with_what_it_renews_and_the_same_rights(self, fleet: Fleet) -> None:
        der = fleet.enroll()

        renewed = fleet.renewals().renew(der, make_request(new_key()))

        stored = fleet.registry.find(renewed.record.fingerprint)
        old = fleet.registry.find(fingerprint(der))
        assert stored == renewed.record
        assert stored is not None
        assert old is not None
        assert stored.renewed_from == old.fingerprint
        assert (stored.scopes, stored.cognito_client_id) == (old.scopes, old.cognito_client_id)

    def test_the_old_certificate_retires_after_the_overlap(self, fleet: Fleet) -> None:
        der = fleet.enroll()

        fleet.renewals().renew(der, make_request(new_key()))

        old = fleet.registry.find(fingerprint(der))
        assert old is not None
        assert old.is_usable(fleet.now + timedelta(days=7, seconds=-1))
        assert not old.is_usable(fleet.now + timedelta(days=7))

    def test_a_renewal_does_not_put_off_a_retirement(self, fleet: Fleet) -> None:
        der = fleet.enroll(retire_at=(tomorrow := fleet.now + timedelta(days=1)))

        fleet.renewals().renew(der, make_request(new_key()))

        old = fleet.registry.find(fingerprint(der))
        assert old is not None
        assert old.retires_at == tomorrow

    def test_alternative_names_are_carried_over(self, fleet: Fleet) -> None:
        der = fleet.enroll(names=NAMES)

        certificate = fleet.renewals().renew(der, make_request(new_key(), names=NAMES)).certificate

        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert tuple(names) == NAMES

    def test_the_new_certificate_renews_in_its_own_turn(self, fleet: Fleet) -> None:
        first = fleet.renewals().renew(fleet.enroll(), make_request(new_key()))
        fleet.now += timedelta(days=70)

        der = first.certificate.public_bytes(Encoding.DER)
        second = fleet.renewals().renew(der, make_request(new_key()))

        assert second.record.renewed_from == first.record.fingerprint


class TestLostAnswer:
    def test_the_same_request_gives_the_same_certificate(self, fleet: Fleet) -> None:
        der, request = fleet.enroll(), make_request(new_key())
        first = fleet.renewals().renew(der, request)
        fleet.now += timedelta(hours=1)

        again = fleet.renewals().renew(der, request)

        assert again.certificate == first.certificate
        assert again.repeated
        assert len(fleet.registry.of_client(DEVICE)) == 2

    def test_another_request_with_the_same_key_does_too(self, fleet: Fleet) -> None:
        der, key = fleet.enroll(), new_key()
        first = fleet.renewals().renew(der, make_request(key))

        again = fleet.renewals().renew(der, make_request(key))

        assert again.certificate == first.certificate

    def test_a_certificate_that_was_revoked_meanwhile_is_not_given_again(
        self, fleet: Fleet
    ) -> None:
        der, request = fleet.enroll(), make_request(new_key())
        first = fleet.renewals().renew(der, request)
        fleet.registry.revoke(first.record.fingerprint, RevocationReason.KEY_COMPROMISE, fleet.now)

        assert refusal(fleet, der, request) is Refusal.KEY_REUSED


class Meanwhile(Registry):
    """Lets something happen between a decision and its registration."""

    happens: Callable[[], object] | None = None

    def add(
        self,
        record: RegistryRecord,
        public_key_sha256: str,
        seen: ClientState,
        *,
        retire_at: datetime | None = None,
        signature_request_id: str | None = None,
        certificate_der: bytes | None = None,
    ) -> None:
        if self.happens is not None:
            happens, self.happens = self.happens, None
            happens()
        super().add(
            record,
            public_key_sha256,
            seen,
            retire_at=retire_at,
            signature_request_id=signature_request_id,
            certificate_der=certificate_der,
        )


@pytest.fixture
def meanwhile(fleet: Fleet) -> Meanwhile:
    return Meanwhile(fleet.cloud.workload("dynamodb"), fleet.cloud.environment)


class TestTwoAtOnce:
    def test_with_two_keys_one_wins(self, fleet: Fleet, meanwhile: Meanwhile) -> None:
        der = fleet.enroll()
        meanwhile.happens = lambda: fleet.renewals().renew(der, make_request(new_key()))

        with pytest.raises(RefusedError) as refused:
            fleet.renewals(registry=meanwhile).renew(der, make_request(new_key()))

        assert refused.value.reason is Refusal.ALREADY_RENEWED
        assert len(fleet.registry.of_client(DEVICE)) == 2

    def test_with_one_request_both_get_the_one_certificate(
        self, fleet: Fleet, meanwhile: Meanwhile
    ) -> None:
        der, request = fleet.enroll(), make_request(new_key())
        first = []
        meanwhile.happens = lambda: first.append(fleet.renewals().renew(der, request))

        second = fleet.renewals(registry=meanwhile).renew(der, request)

        assert second.certificate == first[0].certificate
        assert second.repeated

    def test_what_was_signed_in_vain_is_told(self, fleet: Fleet, meanwhile: Meanwhile) -> None:
        der, request = fleet.enroll(), make_request(new_key())
        meanwhile.happens = lambda: fleet.renewals().renew(der, request)

        given_out = fleet.renewals(registry=meanwhile).renew(der, request)

        (discarded,) = fleet.discarded
        assert discarded.certificate != given_out.certificate
        der_in_vain = discarded.certificate.public_bytes(Encoding.DER)
        assert fleet.registry.find(fingerprint(der_in_vain)) is None

    def test_a_revocation_in_between_wins(self, fleet: Fleet, meanwhile: Meanwhile) -> None:
        der = fleet.enroll()
        meanwhile.happens = lambda: fleet.registry.revoke(
            fingerprint(der), RevocationReason.KEY_COMPROMISE, fleet.now
        )

        with pytest.raises(RefusedError) as refused:
            fleet.renewals(registry=meanwhile).renew(der, make_request(new_key()))

        assert refused.value.reason is Refusal.CERTIFICATE_REVOKED
        assert len(fleet.registry.of_client(DEVICE)) == 1

    def test_one_that_is_always_late_gives_up(self, fleet: Fleet) -> None:
        class Late(Registry):
            def add(self, record: RegistryRecord, *_: object, **__: object) -> None:
                raise ConcurrentChangeError("somebody was faster")

        late = Late(fleet.cloud.workload("dynamodb"), fleet.cloud.environment)
        der = fleet.enroll()

        with pytest.raises(ConcurrentChangeError):
            fleet.renewals(registry=late).renew(der, make_request(new_key()))
        assert len(fleet.registry.of_client(DEVICE)) == 1


def test_interrupted_before_it_is_registered_nothing_is_there_and_the_next_try_succeeds(
    fleet: Fleet, meanwhile: Meanwhile
) -> None:
    def die() -> None:
        raise SystemExit

    der, request = fleet.enroll(), make_request(new_key())
    meanwhile.happens = die
    with pytest.raises(SystemExit):
        fleet.renewals(registry=meanwhile).renew(der, request)
    assert len(fleet.registry.of_client(DEVICE)) == 1

    assert not fleet.renewals().renew(der, request).repeated


class TestRefusals:
    def test_a_certificate_that_the_registry_does_not_know(self, fleet: Fleet) -> None:
        other = Fleet(fleet.cloud).hierarchy
        stranger = Fleet(fleet.cloud, other).enroll("device-002")
        unknown = stranger[:-1] + bytes([stranger[-1] ^ 1])

        reason = refusal(fleet, unknown, make_request(new_key()))

        assert reason is Refusal.CERTIFICATE_UNKNOWN

    def test_a_certificate_of_another_ca_although_it_is_registered(self, fleet: Fleet) -> None:
        der = fleet.enroll(hierarchy=build_hierarchy())

        reason = refusal(fleet, der, make_request(new_key()))

        assert reason is Refusal.CERTIFICATE_OF_ANOTHER_ISSUER

    def test_a_revoked_certificate(self, fleet: Fleet) -> None:
        der = fleet.enroll()
        fleet.registry.revoke(fingerprint(der), RevocationReason.SUPERSEDED, fleet.now)

        assert refusal(fleet, der, make_request(new_key())) is Refusal.CERTIFICATE_REVOKED

    def test_a_retired_certificate(self, fleet: Fleet) -> None:
        der = fleet.enroll(retire_at=fleet.now)

        assert refusal(fleet, der, make_request(new_key())) is Refusal.CERTIFICATE_RETIRED

    def test_an_expired_certificate(self, fleet: Fleet) -> None:
        der = fleet.enroll()
        fleet.now += timedelta(days=20)

        reason = refusal(fleet, der, make_request(new_key()))

        assert reason is Refusal.CERTIFICATE_OUTSIDE_VALIDITY

    def test_what_is_no_certificate(self, fleet: Fleet) -> None:
        assert refusal(fleet, b"0\x00", make_request(new_key())) is Refusal.CERTIFICATE_MALFORMED

    def test_a_request_in_another_name(self, fleet: Fleet) -> None:
        request = make_request(new_key(), "device-002")

        assert refusal(fleet, fleet.enroll(), request) is Refusal.REQUEST_SUBJECT_DIFFERS

    @pytest.mark.parametrize(("held", "asked"), [((), NAMES), (NAMES, ())])
    def test_a_request_with_other_alternative_names(
        self,
        fleet: Fleet,
        held: tuple[x509.GeneralName, ...],
        asked: tuple[x509.GeneralName, ...],
    ) -> None:
        der = fleet.enroll(names=held)

        reason = refusal(fleet, der, make_request(new_key(), names=asked))

        assert reason is Refusal.REQUEST_NAMES_DIFFER

    def test_a_request_whose_signature_is_wrong(self, fleet: Fleet) -> None:
        request = make_request(rsa.generate_private_key(65537, 2048))
        forged = request[:-1] + bytes([request[-1] ^ 1])

        assert refusal(fleet, fleet.enroll(), forged) is Refusal.REQUEST_NOT_ACCEPTED

    def test_a_weak_key(self, fleet: Fleet) -> None:
        weak = rsa.generate_private_key(65537, 1024)  # noqa: S505

        assert refusal(fleet, fleet.enroll(), make_request(weak)) is Refusal.REQUEST_NOT_ACCEPTED

    def test_a_strong_key_that_the_policy_leaves_out(self, fleet: Fleet) -> None:
        request = make_request(generate_private_key(SECP384R1()))

        assert refusal(fleet, fleet.enroll(), request) is Refusal.KEY_NOT_ALLOWED

    def test_the_key_of_another_device(self, fleet: Fleet) -> None:
        key = new_key()
        other = fleet.enroll("device-002")
        fleet.renewals().renew(other, make_request(key, "device-002"))

        assert refusal(fleet, fleet.enroll(), make_request(key)) is Refusal.KEY_REUSED

    def test_a_client_whom_the_policy_leaves_out(self, fleet: Fleet) -> None:
        policy = replace(POLICY, clients=("sensor-*", "device-002"))

        reason = refusal(fleet, fleet.enroll(), make_request(new_key()), policy)

        assert reason is Refusal.RENEWAL_NOT_ALLOWED

    def test_a_certificate_long_before_its_end(self, fleet: Fleet) -> None:
        der = fleet.enroll(days=90)

        assert refusal(fleet, der, make_request(new_key())) is Refusal.RENEWAL_TOO_EARLY

    def test_too_early_tells_from_when_on(self, fleet: Fleet) -> None:
        der = fleet.enroll(days=90)
        with pytest.raises(RefusedError) as refused:
            fleet.renewals().renew(der, make_request(new_key()))
        opens = datetime.fromisoformat(refused.value.message.split()[-2])
        fleet.now = opens

        assert not fleet.renewals().renew(der, make_request(new_key())).repeated

    def test_a_second_renewal_with_another_key(self, fleet: Fleet) -> None:
        der = fleet.enroll()
        fleet.renewals().renew(der, make_request(new_key()))

        assert refusal(fleet, der, make_request(new_key())) is Refusal.ALREADY_RENEWED


_REQUEST = make_request(new_key())
_PRESENTED = certify(build_hierarchy())


@given(body=st.binary(max_size=200), cut=st.integers(0, len(_REQUEST) - 1))
def test_any_other_bytes_are_refused(body: bytes, cut: int) -> None:
    for hostile in (body, _REQUEST[:cut] + body, _REQUEST + (body or b"0")):
        assume(hostile != _REQUEST)
        with pytest.raises(RefusedError) as refused:
            RenewalRequest.read(hostile, _PRESENTED, DEVICE)
        assert refused.value.reason in {
            Refusal.REQUEST_MALFORMED,
            Refusal.REQUEST_NOT_ACCEPTED,
            Refusal.REQUEST_SUBJECT_DIFFERS,
        }


class TestTheCa:
    def test_does_not_issue_what_would_outlive_it(self, fleet: Fleet) -> None:
        fleet.now += timedelta(days=5 * 365 - 30)
        der = fleet.enroll(days=20)

        with pytest.raises(IssuanceError, match="after its issuer"):
            fleet.renewals().renew(der, make_request(new_key()))
        assert len(fleet.registry.of_client(DEVICE)) == 1

    def test_does_not_sign_with_another_key(self, fleet: Fleet) -> None:
        der = fleet.enroll()
        issuing = fleet.hierarchy.issuing
        other = build_hierarchy().issuing.signer
        fleet.hierarchy = replace(fleet.hierarchy, issuing=issuing)
        object.__setattr__(fleet.hierarchy.issuing, "signer", other)

        with pytest.raises(KeyKeeperError):
            fleet.renewals().renew(der, make_request(new_key()))


class TestPolicy:
    TEXT = (
        '{"clients": ["device-*"], "window_days": 30, "lifetime_days": 90, "overlap_days": 7, '
        '"key_types": ["ec-p256", "rsa-2048"]}'
    )

    def test_is_read_from_json(self) -> None:
        assert RenewalPolicy.parse(self.TEXT) == POLICY

    @pytest.mark.parametrize(
        ("old", "new", "named"),
        [
            ('["device-*"]', "[]", "clients"),
            ('["device-*"]', '[""]', "clients"),
            ('["device-*"]', '"device-*"', "clients"),
            ("30", "0", "window_days"),
            ("30", "90", "window_days"),
            ("30", "true", "window_days"),
            ("90", "366", "lifetime_days"),
            ("90", "9e1", "lifetime_days"),
            ("7,", "-1,", "overlap_days"),
            ('"ec-p256"', '"ec-p521"', "key_types"),
            ('["ec-p256", "rsa-2048"]', "[]", "key_types"),
            ('"clients"', '"client"', "clients"),
            ("}", "", "not JSON"),
        ],
    )
    def test_what_is_wrong_is_named(self, old: str, new: str, named: str) -> None:
        with pytest.raises(SettingsError, match=named):
            RenewalPolicy.parse(self.TEXT.replace(old, new))

    def test_key_types_are_the_cas_own(self) -> None:
        assert POLICY.key_types <= set(KeyType)
