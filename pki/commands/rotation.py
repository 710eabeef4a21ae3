"""``rotation``: from one issuing CA to the next without one refused call."""

import argparse
from collections.abc import Sequence
from enum import StrEnum

from pki import console
from pki.commands.trust_options import (
    Trust,
    add_environment,
    add_rollout,
    describe_rollout,
    rollout_of,
)
from pki.commands.upload_truststore import add_distrust, distrust_of
from pki.console import Output, choice, command_parser, timestamp
from pki.errors import TruststoreError, UsageError
from pki.rollout import roll_out
from pki.rotation import Rotation, State
from pki.truststore import read_bundle
from pki.truststore_upload import Distrust, Draft, draft, require_nobody_stranded, upload


class Action(StrEnum):
    """What ``rotation`` does."""

    STATUS = "status"
    TRUST = "trust"
    DRAIN = "drain"
    RETIRE = "retire"


_EXAMPLES = """\
  rotation status --environment dev
  rotation trust --environment dev --plan
  rotation trust --environment dev --pin-file .local/pins/dev/truststore.json \\
    --canary .local/clients/device-001 --endpoints .local/endpoints.json --settle 3
  rotation drain --environment dev
  rotation retire --environment dev --pin-file .local/pins/dev/truststore.json \\
    --canary .local/clients/device-001 --endpoints .local/endpoints.json --settle 3"""

_EXIT_CODES = """\
  0  done; status and drain: clients are all let in
  1  refused or failed; retire: certificates of the old CA are still in use
  2  wrong usage"""

_NEXT = {
    State.PREPARED: "rotation trust --environment {environment} --pin-file FILE --canary DIR",
    State.TRUSTED: "rotation drain --environment {environment}",
    State.ISSUING: "rotation drain --environment {environment}",
    State.DRAINING: "rotation drain --environment {environment}",
    State.DRAINED: "rotation retire --environment {environment} --pin-file FILE --canary DIR",
    State.RETIRED: None,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return console.run(build_parser(), execute, argv)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = command_parser(
        "rotation",
        "status  where the rotation stands, and what to type next\n"
        "trust   adds the new issuing CA to the truststore, and rolls it out: it issues from "
        "then on\n"
        "drain   who still has certificates of an older CA, until when, and what renews them\n"
        "retire  takes the older CAs out, and rolls that out; refused while their certificates "
        "are in use\n\n"
        "States: prepared, trusted, issuing, draining, drained, retired. Nothing remembers them: "
        "they follow\nfrom what exists. The new CA itself is rotate-issuing-ca's.",
        examples=_EXAMPLES,
        exit_codes=_EXIT_CODES,
    )
    parser.add_argument(
        "action", type=choice(list(Action)), metavar="ACTION", help=", ".join(Action)
    )
    add_environment(parser)
    add_rollout(parser)
    add_distrust(parser)
    return parser


def execute(arguments: argparse.Namespace, output: Output) -> None:
    """Do what the action says."""
    distrust = distrust_of(arguments)
    if distrust is not None and arguments.action is not Action.RETIRE:
        raise UsageError("--distrust goes with retire only")
    trust = Trust.connect(arguments)
    rotation = trust.observe()
    match arguments.action:
        case Action.STATUS:
            output.result(_describe(rotation, trust.environment.name), table="authorities")
            _require_nobody_stranded(rotation)
        case Action.DRAIN:
            output.result(_remaining(rotation, trust.environment.name), table="certificates")
            _require_nobody_stranded(rotation)
        case Action.TRUST:
            _change(
                arguments, trust, draft(trust.store, trust.bucket, trust.environment.name), output
            )
        case Action.RETIRE:
            _change(arguments, trust, _without_older(trust, rotation, distrust), output)


def _without_older(trust: Trust, rotation: Rotation, distrust: Distrust | None) -> Draft:
    if rotation.state is State.PREPARED and distrust is None:
        raise TruststoreError(
            f"{rotation.newest.authority.common_name} is not trusted yet",
            hint=f"first: rotation trust --environment {trust.environment.name}",
        )
    newest = rotation.newest.authority.generation
    return draft(trust.store, trust.bucket, trust.environment.name, [newest], distrust)


def _change(arguments: argparse.Namespace, trust: Trust, drafted: Draft, output: Output) -> None:
    """Upload and roll out, or show what that would be."""
    now = console.now()
    distrusted = trust.distrusted_names(drafted.distrusted)
    require_nobody_stranded(drafted.bundle, trust.records(), now, distrusted)
    if arguments.plan:
        output.result(_plan(trust, drafted))
        return
    rollout = rollout_of(arguments, trust, output)
    done = upload(trust.bucket, drafted, now, output)
    rolled_out = roll_out(rollout, done.pin.version)
    output.result(
        describe_rollout(rolled_out, rollout)
        | {"state": trust.observe().state, "uploaded": done.uploaded}
    )


def _plan(trust: Trust, drafted: Draft) -> dict[str, object]:
    pinned = trust.domain.truststore()
    before = () if pinned is None else read_bundle(trust.bucket.stored(pinned.version).bundle)
    after = read_bundle(drafted.bundle)
    return {
        "environment": trust.environment.name,
        "location": trust.bucket.uri,
        "returns_to": pinned.version if pinned else None,
        "added": [entry.subject.rfc4514_string() for entry in after if entry not in before],
        "removed": [entry.subject.rfc4514_string() for entry in before if entry not in after],
        "uploads": drafted.replaces is None or drafted.replaces.bundle != drafted.bundle,
    }


def _describe(rotation: Rotation, environment: str) -> dict[str, object]:
    following = _NEXT[rotation.state]
    return {
        "environment": environment,
        "state": rotation.state,
        "waiting": len(rotation.waiting),
        "remaining": len(rotation.remaining),
        "next": following and following.format(environment=environment),
        "authorities": [
            {
                "generation": entry.authority.generation,
                "subject": entry.certificate.subject.rfc4514_string(),
                "trusted": entry.trusted,
                "uploaded": entry.uploaded,
                "issued": entry.issued,
                "in_use": len(entry.usable),
                "not_after": timestamp(entry.certificate.not_valid_after_utc),
            }
            for entry in rotation.generations
        ],
    }


def _remaining(rotation: Rotation, environment: str) -> dict[str, object]:
    waiting = set(rotation.waiting)
    return {
        "environment": environment,
        "state": rotation.state,
        "certificates": [
            {
                "client_id": record.client_id,
                "fingerprint": record.fingerprint,
                "issuer": record.issuer,
                "ends": timestamp(min(record.not_after, record.retires_at or record.not_after)),
                "ended_by": _what_ends(
                    record.client_id, environment, renewed=record not in waiting
                ),
            }
            for record in rotation.remaining
        ],
    }


def _what_ends(client_id: str, environment: str, *, renewed: bool) -> str:
    if renewed:
        return f"time, or revoke-client {client_id} with its --fingerprint"
    return f"renew-client {client_id} --environment {environment}, or the device by EST"


def _require_nobody_stranded(rotation: Rotation) -> None:
    if rotation.stranded and rotation.state is not State.PREPARED:
        first = rotation.stranded[0]
        raise TruststoreError(
            f"{len(rotation.stranded)} certificates in use are refused: their CA is not trusted, "
            f"such as {first.issuer} of {first.client_id}",
            hint="renew or revoke them, or trust their CA again: upload-truststore --include",
        )
