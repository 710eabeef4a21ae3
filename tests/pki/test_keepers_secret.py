"""Where a passphrase or a PIN comes from, and what is told of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pki.errors import KeyKeeperError
from pki.keepers.secret import Ask, SecretSource, ask_at_the_terminal

LONG = "long enough to protect a key"


def source(environ: dict[str, str], ask: Ask | None = None) -> SecretSource:
    return SecretSource("PKI_ROOT_PASSPHRASE", "passphrase of the root CA's key", environ, ask)


def typing(*answers: str) -> Ask:
    left: Iterator[str] = iter(answers)
    return lambda _: next(left)


def test_a_secret_comes_from_its_variable() -> None:
    assert source({"PKI_ROOT_PASSPHRASE": LONG}).read() == LONG


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_comes_from_a_file_without_its_line_end(tmp_path: Path, end: str) -> None:
    file = tmp_path / "secret"
    file.write_bytes(f" {LONG} {end}".encode())

    assert source({"PKI_ROOT_PASSPHRASE_FILE": str(file)}).read() == f" {LONG} "


def test_a_secret_in_two_places_is_refused() -> None:
    environ = {"PKI_ROOT_PASSPHRASE": LONG, "PKI_ROOT_PASSPHRASE_FILE": "/elsewhere"}

    with pytest.raises(KeyKeeperError, match="are both set"):
        source(environ).read()


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("\n")

    with pytest.raises(KeyKeeperError, match="is empty"):
        source({"PKI_ROOT_PASSPHRASE_FILE": str(file)}).read()


def test_a_secret_that_is_nowhere_is_typed() -> None:
    assert source({}, typing("typed")).read() == "typed"


def test_a_given_secret_is_not_asked_for() -> None:
    assert source({"PKI_ROOT_PASSPHRASE": LONG}, typing()).read() == LONG


def test_a_new_secret_is_typed_twice() -> None:
    assert source({}, typing(LONG, LONG)).read_new() == LONG


def test_a_new_secret_that_was_typed_in_two_ways_is_refused() -> None:
    with pytest.raises(KeyKeeperError, match="the two were not the same"):
        source({}, typing(LONG, f"{LONG}!")).read_new()


def test_a_new_secret_that_could_be_guessed_is_refused_and_not_told() -> None:
    with pytest.raises(KeyKeeperError, match="shorter than 20 characters") as caught:
        source({"PKI_ROOT_PASSPHRASE": "hunter2"}).read_new()

    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


def nobody(_: str) -> str:
    raise EOFError


@pytest.mark.parametrize("ask", [None, nobody, typing("")])
def test_a_missing_secret_is_named_with_where_to_put_it(ask: Ask | None) -> None:
    with pytest.raises(
        KeyKeeperError, match="the passphrase of the root CA's key is miss"
    ) as caught:
        source({"PKI_ROOT_PASSPHRASE": ""}, ask).read()

    assert caught.value.hint is not None
    assert "set PKI_ROOT_PASSPHRASE, or PKI_ROOT_PASSPHRASE_FILE" in caught.value.hint


def test_without_a_terminal_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)

    with pytest.raises(KeyKeeperError, match="no terminal"):
        ask_at_the_terminal("PIN: ")


def test_a_source_is_shown_without_its_secret() -> None:
    assert LONG not in repr(source({"PKI_ROOT_PASSPHRASE": LONG}))
