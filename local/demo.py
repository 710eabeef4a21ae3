"""``demo``: the story, told by real clients, and what happened as a table or as data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.table import Table
from rich.text import Text

from local.caller import HandshakeRefusedError
from local.cloud import describe
from local.errors import LocalError
from local.progress import Progress
from local.story import SCENES, Scene, Seen, Stage
from pki.errors import PkiError


@dataclass(frozen=True)
class Played:
    """A scene that was played, and what was seen."""

    scene: Scene
    seen: Seen

    def to_json(self) -> dict[str, Any]:
        """The scene as a JSON document."""
        return {
            "name": self.scene.name,
            "title": self.scene.title,
            "expected": self.scene.expected,
            "seen": self.seen.text,
            "ok": self.seen.as_expected,
        }


def demo(stage: Stage, progress: Progress, scenes: Sequence[Scene] = SCENES) -> list[Played]:
    """Play all scenes, whatever happens in one of them."""
    played = []
    for scene in scenes:
        with progress.step(scene.title) as step:
            seen = _play(scene, stage)
            step.update(seen.text)
        played.append(Played(scene, seen))
    return played


def table(played: Sequence[Played]) -> Table:
    """What happened, for people."""
    made = Table(title="What happened", title_justify="left", expand=False)
    made.add_column("Tried")
    made.add_column("Expected")
    made.add_column("Seen")
    made.add_column("OK", justify="center")
    for entry in played:
        mark = Text("✓", "green") if entry.seen.as_expected else Text("✗", "bold red")
        made.add_row(entry.scene.title, entry.scene.expected, Text(entry.seen.text), mark)
    return made


def _play(scene: Scene, stage: Stage) -> Seen:
    try:
        return scene.play(stage)
    except HandshakeRefusedError:
        return Seen("connection reset", as_expected=False)
    except (BotoCoreError, ClientError) as error:
        return Seen(describe(error)[0], as_expected=False)
    except (LocalError, PkiError, OSError) as error:
        return Seen(str(error), as_expected=False)
