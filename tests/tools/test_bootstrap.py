"""tools/bootstrap on machines that have uv, or Python, or neither."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import versions
from tools.paths import ROOT

Script = Callable[[Path, str], Path]

PINS = versions.load()

# A uv that knows no Python, and notes what it is asked.
UV = """
case "$*" in
  --version) echo "uv {version}" ;;
  "python find"*) exit 1 ;;
  "python install"*) echo install >> "$HOME/asked"; exit 1 ;;
esac
"""

# A Python whose pip installs a script in place of uv.
PYTHON_WITH_PIP = """
case "$1 $2" in
  "-c import sys"*) exit 0 ;;
  "-m pip")
    while [ $# -gt 0 ]; do
      case "$1" in
        --target) mkdir -p "$2/bin"; cp "$HOME/uv" "$2/bin/uv"; chmod +x "$2/bin/uv" ;;
        uv==*) echo "$1" >> "$HOME/installed" ;;
      esac
      shift
    done ;;
esac
"""


def python(version: str) -> str:
    return f"echo {version}"


def bootstrap(
    environ: dict[str, str], *command: str, **extra: str
) -> subprocess.CompletedProcess[str]:
    Path(environ["HOME"]).mkdir(exist_ok=True)
    return subprocess.run(
        [ROOT / "tools" / "bootstrap", *command],
        env=environ | extra,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def interpreter(tmp_path: Path, script: Script) -> str:
    """A Python that UV_PYTHON names, for tests that are not about Python."""
    return str(script(tmp_path / "named" / "python3", python(PINS.python)))


def test_uv_on_path_is_used_when_its_version_fits(
    tmp_path: Path, script: Script, environ: dict[str, str], interpreter: str
) -> None:
    uv = script(tmp_path / "bin" / "uv", UV.format(version="0.9.0"))

    done = bootstrap(environ, "bash", "-c", "type -P uv", UV_PYTHON=interpreter)

    assert done.stdout.strip() == str(uv)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("version", ["0.8.24", "1.0.0"])
def test_uv_on_path_is_passed_over_when_its_version_does_not_fit(
    version: str, tmp_path: Path, script: Script, environ: dict[str, str], interpreter: str
) -> None:
    script(tmp_path / "bin" / "uv", UV.format(version=version))
    script(tmp_path / "bin" / "python3", PYTHON_WITH_PIP)
    script(tmp_path / "home" / "uv", UV.format(version=PINS.uv))

    done = bootstrap(environ, "uv", "--version", UV_PYTHON=interpreter)

    assert done.stdout.strip() == f"uv {PINS.uv}"
    assert (tmp_path / "home" / "installed").read_text().split() == [f"uv=={PINS.uv}"]


def test_uv_is_installed_once(
    tmp_path: Path, script: Script, environ: dict[str, str], interpreter: str
) -> None:
    script(tmp_path / "bin" / "python3", PYTHON_WITH_PIP)
    script(tmp_path / "home" / "uv", UV.format(version=PINS.uv))

    first = bootstrap(environ, "uv", "--version", UV_PYTHON=interpreter)
    second = bootstrap(environ, "uv", "--version", UV_PYTHON=interpreter)

    assert f"installing uv {PINS.uv} from PyPI (once)" in first.stderr
    assert second.stdout.strip() == f"uv {PINS.uv}"
    assert second.stderr == ""


def test_without_uv_and_python_there_is_one_clear_error(environ: dict[str, str]) -> None:
    done = bootstrap(environ, "true")

    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith(
        "error: uv is not on PATH, and there is no Python"
    )
    assert done.stderr.splitlines()[1].startswith("hint: install uv (https://")


def test_a_failing_pip_is_shown_and_leaves_nothing(
    tmp_path: Path, script: Script, environ: dict[str, str], interpreter: str
) -> None:
    body = 'case "$*" in "-m pip install"*) echo "no route to host"; exit 1 ;; esac'
    script(tmp_path / "bin" / "python3", body)

    done = bootstrap(environ, "true", UV_PYTHON=interpreter)

    assert done.returncode == 1
    assert "no route to host" in done.stderr
    assert f"error: uv {PINS.uv} could not be installed" in done.stderr
    assert [path for path in (tmp_path / "cache").rglob("*") if not path.is_dir()] == []


def test_the_pinned_python_is_preferred(
    tmp_path: Path, script: Script, environ: dict[str, str]
) -> None:
    script(tmp_path / "bin" / "uv", UV.format(version=PINS.uv))
    script(tmp_path / "bin" / "python3.13", python("3.13.0"))
    pinned = script(
        tmp_path / "pyenv" / "versions" / PINS.python / "bin" / "python3", python(PINS.python)
    )

    done = bootstrap(environ, "bash", "-c", "echo $UV_PYTHON", PYENV_ROOT=str(tmp_path / "pyenv"))

    assert done.stdout.strip() == str(pinned)
    assert not (tmp_path / "home" / "asked").exists()


def test_another_python_of_the_series_does_where_the_pinned_one_cannot_be_had(
    tmp_path: Path, script: Script, environ: dict[str, str]
) -> None:
    script(tmp_path / "bin" / "uv", UV.format(version=PINS.uv))
    script(tmp_path / "bin" / "python3", python("3.11.2"))
    other = script(tmp_path / "pyenv" / "versions" / "3.13.0" / "bin" / "python3", python("3.13.0"))

    done = bootstrap(environ, "bash", "-c", "echo $UV_PYTHON", PYENV_ROOT=str(tmp_path / "pyenv"))

    assert done.stdout.strip() == str(other)
    assert f"Python {PINS.python} cannot be had here: using {other}" in done.stderr


def test_the_choice_of_python_is_remembered(
    tmp_path: Path, script: Script, environ: dict[str, str]
) -> None:
    script(tmp_path / "bin" / "uv", UV.format(version=PINS.uv))
    script(tmp_path / "bin" / "python3.13", python("3.13.0"))

    bootstrap(environ, "true")
    second = bootstrap(environ, "bash", "-c", "echo $UV_PYTHON")

    assert second.stdout.strip() == str(tmp_path / "bin" / "python3.13")
    assert second.stderr == ""
    assert (tmp_path / "home" / "asked").read_text().split() == ["install"]


def test_a_remembered_python_that_is_gone_is_chosen_anew(
    tmp_path: Path, script: Script, environ: dict[str, str]
) -> None:
    script(tmp_path / "bin" / "uv", UV.format(version=PINS.uv))
    gone = script(tmp_path / "bin" / "python3.13", python("3.13.0"))
    bootstrap(environ, "true")
    gone.unlink()
    other = script(tmp_path / "bin" / "python3", python("3.13.2"))

    done = bootstrap(environ, "bash", "-c", "echo $UV_PYTHON")

    assert done.stdout.strip() == str(other)


def test_without_a_fitting_python_there_is_one_clear_error(
    tmp_path: Path, script: Script, environ: dict[str, str]
) -> None:
    script(tmp_path / "bin" / "uv", UV.format(version=PINS.uv))
    script(tmp_path / "bin" / "python3", python("3.12.4"))

    done = bootstrap(environ, "true")

    assert done.returncode == 1
    assert "error: there is no Python 3.13 on this machine" in done.stderr
    assert "hint: install Python 3.13" in done.stderr


def test_a_python_that_the_user_names_is_kept(
    tmp_path: Path, script: Script, environ: dict[str, str]
) -> None:
    script(tmp_path / "bin" / "uv", UV.format(version=PINS.uv))

    done = bootstrap(environ, "bash", "-c", "echo $UV_PYTHON", UV_PYTHON="3.13.1")

    assert done.stdout.strip() == "3.13.1"


def test_the_commands_exit_code_is_passed_on(
    tmp_path: Path, script: Script, environ: dict[str, str], interpreter: str
) -> None:
    script(tmp_path / "bin" / "uv", UV.format(version=PINS.uv))

    assert bootstrap(environ, "bash", "-c", "exit 7", UV_PYTHON=interpreter).returncode == 7


def test_without_a_command_it_shows_its_usage(environ: dict[str, str]) -> None:
    done = bootstrap(environ)

    assert done.returncode == 2
    assert done.stderr.startswith("usage: tools/bootstrap COMMAND")
