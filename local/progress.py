"""What the person at the keyboard sees while the platform comes up: a line per step."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape


class Step:
    """A step that is under way; steps may run at the same time."""

    def __init__(self, progress: "Progress", title: str) -> None:
        self.title = title
        self.detail = ""
        self._progress = progress

    def update(self, detail: str) -> None:
        """Say how far it is; the last detail stays on the finished line."""
        self.detail = detail
        self._progress.refresh()

    def __str__(self) -> str:
        return f"{self.title} ({self.detail})" if self.detail else self.title


class Progress:
    """Shows steps on a console: what runs now on a terminal, what is done everywhere."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._lock = threading.RLock()
        self._running: list[Step] = []
        self._status = console.status("")

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Time a step, and tell how it ended."""
        step = Step(self, title)
        start = time.monotonic()
        self._enter(step)
        mark = "[red]✗[/red]"
        try:
            yield step
            mark = "[green]✓[/green]"
        finally:
            self._leave(
                step, f"{mark} {escape(str(step))} [dim]{time.monotonic() - start:.1f} s[/dim]"
            )

    def refresh(self) -> None:
        """Show what is under way, as it is now."""
        with self._lock:
            self._status.update(escape(" · ".join(str(step) for step in self._running)))

    def _enter(self, step: Step) -> None:
        with self._lock:
            self._running.append(step)
            self.refresh()
            if self.console.is_terminal:
                self._status.start()

    def _leave(self, step: Step, line: str) -> None:
        with self._lock:
            self._running.remove(step)
            self.console.print(line, highlight=False, soft_wrap=True)
            self.refresh()
            if not self._running:
                self._status.stop()
