"""From revocation to refusal, through the edge of the running platform, under load.

    make up && make bench-revocation
    make bench-revocation ARGS='--revocations 400 --devices 16 --background 8'

Devices take turns: each has its certificate put on hold, calls without a pause for longer than it
may take, and is released again. What is measured is from the moment before the registry is asked to
revoke until the answer to the last call that was let in, so that several instances of a function,
each with a memory of its own, count with the slowest. Meanwhile other devices call all the time.

A call that nobody answers in time was not refused: it counts like one that was let in, so that an
edge that hangs never looks quick. How many there were is told beside the result.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event, Lock

from rich.console import Console
from rich.progress import track
from rich.table import Table

from clientcert import RevocationReason, der_from_pem, fingerprint
from local.caller import Answer, HandshakeRefusedError, Identity
from local.errors import LocalError
from local.settings import Settings
from local.story import REVOCATION_SECONDS, Stage
from pki.errors import PkiError
from pki.registry import Registry
from tools.errors import ToolsError

_WATCHED_SECONDS = 2 * REVOCATION_SECONDS
_BACK_AGAIN_SECONDS = 90.0
"""Long enough for a call or two that nobody answers; a device is back in a second or two."""


@dataclass(frozen=True, slots=True)
class Device:
    """A client, and what it may present."""

    identity: Identity
    token: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One revocation: seconds until the last call that was let in was answered, 0 if none was."""

    whoami: float
    token: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured.

    Attributes:
        samples: one a revocation.
        background_calls: how many calls the others made.
        timeouts: how many calls of anybody were not answered in time.
    """

    samples: tuple[Sample, ...]
    background_calls: int
    timeouts: int


class Tally:
    """A number that many threads count."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.total = 0

    def add(self) -> None:
        """Count one more."""
        with self._lock:
            self.total += 1


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point: 0 when the 99th percentile is below the target, 1 when it is not."""
    arguments = _parser().parse_args(argv)
    err = Console(stderr=True)
    try:
        stage = Stage.connect(Settings.from_environment(os.environ), os.environ)
        measured = Bench(stage).measure(
            arguments.revocations, arguments.devices, arguments.background, err
        )
    except (LocalError, PkiError, ToolsError, OSError) as error:
        err.print(f"[bold red]error:[/] {str(error) or type(error).__name__}")
        return 1
    slowest = [max(sample.whoami, sample.token) for sample in measured.samples]
    rows = {
        "authorizer (/whoami)": [sample.whoami for sample in measured.samples],
        "/token": [sample.token for sample in measured.samples],
        "both": slowest,
    }
    document = {
        name: {"p50": quantile(values, 50), "p99": quantile(values, 99), "max": max(values)}
        for name, values in rows.items()
    }
    if arguments.json:
        facts = {
            "revocations": len(measured.samples),
            "background_calls": measured.background_calls,
            "timeouts": measured.timeouts,
            "seconds": document,
        }
        print(json.dumps(facts, indent=2))
    else:
        _show(document, measured)
    return 0 if quantile(slowest, 99) < REVOCATION_SECONDS else 1


def quantile(values: Sequence[float], percent: int) -> float:
    """The value that so many percent do not exceed."""
    if len(values) < 2:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


@dataclass(frozen=True)
class Bench:
    """The measurement.

    Attributes:
        stage: the running platform.
        clock: seconds, never going back.
        timeouts: calls that were not answered in time.
    """

    stage: Stage
    clock: Callable[[], float] = time.monotonic
    timeouts: Tally = field(default_factory=Tally)

    def measure(self, revocations: int, devices: int, background: int, err: Console) -> Measurement:
        """Revoke that often, with so many devices in parallel and others calling all the time.

        Raises:
            LocalError: a device that is not revoked was refused.
            OSError: the edge cannot be reached.
        """
        names = [f"bench-{number:02}" for number in range(devices + background)]
        everybody = [
            self._device(name) for name in track(names, "devices", console=err, transient=True)
        ]
        revoked, others = everybody[:devices], everybody[devices:]
        shares = [
            revocations // devices + (index < revocations % devices) for index in range(devices)
        ]
        done = Event()
        with ThreadPoolExecutor(devices * 3 + background) as pool:
            noise = [pool.submit(self.call_until, other, done) for other in others]
            try:
                work = [
                    pool.submit(self._take_turns, device, share, pool)
                    for device, share in zip(revoked, shares, strict=True)
                ]
                samples = [sample for future in work for sample in future.result()]
            finally:
                done.set()
            calls = sum(future.result() for future in noise)
        return Measurement(tuple(samples), calls, self.timeouts.total)

    def last_let_in(self, call: Callable[[], int | None], start: float) -> float:
        """Call without a pause; seconds from `start` to the end of the last call not refused."""
        last = start
        while self.clock() - start < _WATCHED_SECONDS:
            if call() in {200, None}:
                last = self.clock()
        return last - start

    def until_let_in(self, device: Device) -> None:
        """Call until the device, which was released, is let in at both doors.

        Raises:
            LocalError: it is refused still, or nobody answers.
        """
        start = self.clock()
        while (self.whoami(device), self.asks_for_token(device)) != (200, 200):
            if self.clock() - start > _BACK_AGAIN_SECONDS:
                raise LocalError(
                    "a device that is not revoked is refused, or gets no answer",
                    hint="see make logs",
                )

    def call_until(self, device: Device, done: Event) -> int:
        """Call all the time; how often.

        Raises:
            LocalError: it was refused.
        """
        calls = 0
        while not done.is_set():
            if (status := self.whoami(device)) not in {200, None}:
                raise LocalError(f"a device that nobody revoked was answered {status}")
            calls += 1
        return calls

    def whoami(self, device: Device) -> int | None:
        """The status that /whoami answers: 0 without a connection, None without an answer."""
        return self._status(lambda: self.stage.whoami(device.identity, device.token))

    def asks_for_token(self, device: Device) -> int | None:
        """As :meth:`whoami`, of /token."""
        return self._status(lambda: self.stage.ask_for_token(device.identity))

    def _status(self, call: Callable[[], Answer]) -> int | None:
        try:
            return call().status
        except HandshakeRefusedError:
            return 0
        except TimeoutError:
            self.timeouts.add()
            return None

    def _device(self, name: str) -> Device:
        identity = self.stage.device(name)
        der = der_from_pem(identity.certificate.read_text("ascii"))
        return Device(identity, self.stage.token(identity), fingerprint(der))

    def _take_turns(self, device: Device, turns: int, pool: ThreadPoolExecutor) -> list[Sample]:
        registry = self.stage.registry
        samples = []
        for _ in range(turns):
            self.until_let_in(device)
            try:
                samples.append(self._sample(registry, device, pool))
            finally:
                registry.release(device.fingerprint)
        return samples

    def _sample(self, registry: Registry, device: Device, pool: ThreadPoolExecutor) -> Sample:
        start = self.clock()
        ends = [
            pool.submit(self.last_let_in, call, start)
            for call in (lambda: self.whoami(device), lambda: self.asks_for_token(device))
        ]
        registry.revoke(device.fingerprint, RevocationReason.CERTIFICATE_HOLD, datetime.now(UTC))
        whoami, token = (future.result() for future in ends)
        return Sample(whoami, token)


def _show(document: dict[str, dict[str, float]], measured: Measurement) -> None:
    table = Table(
        title=f"From revocation to refusal: {len(measured.samples)} revocations, "
        f"{measured.background_calls} calls of others, {measured.timeouts} time-outs"
    )
    table.add_column("seconds")
    for name in ("p50", "p99", "max"):
        table.add_column(name, justify="right")
    for label, values in document.items():
        table.add_row(label, *(f"{value:.2f}" for value in values.values()))
    Console().print(table)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.revocation_bench", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--revocations", type=_positive, default=200, metavar="N")
    parser.add_argument(
        "--devices", type=_positive, default=4, metavar="N", help="that are revoked, at once"
    )
    parser.add_argument(
        "--background", type=_positive, default=2, metavar="N", help="that call all the time"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("1 or more expected")
    return number


if __name__ == "__main__":
    sys.exit(main())
