"""Runs what is to be done for each unit: in the order of dependencies, and as much at once as may.

Terragrunt's own ``run --all`` cannot be asked between two units whether the next one may be
planned at all, which is what keeps a plan from being made on mocks.
"""

import os
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from pipeline.errors import PipelineError, UsageError

PARALLELISM = "TG_PARALLELISM"
"""Terragrunt's own name for how many units run at once."""


def workers(environ: Mapping[str, str]) -> int:
    """How many units may run at once.

    Raises:
        UsageError: the environment names no number.
    """
    text = environ.get(PARALLELISM, "")
    if not text:
        return max(2, os.cpu_count() or 1)
    if not text.isdecimal() or not 1 <= int(text) <= 256:
        raise UsageError(f"{PARALLELISM}={text}: expected a number from 1 to 256")
    return int(text)


def layers(graph: Mapping[str, Collection[str]]) -> list[list[str]]:
    """The nodes in layers: each depends on earlier ones only.

    Args:
        graph: each node and what it depends on; what is no node itself is left out.

    Raises:
        PipelineError: some depend on each other.
    """
    left = {node: {other for other in needs if other in graph} for node, needs in graph.items()}
    found: list[list[str]] = []
    while left:
        ready = sorted(node for node, needs in left.items() if not needs)
        if not ready:
            raise PipelineError(
                "these units depend on each other: " + ", ".join(sorted(left)),
                hint="take one of their dependency blocks away",
            )
        found.append(ready)
        for node in ready:
            del left[node]
        for needs in left.values():
            needs.difference_update(ready)
    return found


def in_order[T](
    graph: Mapping[str, Collection[str]],
    work: Callable[[str], T],
    *,
    at_once: int,
    stopped: threading.Event,
) -> dict[str, T]:
    """Do the work for each node as soon as it is done for all that the node depends on.

    Args:
        graph: see `layers`.
        work: called in threads; what it raises ends everything, after what is under way.
        at_once: how many threads.
        stopped: once it is set, nothing else is begun.

    Returns:
        What `work` returned, for each node that was begun.

    Raises:
        PipelineError: some nodes depend on each other.
    """
    order = [node for layer in layers(graph) for node in layer]
    left = {node: {other for other in graph[node] if other in graph} for node in order}
    results: dict[str, T] = {}
    running: dict[Future[T], str] = {}
    failure: BaseException | None = None
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        while True:
            if failure is None and not stopped.is_set():
                for node in [node for node, needs in left.items() if not needs]:
                    if len(running) == at_once:
                        break
                    del left[node]
                    running[pool.submit(work, node)] = node
            if not running:
                break
            # A signal's handler sets `stopped` between two looks.
            done, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in done:
                node = running.pop(future)
                error = future.exception()
                if error is not None:
                    failure = failure or error
                    continue
                results[node] = future.result()
                for needs in left.values():
                    needs.discard(node)
    if failure is not None:
        raise failure
    return results
