"""A plan's document: what it holds, and that no other is taken for one."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pki.ceremony import documents
from pki.ceremony.plan import CeremonyPlan, Operation
from pki.ceremony.planning import plan_bootstrap, plan_root_renewal, plan_rotation
from pki.errors import PlanError
from pki.keys import KeyType, generate, public_key_sha256
from tests.pki.ceremony.support import ORGANIZATION, Account, at

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


def made() -> CeremonyPlan:
    return plan_bootstrap(Account().planner(), ["dev"])


PLAN = made()
DOCUMENT = PLAN.to_document()


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a document, as the way to it."""
    found = [path] if path else []
    entries: Any = ()
    if isinstance(value, dict):
        entries = value.items()
    elif isinstance(value, list):
        entries = enumerate(value)
    for key, inner in entries:
        found += places(inner, (*path, key))
    return found


def changed(path: tuple[str | int, ...], change: Callable[[Any, Any], None]) -> Any:
    document = json.loads(json.dumps(DOCUMENT))
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    change(holder, path[-1])
    return document


def read(document: object) -> CeremonyPlan:
    return CeremonyPlan.from_bytes(documents.encode(document))


def test_a_plan_reads_as_it_was_written() -> None:
    assert CeremonyPlan.from_bytes(PLAN.to_bytes()) == PLAN


def test_its_digest_is_the_sha_256_of_its_file() -> None:
    assert PLAN.digest == f"sha256:{hashlib.sha256(PLAN.to_bytes()).hexdigest()}"


def test_it_names_every_key_serial_number_and_end() -> None:
    root, issuing = DOCUMENT["certificates"]

    assert root["draft"]["subject"] == "CN=example Root CA G1,O=example"
    assert issuing["draft"]["issuer"]["name"] == root["draft"]["subject"]
    assert int(root["draft"]["serial_number"]) != int(issuing["draft"]["serial_number"])
    assert issuing["draft"]["not_after"].startswith("2031-11-24")
    assert issuing["keeper"] == "kms"
    assert issuing["key_id"] == "alias/example-dev-issuing-ca-g1"
    assert issuing["public_key_sha256"] == public_key_sha256(PLAN.certificates[1].draft.public_key)


@given(place=st.sampled_from(places(DOCUMENT)), value=JSON)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_whatever_is_changed_is_refused_or_changes_the_digest(
    place: tuple[str | int, ...], value: object
) -> None:
    def put(holder: Any, key: Any) -> None:
        holder[key] = value

    document = changed(place, put)
    try:
        plan = read(document)
    except PlanError:
        return
    assert (plan.digest == PLAN.digest) == (documents.encode(document) == PLAN.to_bytes())


@pytest.mark.parametrize(
    "place",
    [path for path in places(DOCUMENT) if isinstance(path[-1], str)],
    ids=lambda path: ".".join(map(str, path)),
)
def test_a_plan_that_lacks_anything_is_refused(place: tuple[str | int, ...]) -> None:
    def remove(holder: Any, key: Any) -> None:
        del holder[key]

    with pytest.raises(PlanError, match="the plan is malformed: "):
        read(changed(place, remove))


@pytest.mark.parametrize(
    "place",
    [(), ("certificates", 0), ("certificates", 0, "authority"), ("certificates", 0, "draft")],
)
def test_an_unknown_field_is_refused_wherever_it_is(place: tuple[str | int, ...]) -> None:
    def add(holder: Any, key: Any) -> None:
        holder[key] = "something"

    with pytest.raises(PlanError, match="the plan is malformed: "):
        read(changed((*place, "extra"), add))


@given(JSON)
def test_other_json_is_refused(document: object) -> None:
    with pytest.raises(PlanError, match="the plan is malformed: "):
        read(document)


@given(st.binary(max_size=200))
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(PlanError, match="the plan is malformed: "):
        CeremonyPlan.from_bytes(data)


@pytest.mark.parametrize(
    "rewritten",
    [
        PLAN.to_bytes() + b"\n",
        json.dumps(DOCUMENT, indent=2).encode(),
        PLAN.to_bytes().replace(b"{", b'{"version":2,', 1),
    ],
)
def test_the_same_plan_written_otherwise_is_refused(rewritten: bytes) -> None:
    with pytest.raises(PlanError, match="it is not as it was written"):
        CeremonyPlan.from_bytes(rewritten)


def test_an_oversized_plan_is_refused() -> None:
    with pytest.raises(PlanError, match="larger than 1000000 bytes"):
        CeremonyPlan.from_bytes(b" " * 1_000_001)


def with_(**fields: object) -> Any:
    return {**DOCUMENT, **fields}


def test_a_plan_that_says_one_operation_and_does_another_is_refused() -> None:
    with pytest.raises(PlanError, match="rotate-issuing-ca does not sign example Root CA G1"):
        read(with_(operation="rotate-issuing-ca"))


@pytest.mark.parametrize("end", ["2026-12-01T12:00:01Z", "2026-11-24T12:00:00Z"])
def test_a_plan_of_no_life_or_too_long_a_one_is_refused(end: str) -> None:
    with pytest.raises(PlanError, match="7 days is the most"):
        read(with_(expires_at=end))


def test_a_plan_for_nothing_is_refused() -> None:
    with pytest.raises(PlanError, match="it plans no certificate"):
        read(with_(certificates=[]))


def test_a_plan_for_one_authority_twice_is_refused() -> None:
    root, issuing = DOCUMENT["certificates"]
    with pytest.raises(PlanError, match="two certificates for one authority"):
        read(with_(certificates=[root, issuing, issuing]))


def test_a_plan_for_what_exists_is_refused() -> None:
    existing = [
        {"authority": {"environment": None, "generation": "g1"}, "fingerprint": "ab" * 32},
    ]
    with pytest.raises(PlanError, match="example Root CA G1 exists already"):
        read(with_(existing=existing))


@pytest.mark.parametrize(
    "place",
    [("requester",), ("certificates", 0, "keeper"), ("certificates", 0, "key_id")],
    ids=lambda path: str(path[-1]),
)
@pytest.mark.parametrize("text", ["alice\ndigest        sha256:00", "alice\x1b[2K"])
def test_text_that_would_show_the_approver_another_plan_is_refused(
    place: tuple[str | int, ...], text: str
) -> None:
    def write(holder: Any, key: Any) -> None:
        holder[key] = text

    with pytest.raises(PlanError, match="holds characters that cannot be shown"):
        read(changed(place, write))


def issuing_with(**fields: object) -> Any:
    root, issuing = json.loads(json.dumps(DOCUMENT["certificates"]))
    draft = {**issuing["draft"], **fields}
    return with_(certificates=[root, {**issuing, "draft": draft}])


def test_a_draft_for_another_name_is_refused() -> None:
    with pytest.raises(PlanError, match="the draft for example dev Issuing CA G1 is for CN=other"):
        read(issuing_with(subject="CN=other"))


def test_a_draft_of_another_profile_is_refused() -> None:
    with pytest.raises(PlanError, match="is not that of an issuing CA"):
        read(issuing_with(profile="root"))


def test_a_draft_with_alternative_names_is_refused() -> None:
    with pytest.raises(PlanError, match="is not that of an issuing CA"):
        read(issuing_with(alternative_names=["DNS:a.example"]))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "CN=other"}, "names another issuer than example Root CA G1"),
        ({"path_length": 2}, "has other facts of example Root CA G1"),
        ({"not_after": "2046-11-24T11:54:59+00:00"}, "has other facts of example Root CA G1"),
    ],
)
def test_a_draft_of_another_issuer_is_refused(fields: dict[str, object], said: str) -> None:
    issuer = DOCUMENT["certificates"][1]["draft"]["issuer"]
    with pytest.raises(PlanError, match=said):
        read(issuing_with(issuer={**issuer, **fields}))


def test_a_ca_that_an_issuing_ca_would_sign_is_refused() -> None:
    root, issuing = DOCUMENT["certificates"]
    wrong = {**issuing, "signed_by": issuing["authority"]}
    with pytest.raises(PlanError, match="is not to be signed by example dev Issuing CA G1"):
        read(with_(certificates=[root, wrong]))


def test_a_plan_whose_root_neither_exists_nor_is_planned_is_refused() -> None:
    with pytest.raises(PlanError, match=r"Root CA G1 is to sign .*, and there is none"):
        read(with_(certificates=[DOCUMENT["certificates"][1]]))


def test_the_name_of_another_key_is_refused() -> None:
    other = public_key_sha256(generate(KeyType.EC_P256).public_key())
    root, issuing = DOCUMENT["certificates"]
    with pytest.raises(PlanError, match="is another key's"):
        read(with_(certificates=[root, {**issuing, "public_key_sha256": other}]))


def test_a_plan_is_fresh_until_its_limit() -> None:
    PLAN.require_fresh(PLAN.expires_at)

    with pytest.raises(PlanError, match="the plan expired at 2026-11-25T12:00:00Z"):
        PLAN.require_fresh(PLAN.expires_at + timedelta(seconds=1))


def test_a_plan_from_the_future_is_refused() -> None:
    PLAN.require_fresh(at(PLAN.created_at, minutes=-5))

    with pytest.raises(PlanError, match="which is yet to come"):
        PLAN.require_fresh(at(PLAN.created_at, minutes=-6))


def test_every_operation_has_a_plan_of_its_own(account: Account) -> None:
    first = plan_bootstrap(account.planner(), ["dev"])
    account.execute(first)
    account.kms.make(ORGANIZATION.issuing("dev", "g2").key_alias)
    account.kms.make(ORGANIZATION.root("g2").key_alias)

    made = [first, plan_rotation(account.planner(), "dev"), plan_root_renewal(account.planner())]

    assert [plan.operation for plan in made] == list(Operation)
