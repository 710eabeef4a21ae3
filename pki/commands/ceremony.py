"""What the commands of a ceremony share: plan, approval at the terminal, execution."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

import boto3
from cryptography.hazmat.primitives.serialization import Encoding

from clientcert import fingerprint
from pki import console, files
from pki.ca_store import CaStore
from pki.ceremony import approval as approvals
from pki.ceremony import documents
from pki.ceremony import plan as plans
from pki.ceremony.approval import Approval, approve
from pki.ceremony.execution import Ceremony, Established, execute
from pki.ceremony.plan import CeremonyPlan, Operation
from pki.ceremony.planning import Planner
from pki.ceremony.summary import describe, to_markdown
from pki.ceremony.transcript import Actor, Transcript
from pki.ceremony.transcript_store import TranscriptBucket
from pki.console import Output, argument, command_parser, organization_of, timestamp
from pki.errors import FileError, PlanError, UsageError
from pki.keepers import Keepers
from pki.organization import Organization
from pki.sessions import NO_RETRIES, ceremony_session
from pki.signer import KmsSigner

SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"

_COMMANDS = {
    Operation.BOOTSTRAP: "bootstrap-ca",
    Operation.ROTATE_ISSUING_CA: "rotate-issuing-ca",
    Operation.RENEW_ROOT: "renew-root",
}
_MAXIMUM_HOURS = plans.MAXIMUM_LIFETIME // timedelta(hours=1)

EXIT_CODES = """\
  0  the plan is written; or the ceremony is done, now or before
  1  refused or failed: run it again, it goes on where it stopped
  2  wrong usage"""


def ceremony_parser(
    operation: Operation, description: str, examples: str
) -> argparse.ArgumentParser:
    """A parser with the options of every ceremony."""
    name = _COMMANDS[operation]
    parser = command_parser(
        name,
        f"{description}\n\nA ceremony is a plan, an approval that names the plan's digest, given "
        "by somebody else than who asked,\nand the execution of that plan and nothing else. At a "
        "terminal, without --plan and --execute,\nit is all three in a row. Interrupted, execute "
        "the same plan again: it goes on where it stopped.",
        examples=examples,
        exit_codes=EXIT_CODES,
    )
    stages = parser.add_argument_group("stages")
    stages.add_argument(
        "--plan", type=Path, metavar="FILE", help="write what would be done, and sign nothing"
    )
    stages.add_argument(
        "--valid-for",
        type=argument(_parse_hours),
        default=plans.DEFAULT_LIFETIME,
        metavar="HOURS",
        help=f"how long the plan may be executed, at most {_MAXIMUM_HOURS} (default: 24)",
    )
    stages.add_argument(
        "--summary",
        type=Path,
        default=os.environ.get(SUMMARY_VARIABLE),
        metavar="FILE",
        help=f"append the plan, in Markdown, to this file (default: ${SUMMARY_VARIABLE})",
    )
    stages.add_argument(
        "--execute", type=Path, metavar="FILE", help="do what this plan says, as approved"
    )
    stages.add_argument(
        "--approval", type=Path, metavar="FILE", help="the approval, as approve-ceremony writes it"
    )
    stages.add_argument(
        "--directory",
        type=Path,
        default=Path(".local/ceremony"),
        metavar="DIR",
        help="where plan.json and approval.json are kept, for an interrupted ceremony to go on "
        "with, when all three are done in a row (default: %(default)s)",
    )
    stages.add_argument(
        "--transcript",
        type=Path,
        metavar="DIR",
        help="copy the ceremony's transcript into this folder as well, for verify-transcript",
    )
    return parser


@dataclass(frozen=True, slots=True)
class Room:
    """Where a ceremony is held: the security account, seen by its role.

    Attributes:
        organization: names of CAs and keys.
        operator: who is at the keyboard.
        session: acts as the ceremony role.
        store: the CA certificates.
        keys: the keepers of the CA keys.
        output: where words go.
    """

    organization: Organization
    operator: str
    session: boto3.Session
    store: CaStore
    keys: Keepers
    output: Output

    @classmethod
    def enter(cls, arguments: argparse.Namespace, output: Output) -> Self:
        """Take the ceremony role."""
        organization = organization_of(arguments)
        session = ceremony_session(
            boto3.Session(region_name=organization.region), organization, arguments.operator
        )
        store = CaStore(session.client("s3"), organization)
        keys = Keepers(session, organization)
        return cls(organization, arguments.operator, session, store, keys, output)

    def planner(self, lifetime: timedelta) -> Planner:
        """Makes a plan that the operator asks for."""
        return Planner(
            organization=self.organization,
            store=self.store,
            keys=self.keys,
            progress=self.output,
            requester=self.operator,
            now=console.now(),
            lifetime=lifetime,
        )

    def transcript(self, digest: str) -> Transcript:
        """A plan's transcript, begun or continued."""
        kms = self.session.client("kms", config=NO_RETRIES)
        return Transcript.open(
            TranscriptBucket(self.session.client("s3"), self.organization),
            KmsSigner(kms, self.organization.transcript_key_alias),
            digest,
            actor=Actor.of(self.session.client("sts"), self.operator),
            now=console.now,
        )

    def ceremony(self) -> Ceremony:
        """Executes a plan."""
        return Ceremony(
            organization=self.organization,
            store=self.store,
            keys=self.keys,
            open_transcript=self.transcript,
            progress=self.output,
            now=console.now,
        )


def hold(
    arguments: argparse.Namespace,
    output: Output,
    operation: Operation,
    make_plan: Callable[[Planner], CeremonyPlan],
) -> None:
    """Do the stage that was asked for, or at a terminal all of them."""
    _require_sense(arguments)
    with _endings_are_interruptions():
        _hold(arguments, output, operation, make_plan)


def _hold(
    arguments: argparse.Namespace,
    output: Output,
    operation: Operation,
    make_plan: Callable[[Planner], CeremonyPlan],
) -> None:
    if arguments.execute is not None:
        plan = read_plan(arguments.execute)
        if plan.operation is not operation:
            raise PlanError(
                f"{arguments.execute} is a plan for {plan.operation}",
                hint=f"{_COMMANDS[plan.operation]} executes it",
            )
        approval = read_approval(arguments.approval)
        _execute(Room.enter(arguments, output), plan, approval, arguments.transcript)
        return
    room = Room.enter(arguments, output)
    plan = make_plan(room.planner(arguments.valid_for))
    if arguments.plan is not None:
        files.write_atomically(arguments.plan, plan.to_bytes(), files.PUBLIC)
        if arguments.summary is not None:
            _append(arguments.summary, to_markdown(plan))
        output.step(f"wrote {arguments.plan}")
        output.result(describe(plan))
        return
    approval = ask_for_approval(plan, output)
    _keep(plan, approval, arguments.directory, output)
    _execute(room, plan, approval, arguments.transcript)


def ask_for_approval(plan: CeremonyPlan, output: Output) -> Approval:
    """Show the plan, and ask the approver who they are and what they approve.

    Raises:
        ApprovalError: they typed another digest, or may not approve it.
        PlanError: the plan expired.
        UsageError: nobody answers.
    """
    output.show(describe(plan))
    approver = output.ask("who approves this plan? Your name")
    digest = output.ask(f"{approver}, type its digest to approve it")
    return approve(plan, approver=approver, digest=digest, now=console.now())


def read_plan(path: Path) -> CeremonyPlan:
    """Read a plan's file.

    Raises:
        FileError: it cannot be read.
        PlanError: it is no plan.
    """
    return CeremonyPlan.from_bytes(files.read(path, "plan", at_most=plans.MAXIMUM_BYTES))


def read_approval(path: Path) -> Approval:
    """Read an approval's file.

    Raises:
        FileError: it cannot be read.
        ApprovalError: it is no approval.
    """
    return Approval.from_bytes(files.read(path, "approval", at_most=approvals.MAXIMUM_BYTES))


def _require_sense(arguments: argparse.Namespace) -> None:
    if arguments.plan is not None and arguments.execute is not None:
        raise UsageError("--plan and --execute are two stages, with an approval between them")
    if (arguments.execute is None) != (arguments.approval is None):
        raise UsageError(
            "--execute and --approval go together",
            hint="approve-ceremony PLAN writes the approval of a plan",
        )
    if arguments.transcript is not None and arguments.plan is not None:
        raise UsageError("--transcript goes with --execute: a plan leaves none")
    if arguments.plan is None and arguments.execute is None and not sys.stdin.isatty():
        raise UsageError(
            "there is no terminal at which the plan could be approved",
            hint="write it with --plan, have it approved (approve-ceremony), then --execute it",
        )


@contextmanager
def _endings_are_interruptions() -> Iterator[None]:
    """A terminal that closes, or a job that is cancelled, ends no process that unlocked a root."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    previous = {
        number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _keep(plan: CeremonyPlan, approval: Approval, folder: Path, output: Output) -> None:
    """Write down what was approved before anything is signed: it may be interrupted."""
    plan_file, approval_file = folder / "plan.json", folder / "approval.json"
    files.write_atomically(plan_file, plan.to_bytes(), files.PUBLIC)
    files.write_atomically(approval_file, approval.to_bytes(), files.PUBLIC)
    output.note(
        "should it be interrupted, it goes on with "
        f"{_COMMANDS[plan.operation]} --execute {plan_file} --approval {approval_file}"
    )


def _execute(room: Room, plan: CeremonyPlan, approval: Approval, copy_to: Path | None) -> None:
    try:
        established = execute(room.ceremony(), plan, approval)
    except BaseException:
        # What was recorded tells why; that it cannot be copied must not hide the reason.
        with suppress(Exception):
            _copy_transcript(room, plan, copy_to)
        raise
    _copy_transcript(room, plan, copy_to)
    if not any(entry.created for entry in established):
        room.output.note("this plan was executed before: nothing was done")
    room.output.result(
        {
            "organization": room.organization.name,
            "plan": plan.digest,
            "approver": approval.approver,
            "certificates": [_describe_established(room, entry) for entry in established],
            "transcript": room.transcript(plan.digest).location,
        }
    )


def _describe_established(room: Room, entry: Established) -> dict[str, object]:
    certificate = entry.certificate
    return {
        "subject": certificate.subject.rfc4514_string(),
        "environment": entry.authority.environment,
        "generation": entry.authority.generation,
        "fingerprint": fingerprint(certificate.public_bytes(Encoding.DER)),
        "serial_number": str(certificate.serial_number),
        "not_before": timestamp(certificate.not_valid_before_utc),
        "not_after": timestamp(certificate.not_valid_after_utc),
        "key": room.organization.key_id(entry.authority),
        "location": room.store.location(entry.authority),
        "created": entry.created,
    }


def _copy_transcript(room: Room, plan: CeremonyPlan, folder: Path | None) -> None:
    if folder is None:
        return
    target = folder / documents.digest_hex(plan.digest)
    for entry in room.transcript(plan.digest).entries:
        files.write_atomically(target / entry.name, entry.to_bytes(), files.PUBLIC)
    room.output.step(f"copied the transcript to {target}")


def _append(path: Path, text: str) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}") from error


def _parse_hours(text: str) -> timedelta:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= _MAXIMUM_HOURS:
        raise UsageError(f"{text!r} is no number of hours", hint=f"from 1 to {_MAXIMUM_HOURS}")
    return timedelta(hours=int(text))
