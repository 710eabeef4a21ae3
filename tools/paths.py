"""Where things lie, in the checkout and in the user's cache."""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""

BUILD = ROOT / "build"
"""What can be made again; ignored by git."""

LINKS = BUILD / "tools" / "bin"
"""Links to the cached tools that this checkout uses because PATH has none that fits."""


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Returns this project's folder in the user's cache (XDG Base Directory Specification)."""
    base = environ.get("XDG_CACHE_HOME", "")
    parent = Path(base) if base else Path(environ.get("HOME") or Path.home()) / ".cache"
    return parent / "aws-api-gateway-mtls"


@contextmanager
def locked(path: Path, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Holds an exclusive lock, so that two processes do not make the same thing at once.

    The lock is the kernel's (flock): it ends with the process, however that ends.

    Args:
        path: The lock file; made when missing, and left behind.
        on_wait: Called once when somebody else holds the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write_atomically(path: Path, text: str) -> None:
    """Writes a file so that readers see the old content or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
