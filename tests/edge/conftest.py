"""A running edge for the tests that talk to it over sockets."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor as twisted_reactor
from twisted.internet.threads import blockingCallFromThread

from local.edge.certificates import ServerCertificates
from local.edge.gateway import Gateway
from local.edge.model import Snapshot
from local.edge.server import Edge, listen, utc_now
from local.edge.tls import RefuseWith, ServerConnections
from tests.edge.emulator import Emulator
from tests.edge.support import Function, Functions, Running, StartEdge


@pytest.fixture(scope="session")
def reactor() -> Iterator[Any]:
    """Twisted's reactor in a thread of its own: a process has one, and it runs once."""
    running: Any = twisted_reactor
    thread = threading.Thread(
        target=running.run, kwargs={"installSignalHandlers": False}, daemon=True
    )
    thread.start()
    yield running
    running.callFromThread(running.stop)
    thread.join(10)


@pytest.fixture
def start_edge(reactor: Any, tmp_path: Path) -> Iterator[StartEdge]:
    """Start edges on free ports; they end with the test."""
    stops: list[Callable[[], None]] = []

    def start(
        snapshot: Snapshot,
        backend: Function | None = None,
        authorizer: Function | None = None,
        refuse_with: RefuseWith = RefuseWith.FORBIDDEN,
        concurrency: int = 64,
    ) -> Running:
        backend = backend or Function(lambda _event: {"statusCode": 200, "body": "ok"})
        authorizer = authorizer or Function(lambda _event: {"isAuthorized": True})
        certificates = ServerCertificates(tmp_path / "edge", utc_now)
        running = Running(snapshot, certificates.ca_path, tmp_path, backend)
        gateway = Gateway(
            Functions(backend=backend, authorizer=authorizer),
            clock=utc_now,
            monotonic=reactor.seconds,
        )
        edge = Edge(
            lambda: running.snapshot,
            gateway,
            running.log.append,
            reactor,
            concurrency=concurrency,
        )
        connections = ServerConnections(
            certificates,
            lambda: running.snapshot,
            clock=utc_now,
            refuse_with=refuse_with,
            on_problem=running.problems.append,
        )
        port = blockingCallFromThread(reactor, listen, edge, connections, "127.0.0.1", 0)
        running.port = port.getHost().port

        def stop() -> None:
            blockingCallFromThread(reactor, port.stopListening)
            edge.pool.stop()

        stops.append(stop)
        return running

    yield start
    for stop in stops:
        stop()


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """A stand-in for the emulator with nothing in it."""
    started = Emulator()
    yield started
    started.close()
