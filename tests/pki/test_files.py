import os
from pathlib import Path

import pytest

from pki import files
from pki.errors import FileError
from tests.pki.support import kill_at_every_step


def test_a_file_is_written_with_its_mode_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        files.write_atomically(tmp_path / "new" / "secret", b"s", files.PRIVATE)
    finally:
        os.umask(before)

    assert (tmp_path / "new" / "secret").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_a_file_killed_at_any_step_holds_the_old_or_the_new(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def check(after: int) -> None:
        assert path.read_bytes() in {b"old", b"new"}, f"killed after {after} effects"
        path.write_bytes(b"old")

    effects = kill_at_every_step(lambda: files.write_atomically(path, b"new"), check)

    assert path.read_bytes() == b"new"
    assert effects == len(("chmod", "chmod", "fsync", "rename", "fsync folder"))


def test_a_folder_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(FileError, match="cannot write"):
        files.write_atomically(tmp_path / "file" / "below", b"x")


def test_a_failed_write_leaves_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()

    with pytest.raises(FileError, match="cannot write"):
        files.write_atomically(tmp_path / "target", b"x")

    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_reading_stops_one_byte_over_the_limit(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(1000))

    assert len(files.read(tmp_path / "large", "file", at_most=10)) == 11


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"cannot read the request .*/none: No such file"):
        files.read(tmp_path / "none", "request", at_most=10)
