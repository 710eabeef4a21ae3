"""A bulk run's memory, in one SQLite file: what was asked for, drafted, signed, registered.

Each step is committed before the next one begins, so that whatever ends the process, the next run
goes on from there: it signs the same drafts, never others.
"""

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pki import files
from pki.errors import FileError
from pki.registration import Grant

RUN_FILE = "run.sqlite"

_FORMAT = "1"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS request (
  position INTEGER PRIMARY KEY,
  client_id TEXT NOT NULL UNIQUE,
  origin TEXT NOT NULL,
  digest TEXT NOT NULL,
  public_key_sha256 TEXT NOT NULL UNIQUE,
  draft TEXT NOT NULL,
  granted TEXT NOT NULL,
  key_made INTEGER NOT NULL,
  stage TEXT NOT NULL,
  certificate BLOB,
  signature_request_id TEXT,
  refusal TEXT,
  hint TEXT
);
CREATE INDEX IF NOT EXISTS request_by_stage ON request (stage, position);
"""


class Stage(StrEnum):
    """How far a request is."""

    DRAFTED = "drafted"
    SIGNED = "signed"
    REGISTERED = "registered"
    DELIVERED = "delivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One request of the run.

    Attributes:
        client_id: the device's name.
        origin: where it stands in the input.
        digest: of the request as it was asked.
        public_key_sha256: of the key that is certified.
        draft: :meth:`pki.issuing.Draft.to_document` as JSON.
        grant: what it is registered with.
        key_made: whether the key was made here.
        stage: how far it is.
        certificate: DER, once it is signed.
        signature_request_id: what the key keeper's log calls the signature.
        refusal: why it was refused after it was drafted, or None.
        hint: what to do about that.
    """

    client_id: str
    origin: str
    digest: str
    public_key_sha256: str
    draft: str
    grant: Grant
    key_made: bool
    stage: Stage = Stage.DRAFTED
    certificate: bytes | None = None
    signature_request_id: str | None = None
    refusal: str | None = None
    hint: str | None = None


class RunFile:
    """``<output-dir>/run.sqlite``; one run at a time has it open."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Keep an open connection; see :meth:`opened`."""
        self._connection = connection

    @classmethod
    @contextmanager
    def opened(cls, folder: Path) -> Iterator["RunFile"]:
        """Open the run file of a folder, or begin one; the folder is made.

        Raises:
            FileError: another run is at work there, or the file cannot be used.
        """
        path = folder / RUN_FILE
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(folder, os.O_RDONLY)
        except OSError as error:
            raise FileError(f"cannot use {folder}: {error.strerror or error}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.touch(files.PRIVATE)
            with closing(sqlite3.connect(path, isolation_level=None)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=FULL")
                connection.executescript(_SCHEMA)
                run = cls(connection)
                run.require_fact("format", _FORMAT, "complete it with the release that began it")
                yield run
        except BlockingIOError as error:
            raise FileError(
                f"another run is at work in {folder}", hint="wait for it, then run again"
            ) from error
        except sqlite3.Error as error:
            raise FileError(
                f"{path} cannot be used: {error}",
                hint="free space on the disk if it is full; the registry knows what was issued",
            ) from error
        finally:
            os.close(descriptor)

    def require_fact(self, name: str, value: str, hint: str) -> None:
        """Note a fact of the run when it begins, and hold later runs to it.

        Raises:
            FileError: it began with another one.
        """
        self._connection.execute("INSERT OR IGNORE INTO fact VALUES (?, ?)", (name, value))
        (found,) = self._connection.execute(
            "SELECT value FROM fact WHERE name = ?", (name,)
        ).fetchone()
        if found != value:
            raise FileError(f"this run began with {name} {found}, not {value}", hint=hint)

    def rows(self) -> Iterator[Row]:
        """Every row, in order."""
        yield from map(_row, self._connection.execute("SELECT * FROM request ORDER BY position"))

    def known(self) -> dict[str, tuple[str, Stage, bool]]:
        """Digest, stage, and whether it was refused, by client: enough to compare with an input."""
        found = self._connection.execute(
            "SELECT client_id, digest, stage, refusal IS NOT NULL FROM request"
        )
        return {name: (digest, Stage(stage), bool(no)) for name, digest, stage, no in found}

    def add(self, rows: Iterable[Row]) -> None:
        """Write new requests down, drafts included, all or none."""
        with self._transaction():
            self._connection.executemany(
                "INSERT INTO request (client_id, origin, digest, public_key_sha256, draft, "
                "granted, key_made, stage) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        row.client_id,
                        row.origin,
                        row.digest,
                        row.public_key_sha256,
                        row.draft,
                        json.dumps(row.grant.to_document()),
                        row.key_made,
                        row.stage,
                    )
                    for row in rows
                ),
            )

    def drop(self, client_ids: Iterable[str]) -> None:
        """Forget requests that were refused and are asked otherwise now."""
        with self._transaction():
            self._connection.executemany(
                "DELETE FROM request WHERE client_id = ? AND stage IN (?, ?)",
                ((name, Stage.DRAFTED, Stage.SIGNED) for name in client_ids),
            )

    def reconsider(self) -> None:
        """Judge again what was refused before."""
        self._connection.execute("UPDATE request SET refusal = NULL, hint = NULL")

    def next_rows(self, stage: Stage, count: int) -> list[Row]:
        """The first rows of a stage that were not refused."""
        found = self._connection.execute(
            "SELECT * FROM request WHERE stage = ? AND refusal IS NULL ORDER BY position LIMIT ?",
            (stage, count),
        )
        return list(map(_row, found))

    def count(self, stage: Stage) -> int:
        """How many rows of a stage were not refused."""
        (number,) = self._connection.execute(
            "SELECT COUNT(*) FROM request WHERE stage = ? AND refusal IS NULL", (stage,)
        ).fetchone()
        return int(number)

    def signed(self, entries: Iterable[tuple[str, bytes, str | None]]) -> None:
        """Write certificates down: client, DER, and what the keeper's log calls the signature."""
        with self._transaction():
            self._connection.executemany(
                "UPDATE request SET stage = 'signed', certificate = ?, signature_request_id = ? "
                "WHERE client_id = ?",
                ((der, request_id, name) for name, der, request_id in entries),
            )

    def advanced(self, client_ids: Iterable[str], stage: Stage) -> None:
        """Write down that these are at a stage now."""
        with self._transaction():
            self._connection.executemany(
                "UPDATE request SET stage = ? WHERE client_id = ?",
                ((stage, name) for name in client_ids),
            )

    def refused(self, entries: Sequence[tuple[str, str, str | None]]) -> None:
        """Write refusals down: client, reason, hint."""
        with self._transaction():
            self._connection.executemany(
                "UPDATE request SET refusal = ?, hint = ? WHERE client_id = ?",
                ((reason, hint, name) for name, reason, hint in entries),
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


def _row(found: Sequence[Any]) -> Row:
    _, client_id, origin, digest, key, draft, granted, key_made, stage, *rest = found
    certificate, signature_request_id, refusal, hint = rest
    return Row(
        client_id=client_id,
        origin=origin,
        digest=digest,
        public_key_sha256=key,
        draft=draft,
        grant=Grant.from_document(json.loads(granted)),
        key_made=bool(key_made),
        stage=Stage(stage),
        certificate=certificate,
        signature_request_id=signature_request_id,
        refusal=refusal,
        hint=hint,
    )
