"""A rollout: the domain pins another version of the truststore, and callers are still let in.

Overwriting the object changes nothing; an update of the domain does, and takes 60 to 90 s to
reach every host (docs/custom-domain.md). So a canary calls until it has been let in without a
break for longer than that; when it is not, the version before is pinned again.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from clientcert import RegistryRecord
from pki.domain import DomainName, DomainStatus, DomainTruststore
from pki.errors import CanaryError, RolloutError, TruststoreError
from pki.progress import Progress
from pki.truststore import lint, read_bundle
from pki.truststore_bucket import Pin, Stored, TruststoreBucket
from pki.truststore_upload import require_no_error, require_nobody_stranded

SPREADING = timedelta(seconds=90)
"""How long API Gateway takes to bring a change of a domain to every host, at most."""


class Caller(Protocol):
    """Somebody who is let in when all is well, such as :class:`pki.canary.Canary`."""

    def call(self) -> None:
        """Call once.

        Raises:
            CanaryError: it was not let in.
        """
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a rollout waits.

    Attributes:
        settle: the canaries must be let in without a break for this long.
        deadline: all of it must be over by then, once for each version.
        pause: between two looks.
        now: the clock, UTC.
        sleep: waits for a number of seconds.
    """

    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    settle: timedelta = SPREADING
    deadline: timedelta = timedelta(minutes=15)
    pause: timedelta = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Rollout:
    """The collaborators of a rollout.

    Attributes:
        bucket: the environment's truststore.
        domain: its custom domain.
        pin_file: what the environment's ``acm-domain`` unit reads.
        apply: applies that unit; raises RolloutError when that fails.
        canaries: who calls afterwards.
        records: reads the environment's registry.
        distrusted_names: from generations to names (RFC 4514) of CAs.
        patience: how long to wait.
        progress: told of each step.
    """

    bucket: TruststoreBucket
    domain: DomainName
    pin_file: Path
    apply: Callable[[], None]
    canaries: Sequence[Caller]
    records: Callable[[], Iterable[RegistryRecord]]
    distrusted_names: Callable[[Collection[str]], Collection[str]]
    patience: Patience
    progress: Progress

    @property
    def return_file(self) -> Path:
        """Beside the pin: the version to return to, for as long as a rollout is under way."""
        return self.pin_file.with_name(f"{self.pin_file.stem}.previous{self.pin_file.suffix}")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a rollout would do.

    Attributes:
        target: the version to pin.
        previous: the version to return to; None where there is none.
        added: names of the CAs that callers may come from afterwards, and may not now.
        removed: names of those that they may not come from any more.
        distrusted: whether it takes out a compromised CA, to which there is no return.
    """

    target: Pin
    previous: Pin | None
    added: tuple[str, ...]
    removed: tuple[str, ...]
    distrusted: bool


@dataclass(frozen=True, slots=True)
class RolledOut:
    """What a rollout did: the plan that it followed, and the domain afterwards."""

    plan: Plan
    truststore: DomainTruststore


def plan(rollout: Rollout, version: str | None = None) -> Plan:
    """What a rollout of a version (None: the bucket's current one) would do; changes nothing.

    Raises:
        TruststoreError: there is no such version, its bundle has an error or holds a compromised
            CA, certificates that are in use would be refused, or the domain pins nothing.
    """
    target = rollout.bucket.current() if version is None else rollout.bucket.stored(version)
    if target is None:
        raise TruststoreError(
            f"{rollout.bucket.uri} does not exist", hint="run upload-truststore first"
        )
    now = rollout.patience.now()
    require_no_error(lint(target.bundle, now), f"version {target.pin.version}")
    _require_nothing_compromised(rollout, target)
    require_nobody_stranded(
        target.bundle, rollout.records(), now, rollout.distrusted_names(target.distrusted)
    )
    previous_pin = _previous(rollout, target.pin)
    previous = None if previous_pin is None else rollout.bucket.stored(previous_pin.version)
    after = _subjects(target.bundle)
    before = _subjects(previous.bundle) if previous else []
    return Plan(
        target=target.pin,
        previous=previous_pin,
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        distrusted=bool(target.distrusted - (previous.distrusted if previous else frozenset())),
    )


def roll_out(rollout: Rollout, version: str | None = None) -> RolledOut:
    """Pin a version, wait until the domain has it, and call; return to the one before if need be.

    Interrupted, it is run again: the version to return to is kept beside the pin until the end.

    Raises:
        RolloutError: the domain did not take the version or a canary was not let in; the message
            says whether the version before is in force again.
        TruststoreError: as :func:`plan`; nothing was changed.
        FileError: the pin cannot be written.
    """
    planned = plan(rollout, version)
    if planned.previous is not None:
        planned.previous.write(rollout.return_file)
    try:
        truststore = _establish(rollout, planned.target, _known_warnings(rollout, planned.target))
    except RolloutError as error:
        raise _returned(rollout, planned, error) from error
    rollout.return_file.unlink(missing_ok=True)
    return RolledOut(planned, truststore)


def _require_nothing_compromised(rollout: Rollout, target: Stored) -> None:
    """A version from before a CA was distrusted does not know of it; the current one does."""
    current = rollout.bucket.current()
    distrusted = target.distrusted | (current.distrusted if current else frozenset())
    back = set(_subjects(target.bundle)) & set(rollout.distrusted_names(distrusted))
    if back:
        raise TruststoreError(
            f"version {target.pin.version} holds a compromised CA: {', '.join(sorted(back))}",
            hint="there is no way back to it: roll out the bucket's current version, or upload "
            "another without it",
        )


def _previous(rollout: Rollout, target: Pin) -> Pin | None:
    """What to return to: what an interrupted rollout left, or else what is in force."""
    if rollout.return_file.exists():
        left = Pin.read(rollout.return_file)
        return None if left == target else left
    pinned = rollout.domain.truststore()
    if pinned is None or pinned.version == target.version:
        return None
    return rollout.bucket.stored(pinned.version).pin


def _known_warnings(rollout: Rollout, target: Pin) -> tuple[str, ...]:
    """What API Gateway warned of before the target: it was lived with."""
    pinned = rollout.domain.truststore()
    return pinned.warnings if pinned and pinned.version != target.version else ()


def _establish(
    rollout: Rollout, pin: Pin, known_warnings: Collection[str] | None
) -> DomainTruststore:
    """Make the domain use a version, and see that callers are let in.

    Args:
        rollout: the collaborators.
        pin: the version.
        known_warnings: what API Gateway may warn of; None: of anything.

    Raises:
        RolloutError: the unit cannot be applied, the domain does not take the version, or API
            Gateway warns of something that it did not warn of before.
        CanaryError: a canary is not let in.
    """
    pin.write(rollout.pin_file)
    rollout.progress.step(f"pinned version {pin.version} in {rollout.pin_file}")
    if not _is_in_force(rollout, pin):
        rollout.apply()
        rollout.progress.step("applied acm-domain")
    truststore = _wait_until_available(rollout, pin)
    rollout.progress.step(f"{rollout.domain.name} is {truststore.status}")
    new = [] if known_warnings is None else set(truststore.warnings) - set(known_warnings)
    if new:
        raise RolloutError(f"API Gateway warns of the truststore: {'; '.join(sorted(new))}")
    _wait_until_settled(rollout)
    return truststore


def _is_in_force(rollout: Rollout, pin: Pin) -> bool:
    found = rollout.domain.truststore()
    return found is not None and found.version == pin.version


def _wait_until_available(rollout: Rollout, pin: Pin) -> DomainTruststore:
    patience = rollout.patience
    until = patience.now() + patience.deadline
    while True:
        found = rollout.domain.truststore()
        if found and found.version == pin.version and found.status is DomainStatus.AVAILABLE:
            return found
        if found is None or found.version != pin.version:
            # Applied, so there is nothing to wait for.
            raise RolloutError(
                f"{rollout.domain.name} does not pin version {pin.version} after the apply",
                hint=f"does the unit acm-domain read {rollout.pin_file}?",
            )
        if patience.now() >= until:
            raise RolloutError(f"{rollout.domain.name} is still {found.status}")
        patience.sleep(patience.pause.total_seconds())


def _wait_until_settled(rollout: Rollout) -> None:
    """Call until all canaries were let in, or refused, without a break for long enough."""
    patience = rollout.patience
    since = patience.now()
    until = since + patience.deadline
    refused: CanaryError | None = None
    while True:
        before, refused = refused, _call(rollout.canaries)
        now = patience.now()
        if (before is None) != (refused is None):
            since = now  # until the change has reached every host, a caller may meet either
        if now - since >= patience.settle or now >= until:
            break
        patience.sleep(patience.pause.total_seconds())
    if refused is not None:
        raise refused
    if now - since < patience.settle:
        raise RolloutError("the canary is let in now and then, and no change should take so long")
    if rollout.canaries:
        rollout.progress.step("canary: let in")


def _call(canaries: Sequence[Caller]) -> CanaryError | None:
    try:
        for canary in canaries:
            canary.call()
    except CanaryError as error:
        return error
    return None


def _returned(rollout: Rollout, planned: Plan, error: Exception) -> RolloutError:
    """Return to the version before; says how that went."""
    failure = f"version {planned.target.version} failed: {error}"
    if planned.previous is None:
        return RolloutError(
            f"{failure}; there is no version before to return to",
            hint="find out why, then run it again",
        )
    if planned.distrusted:
        return RolloutError(
            f"{failure}; it takes out a compromised CA, so it was not taken back",
            hint="find out why, then run it again",
        )
    rollout.progress.step(f"{failure}: returning to {planned.previous.version}")
    try:
        _establish(rollout, planned.previous, known_warnings=None)
    except RolloutError as second:
        return RolloutError(
            f"{failure}; the return to {planned.previous.version} failed too: {second}",
            hint="run it again with --version and the version before",
        )
    rollout.return_file.unlink(missing_ok=True)
    return RolloutError(
        f"{failure}; version {planned.previous.version} is in force again",
        hint="callers are let in as before; find out why, then upload another truststore",
    )


def _subjects(bundle: bytes) -> list[str]:
    return [certificate.subject.rfc4514_string() for certificate in read_bundle(bundle)]
