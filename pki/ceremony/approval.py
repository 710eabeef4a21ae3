"""An approval: who agreed to which plan, named by its digest, and how they said so."""

import json
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from pki.ceremony import documents
from pki.ceremony.plan import CLOCK_SKEW, CeremonyPlan
from pki.errors import ApprovalError

MAXIMUM_BYTES = 10_000
_FIELDS = frozenset({"plan", "approver", "at", "channel", "evidence"})
_MAXIMUM_NAME = 64


class Channel(StrEnum):
    """How an approval was given."""

    TERMINAL = "terminal"
    GITHUB = "github"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person's approval of one plan.

    Attributes:
        plan: digest of the plan.
        approver: who; a login on GitHub.
        at: when it was given or, on GitHub, read.
        channel: how.
        evidence: where others can see it, such as the address of a workflow's run; or None.
    """

    plan: str
    approver: str
    at: datetime
    channel: Channel
    evidence: str | None = None

    def require(self, plan: CeremonyPlan) -> None:
        """Refuse what this does not approve.

        Raises:
            ApprovalError: it names another plan, is older than the plan, or its approver may not
                approve it.
        """
        if self.plan != plan.digest:
            raise ApprovalError(
                f"the approval is of {self.plan}, the plan is {plan.digest}",
                hint="have this plan approved, or execute that one",
            )
        if self.at < plan.created_at - CLOCK_SKEW:
            raise ApprovalError("the approval is older than the plan that it names")
        require_approver(plan, self.approver)

    def to_document(self) -> dict[str, Any]:
        """The approval in JSON's types."""
        return {
            "plan": self.plan,
            "approver": self.approver,
            "at": documents.timestamp(self.at),
            "channel": self.channel.value,
            "evidence": self.evidence,
        }

    def to_bytes(self) -> bytes:
        """What an approval's file holds."""
        text = json.dumps(self.to_document(), indent=2, ensure_ascii=False)
        return f"{text}\n".encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what :meth:`to_bytes` wrote.

        Raises:
            ApprovalError: it is anything else.
        """
        if len(data) > MAXIMUM_BYTES:
            raise _malformed(f"it is larger than {MAXIMUM_BYTES} bytes")
        values = documents.fields(
            documents.decode(data, _malformed), _FIELDS, "the approval", _malformed
        )
        evidence = values["evidence"]
        return cls(
            plan=documents.text(values["plan"], "plan", _malformed),
            approver=documents.text(values["approver"], "approver", _malformed),
            at=documents.moment(values["at"], "at", _malformed),
            channel=_channel(values["channel"]),
            evidence=None if evidence is None else documents.text(evidence, "evidence", _malformed),
        )


def approve(
    plan: CeremonyPlan,
    *,
    approver: str,
    digest: str,
    now: datetime,
    channel: Channel = Channel.TERMINAL,
    evidence: str | None = None,
) -> Approval:
    """Record that somebody approves a plan.

    Args:
        plan: what they were shown.
        approver: who they say they are.
        digest: what they say they approve.
        now: the time, UTC.
        channel: how they say so.
        evidence: where others can see it.

    Raises:
        ApprovalError: the digest is another plan's, or they may not approve it.
        PlanError: the plan expired.
    """
    plan.require_fresh(now)
    approval = Approval(
        plan=digest.strip(),
        approver=approver.strip(),
        at=now.replace(microsecond=0),
        channel=channel,
        evidence=evidence,
    )
    approval.require(plan)
    return approval


def same_person(one: str, other: str) -> bool:
    """Whether two names are one: case and the way letters are composed make no other person."""
    return _folded(one) == _folded(other)


def require_approver(plan: CeremonyPlan, approver: str) -> None:
    """Refuse who may not approve a plan.

    Raises:
        ApprovalError: no name, or the requester's own.
    """
    if not _folded(approver) or len(approver) > _MAXIMUM_NAME or not approver.isprintable():
        raise ApprovalError("the approval names nobody", hint="a name of at most 64 characters")
    if same_person(approver, plan.requester):
        raise ApprovalError(
            f"{approver} asked for this ceremony and may not approve it",
            hint=f"{plan.operation} signs with a root's key: that takes two people",
        )


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()


def _channel(value: object) -> Channel:
    try:
        return Channel(str(value))
    except ValueError as error:
        raise _malformed(f"channel: {value!r} is none of {', '.join(Channel)}") from error


def _malformed(message: str) -> ApprovalError:
    return ApprovalError(
        f"the approval is malformed: {message}", hint="approve-ceremony writes one"
    )
