"""The README says what the edge does."""

import os
import subprocess
import sys
from pathlib import Path

import local.edge
from pki.gateway.chain import Refusal

README = (Path(local.edge.__file__).parent / "README.md").read_text()


def test_it_shows_the_help_that_the_command_gives() -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "EDGE_"))}
    shown = subprocess.run(
        [sys.executable, "-m", "local.edge", "--help"],
        capture_output=True,
        text=True,
        env=environment | {"COLUMNS": "100", "NO_COLOR": "1"},
        check=True,
    )
    assert f"$ python -m local.edge --help\n{shown.stdout}```" in README


def test_it_explains_every_reason_for_refusing_a_certificate() -> None:
    assert [reason for reason in Refusal if f"`{reason}`" not in README] == []


def test_it_names_every_module() -> None:
    modules = {path.stem for path in Path(local.edge.__file__).parent.glob("*.py")}
    plumbing = {"__init__", "http", "errors", "invoke"}
    assert [name for name in sorted(modules - plumbing) if f"`{name}`" not in README] == []
