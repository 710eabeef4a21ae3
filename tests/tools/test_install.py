"""Providing tools on machines that have them, or can build them, or cannot."""

import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rich.console import Console

from tools import install, versions
from tools.errors import ToolsError
from tools.install import Found, Machine
from tools.paths import locked
from tools.versions import Tool, Version

Script = Callable[[Path, str], Path]

TOOL = Tool(
    name="hammer",
    version="1.4.2",
    minimum=Version(1, 4),
    below=Version(2, 0),
    package="example.com/hammer",
    ldflags="-X main.version=1.4.2",
    build_minutes=3,
)

# A Go that writes the file after -o, and notes each build and where it ran.
GO = """
echo "$PWD $*" >> "$HOME/builds"
while [ $# -gt 0 ]; do
  if [ "$1" = -o ]; then printf '#!/bin/sh\\necho hammer 1.4.2\\n' > "$2"; chmod +x "$2"; fi
  shift
done
"""


@pytest.fixture
def machine(tmp_path: Path, environ: dict[str, str]) -> Machine:
    """A machine with an empty cache, and the source of one tool."""
    (tmp_path / "home").mkdir()
    module = tmp_path / "modules" / TOOL.name
    module.mkdir(parents=True)
    (module / "go.mod").write_text("module hammer\n")
    (module / "go.sum").write_text("")
    return Machine(
        environ=environ,
        cache=tmp_path / "cache",
        links=tmp_path / "links",
        modules=tmp_path / "modules",
    )


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=200, highlight=False)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def provide(
    machine: Machine, console: Console, tool: Tool = TOOL, others: Mapping[str, Tool] | None = None
) -> Found:
    return install.provide(tool, others or {}, machine, console)


def builds(machine: Machine) -> list[str]:
    notes = Path(machine.environ["HOME"]) / "builds"
    return notes.read_text().splitlines() if notes.exists() else []


@pytest.mark.parametrize(
    "printed",
    ["hammer version v1.4.0", "Hammer v1.9.9\non linux_amd64", "Version: 1.4.2\nRego Version: v1"],
)
def test_a_fitting_tool_on_path_is_used(
    printed: str, tmp_path: Path, script: Script, machine: Machine, console: Console
) -> None:
    there = script(tmp_path / "bin" / "hammer", f"echo '{printed}'")

    assert provide(machine, console).path == there
    assert builds(machine) == []


def test_a_fitting_tool_behind_one_that_does_not_fit_is_found(
    tmp_path: Path, script: Script, machine: Machine, console: Console
) -> None:
    script(tmp_path / "bin" / "hammer", "echo 1.3.9")
    second = script(tmp_path / "second" / "hammer", "echo 1.5.0")
    path = f"{machine.environ['PATH']}{os.pathsep}{tmp_path / 'second'}"
    machine = Machine({**machine.environ, "PATH": path}, machine.cache)

    assert provide(machine, console).path == second


@pytest.mark.parametrize("body", ["echo 1.3.9", "echo 2.0.0", "echo nothing", "echo 1.4.2; exit 3"])
def test_a_tool_that_does_not_fit_is_built(
    body: str, tmp_path: Path, script: Script, machine: Machine, console: Console
) -> None:
    script(tmp_path / "bin" / "hammer", body)
    script(tmp_path / "bin" / "go", GO)

    found = provide(machine, console)

    assert found.path.is_relative_to(machine.cache)
    assert subprocess.check_output([found.path], text=True).strip() == "hammer 1.4.2"


def test_a_build_is_announced_with_its_duration(
    tmp_path: Path, script: Script, machine: Machine, console: Console
) -> None:
    script(tmp_path / "bin" / "go", GO)

    provide(machine, console)

    announced, done = shown(console).splitlines()
    assert announced == "hammer: building 1.4.2 (about 3 minutes, once)"
    assert done.startswith("hammer: built 1.4.2 in 0:0")


def test_a_build_takes_the_sources_that_are_committed_and_no_others(
    tmp_path: Path, script: Script, machine: Machine, console: Console
) -> None:
    script(tmp_path / "bin" / "go", GO)

    provide(machine, console)

    (build,) = builds(machine)
    assert build.startswith(f"{machine.modules / 'hammer'} build ")
    assert "-mod=readonly" in build
    assert build.endswith(" example.com/hammer")


def test_what_was_built_is_not_built_again(
    tmp_path: Path, script: Script, machine: Machine, console: Console
) -> None:
    script(tmp_path / "bin" / "go", GO)

    first = provide(machine, console)
    (tmp_path / "bin" / "go").unlink()
    second = provide(machine, console)

    assert first == second
    assert len(builds(machine)) == 1


def test_other_sources_are_another_build(
    tmp_path: Path, script: Script, machine: Machine, console: Console
) -> None:
    script(tmp_path / "bin" / "go", GO)

    first = provide(machine, console)
    (machine.modules / "hammer" / "go.sum").write_text("example.com/nail v1.0.0 h1:...\n")
    second = provide(machine, console)

    assert first.path != second.path


def test_without_go_the_error_names_the_tool_and_how_to_get_it(
    machine: Machine, console: Console
) -> None:
    with pytest.raises(
        ToolsError, match=r"^hammer \(>= 1\.4\.0, < 2\.0\.0\) is not on PATH.*no Go"
    ) as caught:
        provide(machine, console)

    assert "install hammer with `mise install` or your package manager" in caught.value.hint
    assert "https://go.dev/dl/" in caught.value.hint


def test_a_failed_build_shows_why_and_leaves_nothing(
    tmp_path: Path, script: Script, machine: Machine, console: Console
) -> None:
    script(tmp_path / "bin" / "go", f"{GO}\necho 'checksum mismatch' >&2; exit 1")

    with pytest.raises(ToolsError, match=r"hammer 1\.4\.2 could not be built:\nchecksum mismatch"):
        provide(machine, console)

    assert [path for path in (machine.cache / "tools").rglob("*") if not path.is_dir()] == []


class Overheard(io.StringIO):
    """A console's file that tells when something was written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = threading.Event()

    def write(self, text: str) -> int:
        self.heard.set()
        return super().write(text)


def test_what_another_process_is_building_is_waited_for(
    tmp_path: Path, script: Script, machine: Machine
) -> None:
    script(tmp_path / "bin" / "go", GO)
    binary = provide(machine, Console(file=io.StringIO())).path
    content = binary.read_bytes()
    binary.unlink()
    overheard = Overheard()
    lock = machine.cache / "locks" / f"{binary.parent.name}.lock"

    with ThreadPoolExecutor() as pool:
        with locked(lock):
            waiting = pool.submit(provide, machine, Console(file=overheard, width=200))
            assert overheard.heard.wait(timeout=30)
            binary.write_bytes(content)
        found = waiting.result()

    assert overheard.getvalue() == "hammer: another process is building it\n"
    assert found.path == binary
    assert len(builds(machine)) == 1


def test_a_tool_that_cannot_be_built_has_a_stand_in(
    tmp_path: Path, script: Script, machine: Machine, console: Console
) -> None:
    mallet = Tool(name="mallet", version="1.0.0", minimum=Version(1, 0), below=Version(2, 0))
    wanted = Tool(
        name="sledge",
        version="9.0.0",
        minimum=Version(9, 0),
        below=Version(10, 0),
        stand_in="mallet",
    )
    there = script(tmp_path / "bin" / "mallet", "echo 1.1.0")

    found = provide(machine, console, wanted, {"mallet": mallet})

    assert (found.tool, found.path) == (mallet, there)


def test_without_either_the_error_names_what_was_asked_for_and_its_stand_in(
    machine: Machine, console: Console
) -> None:
    sledge = Tool("sledge", "9.0.0", Version(9, 0), Version(10, 0), stand_in="hammer")

    with pytest.raises(ToolsError) as caught:
        provide(machine, console, sledge, {"hammer": TOOL})

    assert str(caught.value) == (
        "sledge (>= 9.0.0, < 10.0.0) or hammer (>= 1.4.0, < 2.0.0) is not on PATH, "
        "and there is no Go to build hammer with"
    )
    assert caught.value.hint.startswith("install sledge with `mise install` or your package")
    assert "hammer" not in caught.value.hint


def test_a_tool_that_can_neither_be_found_nor_built_is_an_error(
    machine: Machine, console: Console
) -> None:
    wanted = Tool(name="sledge", version="9.0.0", minimum=Version(9, 0), below=Version(10, 0))

    with pytest.raises(ToolsError, match=r"^sledge \(>= 9\.0\.0, < 10\.0\.0\) is not on PATH$"):
        provide(machine, console, wanted)


def test_a_link_is_replaced_by_one_to_what_was_found(
    tmp_path: Path, machine: Machine, script: Script
) -> None:
    stale = machine.links / "hammer"
    machine.links.mkdir()
    stale.symlink_to(tmp_path / "gone")
    there = script(tmp_path / "bin" / "hammer", "echo 1.4.0")

    install.link(Found(TOOL, there, Version(1, 4)), "hammer", machine)

    assert stale.readlink() == there


def test_a_tool_that_path_does_not_find_is_linked(
    tmp_path: Path, script: Script, machine: Machine
) -> None:
    script(tmp_path / "bin" / "hammer", "echo 1.3.0")
    cached = script(tmp_path / "cache" / "hammer", "echo 1.4.2")

    install.link(Found(TOOL, cached, Version(1, 4, 2)), "hammer", machine)
    install.link(Found(TOOL, cached, Version(1, 4, 2)), "hammer", machine)

    assert (machine.links / "hammer").readlink() == cached


def test_links_of_the_checkout_are_not_what_path_has(
    script: Script, machine: Machine, console: Console
) -> None:
    script(machine.links / "hammer", "echo 1.4.2")
    path = f"{machine.links}{os.pathsep}{machine.environ['PATH']}"
    machine = Machine(
        {**machine.environ, "PATH": path}, machine.cache, machine.links, machine.modules
    )

    with pytest.raises(ToolsError):
        provide(machine, console)


TRAY = Tool("tray-util", "2.6.1", Version(2, 6), Version(3, 0), debian="tray")

# An apt that notes what it is asked, and puts a package where it is told to keep what it fetches.
APT = """
echo "$*" >> "$HOME/asked"
case "$*" in *install*) ;; *) exit 0 ;; esac
for option in "$@"; do
  case "$option" in Dir::Cache=*) echo deb > "${option#Dir::Cache=}/archives/tray.deb" ;; esac
done
"""

# A dpkg-deb that unpacks a program which says its version.
DPKG_DEB = """
mkdir -p "$3/usr/bin"
printf '#!/bin/sh\\necho 2.6.1\\n' > "$3/usr/bin/tray-util"
chmod +x "$3/usr/bin/tray-util"
"""


def test_a_tool_of_a_debian_package_is_unpacked_once_and_changes_nothing_else(
    tmp_path: Path, script: Script, machine: Machine, console: Console
) -> None:
    script(tmp_path / "bin" / "apt-get", APT)
    script(tmp_path / "bin" / "dpkg-deb", DPKG_DEB)

    first = provide(machine, console, TRAY)
    second = provide(machine, console, TRAY)

    assert first == second
    assert first.path.is_relative_to(machine.cache)
    assert first.version == Version(2, 6, 1)
    asked = (Path(machine.environ["HOME"]) / "asked").read_text().splitlines()
    assert [line.split()[-1] for line in asked] == ["update", "tray"]
    assert all(f"Dir::State={machine.cache}" in line for line in asked)
    assert "--download-only" in asked[1]
    assert shown(console) == "tray-util: unpacked the Debian package tray\n"


def test_a_tool_of_a_debian_package_on_path_is_used(
    tmp_path: Path, script: Script, machine: Machine, console: Console
) -> None:
    there = script(tmp_path / "bin" / "tray-util", "echo 2.7.0")

    assert provide(machine, console, TRAY).path == there


def test_a_debian_package_that_cannot_be_fetched_shows_why_and_leaves_nothing(
    tmp_path: Path, script: Script, machine: Machine, console: Console
) -> None:
    script(tmp_path / "bin" / "apt-get", "echo 'E: Unable to locate package tray'; exit 100")

    with pytest.raises(ToolsError, match="tray could not be fetched:\nE: Unable to loc") as caught:
        provide(machine, console, TRAY)

    assert "sudo apt-get install tray" in caught.value.hint
    assert list((machine.cache / "tools").iterdir()) == []


def test_a_debian_package_of_another_version_is_refused(
    tmp_path: Path, script: Script, machine: Machine, console: Console
) -> None:
    script(tmp_path / "bin" / "apt-get", APT)
    script(tmp_path / "bin" / "dpkg-deb", DPKG_DEB.replace("2.6.1", "3.0.0"))

    with pytest.raises(ToolsError, match=r"of the Debian package tray is 3\.0\.0"):
        provide(machine, console, TRAY)


def test_without_apt_the_error_names_the_package(machine: Machine, console: Console) -> None:
    with pytest.raises(
        ToolsError, match=r"tray-util \(>= 2\.6\.0.* no apt-get to fetch it"
    ) as caught:
        provide(machine, console, TRAY)

    assert caught.value.hint == "install tray with your package manager"


def test_the_environment_finds_terraform_and_its_provider(
    tmp_path: Path, script: Script, environ: dict[str, str], console: Console
) -> None:
    script(tmp_path / "bin" / "terraform", "echo Terraform v1.12.0")
    mine = tmp_path / "home" / ".terraformrc"
    mine.parent.mkdir()
    mine.write_text("")

    environment = install.ensure(
        ["terraform"], environ=environ, console=console, verbose=True, links=tmp_path / "links"
    )

    assert environment["TF_CLI_CONFIG_FILE"] == str(mine)
    assert environment["TG_TF_PATH"] == "terraform"
    assert f"terraform: 1.12.0 {tmp_path / 'bin' / 'terraform'}" in shown(console)
    assert f"provider hashicorp/aws: {versions.load().provider} by {mine}" in shown(console)


@pytest.mark.parametrize(("is_terminal", "told"), [(False, "true"), (True, None)])
def test_terragrunt_is_told_when_no_terminal_shows_colours(
    is_terminal: bool,  # noqa: FBT001
    told: str | None,
    environ: dict[str, str],
    console: Console,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)

    assert install.ensure([], environ=environ, console=console).get("TG_NO_COLOR") == told


def test_terraform_tests_do_not_take_a_stand_in(
    tmp_path: Path, script: Script, environ: dict[str, str], console: Console
) -> None:
    script(tmp_path / "bin" / "tofu", "echo OpenTofu v1.12.6")

    with pytest.raises(
        ToolsError, match=r"^terraform \(>= 1\.\d+\.\d+, < 2\.0\.0\) is not on PATH$"
    ):
        install.ensure(["terraform"], environ=environ, console=console, stand_ins=False)


def test_an_unknown_tool_is_an_error(environ: dict[str, str], console: Console) -> None:
    with pytest.raises(ToolsError, match="no tool is called anvil"):
        install.ensure(["anvil"], environ=environ, console=console)


def test_the_command_line_takes_names_and_a_command() -> None:
    assert install.parse(["opa", "--", "opa", "test", "--", "x"]) == (
        ["opa"],
        ["opa", "test", "--", "x"],
    )


def test_the_command_line_means_every_tool_when_it_names_none() -> None:
    names, command = install.parse([])

    assert {*names, "tofu"} == set(versions.load().tools)  # OpenTofu only stands in for Terraform
    assert command == []


def test_the_command_line_refuses_an_unknown_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        install.main(["anvil"])

    assert caught.value.code == 2
    assert "no tool is called 'anvil'" in capsys.readouterr().err
