"""Files that are there whole or not at all."""

import os
import tempfile
from pathlib import Path

from pki.errors import FileError

PRIVATE = 0o600
PUBLIC = 0o644


def write_durably(path: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Write a file that nobody reads before it is moved into place, and flush it to disk.

    The content is never readable to others, not even for a moment, unless ``mode`` says so.

    Raises:
        FileError: the file cannot be written.
    """
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        _fill(os.open(path, flags, PRIVATE), content, mode)
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}") from error


def write_atomically(path: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Write beside the target, flush to disk, then rename over it; folders are made.

    Raises:
        FileError: the folder cannot be made or written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        try:
            _fill(descriptor, content, mode)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}") from error


def move(source: Path, target: Path) -> None:
    """Rename within one folder, and flush the folder.

    Raises:
        FileError: the rename failed.
    """
    try:
        source.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise FileError(f"cannot write {target}: {error.strerror or error}") from error


def read(path: Path, what: str, *, at_most: int) -> bytes:
    """Read a file that the caller named, but no more than one byte over the limit.

    Raises:
        FileError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(at_most + 1)
    except OSError as error:
        raise FileError(f"cannot read the {what} {path}: {error.strerror or error}") from error


def _fill(descriptor: int, content: bytes, mode: int) -> None:
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), PRIVATE)
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
