"""What a bulk run is asked for: a CSV file, or a folder of certificate signing requests.

Everything is read before anything is judged, and everything that cannot be read is told at once,
each with its line or file.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pki import files
from pki.client_terms import parse_app_client, parse_days, parse_scope
from pki.csr import MAXIMUM_CSR_BYTES, parse_alternative_names, parse_client_id
from pki.errors import CsrError, FileError, PkiError, UsageError
from pki.keys import KeyType
from pki.profiles import name_to_text

COLUMNS = ("name", "csr", "key_type", "scopes", "days", "sans", "app_client")
CLIENT_KEY_TYPES = (KeyType.EC_P256, KeyType.EC_P384, KeyType.RSA_2048, KeyType.RSA_3072)
MAXIMUM_REQUESTS = 100_000
CSR_SUFFIX = ".csr"

_MAXIMUM_CSV_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a certificate is issued with.

    Attributes:
        scopes: OAuth scopes that the client may ask for.
        days: validity.
        app_client: name of the Cognito app client that its tokens are issued to.
    """

    scopes: frozenset[str]
    days: int
    app_client: str

    @property
    def lifetime(self) -> timedelta:
        """The validity as a span."""
        return timedelta(days=self.days)


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkRequest:
    """One certificate that is asked for.

    Attributes:
        origin: where it stands, for messages: ``fleet.csv, line 7``.
        client_id: the device's name.
        source: its PEM request, or the type of key to make for it.
        terms: what it is issued with.
        alternative_names: ``URI:...`` and ``DNS:...``.
        names_itself: whether the PEM request must carry the name, since only a file's name says
            it otherwise.
    """

    origin: str
    client_id: str
    source: bytes | KeyType
    terms: Terms
    alternative_names: tuple[str, ...] = ()
    names_itself: bool = False

    def digest(self) -> str:
        """The same for the same request, wherever it stands; SHA-256, hexadecimal."""
        source = self.source
        asked = [
            self.client_id,
            str(source) if isinstance(source, KeyType) else hashlib.sha256(source).hexdigest(),
            sorted(self.terms.scopes),
            self.terms.days,
            self.terms.app_client,
            sorted(self.alternative_names),
        ]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that gets no certificate.

    Attributes:
        origin: where it stands.
        client_id: the name it is for; None when that could not be read.
        reason: what is wrong.
        hint: what to do, or None.
    """

    origin: str
    client_id: str | None
    reason: str
    hint: str | None

    @classmethod
    def of(cls, origin: str, client_id: str | None, error: PkiError) -> "Refusal":
        """The refusal that an error means."""
        return cls(origin, client_id, str(error), error.hint)


@dataclass(frozen=True, slots=True)
class Batch:
    """What was read.

    Attributes:
        requests: those that can be judged, in the order in which they stand.
        refusals: those that cannot.
    """

    requests: tuple[BulkRequest, ...]
    refusals: tuple[Refusal, ...]


def read_csv(path: Path, defaults: Terms) -> Batch:
    """Read a CSV file (RFC 4180, UTF-8, a header of :data:`COLUMNS`, in any order).

    ``name`` is required, and one of ``csr`` (a file, relative to the CSV's folder) and
    ``key_type``; an empty field means the default. Scopes and names are separated by spaces.

    Raises:
        FileError: it cannot be read, or is no such CSV.
    """
    rows = _Rows(path, _decoded(path))
    requests: list[BulkRequest] = []
    refusals: list[Refusal] = []
    for line, fields in rows:
        origin = f"{path.name}, line {line}"
        try:
            requests.append(_request(path.parent, origin, fields, rows.header, defaults))
        except PkiError as error:
            name = dict(zip(rows.header, fields, strict=False)).get("name") or None
            refusals.append(Refusal.of(origin, name, error))
        _require_not_too_many(path, len(requests) + len(refusals))
    return _batch(path, requests, refusals)


def read_folder(folder: Path, defaults: Terms) -> Batch:
    """Read a folder of requests, ``<name>.csr`` each, whose subject must say the same name.

    Raises:
        FileError: it cannot be read, or holds none.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == CSR_SUFFIX)
    except OSError as error:
        raise FileError(f"cannot read the folder {folder}: {error.strerror or error}") from error
    _require_not_too_many(folder, len(paths))
    requests: list[BulkRequest] = []
    refusals: list[Refusal] = []
    for path in paths:
        try:
            requests.append(
                BulkRequest(
                    origin=path.name,
                    client_id=parse_client_id(path.stem),
                    source=_read_request(path),
                    terms=defaults,
                    names_itself=True,
                )
            )
        except PkiError as error:
            refusals.append(Refusal.of(path.name, None, error))
    return _batch(folder, requests, refusals)


class _Rows:
    """The records of a CSV text, each with the line that it begins on."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        self.header = self._header()

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        while True:
            line = self._reader.line_num + 1
            fields = self._next()
            if fields is None:
                return
            if any(fields):
                yield line, fields

    def _next(self) -> list[str] | None:
        try:
            fields = next(self._reader)
        except StopIteration:
            return None
        except csv.Error as error:
            line = self._reader.line_num
            raise FileError(f"{self._path}, line {line}: no CSV: {error}") from error
        return [field.strip() for field in fields]

    def _header(self) -> tuple[str, ...]:
        header = tuple(self._next() or ())
        for name in header:
            if name not in COLUMNS:
                raise FileError(
                    f"{self._path}, line 1: no such column: {name!r}",
                    hint=f"the first line names the columns, with commas: {', '.join(COLUMNS)}",
                )
            if header.count(name) > 1:
                raise FileError(f"{self._path}, line 1: the column {name} stands there twice")
        if "name" not in header:
            raise FileError(
                f"{self._path}, line 1: the column name is missing",
                hint=f"the first line names the columns, with commas: {', '.join(COLUMNS)}",
            )
        return header


def _decoded(path: Path) -> str:
    content = files.read(path, "CSV file", at_most=_MAXIMUM_CSV_BYTES)
    if len(content) > _MAXIMUM_CSV_BYTES:
        raise FileError(f"{path} is oversized: more than {_MAXIMUM_CSV_BYTES} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(
            f"{path} is not UTF-8 (byte {error.start})", hint="save it as CSV in UTF-8"
        ) from error


def _request(
    folder: Path, origin: str, fields: list[str], header: tuple[str, ...], defaults: Terms
) -> BulkRequest:
    if len(fields) != len(header):
        raise UsageError(f"{len(fields)} fields, but the first line names {len(header)} columns")
    row = dict(zip(header, fields, strict=True))
    names = parse_alternative_names(row.get("sans", "").split())
    return BulkRequest(
        origin=origin,
        client_id=parse_client_id(row["name"]),
        source=_source(folder, row),
        terms=_terms(row, defaults),
        alternative_names=tuple(map(name_to_text, names)),
    )


def _source(folder: Path, row: Mapping[str, str]) -> bytes | KeyType:
    csr, key_type = row.get("csr", ""), row.get("key_type", "")
    if bool(csr) == bool(key_type):
        raise UsageError(
            "one of csr and key_type is needed, and not both",
            hint="csr names the client's request; key_type has the key made here",
        )
    if csr:
        if "\0" in csr:
            raise UsageError(f"{csr!r} is no file's name")
        return _read_request(folder / csr)
    if key_type not in CLIENT_KEY_TYPES:
        raise UsageError(f"{key_type!r} is none of {', '.join(CLIENT_KEY_TYPES)}")
    return KeyType(key_type)


def _terms(row: Mapping[str, str], defaults: Terms) -> Terms:
    scopes, days, app_client = (row.get(name, "") for name in ("scopes", "days", "app_client"))
    return Terms(
        scopes=frozenset(map(parse_scope, scopes.split())) or defaults.scopes,
        days=parse_days(days) if days else defaults.days,
        app_client=parse_app_client(app_client) if app_client else defaults.app_client,
    )


def _read_request(path: Path) -> bytes:
    """A regular file, no larger than a request: a pipe would be waited for, for ever."""
    try:
        regular = path.is_file()
    except OSError:
        regular = False
    if not regular:
        raise CsrError(f"there is no file {path}", hint="paths are relative to the CSV's folder")
    content = files.read(path, "request", at_most=MAXIMUM_CSR_BYTES)
    if len(content) > MAXIMUM_CSR_BYTES:
        raise CsrError(f"{path} is oversized: more than {MAXIMUM_CSR_BYTES} bytes")
    return content


def _require_not_too_many(path: Path, count: int) -> None:
    if count > MAXIMUM_REQUESTS:
        raise FileError(
            f"{path} asks for more than {MAXIMUM_REQUESTS} certificates", hint="split it"
        )


def _batch(path: Path, requests: list[BulkRequest], refusals: list[Refusal]) -> Batch:
    """Refuse a name that stands twice, both times: nobody knows which was meant."""
    if not requests and not refusals:
        raise FileError(f"{path} asks for nothing", hint=f"a row, or a file *{CSR_SUFFIX}, each")
    homes: dict[str, list[str]] = {}
    for request in requests:
        homes.setdefault(request.client_id, []).append(request.origin)
    unique = []
    for request in requests:
        if len(origins := homes[request.client_id]) == 1:
            unique.append(request)
            continue
        others = ", ".join(origin for origin in origins if origin != request.origin)
        refusals.append(
            Refusal(
                request.origin,
                request.client_id,
                f"{request.client_id} is asked for more than once, also in {others}",
                "a client gets one certificate in a run",
            )
        )
    return Batch(tuple(unique), tuple(refusals))
