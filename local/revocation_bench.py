"""From revocation to refusal, through the edge of the running platform, under load.

    make up && make bench-revocation
    make bench-revocation ARGS='--revocations 400 --devices 16 --background 8'

Devices take turns: each has its certificate put on hold, calls without a pause for longer than it
may take, and is released again. What is measured is from the moment before the registry is asked to
revoke until the answer to the last call that was let in, so that several instances of a function,
each with a memory of its own, count with the slowest. Meanwhile other devices call all the time.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event

from rich.console import Console
from rich.progress import track
from rich.table import Table

from clientcert import RevocationReason, der_from_pem, fingerprint
from local.caller import HandshakeRefusedError, Identity
from local.errors import LocalError
from local.settings import Settings
from local.story import REVOCATION_SECONDS, Stage
from pki.errors import PkiError
from pki.registry import Registry
from tools.errors import ToolsError

_WATCHED_SECONDS = 2 * REVOCATION_SECONDS
_BACK_AGAIN_SECONDS = 10.0


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


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point: 0 when the 99th percentile is below the target, 1 when it is not."""
    arguments = _parser().parse_args(argv)
    err = Console(stderr=True)
    try:
        stage = Stage.connect(Settings.from_environment(os.environ), os.environ)
        samples, calls = measure(
            stage, arguments.revocations, arguments.devices, arguments.background, err
        )
    except (LocalError, PkiError, ToolsError) as error:
        err.print(f"[bold red]error:[/] {error}")
        return 1
    slowest = [max(sample.whoami, sample.token) for sample in samples]
    rows = {
        "authorizer (/whoami)": [sample.whoami for sample in samples],
        "/token": [sample.token for sample in samples],
        "both": slowest,
    }
    document = {
        name: {"p50": quantile(values, 50), "p99": quantile(values, 99), "max": max(values)}
        for name, values in rows.items()
    }
    if arguments.json:
        facts = {"revocations": len(samples), "background_calls": calls, "seconds": document}
        print(json.dumps(facts, indent=2))
    else:
        _show(document, len(samples), calls)
    return 0 if quantile(slowest, 99) < REVOCATION_SECONDS else 1


def measure(
    stage: Stage, revocations: int, devices: int, background: int, err: Console
) -> tuple[list[Sample], int]:
    """Revoke that often, with so many devices in parallel and others calling all the time.

    Returns:
        A sample a revocation, and how many calls the others made.

    Raises:
        LocalError: a device that is not revoked was refused.
    """
    everybody = [
        _device(stage, f"bench-{number:02}")
        for number in track(range(devices + background), "devices", console=err, transient=True)
    ]
    revoked, others = everybody[:devices], everybody[devices:]
    shares = [revocations // devices + (index < revocations % devices) for index in range(devices)]
    done = Event()
    with ThreadPoolExecutor(devices * 3 + background) as pool:
        noise = [pool.submit(_call_until, stage, other, done) for other in others]
        try:
            work = [
                pool.submit(_take_turns, stage, device, share, pool)
                for device, share in zip(revoked, shares, strict=True)
            ]
            samples = [sample for future in work for sample in future.result()]
        finally:
            done.set()
        return samples, sum(future.result() for future in noise)


def quantile(values: Sequence[float], percent: int) -> float:
    """The value that so many percent do not exceed."""
    if len(values) < 2:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _device(stage: Stage, name: str) -> Device:
    identity = stage.device(name)
    der = der_from_pem(identity.certificate.read_text("ascii"))
    return Device(identity, stage.token(identity), fingerprint(der))


def _take_turns(stage: Stage, device: Device, turns: int, pool: ThreadPoolExecutor) -> list[Sample]:
    registry = stage.registry
    samples = []
    for _ in range(turns):
        _until_let_in(stage, device)
        try:
            samples.append(_sample(stage, registry, device, pool))
        finally:
            registry.release(device.fingerprint)
    return samples


def _sample(stage: Stage, registry: Registry, device: Device, pool: ThreadPoolExecutor) -> Sample:
    start = time.monotonic()
    ends = [
        pool.submit(_last_let_in, call, start)
        for call in (lambda: _whoami(stage, device), lambda: _asks_for_token(stage, device))
    ]
    registry.revoke(device.fingerprint, RevocationReason.CERTIFICATE_HOLD, datetime.now(UTC))
    whoami, token = (future.result() for future in ends)
    return Sample(whoami, token)


def _last_let_in(call: Callable[[], int], start: float) -> float:
    last = start
    while time.monotonic() - start < _WATCHED_SECONDS:
        if call() == 200:
            last = time.monotonic()
    return last - start


def _until_let_in(stage: Stage, device: Device) -> None:
    start = time.monotonic()
    while not _whoami(stage, device) == _asks_for_token(stage, device) == 200:
        if time.monotonic() - start > _BACK_AGAIN_SECONDS:
            raise LocalError("a device that is not revoked is refused", hint="see make logs")


def _call_until(stage: Stage, device: Device, done: Event) -> int:
    calls = 0
    while not done.is_set():
        if (status := _whoami(stage, device)) != 200:
            raise LocalError(f"a device that nobody revoked was answered {status}")
        calls += 1
    return calls


def _whoami(stage: Stage, device: Device) -> int:
    try:
        return stage.whoami(device.identity, device.token).status
    except HandshakeRefusedError:
        return 0


def _asks_for_token(stage: Stage, device: Device) -> int:
    try:
        return stage.ask_for_token(device.identity).status
    except HandshakeRefusedError:
        return 0


def _show(document: dict[str, dict[str, float]], revocations: int, calls: int) -> None:
    table = Table(
        title=f"From revocation to refusal: {revocations} revocations, {calls} calls of others"
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
