from dataclasses import replace
from datetime import timedelta

import pytest

from clientcert import RegistryRecord, RevocationReason
from pki.errors import ConcurrentChangeError, KeyReusedError, RegistryError
from pki.registry import Registry
from tests.pki.support import NOW, Cloud, client_record, lost_answer, register

FIRST, SECOND = client_record("a" * 64), client_record("b" * 64, issued_at=NOW + timedelta(1))


@pytest.fixture
def registry(cloud: Cloud) -> Registry:
    return cloud.registry()


def add(registry: Registry, record: RegistryRecord, key: str) -> None:
    registry.add(record, key, registry.client(record.client_id))


def test_a_client_has_its_certificates_oldest_first(registry: Registry) -> None:
    for record in (SECOND, FIRST):
        register(registry, record)

    assert registry.of_client("device-001") == (FIRST, SECOND)


def test_a_client_may_have_more_certificates_than_one_answer_holds(registry: Registry) -> None:
    records = [client_record(f"{number:064x}") for number in range(101)]
    for record in records:
        register(registry, record)

    assert registry.of_client("device-001") == tuple(records)


def test_an_unknown_client_has_none(registry: Registry) -> None:
    assert registry.client("device-001").records == ()


def test_adding_the_same_record_again_is_no_error(registry: Registry) -> None:
    seen = registry.client("device-001")
    for _ in range(2):
        registry.add(FIRST, "key", seen)

    assert registry.of_client("device-001") == (FIRST,)


def test_an_addition_whose_answer_is_lost_is_done_once(registry: Registry) -> None:
    with lost_answer("TransactWriteItems"):
        register(registry, FIRST)

    assert registry.of_client("device-001") == (FIRST,)


def test_a_fingerprint_is_never_overwritten(registry: Registry) -> None:
    register(registry, FIRST)

    with pytest.raises(RegistryError, match="with other facts"):
        register(registry, replace(FIRST, scopes=frozenset({"api/write"})))

    assert registry.find(FIRST.fingerprint) == FIRST


def test_a_key_is_claimed_for_ever_whoever_brings_it(registry: Registry) -> None:
    add(registry, FIRST, "key")
    registry.revoke(FIRST.fingerprint, RevocationReason.SUPERSEDED, NOW)

    with pytest.raises(KeyReusedError):
        add(registry, replace(SECOND, client_id="device-002"), "key")

    assert registry.owner_of_key("key") == FIRST.fingerprint
    assert registry.of_client("device-002") == ()


def test_what_was_decided_on_an_older_state_is_refused(registry: Registry) -> None:
    seen = registry.client("device-001")
    registry.add(FIRST, "first", seen)

    with pytest.raises(ConcurrentChangeError):
        registry.add(SECOND, "second", seen)

    assert registry.of_client("device-001") == (FIRST,)
    assert registry.owner_of_key("second") is None


def test_a_renewal_retires_what_it_renews(registry: Registry) -> None:
    register(registry, FIRST)
    at = NOW + timedelta(days=7)

    register(registry, replace(SECOND, renewed_from=FIRST.fingerprint), retire_at=at)

    assert registry.find(FIRST.fingerprint) == replace(FIRST, retires_at=at)


def test_a_revoked_certificate_is_not_renewed(registry: Registry) -> None:
    register(registry, FIRST)
    registry.revoke(FIRST.fingerprint, RevocationReason.KEY_COMPROMISE, NOW)

    with pytest.raises(ConcurrentChangeError):
        register(registry, replace(SECOND, renewed_from=FIRST.fingerprint), retire_at=NOW)

    assert registry.find(SECOND.fingerprint) is None


def test_a_hold_can_be_released(registry: Registry) -> None:
    register(registry, FIRST)
    registry.revoke(FIRST.fingerprint, RevocationReason.CERTIFICATE_HOLD, NOW)

    assert registry.release(FIRST.fingerprint) == (FIRST, True)
    assert registry.release(FIRST.fingerprint) == (FIRST, False)


@pytest.mark.parametrize(
    "reason",
    [entry for entry in RevocationReason if entry is not RevocationReason.CERTIFICATE_HOLD],
)
def test_any_other_revocation_is_for_good(registry: Registry, reason: RevocationReason) -> None:
    register(registry, FIRST)
    revoked, _ = registry.revoke(FIRST.fingerprint, reason, NOW)

    with pytest.raises(RegistryError, match="revoked for good"):
        registry.release(FIRST.fingerprint)

    assert registry.find(FIRST.fingerprint) == revoked


def test_a_revoked_certificate_does_not_retire(registry: Registry) -> None:
    register(registry, FIRST)
    revoked, _ = registry.revoke(FIRST.fingerprint, RevocationReason.SUPERSEDED, NOW)

    assert registry.retire(FIRST.fingerprint, NOW) == (revoked, False)


def test_all_records_come_with_what_the_ca_keeps_beside_them(registry: Registry) -> None:
    register(registry, FIRST, signature_request_id="request-1", certificate_der=b"der")
    register(registry, SECOND)

    stored = {entry.record.fingerprint: entry for entry in registry.records()}

    assert stored.keys() == {FIRST.fingerprint, SECOND.fingerprint}
    assert stored[FIRST.fingerprint] == registry.stored(FIRST.fingerprint)
    assert stored[FIRST.fingerprint].signature_request_id == "request-1"
    assert stored[FIRST.fingerprint].certificate_der == b"der"
    assert stored[SECOND.fingerprint].signature_request_id is None


def test_a_malformed_item_is_named(cloud: Cloud) -> None:
    item = FIRST.to_item() | {"status": {"S": "perhaps"}}
    cloud.workload("dynamodb").put_item(TableName=cloud.environment.registry_table, Item=item)

    with pytest.raises(RegistryError, match=r"a{64} is malformed: status"):
        cloud.registry().find(FIRST.fingerprint)


def test_a_missing_table_is_named_with_what_to_do(cloud: Cloud) -> None:
    cloud.workload("dynamodb").delete_table(TableName=cloud.environment.registry_table)

    with pytest.raises(RegistryError, match="no table example-dev-registry in account 2") as caught:
        cloud.registry().of_client("device-001")

    assert caught.value.hint == "apply the unit dev/registry first"
