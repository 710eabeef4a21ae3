"""An approval: who agreed to which set of plans, named by its digest, and how they said so.

On GitHub a reviewer of the scope's environment approves the run, with the digest in the comment.
GitHub keeps who it was. The comment has to hold the digest: a run may have been approved before its
plan was made, or made anew. Who asked for the change (its author, whoever started the run, or
started it again) may not approve it, and no app may.
https://docs.github.com/en/rest/actions/workflow-runs#get-the-review-history-for-a-workflow-run
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from pipeline.errors import PipelineError, RefusedError
from pipeline.model import DIGEST, MOMENT, SCOPE
from pki.ceremony.approval import same_person

VERSION = 1
"""Of the format of an approval's file."""

DECIDING = ("functions/", "live/", "modules/", "pipeline/", "policies/")
"""The folders that decide what is applied, and what may be."""

_FIELDS = frozenset({"version", "digest", "scope", "approver", "requesters", "channel", "given_at"})
_MAXIMUM_BYTES = 100_000
_MAXIMUM_NAME = 100
_SHOWN_FILES = 5
_PERSON = "User"
"""What GitHub calls an account that is no app's."""


class Channel(StrEnum):
    """How an approval was given."""

    GITHUB = "github"
    TERMINAL = "terminal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person's approval of one set of plans.

    Attributes:
        digest: of the set.
        scope: what the set is for.
        approver: who; a login on GitHub.
        requesters: who asked for the change, none of whom may approve it.
        channel: how.
        given_at: when it was given or, on GitHub, read.
    """

    digest: str
    scope: str
    approver: str
    requesters: tuple[str, ...]
    channel: Channel
    given_at: datetime

    def require(self, *, digest: str, scope: str) -> None:
        """Refuse what this does not approve.

        Raises:
            RefusedError: it names another set or scope, or its approver may not approve.
        """
        if self.scope != scope:
            raise RefusedError(f"the approval is for {self.scope}, the plans are for {scope}")
        if self.digest != digest:
            raise RefusedError(
                f"the approval is of {self.digest}, the plans of {scope} are {digest}",
                hint="have these plans approved: an approval ends when the plans change",
            )
        require_approver(self.approver, self.requesters)

    def to_bytes(self) -> bytes:
        """What an approval's file holds."""
        document = {
            "version": VERSION,
            "digest": self.digest,
            "scope": self.scope,
            "approver": self.approver,
            "requesters": list(self.requesters),
            "channel": self.channel.value,
            "given_at": self.given_at.astimezone(UTC).strftime(MOMENT),
        }
        return f"{json.dumps(document, indent=2, ensure_ascii=False)}\n".encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read what :meth:`to_bytes` wrote.

        Raises:
            PipelineError: it is anything else.
        """
        if len(content) > _MAXIMUM_BYTES:
            raise _malformed(f"it is larger than {_MAXIMUM_BYTES} bytes")
        try:
            document = json.loads(content)
        except ValueError as error:
            raise _malformed("it is no JSON") from error
        if not isinstance(document, dict) or set(document) != _FIELDS:
            raise _malformed(f"expected the fields {', '.join(sorted(_FIELDS))}")
        if document["version"] != VERSION or isinstance(document["version"], bool):
            raise _malformed("it is of another version")
        requesters = document["requesters"]
        if not isinstance(requesters, list) or not requesters:
            raise _malformed("requesters: expected a list of names")
        return cls(
            digest=_text(document, "digest", DIGEST),
            scope=_text(document, "scope", SCOPE),
            approver=_text(document, "approver"),
            requesters=tuple(_name(entry, "requesters") for entry in requesters),
            channel=_channel(document["channel"]),
            given_at=_moment(document["given_at"]),
        )


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a workflow, as GitHub tells of it.

    Attributes:
        address: where people see it.
        starters: the accounts that started it, and started it again: login and type.
        authors: logins of who wrote what it applies.
        reviews: its review history, as GitHub answers it.
    """

    address: str
    starters: Sequence[tuple[str, str]]
    authors: frozenset[str]
    reviews: Sequence[Mapping[str, Any]]

    @property
    def requesters(self) -> tuple[str, ...]:
        """Who asked for the change, none of whom may approve it."""
        return tuple(sorted({login for login, _ in self.starters} | self.authors))


def approve(
    *,
    digest: str,
    scope: str,
    approver: str,
    requesters: Iterable[str],
    channel: Channel,
    now: datetime,
) -> Approval:
    """Record that somebody approves a set of plans.

    Raises:
        RefusedError: it is no digest, or they may not approve it.
    """
    if not DIGEST.fullmatch(digest):
        raise RefusedError(f"{digest!r} is no digest", hint="make plan prints one for each scope")
    approval = Approval(
        digest=digest,
        scope=scope,
        approver=approver.strip(),
        requesters=tuple(sorted(set(requesters))),
        channel=channel,
        given_at=now.replace(microsecond=0),
    )
    if not approval.requesters:
        raise RefusedError("nobody asked for the change: there is nothing to approve")
    require_approver(approval.approver, approval.requesters)
    return approval


def approval_of(run: Run, *, digest: str, scope: str, environment: str, now: datetime) -> Approval:
    """The approval that a reviewer of the run's environment gave a set of plans.

    A run keeps its reviews when it is run again, and GitHub tells neither their time nor their
    attempt: so a rejection ends the run for its environment, whichever approval stands beside it.

    Raises:
        RefusedError: a review of that environment rejects, none names the digest, the reviewer
            asked for the change or is no person, or an app started the run.
    """
    apps = sorted(login for login, kind in run.starters if kind != _PERSON)
    if apps:
        raise RefusedError(
            f"the run was started by {', '.join(apps)}, which is no person",
            hint="whoever can push a branch can have an app start a run: start it by hand",
        )
    about = [review for review in run.reviews if _is_about(review, environment)]
    if any(review.get("state") == "rejected" for review in about):
        raise RefusedError(
            f"somebody rejected {run.address} for the environment {environment}",
            hint="a rejection holds for all attempts of a run: start a new one, and approve that",
        )
    reviews = [review for review in about if review.get("state") == "approved"]
    if not reviews:
        raise RefusedError(
            f"nobody approved {run.address} for the environment {environment}",
            hint=f"require reviewers in the settings of the environment {environment}",
        )
    named = [review for review in reviews if _names(review, digest)]
    if not named:
        raise RefusedError(_wrong_comment(reviews, run, digest), hint=_COMMENT_HINT)
    refusals: list[str] = []
    for review in reversed(named):
        login, kind = _account(review)
        if kind != _PERSON:
            refusals.append(f"{login} is no person and may not approve")
        elif any(same_person(login, who) for who in run.requesters):
            refusals.append(f"{login} asked for the change and may not approve it")
        else:
            return approve(
                digest=digest,
                scope=scope,
                approver=login,
                requesters=run.requesters,
                channel=Channel.GITHUB,
                now=now,
            )
    raise RefusedError(
        "; ".join(refusals),
        hint="tick 'Prevent self-review' in the environment's settings on GitHub as well",
    )


def require_current(head: str, *, branch: str, tip: str, changed: Iterable[str]) -> None:
    """Refuse a set that was planned before the branch that counts said something else.

    Args:
        head: the commit that was planned.
        branch: the default branch.
        tip: its newest commit.
        changed: the files in which that differs from the one that was planned.

    Raises:
        RefusedError: it differs in what decides what is applied.
    """
    files = sorted(file for file in set(changed) if file.startswith(DECIDING))
    if head == tip or not files:
        return
    more = f" and {len(files) - _SHOWN_FILES} more" if len(files) > _SHOWN_FILES else ""
    raise RefusedError(
        f"{branch} moved on from {head[:12]} to {tip[:12]} since this was planned, "
        f"in {', '.join(files[:_SHOWN_FILES])}{more}",
        hint=f"start the workflow by hand on {branch} with this environment, approve its plans",
    )


def require_approver(approver: str, requesters: Iterable[str]) -> None:
    """Refuse who may not approve.

    Raises:
        RefusedError: no name, or one of those who asked.
    """
    if same_person(approver, "") or len(approver) > _MAXIMUM_NAME or not approver.isprintable():
        raise RefusedError("the approval names nobody", hint="a name of at most 100 characters")
    if any(same_person(approver, who) for who in requesters):
        raise RefusedError(
            f"{approver} asked for the change and may not approve it",
            hint="another person approves: a change takes two",
        )


_COMMENT_HINT = (
    "run the job again: the reviewer's comment has to be the digest that the plan job shows"
)


def _wrong_comment(reviews: Sequence[Mapping[str, Any]], run: Run, digest: str) -> str:
    others = {found for review in reviews for found in DIGEST.findall(str(review.get("comment")))}
    if others:
        return f"{run.address} was approved for {', '.join(sorted(others))}, and not for {digest}"
    return f"nobody approved {run.address} with a comment that names {digest}"


def _is_about(review: Mapping[str, Any], environment: str) -> bool:
    try:
        return environment in [entry["name"] for entry in review["environments"]]
    except (KeyError, TypeError):
        return False


def _names(review: Mapping[str, Any], digest: str) -> bool:
    """Whether the comment names the digest, and no other one beside it."""
    return set(DIGEST.findall(str(review.get("comment")))) == {digest}


def _account(review: Mapping[str, Any]) -> tuple[str, str]:
    try:
        return str(review["user"]["login"]), str(review["user"]["type"])
    except (KeyError, TypeError) as error:
        raise RefusedError("GitHub does not say who approved the run") from error


def _text(document: Mapping[str, Any], key: str, pattern: re.Pattern[str] | None = None) -> str:
    value = _name(document[key], key)
    if pattern is not None and not pattern.fullmatch(value):
        raise _malformed(f"{key}: {value!r} is none")
    return value


def _name(value: object, key: str) -> str:
    if not isinstance(value, str) or not value:
        raise _malformed(f"{key}: expected text")
    return value


def _channel(value: object) -> Channel:
    try:
        return Channel(str(value))
    except ValueError as error:
        raise _malformed(f"channel: {value!r} is none of {', '.join(Channel)}") from error


def _moment(value: object) -> datetime:
    try:
        return datetime.strptime(str(value), MOMENT).replace(tzinfo=UTC)
    except ValueError as error:
        raise _malformed(f"given_at: {value!r} is no moment") from error


def _malformed(message: str) -> PipelineError:
    return PipelineError(f"the approval is malformed: {message}", hint="make approve writes one")
