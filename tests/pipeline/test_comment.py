"""A pull request's one comment: what it says, that it fits, and that it is updated in place."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.comment import COMMENT_LIMIT, MARKER, Context, publish, render, supersede
from pipeline.errors import PipelineError
from pipeline.model import Counts, FindingKind, UnitStatus
from pipeline.redaction import Action, Attribute, Change
from pipeline.report import Report
from tests.pipeline import github_server
from tests.pipeline.github_server import LIMIT, Server
from tests.pipeline.reports import API, HEAD, NEWER, REGISTRY, finding, plan_set, planned, resource

CONTEXT = Context(HEAD, "https://github.com/example-org/aws-api-gateway-mtls/actions/runs/1")


@pytest.fixture
def server() -> Iterator[Server]:
    with github_server.running() as server:
        server.heads[7] = HEAD
        yield server


def changes(count: int, words: str = "value") -> tuple[Change, ...]:
    attribute = Attribute("name", '"old"', f'"{words}"')
    return tuple(Change(f"aws_thing.this[{n}]", Action.UPDATE, (attribute,)) for n in range(count))


def test_it_names_the_commit_the_units_and_the_digest() -> None:
    one = plan_set(planned())

    body = render(Report(sets=(one,), changes={REGISTRY: changes(1)}), CONTEXT)

    assert body.startswith(MARKER)
    assert "## Plan: 1 unit to review" in body
    assert f"| `{REGISTRY}` | changed | 1 |" in body
    assert f"```\n{one.digest}\n```" in body  # a block of its own: GitHub offers to copy it
    assert '!     name: "old" -> "value"' in body


def test_an_import_and_a_move_are_told_though_nothing_is_counted() -> None:
    taken = resource("aws_s3_bucket.x", {}, {}, "no-op")
    taken["change"]["importing"] = {"id": "example-tfstate"}
    moved = resource("a.new", {}, {}, "no-op") | {"previous_address": "a.old"}
    plan = {"resource_changes": [taken, moved]}
    one = plan_set(planned(counts=Counts.of(plan)))

    body = render(Report.of([one], [], [], {REGISTRY: plan}), CONTEXT)

    assert f"| `{REGISTRY}` | changed (1 imported, 1 moved) |  |  |  |  |" in body
    assert "! aws_s3_bucket.x will be imported" in body
    assert '!     id = "example-tfstate"' in body
    assert "! a.new was moved" in body
    assert "!     address: a.old -> a.new" in body


def test_it_says_what_refuses_and_what_to_do() -> None:
    one = finding()

    body = render(Report(findings=(one,), blocking=(one,)), CONTEXT)

    assert "## Plan: refused: 1 finding to put right" in body
    assert "- **deny** [APIGW\\-001](https://docs.aws.amazon.com/" in body
    assert "**Do:** set mutual\\_tls\\_authentication" in body


def test_waiting_failed_and_removed_units_are_listed_with_the_reason() -> None:
    units = [
        planned(API, UnitStatus.WAITING, waits_for=(REGISTRY,)),
        planned("a/b/dev/gone", UnitStatus.REMOVED, reason="its folder is gone"),
        planned("a/b/dev/bad", UnitStatus.FAILED, reason="terragrunt: no such module"),
    ]

    body = render(Report(sets=(plan_set(*units),)), CONTEXT)

    assert (
        f"### Waiting: planned once what they stand on is applied\n\n- `{API}`: for `{REGISTRY}`"
        in body
    )
    assert (
        "### Removed: their resources are still there\n\n- `a/b/dev/gone`: its folder is gone"
        in body
    )
    assert "### Could not be planned\n\n- `a/b/dev/bad`: terragrunt\\: no such module" in body


def test_waivers_are_listed_with_the_days_that_are_left() -> None:
    body = render(Report(findings=(finding(waiver="SEC-12", days_left=5),)), CONTEXT)

    assert re.search(r"\| APIGW\\-001 \| `.*` \| SEC\\-12 \| 5 \|", body)


def test_units_without_a_change_are_counted() -> None:
    units = [planned(f"a/b/dev/u{n}", UnitStatus.UNCHANGED) for n in range(3)]

    body = render(Report(sets=(plan_set(*units),)), CONTEXT)

    assert "## Plan: nothing changes" in body
    assert "3 more units without a change." in body


def test_hostile_text_mentions_nobody_and_adds_no_html() -> None:
    words = "@example-org/all <img src=x> ```\n</details> #1"
    plan = {"resource_changes": [resource(f'a.b["{words}"]', {"n": "x"}, {"n": words})]}
    one = finding(message=words, address=words, remedy=words, title=words, rule="X-1")
    report = Report.of([plan_set(planned())], [one], [one], {REGISTRY: plan})

    body = render(report, CONTEXT)

    outside = re.sub(r"^(`{3,})diff\n.*?^\1$", "", body, flags=re.DOTALL | re.MULTILINE)
    outside = re.sub(r"(`+)[^`].*?\1", "", outside)  # code, where GitHub looks for nothing
    assert "@example" not in outside
    assert "<img" not in re.sub(r"\\<", "", outside)
    assert outside.count("</details>") == 1  # our own


# Size.


def large(units: int, per_unit: int, findings: int, words: int) -> Report:
    paths = [f"non-prod/eu-west-1/dev/unit-{n:04}" for n in range(units)]
    found = tuple(
        finding(
            rule=f"R-{n % 7:03}", message="@" * words, address=f"aws_x.y[{n}]", remedy="|" * words
        )
        for n in range(findings)
    )
    return Report(
        sets=(plan_set(*(planned(path, counts=Counts(change=per_unit + 1)) for path in paths)),),
        findings=found,
        blocking=found[: findings // 2],
        changes={path: changes(per_unit, "v" * 70) for path in paths},
    )


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 300), st.integers(0, 100), st.integers(0, 500), st.sampled_from([1, 90, 3_000])
)
def test_it_always_fits_and_keeps_findings_and_digests(
    units: int, per_unit: int, findings: int, words: int
) -> None:
    report = large(units, per_unit, findings, words)

    body = render(report, CONTEXT)

    assert len(body.encode()) <= COMMENT_LIMIT < LIMIT
    assert report.sets[0].digest in body
    for rule in {one.rule for one in report.findings}:
        assert rule.replace("-", "\\-") in body


def test_the_largest_details_are_cut_first_and_the_comment_says_so() -> None:
    report = Report(
        sets=(plan_set(planned(), planned(API)),),
        changes={REGISTRY: changes(2_000), API: changes(2)},
    )

    body = render(report, CONTEXT)

    assert (
        "Shortened to fit GitHub's limit: details of 1 unit. All of it: the summary of [the run]("
        in body
    )
    assert body.count("aws_thing.this") < 500
    assert "aws_thing.this[1]" in body[body.index(f"<code>{API}") :]


def test_findings_are_whole_while_details_can_still_shrink() -> None:
    one = finding(message="m" * 1_500)
    report = Report(
        sets=(plan_set(planned()),),
        findings=(one,),
        blocking=(one,),
        changes={REGISTRY: changes(3_000)},
    )

    assert "m" * 1_500 in render(report, CONTEXT)


def test_even_a_thousand_scopes_fit() -> None:
    sets = tuple(plan_set(planned(), scope=f"env{n}") for n in range(2_000))

    body = render(Report(sets=sets), CONTEXT)

    assert len(body.encode()) <= COMMENT_LIMIT
    assert "All of it: the summary of [the run]" in body


def test_a_summary_of_a_run_may_be_longer() -> None:
    report = large(100, 200, 10, 90)

    assert len(render(report, CONTEXT, limit=1_000_000)) > len(render(report, CONTEXT))


# In place.


def test_the_first_run_comments_and_the_next_updates(server: Server) -> None:
    for text in ("one", "two"):
        publish(server.client(), 7, f"{MARKER}\n<!-- commit: {HEAD} -->\n{text}", commit=HEAD)

    (only,) = server.comments.values()
    assert only["body"].endswith("two")


def test_it_is_found_behind_hundreds_of_others(server: Server) -> None:
    for number in range(250):
        server.say(f"comment {number}", by="alice")
    mine = server.say(f"{MARKER}\nold")

    publish(server.client(), 7, f"{MARKER}\nnew", commit=HEAD)

    assert server.comments[mine]["body"] == f"{MARKER}\nnew"
    assert len(server.comments) == 251


def test_a_comment_with_the_marker_by_somebody_else_is_left_alone(server: Server) -> None:
    theirs = server.say(f"{MARKER}\nmine", by="mallory")

    publish(server.client(), 7, f"{MARKER}\nnew", commit=HEAD)

    assert server.comments[theirs]["body"] == f"{MARKER}\nmine"
    assert len(server.comments) == 2


def test_of_two_of_ours_one_stays(server: Server) -> None:
    server.say(f"{MARKER}\none")
    server.say(f"{MARKER}\ntwo")

    publish(server.client(), 7, f"{MARKER}\nnew", commit=HEAD)

    assert [comment["body"] for comment in server.comments.values()] == [f"{MARKER}\nnew"]


def test_a_newer_commit_makes_the_comment_stale(server: Server) -> None:
    publish(server.client(), 7, render(Report(), CONTEXT), commit=HEAD)

    assert supersede(server.client(), 7, commit=NEWER)

    (only,) = server.comments.values()
    assert only["body"].startswith(f"{MARKER}\n<!-- stale -->\n> [!WARNING]")
    assert f"Out of date: `{NEWER[:12]}` came after this plan" in only["body"]
    assert not supersede(server.client(), 7, commit=NEWER)


def test_the_newer_plan_replaces_the_stale_one(server: Server) -> None:
    publish(server.client(), 7, render(Report(), CONTEXT), commit=HEAD)
    supersede(server.client(), 7, commit=NEWER)
    server.heads[7] = NEWER

    publish(server.client(), 7, render(Report(), Context(NEWER)), commit=NEWER)

    (only,) = server.comments.values()
    assert "Out of date" not in only["body"]


def test_a_run_that_was_overtaken_does_not_replace_the_newer_word(server: Server) -> None:
    server.heads[7] = NEWER
    publish(server.client(), 7, render(Report(), Context(NEWER)), commit=NEWER)

    publish(server.client(), 7, render(Report(), CONTEXT), commit=HEAD)

    (only,) = server.comments.values()
    assert NEWER in only["body"]
    assert HEAD not in only["body"]


def test_a_run_that_was_overtaken_and_is_first_says_so(server: Server) -> None:
    server.heads[7] = NEWER

    publish(server.client(), 7, render(Report(), CONTEXT), commit=HEAD)

    (only,) = server.comments.values()
    assert "Out of date" in only["body"]


def test_the_largest_comment_is_taken_with_its_note(server: Server) -> None:
    server.heads[7] = NEWER

    publish(server.client(), 7, render(large(300, 50, 300, 3_000), CONTEXT), commit=HEAD)

    assert len(server.comments) == 1


@pytest.mark.parametrize(
    ("status", "hint"), [(403, "permission"), (404, "permissions"), (401, "token")]
)
def test_a_refusal_of_github_says_what_to_do(server: Server, status: int, hint: str) -> None:
    server.fails = [status]

    with pytest.raises(PipelineError, match=f"GitHub answers {status} to GET pulls/7") as raised:
        publish(server.client(), 7, MARKER, commit=HEAD)

    assert hint in raised.value.hint


def test_github_may_be_busy_once(server: Server) -> None:
    server.fails = [502]

    publish(server.client(), 7, MARKER, commit=HEAD)

    assert len(server.comments) == 1


def test_a_warning_is_no_refusal() -> None:
    body = render(Report(findings=(finding(kind=FindingKind.WARN),)), CONTEXT)

    assert "### Shown, and no reason to refuse: 1 finding" in body
    assert "refused:" not in body
