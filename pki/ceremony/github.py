"""An approval given on GitHub: a reviewer of the environment approved the run, naming the plan.

GitHub keeps who approved a deployment, and their comment. The comment has to hold the plan's
digest: a run may have been approved before its plan was made, and for every job of its environment.

A run that an app started is refused. A workflow's own token may start another workflow, so that
whoever can push a branch could have `github-actions[bot]` ask, and approve it themselves, alone.
https://docs.github.com/en/rest/actions/workflow-runs#get-the-review-history-for-a-workflow-run
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Self

import urllib3

from pki.ceremony.approval import Approval, Channel, approve, same_person
from pki.ceremony.plan import CeremonyPlan
from pki.errors import ApprovalError, UsageError

ENVIRONMENT = "security"
"""The environment whose reviewers approve; the ceremony role trusts no other."""

_PERSON = "User"
"""What GitHub calls an account that is no app's."""

_TIMEOUT_SECONDS = 10.0
_API_VERSION = "2022-11-28"
_VARIABLES = ("GITHUB_API_URL", "GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
_TOKEN_VARIABLE = "GITHUB_TOKEN"  # noqa: S105 # its name


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a workflow.

    Attributes:
        address: where people see it.
        people: who started it, and who started it again.
        reviews: its review history, as GitHub answers it.
    """

    address: str
    people: frozenset[str]
    reviews: Sequence[Mapping[str, Any]]


class GitHub:
    """Reads a run from GitHub's REST API."""

    def __init__(self, api_url: str, token: str) -> None:
        """Keep where, and the job's token, which may read actions."""
        self._api_url = api_url
        self._token = token
        self._pool = urllib3.PoolManager(timeout=_TIMEOUT_SECONDS)

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Self:
        """From the environment of a job.

        Raises:
            UsageError: this is no job of GitHub Actions, or it has no token.
        """
        return cls(_require(environ, _VARIABLES[0]), _require(environ, _TOKEN_VARIABLE))

    def run(self, environ: Mapping[str, str]) -> Run:
        """The run that a job belongs to.

        Raises:
            UsageError: this is no job of GitHub Actions.
            ApprovalError: an app started it, or GitHub does not answer as its documentation says.
        """
        _, server, repository, run_id = (_require(environ, name) for name in _VARIABLES)
        path = f"repos/{repository}/actions/runs/{run_id}"
        run, reviews = self._get(path), self._get(f"{path}/approvals")
        try:
            started_by = [run[name] for name in ("actor", "triggering_actor")]
            people = frozenset(str(account["login"]) for account in started_by)
            kinds = {account["type"] for account in started_by}
        except (KeyError, TypeError) as error:
            raise ApprovalError("GitHub does not say who started the run") from error
        if kinds != {_PERSON}:
            raise ApprovalError(
                f"the run was started by {', '.join(sorted(people))}, and not by people alone",
                hint="start the workflow ca-operations by hand: two people answer for a ceremony",
            )
        if not isinstance(reviews, list):
            raise ApprovalError("GitHub's review history of the run is no list")
        return Run(f"{server}/{repository}/actions/runs/{run_id}", people, reviews)

    def _get(self, path: str) -> Any:
        try:
            answer = self._pool.request(
                "GET",
                f"{self._api_url}/{path}",
                headers={
                    "Accept": "application/vnd.github+json",
                    "Authorization": f"Bearer {self._token}",
                    "User-Agent": "aws-api-gateway-mtls",
                    "X-GitHub-Api-Version": _API_VERSION,
                },
            )
        except urllib3.exceptions.HTTPError as error:
            raise ApprovalError(
                f"GitHub cannot be asked who approved: {type(error).__name__}",
                hint="run the job again: nothing was signed",
            ) from error
        if answer.status != HTTPStatus.OK:
            raise ApprovalError(
                f"GitHub answers {answer.status} to {path}",
                hint="the job needs the permission actions: read",
            )
        try:
            return json.loads(answer.data)
        except ValueError as error:
            raise ApprovalError(f"GitHub's answer to {path} is not JSON") from error


def approval_of(plan: CeremonyPlan, run: Run, now: datetime) -> Approval:
    """The approval that a reviewer gave this plan.

    Raises:
        ApprovalError: nobody's comment names the plan's digest, the plan was not asked for by who
            started the run, or the reviewer may not approve it.
        PlanError: the plan expired.
    """
    if not any(same_person(plan.requester, person) for person in run.people):
        raise ApprovalError(
            f"{plan.requester} asked for the plan, but did not start {run.address}",
            hint="a plan is executed by the run that made it",
        )
    reviewers = [
        _login(review) for review in run.reviews if _approves(review) and _names(review, plan)
    ]
    if not reviewers:
        raise ApprovalError(
            f"nobody approved {run.address} with a comment that names {plan.digest}",
            hint="run the job again: its reviewer's comment has to be the plan's digest",
        )
    approver = reviewers[-1]
    if any(same_person(approver, who) for who in run.people):
        raise ApprovalError(
            f"{approver} started the run and may not approve it",
            hint="tick 'Prevent self-review' in the environment's settings on GitHub as well",
        )
    return approve(
        plan,
        approver=approver,
        digest=plan.digest,
        now=now,
        channel=Channel.GITHUB,
        evidence=run.address,
    )


def _approves(review: Mapping[str, Any]) -> bool:
    try:
        names = [environment["name"] for environment in review["environments"]]
        return bool(review["state"] == "approved" and ENVIRONMENT in names)
    except (KeyError, TypeError):
        return False


def _names(review: Mapping[str, Any], plan: CeremonyPlan) -> bool:
    return plan.digest in str(review.get("comment"))


def _login(review: Mapping[str, Any]) -> str:
    try:
        return str(review["user"]["login"])
    except (KeyError, TypeError) as error:
        raise ApprovalError("GitHub does not say who approved the run") from error


def _require(environ: Mapping[str, str], name: str) -> str:
    if value := environ.get(name):
        return value
    raise UsageError(f"{name} is not set", hint="--from-github-run is for a job of GitHub Actions")
