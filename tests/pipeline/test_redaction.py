"""What a plan's summary shows, and above all what it does not."""

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from pipeline import comment, markdown, report, sarif
from pipeline.comment import Context
from pipeline.redaction import HIDDEN, Action, Secrets, scrub_findings, summarise
from pipeline.report import Report
from tests.pipeline.reports import HEAD, REGISTRY, finding, plan_set, planned, resource

SECRET = "correct-horse-battery"


def shown(*resources: dict[str, Any]) -> str:
    changes = summarise({"resource_changes": list(resources)})
    return json.dumps([change.to_document() for change in changes])


def test_what_changes_is_shown_by_name_and_value() -> None:
    (change,) = summarise(
        {
            "resource_changes": [
                resource(
                    "aws_lambda_function.this",
                    {"timeout": 3, "tags": {"a": "1", "b": "2"}, "arn": "x"},
                    {"timeout": 5, "tags": {"a": "1", "b": "3"}, "arn": "x"},
                )
            ]
        }
    )

    assert (change.address, change.action) == ("aws_lambda_function.this", Action.UPDATE)
    assert [(one.name, one.before, one.after) for one in change.attributes] == [
        ("tags.b", '"2"', '"3"'),
        ("timeout", "3", "5"),
    ]


def test_blocks_are_compared_one_by_one() -> None:
    (change,) = summarise(
        {
            "resource_changes": [
                resource("a.b", {"rule": [{"x": 1, "y": 2}]}, {"rule": [{"x": 1, "y": 3}]})
            ]
        }
    )

    assert [(one.name, one.before, one.after) for one in change.attributes] == [
        ("rule.0.y", "2", "3")
    ]


def test_an_unknown_value_says_so() -> None:
    (change,) = summarise(
        {
            "resource_changes": [
                resource("a.b", None, {"n": 1}, "create", after_unknown={"arn": True})
            ]
        }
    )

    assert [(one.name, one.after) for one in change.attributes] == [
        ("arn", "(known after apply)"),
        ("n", "1"),
    ]


def test_what_forces_a_replacement_says_so() -> None:
    entry = resource("a.b", {"name": "x"}, {"name": "y"}, "delete", "create")
    entry["change"]["replace_paths"] = [["name"]]

    (change,) = summarise({"resource_changes": [entry]})

    assert change.action is Action.REPLACE
    assert change.attributes[0].forces_replacement


@pytest.mark.parametrize("actions", [("no-op",), ("read",)])
def test_what_changes_nothing_is_not_listed(actions: tuple[str, ...]) -> None:
    assert summarise({"resource_changes": [resource("a.b", {}, {"x": 1}, *actions)]}) == ()


def imported(importing: Any, *actions: str, after: Any = None) -> dict[str, Any]:
    entry = resource("aws_s3_bucket.x", {"acl": "a"}, after or {"acl": "a"}, *actions)
    entry["change"]["importing"] = importing
    return entry


def test_an_import_is_a_change_of_its_own() -> None:
    entry = imported({"id": "example-tfstate"}, "update", after={"acl": "b"})

    first, second = summarise({"resource_changes": [entry]})

    assert (first.address, first.action) == ("aws_s3_bucket.x", Action.IMPORT)
    assert [(one.name, one.before, one.after) for one in first.attributes] == [
        ("id", "(none)", '"example-tfstate"')
    ]
    assert (second.action, second.attributes[0].name) == (Action.UPDATE, "acl")


@pytest.mark.parametrize(
    ("importing", "told"),
    [
        ({"unknown": True}, "(known after apply)"),
        ({"identity": {"bucket": "b", "region": "r"}}, "(map of 2)"),
        ({"id": "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY0"}, HIDDEN),
        ({}, "(none)"),
    ],
)
def test_an_import_that_changes_nothing_is_listed(importing: Any, told: str) -> None:
    (change,) = summarise({"resource_changes": [imported(importing, "no-op")]})

    assert (change.action, change.attributes[0].after) == (Action.IMPORT, told)


def test_a_move_is_a_change_of_its_own() -> None:
    entry = resource("a.new", {"n": 1}, {"n": 1}, "no-op") | {"previous_address": "a.old"}

    (change,) = summarise({"resource_changes": [entry]})

    assert (change.address, change.action) == ("a.new", Action.MOVE)
    assert [(one.name, one.before, one.after) for one in change.attributes] == [
        ("address", "a.old", "a.new")
    ]


def test_an_import_and_a_move_say_no_secret() -> None:
    taken = imported({"id": f"x/{SECRET}"}, "no-op")
    moved = resource("a.new", {}, {}, "no-op") | {"previous_address": f'a.b["{SECRET}"]'}
    marked = resource("x.y", None, {"a": SECRET}, "create", after_sensitive={"a": True})

    assert SECRET not in shown(taken, moved, marked)


@pytest.mark.parametrize(
    "mark",
    [True, {"a": True}, {"a": {"b": True}}, {"a": {"b": [True]}}, {"a": {"b": [{"c": True}]}}],
)
def test_a_mark_at_any_prefix_hides_what_lies_below(mark: Any) -> None:
    after = {"a": {"b": [{"c": SECRET}]}}

    assert SECRET not in shown(resource("x.y", None, after, "create", after_sensitive=mark))
    assert SECRET not in shown(resource("x.y", after, None, "delete", before_sensitive=mark))


def test_a_mark_on_one_side_hides_the_other_too() -> None:
    entry = resource("x.y", {"a": SECRET}, {"a": "new"}, after_sensitive={"a": True})

    assert SECRET not in shown(entry)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("password", "hunter2-x"),
        ("client_secret", "plain-words"),
        ("auth_token", "plain-words"),
        ("value", "a parameter's value"),
        ("user_data", "#!/bin/sh"),
        ("description", "-----BEGIN RSA PRIVATE KEY-----"),
        ("description", "key AKIAIOSFODNN7EXAMPLE is meant"),
        ("description", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIi"),
        ("description", "postgres://admin:letmein@db/one"),
        ("description", "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY0"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_without_a_mark(name: str, value: str) -> None:
    (change,) = summarise({"resource_changes": [resource("x.y", None, {name: value}, "create")]})

    assert change.attributes[0].after == HIDDEN


def test_an_environments_variables_are_named_and_not_shown() -> None:
    text = shown(
        resource(
            "x.y",
            {"environment": [{"variables": {"A": "one"}}]},
            {"environment": [{"variables": {"A": "two-words"}}]},
        )
    )

    assert "environment" in text
    assert "two-words" not in text


@pytest.mark.parametrize("value", ["x" * 500, "two\nlines", {"k": "v"}, ["x" * 90]])
def test_long_and_nested_values_are_told_by_their_size(value: Any) -> None:
    (change,) = summarise(
        {"resource_changes": [resource("x.y", {"d": [{}]}, {"d": value, "e": 1}, "create")]}
    )

    assert "xxxxx" not in json.dumps(change.to_document())


def test_a_digest_and_an_arn_are_no_secrets() -> None:
    (change,) = summarise(
        {
            "resource_changes": [
                resource(
                    "x.y",
                    None,
                    {
                        "sha": "0123456789abcdef" * 4,
                        "arn": "arn:aws:iam::222222222222:role/example",
                    },
                    "create",
                )
            ]
        }
    )

    assert [one.after for one in change.attributes] == [
        '"arn:aws:iam::222222222222:role/example"',
        f'"{"0123456789abcdef" * 4}"',
    ]


def test_outputs_are_listed_by_name_alone() -> None:
    plan = {
        "output_changes": {
            "role_arn": {"actions": ["create"], "before": None, "after": "arn:of-a-role"},
        }
    }

    (change,) = summarise(plan)

    assert (change.address, change.attributes) == ("output.role_arn", ())


def test_a_policys_words_are_scrubbed() -> None:
    plan = {"resource_changes": [resource("x.y", None, {"a": SECRET}, after_sensitive={"a": True})]}

    (scrubbed,) = scrub_findings([finding(message=f"a is {SECRET!r}")], Secrets.of(plan))

    assert scrubbed.message == f"a is '{HIDDEN}'"


# A secret planted anywhere, marked anywhere above it.

names = st.sampled_from(["name", "tags", "rule", "policy", "description", "a", "b"])
plain = st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["x", "on", "eu-west-1"])
trees = st.recursive(
    plain,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(names, below, max_size=3),
    max_leaves=8,
)
secrets = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=6, max_size=20
).map(lambda text: f"S3cr{text}t!")
wrappers = st.lists(
    st.sampled_from(["{secret}", "id-{secret}", "{secret}/path", '{{"k": "{secret}"}}']), max_size=3
)


@st.composite
def marked(draw: st.DrawFn, secret: str) -> tuple[Any, Any]:
    """A value that holds the secret, and a mark at some prefix of the way to it."""
    value: Any = draw(st.sampled_from([secret, [secret], {"deep": secret}]))
    mark: Any = True
    for _ in range(draw(st.integers(0, 4))):
        covered = mark is True and draw(st.booleans())
        if draw(st.booleans()):
            name, beside = draw(names), draw(st.dictionaries(names, trees, max_size=2))
            value = {**beside, name: value}
            mark = True if covered else {name: mark}
        else:
            before = draw(st.lists(trees, max_size=2))
            value = [*before, value]
            mark = True if covered else [*[False for _ in before], mark]
    return value, mark


@st.composite
def plans(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    secret = draw(secrets)
    value, mark = draw(marked(secret))
    clean = draw(st.dictionaries(names, trees, max_size=3))
    elsewhere = [wrapper.format(secret=secret) for wrapper in draw(wrappers)]
    repeated = resource("other.place", {"name": "x"}, {"name": elsewhere}, "update")
    side = draw(
        st.sampled_from(["before", "after", "both", "output", "drift", "state", "variable"])
    )
    plan: dict[str, Any] = {"resource_changes": [repeated]}
    held, sign = {"held": value}, {"held": mark}
    match side:
        case "before":
            entry = resource("x.y", {**clean, **held}, clean, before_sensitive=sign)
        case "after":
            entry = resource("x.y", clean, {**clean, **held}, after_sensitive=sign)
        case "both":
            entry = resource("x.y", held, {**clean, **held}, before_sensitive=sign)
        case "drift":
            entry = resource("x.y", clean, clean)
            plan["resource_drift"] = [resource("x.y", held, clean, before_sensitive=sign)]
        case _:
            entry = resource("x.y", clean, {"name": elsewhere})
    plan["resource_changes"].append(entry)
    if side == "output":
        plan["output_changes"] = {
            "o": {"actions": ["create"], "before": None, "after": value, "after_sensitive": mark}
        }
    if side == "state":
        module = {"resources": [{"values": held, "sensitive_values": sign}]}
        plan["prior_state"] = {"values": {"root_module": {"child_modules": [module]}}}
    if side == "variable":
        plan["configuration"] = {"root_module": {"variables": {"v": {"sensitive": True}}}}
        plan["variables"] = {"v": {"value": value}}
    return secret, plan


def said_of(plan: dict[str, Any], message: str) -> str:
    """Everything that is ever said of a plan: tables, JSON, comment, SARIF, annotations."""
    unit = planned()
    found = finding(unit=REGISTRY, message=message, address=f'x.y["{message}"]')
    whole = Report.of([plan_set(unit)], [found], [found], {REGISTRY: plan})
    console = Console(file=io.StringIO(), width=10_000)
    console.print(report.render(whole))
    assert isinstance(console.file, io.StringIO)
    return "\n".join(
        [
            console.file.getvalue(),
            json.dumps(whole.to_document(), ensure_ascii=False),
            whole.to_bytes().decode(),
            comment.render(whole, Context(HEAD)),
            json.dumps(sarif.to_sarif(whole.findings, repository="o/r"), ensure_ascii=False),
            *sarif.annotations(whole.findings),
        ]
    )


@settings(max_examples=200, deadline=None)
@given(plans())
def test_a_marked_secret_is_never_said(planted: tuple[str, dict[str, Any]]) -> None:
    secret, plan = planted
    text = said_of(plan, f"the value is {secret}")

    forms = {secret, json.dumps(secret)[1:-1], report.printable(secret), markdown.text(secret)}
    assert not [form for form in forms if form in text]
