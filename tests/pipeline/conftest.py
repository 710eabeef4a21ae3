"""Checkouts to judge, and the tools to judge them with."""

import shutil
from pathlib import Path

import pytest

from pipeline import gates
from tests.pipeline import checkouts
from tests.pipeline.checkouts import Checkout
from tools import install


@pytest.fixture(scope="session")
def gate_tools() -> dict[str, str]:
    """The environment in which the gates find their tools."""
    return install.ensure(gates.TOOLS)


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This project's tree with releases, which no test may change."""
    return checkouts.make(tmp_path_factory.mktemp("pristine"))


@pytest.fixture
def checkout(tmp_path: Path, pristine: Path, gate_tools: dict[str, str]) -> Checkout:
    """A copy of that tree."""
    root = shutil.copytree(pristine, tmp_path / "checkout", symlinks=True)
    return Checkout(root, gate_tools)
