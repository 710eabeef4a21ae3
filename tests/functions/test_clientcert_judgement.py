"""clientcert: how old a memory is, and why a certificate gets nowhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mtls_authorizer.refusal
import mtls_token.refusal
from clientcert import Moment, Unusable, read_clocks

SECONDS = st.floats(min_value=0, max_value=1e9, allow_nan=False)


class TestMoment:
    def test_a_frozen_uptime_does_not_stop_the_age(self) -> None:
        assert Moment(uptime=5, wall=1600).seconds_since(Moment(uptime=5, wall=1000)) == 600

    def test_a_wall_clock_set_forward_a_little_does_not_shorten_the_age(self) -> None:
        assert Moment(uptime=15, wall=1002).seconds_since(Moment(uptime=5, wall=1000)) == 10

    def test_a_wall_clock_that_ran_backwards_makes_everything_too_old(self) -> None:
        assert Moment(uptime=6, wall=999).seconds_since(Moment(uptime=5, wall=1000)) == float("inf")

    @given(uptime=SECONDS, wall=SECONDS, more_uptime=SECONDS, more_wall=SECONDS)
    def test_no_clock_has_gone_further_than_the_age(
        self, uptime: float, wall: float, more_uptime: float, more_wall: float
    ) -> None:
        earlier = Moment(uptime, wall)
        later = Moment(uptime + more_uptime, wall + more_wall)

        age = later.seconds_since(earlier)

        assert age >= later.uptime - earlier.uptime
        assert age >= later.wall - earlier.wall

    def test_the_machines_clocks_go_on(self) -> None:
        earlier = read_clocks()

        assert 0 <= read_clocks().seconds_since(earlier) < 60


@pytest.mark.parametrize("reasons", [mtls_authorizer.refusal.Refusal, mtls_token.refusal.Refusal])
def test_every_function_that_judges_a_certificate_has_its_reasons(
    reasons: type[mtls_authorizer.refusal.Refusal] | type[mtls_token.refusal.Refusal],
) -> None:
    assert {reason.value for reason in Unusable} <= {reason.value for reason in reasons}
