"""The order of units, and how many run at once."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import PipelineError, UsageError
from pipeline.schedule import in_order, layers, workers


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, set[str]]:
    count = draw(st.integers(0, 8))
    return {
        f"n{node}": draw(st.sets(st.sampled_from([f"n{other}" for other in range(node)])))
        if node
        else set()
        for node in range(count)
    }


@given(graphs(), st.integers(1, 4))
def test_each_comes_after_all_that_it_needs(graph: dict[str, set[str]], at_once: int) -> None:
    done: list[str] = []

    def work(node: str) -> str:
        assert graph[node] <= set(done)
        done.append(node)
        return node

    results = in_order(graph, work, at_once=at_once, stopped=threading.Event())

    assert results == {node: node for node in graph}
    assert sorted(node for layer in layers(graph) for node in layer) == sorted(graph)


def test_no_more_than_may_run_at_once() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def work(_node: str) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1

    in_order({str(node): () for node in range(8)}, work, at_once=3, stopped=threading.Event())

    assert most == 3


def test_what_is_no_node_is_not_waited_for() -> None:
    assert in_order({"a": ["elsewhere"]}, str.upper, at_once=1, stopped=threading.Event()) == {
        "a": "A"
    }


def test_a_failure_begins_nothing_more() -> None:
    begun: list[str] = []

    def work(node: str) -> None:
        begun.append(node)
        raise PipelineError(node)

    with pytest.raises(PipelineError, match="a"):
        in_order({"a": (), "b": ("a",)}, work, at_once=1, stopped=threading.Event())
    assert begun == ["a"]


def test_once_it_is_stopped_nothing_more_is_begun() -> None:
    stopped = threading.Event()

    def work(node: str) -> str:
        stopped.set()
        return node

    assert in_order({"a": (), "b": ("a",)}, work, at_once=1, stopped=stopped) == {"a": "a"}


def test_a_circle_is_refused() -> None:
    with pytest.raises(PipelineError, match="depend on each other: a, b"):
        layers({"a": ["b"], "b": ["a"], "c": []})


def test_how_many_run_is_terragrunts_own_setting() -> None:
    assert workers({"TG_PARALLELISM": "7"}) == 7
    assert workers({}) >= 2


@pytest.mark.parametrize("text", ["0", "-1", "many", "1000"])
def test_a_setting_without_sense_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        workers({"TG_PARALLELISM": text})
