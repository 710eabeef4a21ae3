"""``demo``: the story, told by real clients."""

from rich.console import Console

from local.progress import Progress
from local.settings import Settings


def demo(settings: Settings, progress: Progress, out: Console) -> bool:
    raise NotImplementedError
