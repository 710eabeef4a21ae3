import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki.bulk.requests import BulkRequest, Terms, read_csv, read_folder
from pki.errors import FileError, PkiError
from pki.keys import KeyType

DEFAULTS = Terms(scopes=frozenset({"api/read"}), days=365, app_client="default")


def csv_of(folder: Path, text: str | bytes) -> Path:
    path = folder / "fleet.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_row_says_what_differs_from_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "requests").mkdir()
    (tmp_path / "requests" / "a.csr").write_bytes(b"pem")
    path = csv_of(
        tmp_path,
        "name,csr,key_type,scopes,days,sans,app_client\n"
        "device-001,requests/a.csr,,,,,\n"
        '"device-002",,ec-p384,api/read api/write,90,URI:spiffe://a/b DNS:a.example.com,partner\n',
    )

    batch = read_csv(path, DEFAULTS)

    assert batch.refusals == ()
    assert batch.requests == (
        BulkRequest(
            origin="fleet.csv, line 2", client_id="device-001", source=b"pem", terms=DEFAULTS
        ),
        BulkRequest(
            origin="fleet.csv, line 3",
            client_id="device-002",
            source=KeyType.EC_P384,
            terms=Terms(scopes=frozenset({"api/read", "api/write"}), days=90, app_client="partner"),
            alternative_names=("URI:spiffe://a/b", "DNS:a.example.com"),
        ),
    )


@pytest.mark.parametrize("encoded", [b"\xef\xbb\xbfname,key_type\r\nd-1,ec-p256\r\n\r\n"])
def test_a_spreadsheets_mark_line_ends_and_empty_lines_do_not_matter(
    encoded: bytes, tmp_path: Path
) -> None:
    (request,) = read_csv(csv_of(tmp_path, encoded), DEFAULTS).requests

    assert request.client_id == "d-1"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("Device,,ec-p256,,,,", "'Device' is no client name"),
        ("d-1,,,,,,", "one of csr and key_type is needed"),
        ("d-1,a.csr,ec-p256,,,,", "one of csr and key_type is needed"),
        ("d-1,none.csr,,,,,", "there is no file"),
        ("d-1,pipe,,,,,", "there is no file"),
        ("d-1,.,,,,,", "there is no file"),
        ("d-1,large.csr,,,,,", "oversized"),
        ("d-1,,rsa-1024,,,,", "'rsa-1024' is none of ec-p256"),
        ("d-1,,ec-p256,read,,,", "'read' is no scope"),
        ("d-1,,ec-p256,,366,,", "'366' is no number of days"),
        ("d-1,,ec-p256,,,IP:10.0.0.1,", "is no subject alternative name"),
        ("d-1,,ec-p256,,,,Partner", "is no app client's name"),
        ("d-1,,ec-p256", "3 fields, but the first line names 7 columns"),
        ("d-1,,ec-p256,,,,,", "8 fields, but the first line names 7 columns"),
    ],
)
def test_a_wrong_row_is_refused_by_its_line(row: str, message: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large.csr").write_bytes(b"x" * 20_000)
    header = "name,csr,key_type,scopes,days,sans,app_client"
    path = csv_of(tmp_path, f'{header}\ngood,,ec-p256,,,,\n"odd",,"ec-p256",,,,\n{row}\n')

    batch = read_csv(path, DEFAULTS)

    assert [request.client_id for request in batch.requests] == ["good", "odd"]
    (refusal,) = batch.refusals
    assert refusal.origin == "fleet.csv, line 4"
    assert message in refusal.reason


def test_every_wrong_row_is_told_at_once(tmp_path: Path) -> None:
    path = csv_of(tmp_path, "name,key_type\nA,ec-p256\nb,ec-p256\nc,none\n")

    batch = read_csv(path, DEFAULTS)

    assert [(entry.origin, entry.client_id) for entry in batch.refusals] == [
        ("fleet.csv, line 2", "A"),
        ("fleet.csv, line 4", "c"),
    ]


def test_a_name_that_stands_twice_is_refused_both_times(tmp_path: Path) -> None:
    path = csv_of(tmp_path, "name,key_type\na,ec-p256\nb,ec-p256\na,ec-p384\n")

    batch = read_csv(path, DEFAULTS)

    assert [request.client_id for request in batch.requests] == ["b"]
    assert [entry.reason for entry in batch.refusals] == [
        "a is asked for more than once, also in fleet.csv, line 4",
        "a is asked for more than once, also in fleet.csv, line 2",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the column name is missing"),
        (b"csr\n", "the column name is missing"),
        (b"name;key_type\n", "no such column: 'name;key_type'"),
        (b"name,colour\n", "no such column: 'colour'"),
        (b"name,name\n", "the column name stands there twice"),
        (b"name\n", "asks for nothing"),
        (b"name\n\xff\n", "is not UTF-8"),
        (b'name,key_type\nd-1,"ec-p256\n', "line 2: no CSV"),
        (b'name,key_type\nd-1,"ec"p256\n', "line 2: no CSV"),
    ],
)
def test_what_is_no_csv_of_requests_is_refused(
    content: bytes, message: str, tmp_path: Path
) -> None:
    with pytest.raises(FileError, match=message):
        read_csv(csv_of(tmp_path, content), DEFAULTS)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot read the CSV file"):
        read_csv(tmp_path / "none.csv", DEFAULTS)


def test_a_line_within_quotes_counts(tmp_path: Path) -> None:
    path = csv_of(tmp_path, 'name,key_type\n"a\nb",ec-p256\nC,ec-p256\n')

    refusals = read_csv(path, DEFAULTS).refusals

    assert [entry.origin for entry in refusals] == ["fleet.csv, line 2", "fleet.csv, line 4"]


@given(st.text(max_size=300) | st.binary(max_size=300))
def test_an_arbitrary_file_is_read_or_refused_and_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, content: str | bytes
) -> None:
    encoded = content.encode("utf-8", "replace") if isinstance(content, str) else content
    folder = tmp_path_factory.getbasetemp()
    try:
        read_csv(csv_of(folder, b"name,csr,key_type,sans,days\n" + encoded), DEFAULTS)
        read_csv(csv_of(folder, encoded), DEFAULTS)
    except PkiError:
        return


CELL = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=12)


@given(st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=5))
def test_every_row_is_either_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    quoted = ["name,csr,days"]
    quoted += [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    filled = [row for row in rows if any(cell.strip() for cell in row)]

    try:
        batch = read_csv(csv_of(folder, "\n".join(quoted)), DEFAULTS)
    except FileError:
        assert not filled
        return

    assert len(batch.requests) + len(batch.refusals) == len(filled)


def test_a_folder_of_requests_names_each_by_its_file(tmp_path: Path) -> None:
    for name in ("b.csr", "a.csr", "notes.txt", "Bad.csr"):
        (tmp_path / name).write_bytes(name.encode())

    batch = read_folder(tmp_path, DEFAULTS)

    assert [(entry.client_id, entry.source, entry.names_itself) for entry in batch.requests] == [
        ("a", b"a.csr", True),
        ("b", b"b.csr", True),
    ]
    assert [entry.origin for entry in batch.refusals] == ["Bad.csr"]


def test_a_folder_without_requests_asks_for_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="asks for nothing"):
        read_folder(tmp_path, DEFAULTS)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot read the folder"):
        read_folder(tmp_path / "none", DEFAULTS)


def test_a_request_is_the_same_wherever_it_stands() -> None:
    first = BulkRequest(origin="x", client_id="a", source=b"pem", terms=DEFAULTS)
    again = BulkRequest(origin="y", client_id="a", source=b"pem", terms=DEFAULTS)
    other = BulkRequest(origin="x", client_id="a", source=b"other", terms=DEFAULTS)

    assert first.digest() == again.digest() != other.digest()
