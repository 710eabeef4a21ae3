"""One place for every version: whatever repeats one agrees with it."""

import re
import tomllib

import pytest
import yaml

from tools import versions
from tools.install import MODULES
from tools.paths import ROOT
from tools.versions import Tool, Version

PINS = versions.load()
BUILT = [tool for tool in PINS.tools.values() if tool.package]


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Terraform v1.11.4\non linux_amd64", Version(1, 11, 4)),
        ("terragrunt version v1.1.3", Version(1, 1, 3)),
        ("go version go1.26 linux/amd64", Version(1, 26, 0)),
        ("1.7.12\ninstalled by building from source", Version(1, 7, 12)),
    ],
)
def test_a_version_is_read_from_what_tools_print(text: str, version: Version) -> None:
    assert Version.parse(text) == version


def test_a_text_without_a_version_is_refused() -> None:
    with pytest.raises(ValueError, match="no version in 'usage: hammer'"):
        Version.parse("usage: hammer")


def test_versions_are_compared_by_number() -> None:
    assert Version(1, 9, 0) < Version(1, 11, 0) < Version(1, 11, 4)


@pytest.mark.parametrize("tool", PINS.tools.values(), ids=PINS.tools)
def test_the_version_that_is_built_fits(tool: Tool) -> None:
    assert tool.fits(Version.parse(tool.version))
    assert not tool.fits(tool.below)


def test_mise_installs_the_pinned_versions() -> None:
    mise = tomllib.loads((ROOT / "mise.toml").read_text())["tools"]
    pinned = {
        name: tool.version
        for name, tool in PINS.tools.items()
        if name != "tofu" and not tool.debian
    }

    assert mise == pinned | {"go": PINS.go, "node": PINS.node, "python": PINS.python, "uv": PINS.uv}


@pytest.mark.parametrize("tool", BUILT, ids=lambda tool: tool.name)
def test_a_tools_module_requires_the_pinned_version(tool: Tool) -> None:
    module = (MODULES / tool.name / "go.mod").read_text()
    repository = "/".join(tool.package.split("/")[:3])

    assert f"\ntool {tool.package}\n" in module
    assert re.search(rf"\b{re.escape(repository)}(/v\d+)? v{re.escape(tool.version)}\b", module)


@pytest.mark.parametrize("tool", BUILT, ids=lambda tool: tool.name)
def test_a_version_given_to_the_linker_is_the_pinned_one(tool: Tool) -> None:
    assert set(re.findall(r"\d+\.\d+\.\d+", tool.ldflags)) <= {tool.version}


def test_every_module_belongs_to_a_tool() -> None:
    assert {folder.name for folder in MODULES.iterdir()} == {tool.name for tool in BUILT}


def test_python_version_file_has_the_pinned_version() -> None:
    assert (ROOT / ".python-version").read_text().strip() == PINS.python


def test_the_image_is_built_with_the_pinned_uv() -> None:
    dockerfile = (ROOT / "functions" / "Dockerfile").read_text()

    assert f"FROM ghcr.io/astral-sh/uv:{PINS.uv} AS uv\n" in dockerfile


def test_ci_installs_the_pinned_versions() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    given: dict[str, str] = {}
    for step in workflow["jobs"]["test"]["steps"]:
        given |= step.get("with", {})

    assert given["terraform_version"] == PINS.tools["terraform"].version
    assert given["go-version"] == PINS.go
