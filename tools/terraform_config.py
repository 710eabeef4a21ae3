"""Terraform's CLI configuration: where the AWS provider comes from on this machine.

Machines that keep providers in a filesystem mirror, and machines where `tools.install` put a copy
into the user's cache, get a configuration that links to it: no download, and nothing that parallel
units could race for (Terraform's own `plugin_cache_dir` is not safe for concurrent inits). All
others use the public registry.

https://developer.hashicorp.com/terraform/cli/config/config-file#provider-installation
"""

import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import versions
from tools.errors import ToolsError
from tools.paths import BUILD, cache_dir, locked, write_atomically

PROVIDER = "hashicorp/aws"
TERRAFORM_REGISTRY = "registry.terraform.io"
OPENTOFU_REGISTRY = "registry.opentofu.org"

GENERATED = BUILD / "tools" / "terraformrc"
"""Where `tools.install` writes the configuration."""


@dataclass(frozen=True)
class Mirror:
    """A folder that holds providers in the layout of `terraform providers mirror`.

    Attributes:
        path: The folder above the one named after the registry.
        registry: The registry's host, whose providers it holds.
    """

    path: Path
    registry: str


def existing(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Returns the user's own CLI configuration, if there is one.

    That is the file that TF_CLI_CONFIG_FILE names, or ~/.terraformrc, when it exists.
    """
    named = environ.get("TF_CLI_CONFIG_FILE", "")
    home = Path(environ.get("HOME") or Path.home())
    for file in (Path(named) if named else None, home / ".terraformrc"):
        if file is not None and file.is_file():
            return file
    return None


def ensure(path: Path = GENERATED, environ: Mapping[str, str] = os.environ) -> Path:
    """Returns the CLI configuration to use, and writes it when the user has none.

    Args:
        path: Where to write it.
        environ: The environment, for the user's own configuration and folders.

    Returns:
        The user's own file, or `path`; absolute.
    """
    own = existing(environ)
    if own is not None:
        return own.absolute()
    text = render(find_mirrors(install_roots(environ)))
    if not path.is_file() or path.read_text() != text:
        write_atomically(path, text)
    return path.absolute()


def render(mirrors: Sequence[Mirror]) -> str:
    """Returns the configuration that takes the AWS provider from these mirrors.

    Everything that no mirror holds comes from its own registry.
    """
    lines = ["provider_installation {"]
    for mirror in mirrors:
        lines += [
            "  filesystem_mirror {",
            f"    path    = {json.dumps(str(mirror.path))}",
            f'    include = ["{mirror.registry}/{PROVIDER}"]',
            "  }",
        ]
    sources = ", ".join(f'"{mirror.registry}/{PROVIDER}"' for mirror in mirrors)
    lines += ["  direct {", f"    exclude = [{sources}]", "  }"] if mirrors else ["  direct {}"]
    return "\n".join([*lines, "}", ""])


def install_roots(environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Returns the folders below which machines keep providers, likeliest first."""
    home = Path(environ.get("HOME") or Path.home())
    data_home = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    data_dirs = (environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":")
    return [
        home / ".terraform.d" / "plugins",
        data_home / "terraform",
        *(Path(folder) / "terraform" for folder in data_dirs if folder),
        Path("/usr/local/lib/terraform"),
        Path("/usr/lib/terraform"),
        Path("/opt"),
        providers_cache(environ),
    ]


def find_mirrors(roots: Sequence[Path]) -> list[Mirror]:
    """Finds, for each registry, the first mirror that has the pinned provider for this platform.

    Args:
        roots: Folders to look in, and up to two levels below.
    """
    found = []
    for registry in (TERRAFORM_REGISTRY, OPENTOFU_REGISTRY):
        folders = (folder for root in roots for folder in _below(root, registry))
        mirror = next((folder for folder in folders if _holds_provider(folder)), None)
        if mirror is not None:
            found.append(Mirror(mirror.parent.absolute(), registry))
    return found


def providers_cache(environ: Mapping[str, str] = os.environ) -> Path:
    """Returns the mirror that `download` fills."""
    return cache_dir(environ) / "providers" / versions.load().provider


def download(terraform: Path, registry: str, environ: Mapping[str, str] = os.environ) -> None:
    """Fetches the provider from its public registry into the user's cache, once.

    Args:
        terraform: The binary of Terraform or OpenTofu.
        registry: The host of the registry which that binary uses.
        environ: The environment for the command and the user's folders.

    Raises:
        ToolsError: The provider could not be fetched.
    """
    mirror = providers_cache(environ)
    with locked(mirror / ".lock"):
        if any(found.registry == registry for found in find_mirrors([mirror])):
            return
        with tempfile.TemporaryDirectory(dir=mirror, prefix=".init-") as name:
            work = Path(name)
            (work / "main.tf").write_text(
                "terraform {\n  required_providers {\n    aws = {\n"
                f'      source  = "{PROVIDER}"\n      version = "{versions.load().provider}"\n'
                "    }\n  }\n}\n"
            )
            (work / "terraformrc").write_text(render([]))
            result = subprocess.run(
                [str(terraform), "init", "-backend=false", "-input=false", "-no-color"],
                cwd=work,
                env={
                    **environ,
                    "TF_CLI_CONFIG_FILE": str(work / "terraformrc"),
                    "TF_DATA_DIR": str(work / "data"),
                },
                capture_output=True,
                text=True,
                check=False,
            )
            if result.returncode != 0:
                raise ToolsError(
                    f"the provider {PROVIDER} {versions.load().provider} could not be fetched:\n"
                    + result.stderr.strip(),
                    hint="check the network, or name a CLI configuration with a mirror "
                    "in TF_CLI_CONFIG_FILE",
                )
            # Terraform's own folder of unpacked providers has the layout of a mirror.
            (work / "data" / "providers" / registry).rename(mirror / registry)


def _below(root: Path, name: str) -> Iterator[Path]:
    for pattern in (name, f"*/{name}", f"*/*/{name}"):
        yield from sorted(root.glob(pattern))


def _holds_provider(registry: Path) -> bool:
    folder = registry / PROVIDER
    version = versions.load().provider
    packed = folder / f"terraform-provider-aws_{version}_{_platform()}.zip"
    return packed.is_file() or (folder / version / _platform()).is_dir()


def _platform() -> str:
    machines = {"x86_64": "amd64", "aarch64": "arm64"}
    return f"{platform.system().lower()}_{machines.get(platform.machine(), platform.machine())}"
