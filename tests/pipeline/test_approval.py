"""Who approved which plans, on GitHub and in a file."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from pipeline.approval import Approval, Channel, Run, approval_of, approve, require_current
from pipeline.errors import PipelineError, RefusedError
from tests.pipeline import github_server
from tests.pipeline.github_server import Server, app, person
from tests.pipeline.reports import HEAD, NEWER, plan_set, planned

NOW = datetime(2026, 11, 24, 20, tzinfo=UTC)
DIGEST = f"sha256:{'d' * 64}"
OTHER = f"sha256:{'e' * 64}"
ADDRESS = "https://github.com/example-org/aws-api-gateway-mtls/actions/runs/30433642"


def review(
    comment: object = DIGEST,
    *,
    who: dict[str, Any] | None = None,
    state: str = "approved",
    environment: str = "dev",
) -> dict[str, Any]:
    return {
        "state": state,
        "comment": comment,
        "environments": [{"id": 1, "name": environment}],
        "user": who or person("bob"),
    }


def run_with(
    *reviews: Any,
    starters: tuple[tuple[str, str], ...] = (("alice", "User"),),
    authors: tuple[str, ...] = ("alice",),
) -> Run:
    return Run(ADDRESS, starters, frozenset(authors), reviews)


def asked(run: Run) -> Approval:
    return approval_of(run, digest=DIGEST, scope="dev", environment="dev", now=NOW)


def test_a_review_that_names_the_digest_approves() -> None:
    approval = asked(run_with(review(f"Read it.\n`{DIGEST}`")))

    assert approval == Approval(
        digest=DIGEST,
        scope="dev",
        approver="bob",
        requesters=("alice",),
        channel=Channel.GITHUB,
        given_at=NOW,
    )


@pytest.mark.parametrize(
    "reviews",
    [[], [review(state="pending")], [review(environment="prod")], [{"state": "approved"}]],
)
def test_without_a_review_of_the_environment_nothing_is_approved(reviews: list[Any]) -> None:
    with pytest.raises(RefusedError, match=r"nobody approved .* for the environment dev"):
        asked(run_with(*reviews))


@pytest.mark.parametrize("place", [0, 1])
def test_a_rejection_holds_whichever_attempt_was_approved(place: int) -> None:
    reviews = [review()]
    reviews.insert(place, review("no", who=person("carol"), state="rejected"))

    with pytest.raises(RefusedError, match=r"rejected .* for the environment dev") as raised:
        asked(run_with(*reviews))

    assert "start a new one" in raised.value.hint


def test_a_rejection_of_another_environment_is_none_of_this_one() -> None:
    rejection = review(state="rejected", environment="prod")

    assert asked(run_with(review(), rejection)).approver == "bob"


@pytest.mark.parametrize("comment", ["", None, "looks good", DIGEST[:20], DIGEST[7:]])
def test_a_comment_without_the_digest_approves_nothing(comment: object) -> None:
    with pytest.raises(RefusedError, match=f"with a comment that names {DIGEST}") as raised:
        asked(run_with(review(comment)))

    assert "the reviewer's comment has to be the digest" in raised.value.hint


def test_the_digest_of_another_plan_approves_nothing() -> None:
    with pytest.raises(RefusedError, match=f"was approved for {OTHER}, and not for {DIGEST}"):
        asked(run_with(review(OTHER)))


def test_a_comment_that_names_several_plans_approves_none() -> None:
    with pytest.raises(RefusedError, match="was approved for"):
        asked(run_with(review(f"{OTHER} {DIGEST}")))


@pytest.mark.parametrize("who", ["alice", "ALICE", "dave", "erin", "\uff41lice"])
def test_nobody_who_asked_for_the_change_approves_it(who: str) -> None:
    run = run_with(
        review(who=person(who)),
        starters=(("alice", "User"), ("dave", "User")),  # who started it again
        authors=("erin",),
    )

    with pytest.raises(RefusedError, match=f"{who} asked for the change and may not approve it"):
        asked(run)


def test_an_app_approves_nothing() -> None:
    with pytest.raises(RefusedError, match=r"helper\[bot\] is no person"):
        asked(run_with(review(who=app("helper[bot]"))))


@pytest.mark.parametrize("place", [0, 1])
def test_a_run_that_an_app_started_is_refused(place: int) -> None:
    starters = [("alice", "User"), ("alice", "User")]
    starters[place] = ("github-actions[bot]", "Bot")

    with pytest.raises(RefusedError, match=r"started by github-actions\[bot\]"):
        asked(run_with(review(), starters=tuple(starters)))


def test_a_second_reviewer_approves_where_the_first_may_not() -> None:
    approval = asked(run_with(review(), review(who=person("alice"))))

    assert approval.approver == "bob"


def test_an_account_that_is_gone_approves_nothing() -> None:
    with pytest.raises(RefusedError, match="does not say who approved"):
        asked(run_with(review() | {"user": None}))


# The file.


def given(**fields: Any) -> Approval:
    values: dict[str, Any] = {
        "digest": DIGEST,
        "scope": "dev",
        "approver": "bob",
        "requesters": ["alice"],
        "channel": Channel.TERMINAL,
        "now": NOW,
    }
    return approve(**(values | fields))


def test_what_is_written_is_read_again() -> None:
    assert Approval.from_bytes(given().to_bytes()) == given()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", 2),
        ("version", True),
        ("digest", "sha256:short"),
        ("digest", None),
        ("scope", "../prod"),
        ("approver", ""),
        ("approver", 1),
        ("requesters", []),
        ("requesters", "alice"),
        ("channel", "mail"),
        ("given_at", "yesterday"),
        ("more", 1),
    ],
)
def test_a_malformed_approval_is_refused(field: str, value: object) -> None:
    document = json.loads(given().to_bytes()) | {field: value}

    with pytest.raises(PipelineError, match="the approval is malformed"):
        Approval.from_bytes(json.dumps(document).encode())


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b'"x"', b"{" * 100_001])
def test_what_is_no_approval_is_refused(content: bytes) -> None:
    with pytest.raises(PipelineError, match="the approval is malformed"):
        Approval.from_bytes(content)


def test_it_approves_one_digest_and_one_scope() -> None:
    given().require(digest=DIGEST, scope="dev")
    with pytest.raises(RefusedError, match=f"is of {DIGEST}, the plans of dev are {OTHER}"):
        given().require(digest=OTHER, scope="dev")
    with pytest.raises(RefusedError, match="is for dev, the plans are for prod"):
        given().require(digest=DIGEST, scope="prod")


def test_a_file_in_which_the_requester_approves_is_refused() -> None:
    document = json.loads(given().to_bytes()) | {"approver": "Alice"}

    approval = Approval.from_bytes(json.dumps(document).encode())

    with pytest.raises(RefusedError, match="Alice asked for the change"):
        approval.require(digest=DIGEST, scope="dev")


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101])
def test_nobody_approves_nothing(name: str) -> None:
    with pytest.raises(RefusedError, match="names nobody"):
        given(approver=name)


def test_what_nobody_asked_for_is_not_approved() -> None:
    with pytest.raises(RefusedError, match="nobody asked"):
        given(requesters=[])


# The command, in a job.


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with github_server.running() as server:
        server.run = {"actor": person("alice"), "triggering_actor": person("alice")}
        server.pulls = [{"user": person("carol")}]
        server.commits = [{"author": person("dan"), "committer": person("web-flow")}]
        for name, value in server.environ.items():
            monkeypatch.setenv(name, value)
        yield server


def command(folder: Path, scope: str = "dev", *, destroy: bool = False) -> int:
    one = plan_set(planned(), scope=scope)
    place = folder / scope.replace("/", "-")
    place.mkdir(exist_ok=True)
    (place / "plan-set.json").write_bytes(one.to_bytes())
    return main(
        [
            *("approval", "--environment", scope, "--plans", str(folder)),
            *("--approval", str(folder / "approval.json")),
            *(["--destroy"] if destroy else []),
        ]
    )


def test_a_job_writes_what_its_reviewer_approved(server: Server, tmp_path: Path) -> None:
    digest = plan_set(planned()).digest
    server.reviews = [review(digest)]

    assert command(tmp_path) == 0

    approval = Approval.from_bytes((tmp_path / "approval.json").read_bytes())
    assert (approval.digest, approval.approver) == (digest, "bob")
    assert approval.requesters == ("alice", "carol", "dan")


@pytest.mark.parametrize("folder", ["live", "modules", "pipeline", "policies", "functions"])
@pytest.mark.parametrize("key", ["filename", "previous_filename"])
def test_what_main_says_no_more_is_not_approved(
    server: Server,
    tmp_path: Path,
    folder: str,
    key: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A run that waited while its change was reverted: review, set and checkout are all its own."""
    server.reviews = [review(plan_set(planned()).digest)]
    server.tips["main"] = NEWER
    server.files = [{"filename": "README.md"} | {key: f"{folder}/one"}]

    assert command(tmp_path) == 1

    said = capsys.readouterr().err
    assert f"main moved on from {HEAD[:12]} to {NEWER[:12]}" in said
    assert f"in {folder}/one" in said
    assert "start the workflow by hand on main" in said
    assert not (tmp_path / "approval.json").exists()


def test_what_decides_nothing_may_change_meanwhile(server: Server, tmp_path: Path) -> None:
    server.reviews = [review(plan_set(planned()).digest)]
    server.default_branch = "release/trunk"
    server.tips = {"release/trunk": NEWER, "main": "c" * 40}
    server.files = [{"filename": "docs/gitops.md"}, {"filename": "tests/live/test_render.py"}]

    assert command(tmp_path) == 0
    assert f"GET compare/{HEAD}...{NEWER}" in server.requests


@pytest.mark.parametrize(
    ("status", "files", "words"),
    [
        ("diverged", [], "history was rewritten"),
        ("behind", [], "history was rewritten"),
        ("ahead", [{"filename": "docs/x.md"}] * 300, "does not list all files"),
        ("ahead", None, "does not list all files"),
        ("", [], "no status"),
    ],
)
def test_a_comparison_that_tells_too_little_refuses(
    server: Server,
    tmp_path: Path,
    status: str,
    files: Any,
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.reviews = [review(plan_set(planned()).digest)]
    server.tips["main"] = NEWER
    server.status, server.files = status, files

    assert command(tmp_path) == 1

    assert words in capsys.readouterr().err


def test_only_the_first_files_are_listed() -> None:
    with pytest.raises(RefusedError, match=r"live/0, live/1, live/2, live/3, live/4 and 2 more"):
        require_current(
            HEAD, branch="main", tip=NEWER, changed=[f"live/{number}" for number in range(7)]
        )


def test_an_accounts_folder_is_guarded_by_the_accounts_environment(
    server: Server, tmp_path: Path
) -> None:
    digest = plan_set(planned(), scope="non-prod/account").digest
    server.reviews = [review(digest, environment="non-prod")]

    assert command(tmp_path, "non-prod/account") == 0


def test_what_destroys_is_approved_by_its_own_digest(server: Server, tmp_path: Path) -> None:
    apart = plan_set(planned(), destroy=True)
    folder = tmp_path / "dev-destroy"
    folder.mkdir()
    (folder / "plan-set.json").write_bytes(apart.to_bytes())
    server.reviews = [review(apart.digest)]

    assert command(tmp_path) == 1
    assert command(tmp_path, destroy=True) == 0


@pytest.mark.parametrize("who", ["alice", "carol", "dan"])
def test_a_job_refuses_the_author(
    server: Server, tmp_path: Path, who: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server.reviews = [review(plan_set(planned()).digest, who=person(who))]

    assert command(tmp_path) == 1

    assert f"{who} asked for the change and may not approve it" in capsys.readouterr().err
    assert not (tmp_path / "approval.json").exists()


def test_a_job_without_plans_says_how_to_make_them(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(
        ["approval", "--environment", "dev", "--plans", str(tmp_path), "--approval", "a.json"]
    )

    assert code == 1
    assert "make plan ENV=dev" in capsys.readouterr().err


def test_outside_a_job_it_is_of_no_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_API_URL", raising=False)

    assert command(tmp_path) == 2

    assert "GITHUB_API_URL is not set" in capsys.readouterr().err


def test_an_answer_that_makes_no_sense_is_no_approval(server: Server, tmp_path: Path) -> None:
    server.reviews = {"message": "?"}

    assert command(tmp_path) == 1
