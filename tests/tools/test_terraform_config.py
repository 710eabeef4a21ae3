"""Where the provider comes from: the user's configuration, a mirror, or the registry."""

import platform
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import terraform_config, versions
from tools.errors import ToolsError
from tools.terraform_config import OPENTOFU_REGISTRY, TERRAFORM_REGISTRY, Mirror

Script = Callable[[Path, str], Path]

VERSION = versions.load().provider
MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
PLATFORM = f"{platform.system().lower()}_{MACHINE}"


def mirror(folder: Path, version: str = VERSION, target: str = PLATFORM) -> Path:
    (folder / TERRAFORM_REGISTRY / "hashicorp" / "aws" / version / target).mkdir(parents=True)
    return folder


@pytest.mark.parametrize("below", ["", "plugins", "share/plugins"])
def test_a_mirror_is_found_up_to_two_levels_below_a_root(below: str, tmp_path: Path) -> None:
    folder = mirror(tmp_path / below)

    assert terraform_config.find_mirrors([tmp_path]) == [Mirror(folder, TERRAFORM_REGISTRY)]


def test_a_packed_mirror_is_found(tmp_path: Path) -> None:
    folder = tmp_path / TERRAFORM_REGISTRY / "hashicorp" / "aws"
    folder.mkdir(parents=True)
    (folder / f"terraform-provider-aws_{VERSION}_{PLATFORM}.zip").touch()

    assert terraform_config.find_mirrors([tmp_path]) == [Mirror(tmp_path, TERRAFORM_REGISTRY)]


@pytest.mark.parametrize(
    ("version", "target"),
    [("5.99.0", PLATFORM), (VERSION, "plan9_mips")],
    ids=["version", "platform"],
)
def test_a_mirror_of_another_version_or_platform_is_passed_over(
    version: str, target: str, tmp_path: Path
) -> None:
    mirror(tmp_path / "first", version, target)
    second = mirror(tmp_path / "second")

    found = terraform_config.find_mirrors([tmp_path / "first", tmp_path / "second"])

    assert found == [Mirror(second, TERRAFORM_REGISTRY)]


def test_no_mirror_is_no_error(tmp_path: Path) -> None:
    assert terraform_config.find_mirrors([tmp_path, tmp_path / "missing"]) == []


def test_the_configuration_links_to_the_mirror_and_to_it_only(tmp_path: Path) -> None:
    text = terraform_config.render([Mirror(tmp_path / 'a "b"', TERRAFORM_REGISTRY)])

    assert f'path    = "{tmp_path}/a \\"b\\""' in text
    assert 'include = ["registry.terraform.io/hashicorp/aws"]' in text
    assert 'exclude = ["registry.terraform.io/hashicorp/aws"]' in text


def test_without_a_mirror_the_configuration_asks_the_registry() -> None:
    assert terraform_config.render([]) == "provider_installation {\n  direct {}\n}\n"


def test_the_users_data_folders_are_searched(tmp_path: Path) -> None:
    roots = terraform_config.install_roots(
        {"HOME": "/h", "XDG_DATA_DIRS": "/a:/b", "XDG_CACHE_HOME": str(tmp_path)}
    )

    assert Path("/h/.terraform.d/plugins") in roots
    assert Path("/h/.local/share/terraform") in roots
    assert Path("/a/terraform") in roots
    assert Path("/b/terraform") in roots
    assert terraform_config.providers_cache({"XDG_CACHE_HOME": str(tmp_path)}) in roots


def test_a_configuration_that_the_user_names_is_kept(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    mine = tmp_path / "mine.tfrc"
    mine.write_text("")

    used = terraform_config.ensure(
        tmp_path / "generated", environ | {"TF_CLI_CONFIG_FILE": str(mine)}
    )

    assert used == mine
    assert not (tmp_path / "generated").exists()


def test_a_configuration_that_is_missing_is_replaced(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    folder = mirror(tmp_path / "home" / ".terraform.d" / "plugins")
    missing = str(tmp_path / "missing.tfrc")

    used = terraform_config.ensure(
        tmp_path / "new" / "generated", environ | {"TF_CLI_CONFIG_FILE": missing}
    )

    assert used == tmp_path / "new" / "generated"
    assert used.read_text() == terraform_config.render([Mirror(folder, TERRAFORM_REGISTRY)])


def test_a_configuration_that_says_the_same_is_not_written_again(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    written = terraform_config.ensure(tmp_path / "generated", environ)
    written.chmod(0o400)
    before = written.stat()

    assert terraform_config.ensure(tmp_path / "generated", environ).stat() == before


# A Terraform that leaves a provider where it would: below its data folder.
TERRAFORM = """
echo "$*" >> "$HOME/asked"
cat "$TF_CLI_CONFIG_FILE" main.tf > "$HOME/given"
mkdir -p "$TF_DATA_DIR/providers/{registry}/hashicorp/aws/{version}/{platform}"
"""


@pytest.mark.parametrize("registry", [TERRAFORM_REGISTRY, OPENTOFU_REGISTRY])
def test_the_provider_is_fetched_once_into_the_users_cache(
    registry: str, tmp_path: Path, script: Script, environ: dict[str, str]
) -> None:
    (tmp_path / "home").mkdir()
    terraform = script(
        tmp_path / "bin" / "terraform",
        TERRAFORM.format(registry=registry, version=VERSION, platform=PLATFORM),
    )

    terraform_config.download(terraform, registry, environ)
    terraform_config.download(terraform, registry, environ)

    cache = terraform_config.providers_cache(environ)
    assert terraform_config.find_mirrors([cache]) == [Mirror(cache, registry)]
    assert len((tmp_path / "home" / "asked").read_text().splitlines()) == 1
    assert "direct {}" in (tmp_path / "home" / "given").read_text()
    assert f'version = "{VERSION}"' in (tmp_path / "home" / "given").read_text()


def test_a_provider_that_cannot_be_fetched_is_an_error_and_leaves_nothing(
    tmp_path: Path, script: Script, environ: dict[str, str]
) -> None:
    terraform = script(tmp_path / "bin" / "terraform", "echo 'no such host' >&2; exit 1")

    with pytest.raises(ToolsError, match="could not be fetched:\nno such host"):
        terraform_config.download(terraform, TERRAFORM_REGISTRY, environ)

    cache = terraform_config.providers_cache(environ)
    assert [path.name for path in cache.iterdir()] == [".lock"]
