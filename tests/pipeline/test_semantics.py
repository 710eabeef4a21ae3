"""What a plan means, and whether another one means the same."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import semantics
from pipeline.errors import PipelineError
from pipeline.semantics import compare, digest, form_of, has_changes, has_output_changes, remainder
from tests.pipeline.plans import NO_CHANGE, change, output, plan

SECRET = "hunter2-hunter2"

scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
objects = st.dictionaries(st.text(max_size=5), values, max_size=4)
names = st.from_regex(r"[a-z]{1,6}", fullmatch=True)


@st.composite
def resources(draw: st.DrawFn) -> dict[str, Any]:
    actions = draw(
        st.sampled_from([["create"], ["update"], ["delete"], ["delete", "create"], ["no-op"]])
    )
    return change(
        f"aws_x.{draw(names)}",
        actions=actions,
        before=None if actions == ["create"] else draw(objects),
        after=None if actions == ["delete"] else draw(objects),
        unknown=dict.fromkeys(draw(st.sets(names, max_size=2)), True),
    )


plans = st.builds(
    lambda changes, outputs: plan(
        *changes, outputs={name: output(after=value) for name, value in outputs.items()}
    ),
    st.lists(resources(), max_size=4, unique_by=lambda entry: entry["address"]),
    st.dictionaries(names, values, max_size=2),
)


def shuffled(value: Any) -> Any:
    """The same JSON with the keys of every object in another order."""
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(list(value))}
    return [shuffled(entry) for entry in value] if isinstance(value, list) else value


@given(plans)
def test_a_plan_means_the_same_as_itself(document: dict[str, Any]) -> None:
    again = json.loads(json.dumps(document))

    assert digest(form_of(document)) == digest(form_of(again))
    assert not compare(form_of(document), form_of(again))
    assert not remainder(form_of(document), form_of(again))


@given(plans)
def test_order_means_nothing(document: dict[str, Any]) -> None:
    other = shuffled(document)
    other["resource_changes"].reverse()

    assert digest(form_of(document)) == digest(form_of(other))


@given(plans, st.text())
def test_time_and_version_mean_nothing(document: dict[str, Any], text: str) -> None:
    other = copy.deepcopy(document) | {
        "timestamp": text,
        "terraform_version": text,
        "prior_state": {"values": text},
        "resource_drift": [{"address": text}],
        "relevant_attributes": [text],
    }

    assert digest(form_of(document)) == digest(form_of(other))


@given(plans, plans)
def test_equal_digests_and_no_difference_are_one(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    forms = form_of(one), form_of(other)

    assert (digest(forms[0]) == digest(forms[1])) == (not compare(*forms))


@given(plans, st.data())
def test_whatever_changes_in_a_change_is_seen(
    document: dict[str, Any], data: st.DataObject
) -> None:
    mattering = [
        entry
        for entry in document["resource_changes"]
        if entry["change"]["actions"] != ["no-op"] and entry["change"]["after"] is not None
    ]
    if not mattering:
        return
    other = copy.deepcopy(document)
    chosen = data.draw(st.sampled_from(mattering))["address"]
    entry = next(entry for entry in other["resource_changes"] if entry["address"] == chosen)
    entry["change"]["after"]["something new"] = 1

    found = compare(form_of(document), form_of(other))

    assert [difference.address for difference in found] == [chosen]
    assert found[0].paths == ("something new",)
    assert remainder(form_of(document), form_of(other))


@given(plans)
def test_what_is_left_once_all_is_done_is_nothing(document: dict[str, Any]) -> None:
    assert not remainder(form_of(document), form_of(NO_CHANGE))


@given(plans, st.data())
def test_what_is_left_may_be_any_part(document: dict[str, Any], data: st.DataObject) -> None:
    left = copy.deepcopy(document)
    left["resource_changes"] = [
        entry for entry in left["resource_changes"] if data.draw(st.booleans())
    ]

    assert not remainder(form_of(document), form_of(left))


@given(plans, plans)
def test_what_is_left_never_holds_what_was_not_reviewed(
    document: dict[str, Any], other: dict[str, Any]
) -> None:
    reviewed = form_of(document)
    fresh = form_of(other)
    new = fresh["resources"].keys() - reviewed["resources"].keys()

    refused = {difference.address for difference in remainder(reviewed, fresh)}

    assert new <= refused


def test_what_was_unknown_may_be_known_in_what_is_left() -> None:
    reviewed = plan(
        change("aws_x.a", after={"name": "a"}, unknown={"arn": True}),
        change("aws_x.b", after={"rules": [{"port": 1}]}, unknown={"rules": [{"target": True}]}),
        outputs={"arn": output(after_unknown=True)},
    )
    fresh = plan(
        change("aws_x.b", after={"rules": [{"port": 1, "target": "arn:a"}]}),
        outputs={"arn": output(after="arn:a")},
    )

    assert compare(form_of(reviewed), form_of(fresh))
    assert not remainder(form_of(reviewed), form_of(fresh))


def test_pitfall_8_a_whole_unknown_object_may_become_anything_known() -> None:
    """Pitfall 8: where a whole object is unknown there is just `true`."""
    reviewed = plan(change("aws_x.a", after={"name": "a"}, unknown={"policy": True}))
    fresh = plan(change("aws_x.a", after={"name": "a", "policy": {"statement": [{"x": 1}]}}))

    assert not remainder(form_of(reviewed), form_of(fresh))


@pytest.mark.parametrize(
    "fresh",
    [
        pytest.param(change("aws_x.a", after={"name": "b"}, unknown={"arn": True}), id="value"),
        pytest.param(
            change("aws_x.a", after={}, unknown={"arn": True, "name": True}), id="unknown-again"
        ),
        pytest.param(change("aws_x.a", after={"name": "a", "size": 1}), id="further-attribute"),
        pytest.param(
            change("aws_x.a", actions=["update"], before={}, after={"name": "a"}), id="action"
        ),
        pytest.param(
            change("aws_x.a", actions=["delete", "create"], before={}, after={"name": "a"}),
            id="replacement",
        ),
        pytest.param(change("aws_x.c", after={"name": "a"}), id="another"),
    ],
)
def test_what_is_left_may_be_nothing_else(fresh: dict[str, Any]) -> None:
    reviewed = plan(change("aws_x.a", after={"name": "a"}, unknown={"arn": True}))

    assert remainder(form_of(reviewed), form_of(plan(fresh)))


def test_of_a_replacement_the_second_half_may_be_left() -> None:
    reviewed = plan(
        change("aws_x.a", actions=["delete", "create"], before={"n": 1}, after={"n": 2})
    )

    assert not remainder(form_of(reviewed), form_of(plan(change("aws_x.a", after={"n": 2}))))
    assert remainder(form_of(reviewed), form_of(plan(change("aws_x.a", after={"n": 3}))))


def test_of_a_replacement_that_creates_first_the_old_object_may_be_left() -> None:
    reviewed = plan(
        change("aws_x.a", actions=["create", "delete"], before={"n": 1}, after={"n": 2})
    )
    old = change("aws_x.a", actions=["delete"], before={"n": 1}, deposed="abcd")

    assert not remainder(form_of(reviewed), form_of(plan(old)))
    assert remainder(form_of(plan(change("aws_x.a", after={}))), form_of(plan(old)))


@pytest.mark.parametrize("actions", [["create"], ["delete", "create"], ["create", "delete"]])
def test_what_broke_off_in_the_making_may_be_made_anew(actions: list[str]) -> None:
    before = None if actions == ["create"] else {"n": 1}
    reviewed = plan(change("aws_x.a", actions=actions, before=before, after={"n": 2}))

    def tainted(reason: str, size: int) -> dict[str, Any]:
        return plan(
            change(
                "aws_x.a",
                actions=["delete", "create"],
                before={"n": 2, "id": "half made"},
                after={"n": size},
                action_reason=reason,
            )
        )

    assert not remainder(form_of(reviewed), form_of(tainted("replace_because_tainted", 2)))
    assert remainder(form_of(reviewed), form_of(tainted("replace_because_tainted", 3)))
    assert remainder(form_of(reviewed), form_of(tainted("replace_because_cannot_update", 2)))


def test_what_was_not_to_be_made_may_not_be_made_anew() -> None:
    reviewed = plan(change("aws_x.a", actions=["update"], before={"n": 1}, after={"n": 2}))
    fresh = plan(
        change(
            "aws_x.a",
            actions=["delete", "create"],
            before={"n": 1},
            after={"n": 2},
            action_reason="replace_because_tainted",
        )
    )

    assert remainder(form_of(reviewed), form_of(fresh))


def test_differences_tell_no_value() -> None:
    one = plan(
        change("aws_x.a", actions=["update"], before={"p": SECRET}, after={"p": SECRET, "q": [1]}),
        outputs={"o": output(after=SECRET)},
    )
    other = plan(
        change("aws_x.a", actions=["update"], before={"p": "x"}, after={"p": "y", "q": [2]}),
        outputs={"o": output(after="z")},
    )

    found = [*compare(form_of(one), form_of(other)), *remainder(form_of(one), form_of(other))]
    said = " ".join(map(str, found))

    assert SECRET not in said
    assert "q[0]" in said
    assert "output.o" in said


def test_true_is_no_one() -> None:
    one, other = (plan(change("aws_x.a", after={"n": value})) for value in (True, 1))

    assert compare(form_of(one), form_of(other))
    assert remainder(form_of(one), form_of(other))


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (NO_CHANGE, False),
        (plan(change("data.aws_x.a", actions=["read"], after={})), False),
        (plan(change("aws_x.a", after={})), True),
        (plan(outputs={"a": output()}), True),
        (plan(outputs={"a": output(["no-op"])}), False),
        (plan(change("aws_x.a", actions=["no-op"], importing={"id": "x"})), True),
        (plan(change("aws_x.a", actions=["no-op"], previous_address="aws_x.b")), True),
        (plan(deferred_changes=[{"reason": "unknown"}]), True),
        (plan(action_invocations=[{"address": "action.x.y"}]), True),
    ],
)
def test_what_counts_as_a_change(document: dict[str, Any], *, expected: bool) -> None:
    assert has_changes(form_of(document)) is expected


def test_outputs_that_change_are_seen_by_others() -> None:
    assert has_output_changes(plan(outputs={"a": output(["update"])}))
    assert not has_output_changes(plan(outputs={"a": output(["no-op"])}))
    assert not has_output_changes(plan())


def test_a_plan_with_errors_is_none() -> None:
    with pytest.raises(PipelineError):
        form_of(plan(errored=True))


def test_every_public_name_is_listed() -> None:
    public = {
        name
        for name, value in vars(semantics).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == semantics.__name__
    }
    assert public - {"Form"} == set(semantics.__all__)
