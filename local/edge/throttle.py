"""Stage throttling: a token bucket per stage and per route that has settings of its own.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
"""

import threading
from collections.abc import Callable

from local.edge.model import Api, Stage, Throttle


class TokenBucket:
    """A bucket of ``burst`` tokens, refilled at ``rate`` a second; a request takes one."""

    def __init__(self, settings: Throttle, now: float) -> None:
        self.settings = settings
        self._tokens = float(settings.burst)
        self._at = now

    def take(self, now: float) -> bool:
        """Take a token; False when there is none."""
        refill = max(0.0, now - self._at) * self.settings.rate
        self._tokens = min(float(self.settings.burst), self._tokens + refill)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Throttles:
    """The buckets of all stages. Settings that change start with a full bucket."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Make an empty set.

        Args:
            clock: Seconds that never run backwards.
        """
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str, str], TokenBucket] = {}

    def admit(self, api: Api, stage: Stage, route_key: str) -> bool:
        """Count a request; False when it is over the limit of its route or stage."""
        own = stage.route_throttles.get(route_key)
        settings, scope = (own, route_key) if own is not None else (stage.throttle, "")
        if settings is None:
            return True
        key = (api.id, stage.name, scope)
        now = self._clock()
        with self._lock:
            bucket = self._buckets.get(key)
            if bucket is None or bucket.settings != settings:
                bucket = self._buckets[key] = TokenBucket(settings, now)
            return bucket.take(now)
