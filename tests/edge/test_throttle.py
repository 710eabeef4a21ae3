"""Which requests are over the limit."""

from hypothesis import given
from hypothesis import strategies as st

from local.edge.model import Stage, Throttle
from local.edge.throttle import Throttles, TokenBucket
from tests.edge.support import api


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def stage(burst: int = 2, rate: float = 1.0, **routes: Throttle) -> Stage:
    return Stage("$default", throttle=Throttle(rate, burst), route_throttles=routes)


def test_a_burst_is_admitted_and_then_the_rate() -> None:
    clock = Clock()
    throttles = Throttles(clock)
    settings = stage(burst=2, rate=1.0)
    assert [throttles.admit(api(), settings, "GET /a") for _ in range(3)] == [True, True, False]
    clock.now += 1.0
    assert [throttles.admit(api(), settings, "GET /a") for _ in range(2)] == [True, False]


def test_a_route_of_its_own_does_not_use_the_stages_bucket() -> None:
    throttles = Throttles(Clock())
    settings = Stage(
        "$default", throttle=Throttle(1, 1), route_throttles={"GET /a": Throttle(1, 1)}
    )
    assert throttles.admit(api(), settings, "GET /a")
    assert not throttles.admit(api(), settings, "GET /a")
    assert throttles.admit(api(), settings, "GET /b")
    assert not throttles.admit(api(), settings, "GET /c")


def test_a_stage_without_settings_is_not_limited() -> None:
    throttles = Throttles(Clock())
    assert all(throttles.admit(api(), Stage("$default"), "GET /a") for _ in range(100))


def test_a_limit_of_zero_admits_nothing() -> None:
    assert not Throttles(Clock()).admit(api(), stage(burst=0, rate=0.0), "GET /a")


def test_changed_settings_apply_at_once() -> None:
    throttles = Throttles(Clock())
    assert throttles.admit(api(), stage(burst=1), "GET /a")
    assert not throttles.admit(api(), stage(burst=1), "GET /a")
    assert throttles.admit(api(), stage(burst=3), "GET /a")


def test_apis_do_not_share_a_bucket() -> None:
    throttles = Throttles(Clock())
    assert throttles.admit(api("one"), stage(burst=1), "GET /a")
    assert throttles.admit(api("two"), stage(burst=1), "GET /a")


@given(
    st.integers(0, 20),
    st.floats(0, 50),
    st.lists(st.floats(0, 2), max_size=60),
)
def test_never_more_than_burst_plus_rate_times_time(
    burst: int, rate: float, waits: list[float]
) -> None:
    bucket = TokenBucket(Throttle(rate, burst), 0.0)
    now, admitted = 0.0, 0
    for wait in waits:
        now += wait
        admitted += bucket.take(now)
    assert admitted <= burst + rate * now + 1e-6
