"""What ``truststore`` and ``rotation`` share: who they ask, and how a rollout is made."""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from clientcert import RegistryRecord
from pki import console
from pki.ca_store import CaStore
from pki.canary import Canary, Endpoint
from pki.commands.access import Access
from pki.console import Output, argument, organization_of
from pki.domain import DomainName
from pki.errors import RolloutError, UsageError
from pki.organization import Environment, find_live_dir
from pki.registry import Registry
from pki.rollout import SPREADING, Patience, Plan, RolledOut, Rollout
from pki.rotation import Rotation, observe
from pki.truststore_bucket import TruststoreBucket
from pki.truststore_upload import distrusted_names

_LONGEST_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Trust:
    """An environment's CAs, truststore, domain and registry."""

    environment: Environment
    store: CaStore
    bucket: TruststoreBucket
    domain: DomainName
    registry: Registry

    @classmethod
    def connect(cls, arguments: argparse.Namespace) -> "Trust":
        """Take the roles that lead there."""
        access = Access.take(arguments)
        organization, environment = access.organization, access.environment
        ceremony, writer = access.ceremony, access.writer()
        return cls(
            environment,
            CaStore(ceremony.client("s3"), organization),
            TruststoreBucket(writer.client("s3"), environment),
            DomainName(writer.client("apigatewayv2"), organization.api_domain_name(environment)),
            Registry(writer.client("dynamodb"), environment),
        )

    def records(self) -> Iterator[RegistryRecord]:
        """Every certificate of the registry."""
        return (stored.record for stored in self.registry.records())

    def distrusted_names(self, generations: Collection[str]) -> set[str]:
        """Names of the issuing CAs of these generations."""
        return distrusted_names(self.store, self.environment.name, generations)

    def observe(self) -> Rotation:
        """Where the environment's rotation stands."""
        return observe(
            self.store,
            self.bucket,
            self.domain,
            self.records(),
            self.environment.name,
            console.now(),
        )


def add_environment(parser: argparse.ArgumentParser) -> None:
    """The option that every action has."""
    parser.add_argument(
        "--environment", required=True, metavar="ENV", help="the environment in question"
    )


def add_rollout(parser: argparse.ArgumentParser) -> None:
    """The options of what rolls a version out."""
    group = parser.add_argument_group("rollout")
    group.add_argument(
        "--pin-file",
        type=Path,
        metavar="FILE",
        help="the pin that the environment's acm-domain unit reads: truststore.json beside the "
        "environment's units, or .local/pins/<env>/truststore.json on the laptop",
    )
    group.add_argument("--plan", action="store_true", help="only show what would be done")
    group.add_argument(
        "--canary",
        action="append",
        type=Path,
        metavar="DIR",
        help="a client's folder, with client.crt and client.key: it calls /token afterwards, and "
        "when it is refused the version before is pinned again; may be repeated",
    )
    group.add_argument(
        "--no-canary", action="store_true", help="call nobody; nothing is taken back then"
    )
    group.add_argument(
        "--endpoints",
        type=Path,
        metavar="FILE",
        help="how the canary reaches the API, such as .local/endpoints.json: {<env>: {base_url, "
        "address, server_ca}} (default: the environment's domain, by DNS)",
    )
    group.add_argument(
        "--settle",
        type=argument(parse_seconds),
        default=SPREADING,
        metavar="SECONDS",
        help="the canary must be let in without a break for this long, since a change takes API "
        f"Gateway up to {SPREADING.seconds} s to spread (default: {SPREADING.seconds})",
    )


def parse_seconds(text: str) -> timedelta:
    """A number of seconds.

    Raises:
        UsageError: it is none, or more than an hour.
    """
    if not (text.isascii() and text.isdigit() and int(text) <= _LONGEST_SECONDS):
        raise UsageError(f"{text!r} is no number of seconds from 0 to {_LONGEST_SECONDS}")
    return timedelta(seconds=int(text))


def canaries(arguments: argparse.Namespace) -> list[Canary]:
    """Who is to call.

    Raises:
        UsageError: nobody was named, and nor was it said that nobody shall.
    """
    if bool(arguments.canary) == arguments.no_canary:
        raise UsageError(
            "name a client that calls (--canary), or say that none does (--no-canary)",
            hint="a client's folder, such as provision-client makes",
        )
    name = arguments.environment
    if arguments.endpoints is not None:
        endpoint = Endpoint.read(arguments.endpoints, name)
    else:
        organization = organization_of(arguments)
        endpoint = Endpoint(organization.api_domain_name(organization.environment(name)))
    return [Canary(endpoint, folder) for folder in arguments.canary or ()]


def rollout_of(arguments: argparse.Namespace, trust: Trust, output: Output) -> Rollout:
    """The rollout that the arguments mean.

    Raises:
        UsageError: an option is missing.
    """
    if arguments.pin_file is None:
        raise UsageError("--pin-file is missing: what is to be pinned, and where?")
    live = arguments.live_dir or find_live_dir(Path.cwd())
    return Rollout(
        bucket=trust.bucket,
        domain=trust.domain,
        pin_file=arguments.pin_file,
        apply=terragrunt_apply(trust.environment.folder(live) / "acm-domain"),
        canaries=() if arguments.plan else canaries(arguments),
        records=trust.records,
        distrusted_names=trust.distrusted_names,
        patience=Patience(console.now, time.sleep, settle=arguments.settle),
        progress=output,
    )


def terragrunt_apply(unit: Path) -> Callable[[], None]:
    """Applies a unit as ``make apply`` applies an environment: with the apply role.

    What Terragrunt says goes to standard error.
    """

    def apply() -> None:
        terragrunt = shutil.which("terragrunt")
        if terragrunt is None:
            raise RolloutError(
                "terragrunt is not on PATH", hint="make tools, or run it by make truststore"
            )
        done = subprocess.run(
            [
                *(terragrunt, "run", "--non-interactive", "--working-dir", str(unit), "--"),
                *("apply", "-auto-approve", "-input=false"),
            ],
            env=os.environ | {"MTLS_ROLE": "apply"},
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            check=False,
        )
        if done.returncode != 0:
            raise RolloutError(f"{unit} could not be applied", hint="see what it says above")

    return apply


def describe_plan(plan: Plan, rollout: Rollout) -> dict[str, object]:
    """A plan as a command's result."""
    return {
        "version": plan.target.version,
        "sha256": plan.target.sha256,
        "pin_file": str(rollout.pin_file),
        "returns_to": plan.previous.version if plan.previous and not plan.distrusted else None,
        "added": list(plan.added),
        "removed": list(plan.removed),
    }


def describe_rollout(done: RolledOut, rollout: Rollout) -> dict[str, object]:
    """A rollout as a command's result."""
    return {
        "domain": rollout.domain.name,
        "status": done.truststore.status,
        "warnings": list(done.truststore.warnings),
        "canaries": len(rollout.canaries),
    } | describe_plan(done.plan, rollout)
