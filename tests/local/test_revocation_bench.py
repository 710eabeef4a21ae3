"""The measurement of revocation, where calls are not answered; how fast it is, is nobody's test."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Event, Lock
from typing import cast

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from rich.console import Console

from clientcert import RevocationReason
from local import revocation_bench
from local.caller import Answer, HandshakeRefusedError, Identity
from local.errors import LocalError
from local.revocation_bench import Bench, Device, Measurement, Sample, main
from local.story import Stage
from tests.pki.support import build_hierarchy

DEVICE = Device(Identity(Path("client.crt"), Path("client.key")), "token", "a" * 64)
QUIET = Console(quiet=True)


class Clock:
    """Moves by so many seconds with each look at it, and when it is told to."""

    def __init__(self, step: float = 0.0) -> None:
        self._lock = Lock()
        self._step = step
        self.now = 0.0

    def __call__(self) -> float:
        with self._lock:
            self.now += self._step
            return self.now

    def passes(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds


@dataclass
class Edge:
    """Answers calls as a test wants it, and is the registry as well."""

    clock: Clock
    answers: Callable[[int], int | Exception] = lambda _: 200
    folder: Path = Path()
    held: set[str] = field(default_factory=set)
    calls: Counter[str] = field(default_factory=Counter)

    @property
    def registry(self) -> "Edge":
        return self

    def whoami(self, identity: Identity, token: str) -> Answer:
        return self._answer("/whoami")

    def ask_for_token(self, identity: Identity) -> Answer:
        return self._answer("/token")

    def device(self, name: str) -> Identity:
        path = self.folder / f"{name}.crt"
        root = build_hierarchy().root.certificate
        path.write_bytes(root.public_bytes(Encoding.PEM))
        return Identity(path, path)

    def token(self, identity: Identity) -> str:
        return "token"

    def revoke(self, fingerprint: str, reason: RevocationReason, now: datetime) -> None:
        assert reason is RevocationReason.CERTIFICATE_HOLD
        self.held.add(fingerprint)

    def release(self, fingerprint: str) -> None:
        self.held.remove(fingerprint)

    def _answer(self, path: str) -> Answer:
        self.calls[path] += 1
        found = self.answers(self.calls.total())
        if isinstance(found, Exception):
            if isinstance(found, TimeoutError):
                self.clock.passes(30)
            raise found
        return Answer(found, "")


def bench_of(edge: Edge) -> Bench:
    return Bench(cast("Stage", edge), edge.clock)


def scripted(*answers: int | Exception) -> Callable[[int], int | Exception]:
    """These, one after the other, and the last one from then on."""
    return lambda number: answers[min(number, len(answers)) - 1]


def test_the_last_call_that_was_let_in_counts_when_it_was_answered() -> None:
    edge = Edge(Clock(step=0.5), scripted(200, 200, 403))
    bench = bench_of(edge)

    assert bench.last_let_in(lambda: bench.whoami(DEVICE), 0.0) == 2.0


def test_who_is_refused_at_once_took_no_time() -> None:
    bench = bench_of(Edge(Clock(step=0.5), scripted(403)))

    assert bench.last_let_in(lambda: bench.whoami(DEVICE), 0.0) == 0.0


def test_a_call_that_is_not_answered_counts_as_not_refused_until_its_end() -> None:
    bench = bench_of(Edge(Clock(step=0.5), scripted(403, TimeoutError())))

    seconds = bench.last_let_in(lambda: bench.asks_for_token(DEVICE), 0.0)

    assert seconds > 30
    assert bench.timeouts.total == 1


def test_a_refused_connection_counts_as_refused() -> None:
    bench = bench_of(Edge(Clock(step=0.5), scripted(HandshakeRefusedError())))

    assert bench.last_let_in(lambda: bench.whoami(DEVICE), 0.0) == 0.0
    assert bench.timeouts.total == 0


def test_a_released_device_is_tried_again_after_a_time_out() -> None:
    edge = Edge(Clock(), scripted(TimeoutError(), 200))
    bench = bench_of(edge)

    bench.until_let_in(DEVICE)

    assert bench.timeouts.total == 1
    assert edge.calls == {"/whoami": 2, "/token": 2}


@pytest.mark.parametrize("answer", [TimeoutError(), 403])
def test_a_released_device_is_not_tried_for_ever(answer: int | Exception) -> None:
    bench = bench_of(Edge(Clock(step=1), scripted(answer)))

    with pytest.raises(LocalError, match="is refused, or gets no answer"):
        bench.until_let_in(DEVICE)


def ended_by(edge: Edge, after: int, then: int | Exception) -> Event:
    """Ends what the others do after so many calls."""
    done = Event()

    def answers(number: int) -> int | Exception:
        if number == after:
            done.set()
            return then
        return 200

    edge.answers = answers
    return done


def test_others_go_on_after_a_time_out() -> None:
    edge = Edge(Clock())
    done = ended_by(edge, after=3, then=TimeoutError())
    bench = bench_of(edge)

    assert bench.call_until(DEVICE, done) == 3
    assert bench.timeouts.total == 1


def test_others_that_are_refused_end_it() -> None:
    edge = Edge(Clock())
    done = ended_by(edge, after=2, then=403)

    with pytest.raises(LocalError, match="nobody revoked was answered 403"):
        bench_of(edge).call_until(DEVICE, done)


def test_each_device_is_held_and_released_and_time_outs_of_all_are_counted(tmp_path: Path) -> None:
    edge = Edge(Clock(step=0.05), folder=tmp_path)
    once = Lock()

    def answers(_: int) -> int | Exception:
        if edge.held and once.acquire(blocking=False):
            return TimeoutError()
        return 200

    edge.answers = answers

    measured = bench_of(edge).measure(revocations=1, devices=1, background=1, err=QUIET)

    assert edge.held == set()
    assert len(measured.samples) == 1
    assert measured.timeouts == 1


# --- What is told


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    """Lets the measurement have this result, or fail so."""
    monkeypatch.setattr(Stage, "connect", lambda *_: None)

    def ends(result: object) -> None:
        def measure(*_: object) -> object:
            if isinstance(result, Exception):
                raise result
            return result

        monkeypatch.setattr(revocation_bench.Bench, "measure", measure)

    return ends


def test_time_outs_are_told(
    measured: Callable[[object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    measured(Measurement((Sample(0.5, 0.25),), background_calls=7, timeouts=3))

    assert main(["--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["revocations"], told["background_calls"], told["timeouts"]) == (1, 7, 3)
    assert told["seconds"]["both"]["max"] == 0.5

    assert main([]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "3 time-outs" in words


def test_a_time_out_while_refusal_is_awaited_fails_the_target(
    measured: Callable[[object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    measured(Measurement((Sample(30.5, 0.25),), background_calls=7, timeouts=1))

    assert main(["--json"]) == 1


@pytest.mark.parametrize("error", [TimeoutError(), ConnectionRefusedError("nobody there")])
def test_an_edge_that_cannot_be_reached_is_told_without_a_traceback(
    measured: Callable[[object], None], error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    measured(error)

    assert main([]) == 1
    assert f"error: {str(error) or 'TimeoutError'}" in capsys.readouterr().err
