"""Provides the command-line tools: found on PATH, or built or unpacked once into the user's cache.

    python -m tools.install                              every tool
    python -m tools.install terraform terragrunt         these
    python -m tools.install terragrunt -- terragrunt ... these, then a command that finds them

Other programs of this project call `ensure`, which returns the environment to run tools in.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tools import debian, terraform_config, versions
from tools.errors import ToolsError, exit_code
from tools.paths import LINKS, ROOT, cache_dir, locked
from tools.versions import Tool, Version

MODULES = ROOT / "tools" / "go"
"""A Go module per tool that can be built: its go.mod and go.sum pin every source."""

WITHOUT_TESTS = {
    "TF_CLI_ARGS_init": "-test-directory=.none",
    "TF_CLI_ARGS_validate": "-no-tests",
}
"""For OpenTofu, which refuses a module whose tests mock as only Terraform does."""


@dataclass(frozen=True)
class Found:
    """A tool that is there.

    Attributes:
        tool: Which.
        path: Its binary.
        version: What the binary says it is.
    """

    tool: Tool
    path: Path
    version: Version


@dataclass(frozen=True)
class Machine:
    """The machine to provide tools on: what the environment says about it.

    Attributes:
        environ: The environment.
        cache: Where tools that were built are kept.
        links: The folder of links to them, put first on PATH.
        modules: The folder of Go modules to build from.
    """

    environ: Mapping[str, str]
    cache: Path
    links: Path = LINKS
    modules: Path = MODULES

    @classmethod
    def here(cls, environ: Mapping[str, str] = os.environ, links: Path = LINKS) -> "Machine":
        """Returns this machine."""
        return cls(environ=environ, cache=cache_dir(environ), links=links)

    @property
    def search_path(self) -> list[Path]:
        """The folders of PATH, without links of ours, or of another checkout.

        Two checkouts that found each other's would link in a circle.
        """
        paths = map(Path, filter(None, self.environ.get("PATH", os.defpath).split(os.pathsep)))
        ours = LINKS.relative_to(ROOT).parts
        return [path for path in paths if path != self.links and path.parts[-len(ours) :] != ours]

    def which(self, command: str) -> Path | None:
        """Returns the command that PATH finds first."""
        found = shutil.which(command, path=os.pathsep.join(map(str, self.search_path)))
        return Path(found) if found else None


def ensure(
    names: Iterable[str],
    *,
    environ: Mapping[str, str] = os.environ,
    console: Console | None = None,
    verbose: bool = False,
    stand_ins: bool = True,
    links: Path = LINKS,
) -> dict[str, str]:
    """Provides tools and returns the environment in which commands find them.

    Args:
        names: Commands of tools/versions.toml; `terraform` brings the AWS provider with it.
        environ: The environment to start from.
        console: Where progress is shown; standard error when None.
        verbose: Also show what was found, not only what takes time.
        stand_ins: Whether OpenTofu will do where Terraform is missing.
        links: The folder of links to the tools.

    Returns:
        The environment with PATH, TF_CLI_CONFIG_FILE, TG_TF_PATH and what OpenTofu needs set;
        and TG_NO_COLOR, which Terragrunt passes on to Terraform, where no terminal shows colours.

    Raises:
        ToolsError: A tool is missing and cannot be built here.
    """
    machine = Machine.here(environ, links)
    console = console or Console(stderr=True, highlight=False)
    tools = versions.load().tools
    environment = dict(environ)
    for name in names:
        if name not in tools:
            raise ToolsError(f"no tool is called {name}", hint="known: " + ", ".join(tools))
        found = provide(tools[name], tools if stand_ins else {}, machine, console)
        link(found, name, machine)
        if found.tool.name == "tofu":
            environment |= WITHOUT_TESTS
        if verbose:
            console.print(f"{name}: {found.version} {found.path}", soft_wrap=True)
        if name == "terraform":
            _provide_provider(found, machine, console, verbose=verbose)
    config = terraform_config.ensure(environ=environ)
    folders = [machine.links, *machine.search_path]
    if not sys.stdout.isatty():
        environment.setdefault("TG_NO_COLOR", "true")
    return environment | {
        "PATH": os.pathsep.join(map(str, folders)),
        "TF_CLI_CONFIG_FILE": str(config),
        "TG_TF_PATH": "terraform",  # Terragrunt would rather take a tofu that is also on PATH
    }


def provide(tool: Tool, tools: Mapping[str, Tool], machine: Machine, console: Console) -> Found:
    """Finds a tool on PATH, or its stand-in, or builds what can be built.

    Raises:
        ToolsError: There is none, and it cannot be built here.
    """
    stand_in = tools.get(tool.stand_in)
    for candidate in filter(None, (tool, stand_in)):
        found = find(candidate, machine)
        if found is not None:
            return found
    if tool.debian:
        return unpack(tool, machine, console)
    buildable = stand_in or tool
    binary = build(buildable, machine, console, wanted=tool)
    return Found(buildable, binary, Version.parse(buildable.version))


def find(tool: Tool, machine: Machine) -> Found | None:
    """Finds the first binary on PATH whose version fits."""
    for folder in machine.search_path:
        path = folder / tool.name
        if os.access(path, os.X_OK) and path.is_file():
            version = version_of(path, machine.environ)
            if version is not None and tool.fits(version):
                return Found(tool, path, version)
    return None


def version_of(path: Path, environ: Mapping[str, str]) -> Version | None:
    """Asks a binary for its version; None when it does not tell."""
    argument = "version" if path.name in {"opa", "regal", "terraform", "tofu"} else "--version"
    try:
        result = subprocess.run(
            [path, argument],
            env={**environ, "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Version.parse(result.stdout) if result.returncode == 0 else None
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None


def build(tool: Tool, machine: Machine, console: Console, *, wanted: Tool) -> Path:
    """Builds a tool from its Go module into the cache, unless it is there already.

    Two processes that want the same tool build it once; one that is interrupted leaves nothing.

    Args:
        tool: What to build.
        machine: Where.
        console: Where progress is shown.
        wanted: The tool that was asked for, when this one stands in for it.

    Returns:
        The binary.

    Raises:
        ToolsError: There is no Go, or the build failed.
    """
    looked_for = " or ".join(
        f"{it.name} (>= {it.minimum}, < {it.below})" for it in dict.fromkeys((wanted, tool))
    )
    missing = f"{looked_for} is not on PATH"
    if not tool.package:
        raise ToolsError(missing, hint=_ways(wanted))
    module = machine.modules / tool.name
    release = f"{tool.name}-{tool.version}-{_digest(tool, module)}"
    binary = machine.cache / "tools" / release / tool.name
    if binary.is_file():
        return binary
    go = machine.which("go")
    if go is None:
        raise ToolsError(
            f"{missing}, and there is no Go to build {tool.name} with",
            hint=f"{_ways(wanted)}, or Go {versions.load().go} (https://go.dev/dl/), "
            "and run this again",
        )
    lock = machine.cache / "locks" / f"{release}.lock"
    with locked(lock, lambda: console.print(f"{tool.name}: another process is building it")):
        if not binary.is_file():
            _compile(tool, module, binary, go, machine, console, wanted)
    return binary


def unpack(tool: Tool, machine: Machine, console: Console) -> Found:
    """Unpacks a tool's Debian package into the cache, unless it is there already.

    Raises:
        ToolsError: This is no Debian, the package cannot be had, or its version does not fit.
    """
    folder = machine.cache / "tools" / f"{tool.debian}-debian-{os.uname().machine}"
    binary = folder / "usr" / "bin" / tool.name
    missing = f"{tool.name} (>= {tool.minimum}, < {tool.below}) is not on PATH"
    lock = machine.cache / "locks" / f"{folder.name}.lock"
    with locked(lock, lambda: console.print(f"{tool.name}: another process is fetching it")):
        if not binary.is_file():
            apt = machine.which("apt-get")
            if apt is None:
                raise ToolsError(
                    f"{missing}, and there is no apt-get to fetch it with", hint=_ways(tool)
                )
            with console.status(f"{tool.name}: fetching the Debian package {tool.debian} (once)"):
                debian.unpack(tool.debian, folder, apt, machine.environ)
            console.print(f"{tool.name}: unpacked the Debian package {tool.debian}")
    version = version_of(binary, machine.environ)
    if version is None or not tool.fits(version):
        raise ToolsError(
            f"{missing}, and {binary} of the Debian package {tool.debian} "
            + ("does not run" if version is None else f"is {version}"),
            hint=_ways(tool),
        )
    return Found(tool, binary, version)


def _ways(tool: Tool) -> str:
    """How a person gets a tool that was asked for: mise.toml holds what is not Debian's."""
    if tool.debian:
        return f"install {tool.debian} with your package manager"
    return f"install {tool.name} with `mise install` or your package manager"


def link(found: Found, name: str, machine: Machine) -> None:
    """Makes the command `name` be that tool, whatever else PATH finds.

    Linked even where PATH would find the same: a link is replaced and never taken away, since
    another process may be using it.
    """
    path = machine.links / name
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(found.path)
    temporary.replace(path)


def _compile(
    tool: Tool,
    module: Path,
    binary: Path,
    go: Path,
    machine: Machine,
    console: Console,
    wanted: Tool,
) -> None:
    unit = "minute" if tool.build_minutes == 1 else "minutes"
    title = f"{tool.name}: building {tool.version} (about {tool.build_minutes} {unit}, once)"
    start = time.monotonic()
    if not console.is_terminal:
        console.print(title)
    binary.parent.mkdir(parents=True, exist_ok=True)
    with (
        console.status(title),
        tempfile.TemporaryDirectory(dir=binary.parent, prefix=".build-") as work,
    ):
        output = Path(work) / tool.name
        result = subprocess.run(
            [
                *(go, "build", "-trimpath", "-buildvcs=false", "-mod=readonly"),
                *("-ldflags", f"-s -w {tool.ldflags}".strip(), "-o", output, tool.package),
            ],
            cwd=module,
            env={**machine.environ, "CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise ToolsError(
                f"{tool.name} {tool.version} could not be built:\n"
                + "\n".join(result.stdout.strip().splitlines()[-20:]),
                hint=f"check the network and `go version` (needs {versions.load().go} or later), "
                f"or {_ways(wanted)}",
            )
        output.replace(binary)
    minutes, seconds = divmod(round(time.monotonic() - start), 60)
    console.print(f"{tool.name}: built {tool.version} in {minutes}:{seconds:02}")


def _digest(tool: Tool, module: Path) -> str:
    """What a build depends on besides the compiler: same digest, same binary will do."""
    sources = [(module / name).read_bytes() for name in ("go.mod", "go.sum")]
    digest = hashlib.sha256(b"\0".join([*sources, tool.package.encode(), tool.ldflags.encode()]))
    return f"{digest.hexdigest()[:12]}-{os.uname().sysname}-{os.uname().machine}".lower()


def _provide_provider(
    terraform: Found, machine: Machine, console: Console, *, verbose: bool
) -> None:
    own = terraform_config.existing(machine.environ)
    registry = (
        terraform_config.OPENTOFU_REGISTRY
        if terraform.tool.name == "tofu"
        else terraform_config.TERRAFORM_REGISTRY
    )
    name = f"provider {terraform_config.PROVIDER}: {versions.load().provider}"
    if own is None and registry not in _mirrors(machine):
        with console.status(f"{name} is being fetched from {registry} (once)"):
            terraform_config.download(terraform.path, registry, machine.environ)
    if verbose:
        source = own or _mirrors(machine).get(registry)
        console.print(f"{name} by {source}", soft_wrap=True)


def _mirrors(machine: Machine) -> dict[str, Path]:
    roots = terraform_config.install_roots(machine.environ)
    return {mirror.registry: mirror.path for mirror in terraform_config.find_mirrors(roots)}


def parse(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Splits a command line into names of tools and a command to run with them."""
    tools = versions.load().tools
    stand_ins = {tool.stand_in for tool in tools.values()}
    known = [name for name in tools if name not in stand_ins]
    own, command = list(arguments), []
    if "--" in own:
        at = own.index("--")
        own, command = own[:at], own[at + 1 :]
    parser = argparse.ArgumentParser(
        prog="python -m tools.install",
        usage="%(prog)s [-h] [NAME ...] [-- COMMAND [ARG ...]]",
        description="Provides the command-line tools: found on PATH, or built once into the user's "
        "cache. With a command, runs it where it finds them.",
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"one of {', '.join(known)}; all when none is named",
    )
    names = parser.parse_args(own).names or known
    for name in names:
        if name not in known:
            parser.error(f"no tool is called {name!r}; known: {', '.join(known)}")
    return names, command


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line."""
    names, command = parse(sys.argv[1:] if arguments is None else arguments)

    def run() -> int:
        environment = ensure(names, verbose=not command)
        if not command:
            return 0
        executable = shutil.which(command[0], path=environment["PATH"])
        if executable is None:
            raise ToolsError(f"{command[0]} is not on PATH")
        os.execve(executable, command, environment)  # noqa: S606 # becomes the command
        return 0

    return exit_code(run)


if __name__ == "__main__":
    sys.exit(main())
