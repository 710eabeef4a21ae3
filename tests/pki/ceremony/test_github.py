"""An approval given on GitHub, as its REST API tells of it."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

import pytest

from pki.ceremony.approval import Channel
from pki.ceremony.github import GitHub, Run, approval_of
from pki.ceremony.plan import CeremonyPlan
from pki.ceremony.planning import plan_bootstrap
from pki.errors import ApprovalError, PlanError, UsageError
from tests.pki.ceremony.support import Account, at
from tests.pki.support import NOW

RUN = "https://github.com/example-org/aws-api-gateway-mtls/actions/runs/30433642"


@pytest.fixture
def plan(account: Account) -> CeremonyPlan:
    return plan_bootstrap(account.planner("alice"), ["dev"])


def review(
    comment: object, *, who: str = "bob", state: str = "approved", environment: str = "security"
) -> dict[str, Any]:
    return {
        "state": state,
        "comment": comment,
        "environments": [{"id": 161088068, "name": environment}],
        "user": {"login": who, "id": 1},
    }


def run_with(*reviews: Any, people: tuple[str, ...] = ("alice",)) -> Run:
    return Run(RUN, frozenset(people), reviews)


def test_a_review_that_names_the_digest_approves(plan: CeremonyPlan) -> None:
    approval = approval_of(plan, run_with(review(f"Read it.\n`{plan.digest}`")), NOW)

    assert (approval.approver, approval.plan) == ("bob", plan.digest)
    assert (approval.channel, approval.evidence) == (Channel.GITHUB, RUN)


@pytest.mark.parametrize(
    "reviews",
    [
        [],
        [review("")],
        [review(None)],
        [review("looks good")],
        [review("sha256:" + "0" * 64)],
        [review("{digest}", state="rejected")],
        [review("{digest}", environment="dev")],
        [{"state": "approved", "comment": "{digest}"}],
    ],
)
def test_anything_less_is_no_approval(plan: CeremonyPlan, reviews: list[dict[str, Any]]) -> None:
    for entry in reviews:
        entry["comment"] = str(entry["comment"]).format(digest=plan.digest)

    with pytest.raises(ApprovalError, match=f"nobody approved .* names {plan.digest}"):
        approval_of(plan, run_with(*reviews), NOW)


@pytest.mark.parametrize("who", ["alice", "Alice", "dave"])
def test_nobody_who_started_the_run_approves_a_root(plan: CeremonyPlan, who: str) -> None:
    run = run_with(review(plan.digest, who=who), people=("alice", "dave"))

    with pytest.raises(ApprovalError, match=f"{who} started the run and may not approve it"):
        approval_of(plan, run, NOW)


def test_a_plan_of_another_run_is_refused(plan: CeremonyPlan) -> None:
    with pytest.raises(ApprovalError, match="alice asked for the plan, but did not start"):
        approval_of(plan, run_with(review(plan.digest), people=("carol",)), NOW)


def test_a_stale_plan_is_not_approved(plan: CeremonyPlan) -> None:
    with pytest.raises(PlanError, match="expired"):
        approval_of(plan, run_with(review(plan.digest)), at(NOW, days=2))


class Api(BaseHTTPRequestHandler):
    """Answers as GitHub does, to who has the token."""

    answers: ClassVar[dict[str, Any]] = {}
    token: ClassVar[str] = "secret-token"

    def do_GET(self) -> None:
        known = (
            self.headers["Authorization"] == f"Bearer {self.token}" and self.path in self.answers
        )
        body = self.answers[self.path] if known else {"message": "Not Found"}
        self.send_response(200 if known else 404)
        self.end_headers()
        self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def environ() -> Iterator[dict[str, str]]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield {
            "GITHUB_API_URL": f"http://127.0.0.1:{server.server_address[1]}",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": "example-org/aws-api-gateway-mtls",
            "GITHUB_RUN_ID": "30433642",
            "GITHUB_TOKEN": Api.token,
        }
        server.shutdown()
        thread.join()


PATH = "/repos/example-org/aws-api-gateway-mtls/actions/runs/30433642"
STARTED = {
    "actor": {"login": "alice", "type": "User"},
    "triggering_actor": {"login": "dave", "type": "User"},
}
BOT = {"login": "github-actions[bot]", "type": "Bot"}


def read(environ: dict[str, str]) -> Run:
    return GitHub.of(environ).run(environ)


def test_the_run_and_its_reviews_are_read(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reviews = [review("sha256:00")]
    monkeypatch.setattr(Api, "answers", {PATH: STARTED, f"{PATH}/approvals": reviews})

    assert read(environ) == Run(RUN, frozenset({"alice", "dave"}), reviews)


@pytest.mark.parametrize("who", ["actor", "triggering_actor"])
def test_a_run_that_a_workflow_started_is_refused_since_one_person_could_be_behind_both(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    monkeypatch.setattr(Api, "answers", {PATH: STARTED | {who: BOT}, f"{PATH}/approvals": []})

    with pytest.raises(ApprovalError, match=r"started by .*github-actions\[bot\].*not by people"):
        read(environ)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({}, "GitHub answers 404 to repos/"),
        ({PATH: STARTED}, "GitHub answers 404 to repos/.*/approvals"),
        ({PATH: b"<html>", f"{PATH}/approvals": []}, "is not JSON"),
        ({PATH: {"actor": None}, f"{PATH}/approvals": []}, "does not say who started the run"),
        ({PATH: STARTED, f"{PATH}/approvals": {}}, "is no list"),
    ],
)
def test_an_unexpected_answer_is_no_approval(
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    answers: dict[str, Any],
    said: str,
) -> None:
    monkeypatch.setattr(Api, "answers", answers)

    with pytest.raises(ApprovalError, match=said):
        read(environ)


def test_a_wrong_token_is_told_with_what_the_job_needs(environ: dict[str, str]) -> None:
    with pytest.raises(ApprovalError, match="404") as caught:
        read({**environ, "GITHUB_TOKEN": "wrong"})

    assert caught.value.hint == "the job needs the permission actions: read"


def test_a_github_out_of_reach_is_told_without_the_token(environ: dict[str, str]) -> None:
    with pytest.raises(ApprovalError, match="GitHub cannot be asked who approved") as caught:
        read({**environ, "GITHUB_API_URL": "http://127.0.0.1:1"})

    assert Api.token not in str(caught.value)


@pytest.mark.parametrize("name", ["GITHUB_API_URL", "GITHUB_RUN_ID", "GITHUB_TOKEN"])
def test_outside_a_job_it_is_wrong_usage(environ: dict[str, str], name: str) -> None:
    del environ[name]

    with pytest.raises(UsageError, match=f"{name} is not set"):
        read(environ)
