"""What the person who waits sees: what runs now on a terminal, a line for what is done anywhere."""

import threading

from rich.console import Console
from rich.markup import escape


class Progress:
    """Units that are under way, on a console; from any thread."""

    def __init__(self, console: Console, verb: str, total: int) -> None:
        self._console = console
        self._verb = verb
        self._total = total
        self._done = 0
        self._running: list[str] = []
        self._lock = threading.Lock()
        self._status = console.status("")

    def begin(self, unit: str) -> None:
        """A unit is begun."""
        with self._lock:
            self._running.append(unit)
            self._show()
            if self._console.is_terminal:
                self._status.start()

    def end(self, unit: str, *, good: bool, detail: str, seconds: float) -> None:
        """A unit is done, or nothing is to be done for it."""
        with self._lock:
            if unit in self._running:
                self._running.remove(unit)
            self._done += 1
            mark = "[green]✓[/green]" if good else "[red]✗[/red]"
            self._console.print(
                f"{mark} {escape(unit)} {escape(detail)} [dim]{seconds:.1f} s[/dim]",
                highlight=False,
                soft_wrap=True,
            )
            self._show()

    def close(self) -> None:
        """Nothing else comes."""
        self._status.stop()

    def _show(self) -> None:
        names = " · ".join(unit.rpartition("/")[2] for unit in self._running)
        self._status.update(f"{self._verb} {self._done}/{self._total} {escape(names)}")
        if not self._running:
            self._status.stop()
