"""What a person may choose, and what is refused."""

from pathlib import Path

import pytest

from local.errors import UsageError
from local.settings import DEFAULT_STATE_DIR, Settings


def test_ports_are_left_open_when_nobody_chose_them() -> None:
    settings = Settings.from_environment({})
    assert (settings.gateway_port, settings.edge_port) == (None, None)
    assert settings.state.root == DEFAULT_STATE_DIR


def test_choices_come_from_the_environment(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {"GATEWAY_PORT": "4600", "EDGE_PORT": "8500", "MTLS_LOCAL_DIR": str(tmp_path)}
    )
    assert (settings.gateway_port, settings.edge_port) == (4600, 8500)
    assert settings.state.root == tmp_path


def test_a_relative_state_directory_becomes_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings.from_environment({"MTLS_LOCAL_DIR": "x"}).state.root == tmp_path / "x"


@pytest.mark.parametrize("text", ["0", "65536", "-1", "http", "45 66", "\N{SUPERSCRIPT FOUR}"])
@pytest.mark.parametrize("variable", ["GATEWAY_PORT", "EDGE_PORT"])
def test_a_port_that_is_none_is_wrong_usage_and_named(variable: str, text: str) -> None:
    with pytest.raises(UsageError, match=variable) as refused:
        Settings.from_environment({variable: text})
    assert refused.value.exit_code == 2
    assert "65535" in refused.value.hint


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("dev", ("dev",)),
        ("dev,stage", ("dev", "stage")),
        (" dev , dev prod", ("dev", "prod")),
    ],
)
def test_environments_come_by_commas_or_spaces(text: str, names: tuple[str, ...]) -> None:
    assert Settings.from_environment({"ENVIRONMENTS": text}).environments == names
