"""``demo``: the story, told by real clients, and a table of what happened."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from local.caller import HandshakeRefusedError
from local.errors import LocalError
from local.progress import Progress
from local.story import SCENES, Scene, Seen, Stage


def demo(stage: Stage, progress: Progress, out: Console, scenes: Sequence[Scene] = SCENES) -> bool:
    """Play all scenes, whatever happens in one of them, and print the table.

    Returns:
        Whether everything was as expected.
    """
    results: list[tuple[Scene, Seen]] = []
    for scene in scenes:
        with progress.step(scene.title) as step:
            seen = _play(scene, stage)
            step.update(seen.text)
        results.append((scene, seen))
    out.print(_table(results))
    return all(seen.as_expected for _, seen in results)


def _play(scene: Scene, stage: Stage) -> Seen:
    try:
        return scene.play(stage)
    except HandshakeRefusedError:
        return Seen("connection reset", as_expected=False)
    except (LocalError, OSError) as error:
        return Seen(str(error), as_expected=False)


def _table(results: Sequence[tuple[Scene, Seen]]) -> Table:
    table = Table(title="What happened", title_justify="left", expand=False)
    table.add_column("Tried")
    table.add_column("Expected")
    table.add_column("Seen")
    table.add_column("OK", justify="center")
    for scene, seen in results:
        mark = Text("✓", "green") if seen.as_expected else Text("✗", "bold red")
        table.add_row(scene.title, scene.expected, seen.text, mark)
    return table
