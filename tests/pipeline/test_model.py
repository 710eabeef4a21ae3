"""The set of plans that people approve: one way to write it, and no other way to read it."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import PipelineError
from pipeline.model import Counts, PlannedUnit, PlanSet, UnitStatus, digest_of

DIGEST = digest_of(b"plan")
UNIT = PlannedUnit(
    "non-prod/eu-west-1/dev/registry",
    UnitStatus.CHANGED,
    Counts(1, 2, 3, 4),
    DIGEST,
    DIGEST,
    DIGEST,
    reason="terragrunt.hcl changed",
    seconds=1.5,
)
SET = PlanSet(
    repository="example-org/example",
    scope="dev",
    account="non-prod",
    environment="dev",
    base="",
    head="a" * 40,
    tree="b" * 40,
    destroy=False,
    units=(UNIT,),
    created_at="2026-01-01T00:00:00Z",
)

segments = st.from_regex(r"[a-z][a-z0-9-]{0,5}", fullmatch=True)
digests = st.none() | st.binary().map(digest_of)
paths = st.builds(lambda *parts: "/".join(parts), segments, segments, segments, segments)
units = st.builds(
    PlannedUnit,
    path=paths,
    status=st.sampled_from(UnitStatus),
    counts=st.builds(Counts, *[st.integers(0, 9)] * 4),
    plan_sha256=digests,
    json_sha256=digests,
    semantics=digests,
    waits_for=st.lists(paths, max_size=2).map(tuple),
    reason=st.text(max_size=20),
)
sets = st.builds(
    replace,
    st.just(SET),
    base=st.sampled_from(["", "c" * 40, "d" * 64]),
    destroy=st.booleans(),
    units=st.lists(units, max_size=3, unique_by=lambda unit: unit.path).map(
        lambda found: tuple(sorted(found, key=lambda unit: unit.path))
    ),
    created_at=st.text(max_size=20),
)


@given(sets)
def test_what_is_written_is_read(plan_set: PlanSet) -> None:
    content = plan_set.to_bytes()

    assert PlanSet.from_bytes(content) == plan_set
    assert PlanSet.from_bytes(content).to_bytes() == content


@pytest.mark.parametrize(
    ("actions", "counts"),
    [
        (["forget"], Counts(destroy=1)),
        (["create", "forget"], Counts(replace=1)),
        (["delete"], Counts(destroy=1)),
        (["no-op"], Counts()),
        (["read"], Counts()),
    ],
)
def test_what_is_forgotten_counts_as_destroyed(actions: list[str], counts: Counts) -> None:
    change = {"actions": actions, "importing": {"id": "x"}}

    assert Counts.of({"resource_changes": [{"change": change}]}) == counts


def test_the_time_it_took_is_no_part_of_it() -> None:
    slower = replace(SET, units=(replace(UNIT, seconds=100.0),))

    assert slower.digest == SET.digest


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scope", "prod"),
        ("destroy", True),
        ("tree", "c" * 40),
        ("head", "c" * 40),
        ("created_at", "2026-01-01T00:00:01Z"),
        ("units", ()),
    ],
)
def test_everything_else_is(field: str, value: object) -> None:
    assert replace(SET, **{field: value}).digest != SET.digest  # type: ignore[arg-type]


def test_it_is_written_in_one_way() -> None:
    text = SET.to_bytes().decode()

    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))


def broken(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(SET.to_bytes())
    return document | changes


def broken_unit(**changes: Any) -> dict[str, Any]:
    document = broken()
    document["units"][0] |= changes
    return document


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        broken(version=2),
        broken(version=True),
        broken(further=1),
        broken(destroy="false"),
        broken(destroy=0),
        broken(head="main"),
        broken(base="main"),
        broken(scope="../dev"),
        broken(units={}),
        broken(units=[None]),
        broken_unit(path="../../../etc"),
        broken_unit(path="non-prod/eu-west-1/dev/.."),
        broken_unit(path="/etc/eu-west-1/dev/registry"),
        broken_unit(path="non-prod/eu-west-1/dev/registry\n"),
        broken_unit(status="applied"),
        broken_unit(plan_sha256="sha256:0"),
        broken_unit(semantics=1),
        broken_unit(waits_for=["registry"]),
        broken_unit(waits_for="registry"),
        broken_unit(counts={"add": 1}),
        broken_unit(counts={"add": 1, "change": 0, "destroy": 0, "replace": 0, "more": 1}),
        broken_unit(counts={"add": 1.0, "change": 0, "destroy": 0, "replace": 0}),
        broken_unit(seconds=1),
        broken() | {"units": broken()["units"] * 2},
    ],
)
def test_anything_else_is_refused(document: object) -> None:
    with pytest.raises(PipelineError):
        PlanSet.from_bytes(json.dumps(document).encode())


@pytest.mark.parametrize("content", [b"", b"{", b"\xff"])
def test_what_is_no_json_is_refused(content: bytes) -> None:
    with pytest.raises(PipelineError):
        PlanSet.from_bytes(content)
