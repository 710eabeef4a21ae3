"""The current configuration, renewed in the background without making a request wait."""

import logging
import threading
from collections.abc import Callable

from local.edge.errors import ControlPlaneError
from local.edge.model import Snapshot

_log = logging.getLogger(__name__)


class Configuration:
    """The current snapshot, renewed in the background."""

    def __init__(self, load: Callable[[], Snapshot], interval: float) -> None:
        """Load the first snapshot.

        Args:
            load: Reads the control plane.
            interval: Seconds between two readings.

        Raises:
            ControlPlaneError: The first reading failed.
        """
        self._load = load
        self._interval = interval
        self._snapshot = load()
        self._stop = threading.Event()
        self._failing = False

    def __call__(self) -> Snapshot:
        """Return the snapshot of the last reading that succeeded."""
        return self._snapshot

    def start(self) -> None:
        """Begin to read again and again."""
        threading.Thread(target=self._run, name="edge-configuration", daemon=True).start()

    def stop(self) -> None:
        """Stop reading; does not wait."""
        self._stop.set()

    def refresh(self) -> None:
        """Read once; a failure keeps what is known and is logged once until it has passed."""
        try:
            self._snapshot = self._load()
        except ControlPlaneError as error:
            if not self._failing:
                _log.warning("%s; serving the last known configuration", error)
            self._failing = True
            return
        if self._failing:
            _log.warning("the control plane can be read again")
        self._failing = False

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            try:
                self.refresh()
            except Exception:  # noqa: BLE001
                # A bug met here must not end the refreshing for good.
                _log.exception("reading the control plane failed")
