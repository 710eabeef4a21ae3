"""Build the Lambda functions: for each a tree and a zip, the same bytes from the same commit.

The dependencies come from ``uv.lock``, as wheels for Lambda's platform, so nothing is compiled
here and either architecture can be built on any machine. The image takes the same tree
(``functions/Dockerfile`` calls this command with ``--tree``). Standard library only, so that
the image's build stage needs nothing but Python and uv.
"""

import argparse
import compileall
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from tools.errors import ToolsError, exit_code
from tools.paths import BUILD, ROOT

TASK_ROOT = "/var/task"
PYTHON_VERSION = "3.13"

_TIME = 315532800  # 1980-01-01T00:00:00Z, the earliest that a zip can hold
_BOTOCORE_SHARED = frozenset(
    {"_retry.json", "endpoints.json", "partitions.json", "sdk-default-configuration.json"}
)
# An installation's own bookkeeping; METADATA and the licences stay.
_BOOKKEEPING = frozenset(
    {
        "INSTALLER",
        "RECORD",
        "REQUESTED",
        "WHEEL",
        "direct_url.json",
        "entry_points.txt",
        "top_level.txt",
        "uv_cache.json",
        "zip-safe",
    }
)


class Architecture(StrEnum):
    """Lambda's instruction sets, by Lambda's names."""

    X86_64 = "x86_64"
    ARM64 = "arm64"

    @classmethod
    def parse(cls, name: str) -> Self:
        """Lambda's name, or Docker's or the kernel's for the same thing."""
        return cls({"amd64": "x86_64", "aarch64": "arm64"}.get(name.lower(), name.lower()))

    @property
    def platform(self) -> str:
        """The wheels' platform in uv's words. Lambda's Amazon Linux 2023 has a newer glibc."""
        machine = "aarch64" if self is Architecture.ARM64 else "x86_64"
        return f"{machine}-manylinux2014"


@dataclass(frozen=True, slots=True)
class Function:
    """A workspace member that is a Lambda function.

    Attributes:
        name: as in the zip's name, such as ``token-binding``.
        folder: where its ``pyproject.toml`` lies.
        distribution: the project's name.
        aws_services: botocore's names of the services that it calls.
    """

    name: str
    folder: Path
    distribution: str
    aws_services: frozenset[str]


@dataclass(frozen=True, slots=True)
class Package:
    """A built zip.

    Attributes:
        name: the function's name.
        architecture: Lambda's name of the instruction set.
        path: the zip.
        sha256: of the zip, hexadecimal.
        size: of the zip, in bytes.
        reused: whether it was there already, from the same inputs.
    """

    name: str
    architecture: Architecture
    path: str
    sha256: str
    size: int
    reused: bool


def find_functions(root: Path) -> dict[str, Function]:
    """The functions of the workspace by name: every member with ``[tool.build-functions]``.

    Raises:
        ToolsError: a member's table is not as it should be.
    """
    found: dict[str, Function] = {}
    for project in sorted(root.glob("functions/*/pyproject.toml")):
        document = tomllib.loads(project.read_text(encoding="utf-8"))
        table = document.get("tool", {}).get("build-functions")
        if table is None:
            continue
        services = table.get("aws-services")
        if not isinstance(services, list):
            raise ToolsError(
                f"{project}: [tool.build-functions] has no list aws-services",
                hint="list botocore's names of the services that the function calls, or []",
            )
        name = project.parent.name.replace("_", "-")
        found[name] = Function(
            name, project.parent, document["project"]["name"], frozenset(services)
        )
    return found


def build_tree(root: Path, function: Function, architecture: Architecture, tree: Path) -> None:
    """Fill an empty or missing folder with what ``/var/task`` is to hold.

    Raises:
        ToolsError: uv is missing or failed, the folder is not empty, or Python is another.
    """
    if (running := f"{sys.version_info.major}.{sys.version_info.minor}") != PYTHON_VERSION:
        raise ToolsError(
            f"this is Python {running}, and Lambda's {PYTHON_VERSION} runs no bytecode of it",
            hint=f"run this command with Python {PYTHON_VERSION}",
        )
    if tree.exists() and any(tree.iterdir()):
        raise ToolsError(f"{tree}: the folder is not empty", hint="name a new one")
    tree.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        _install(root, function, architecture, tree, Path(scratch))
    _prune(tree, function.aws_services)
    _compile(tree)
    _normalise(tree)


def build_package(
    root: Path, function: Function, architecture: Architecture, output: Path
) -> Package:
    """Build ``<output>/<architecture>/<name>.zip``, or find it built from the same inputs.

    Raises:
        ToolsError: uv is missing or failed.
    """
    folder = output / architecture
    folder.mkdir(parents=True, exist_ok=True)
    target, note = folder / f"{function.name}.zip", folder / f"{function.name}.json"
    digest = input_digest(root, function, architecture)
    if built := _built(note, target, digest):
        return Package(function.name, architecture, str(target), built, target.stat().st_size, True)  # noqa: FBT003
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{function.name}-") as scratch:
        tree, new = Path(scratch, "tree"), Path(scratch, "new.zip")
        build_tree(root, function, architecture, tree)
        write_zip(tree, new)
        sha256 = _sha256(new)
        new.replace(target)
        Path(scratch, "note").write_text(
            json.dumps({"inputs": digest, "sha256": sha256}) + "\n", encoding="utf-8"
        )
        Path(scratch, "note").replace(note)
    return Package(function.name, architecture, str(target), sha256, target.stat().st_size, False)  # noqa: FBT003


def write_zip(tree: Path, target: Path) -> None:
    """Write a zip that depends on names, modes and contents alone: order and times are fixed."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in _files(tree):
            entry = zipfile.ZipInfo(path.relative_to(tree).as_posix(), time.gmtime(_TIME)[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, whatever builds it
            entry.external_attr = path.stat().st_mode << 16
            archive.writestr(entry, path.read_bytes())


def input_digest(root: Path, function: Function, architecture: Architecture) -> str:
    """A digest of all that decides the zip's content, hexadecimal."""
    digest = hashlib.sha256()
    digest.update(f"{architecture} {sys.version} {_uv('--version', cwd=root)}".encode())
    for path in [root / "uv.lock", Path(__file__), *_members_files(root, function)]:
        content = path.read_bytes()
        name = path.name if path == Path(__file__) else path.relative_to(root).as_posix()
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _members_files(root: Path, function: Function) -> Iterator[Path]:
    """The sources of the function and of the workspace members that it may use."""
    libraries = {path.parent for path in root.glob("functions/*/pyproject.toml")} - {
        other.folder for other in find_functions(root).values()
    }
    for folder in sorted({function.folder, *libraries}):
        yield folder / "pyproject.toml"
        yield from _sources(folder / "src")
    if _project(root)["name"] in _project(function.folder)["dependencies"]:
        yield root / "pyproject.toml"
        yield from _sources(root / "pki")


def _project(folder: Path) -> dict[str, Any]:
    document = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    project: dict[str, Any] = document["project"]
    return project


def _sources(folder: Path) -> Iterator[Path]:
    return (path for path in _files(folder) if "__pycache__" not in path.parts)


def _built(note: Path, target: Path, digest: str) -> str | None:
    """The zip's SHA-256 if it is what these inputs gave before."""
    try:
        known = json.loads(note.read_text(encoding="utf-8"))
        sha256 = _sha256(target)
    except (OSError, ValueError):
        return None
    return sha256 if known == {"inputs": digest, "sha256": sha256} else None


def _install(
    root: Path, function: Function, architecture: Architecture, tree: Path, scratch: Path
) -> None:
    export = ("export", "--frozen", "--no-dev", "--no-editable", "--no-header", "--no-annotate")
    selected = (*export, "--package", function.distribution)
    requirements, wheels = scratch / "requirements.txt", scratch / "wheels"
    _uv(*selected, "--no-emit-workspace", "--output-file", str(requirements), cwd=root)
    for line in _uv(*selected, "--no-hashes", cwd=root).splitlines():
        if line.startswith("."):  # a workspace member, or "." alone: the root with pki
            _uv("build", "--wheel", "--out-dir", str(wheels), line, cwd=root)
    install = ("pip", "install", "--target", str(tree), "--no-deps")
    _uv(
        *install,
        "--python-platform",
        architecture.platform,
        "--python-version",
        PYTHON_VERSION,
        "--only-binary",
        ":all:",
        "--require-hashes",
        "--requirements",
        str(requirements),
        cwd=root,
    )
    _uv(*install, "--no-index", *map(str, sorted(wheels.glob("*.whl"))), cwd=root)


def _prune(tree: Path, aws_services: frozenset[str]) -> None:
    """Leave out what no function runs: scripts, bookkeeping, and models of services not called."""
    shutil.rmtree(tree / "bin", ignore_errors=True)
    for path in [path for path in _files(tree) if _is_superfluous(path.relative_to(tree))]:
        path.unlink()
    for folder in ("boto3/examples", "boto3/data"):  # the latter describes boto3.resource only
        shutil.rmtree(tree / folder, ignore_errors=True)
    data = tree / "botocore" / "data"
    if not data.is_dir():
        return
    if missing := aws_services - {path.name for path in data.iterdir()}:
        raise ToolsError(
            f"botocore has no service {', '.join(sorted(missing))}",
            hint="use botocore's names in aws-services, such as secretsmanager",
        )
    for path in data.iterdir():
        if path.is_dir() and path.name not in aws_services:
            shutil.rmtree(path)
        elif path.is_file() and path.name not in _BOTOCORE_SHARED:
            path.unlink()


def _is_superfluous(path: Path) -> bool:
    if path.parent.suffix == ".dist-info" and path.name in _BOOKKEEPING:
        return True
    return path.suffix in {".pyi", ".pyc"} or path.name in {"py.typed", "examples-1.json", ".lock"}


def _compile(tree: Path) -> None:
    """Compile to bytecode that is never checked against its source: the tree is read-only.

    A process of its own with a fixed hash seed, since bytecode stores sets in their order.
    """
    mode = "unchecked-hash"
    command = [sys.executable, "-m", compileall.__name__, "-q", "--invalidation-mode", mode]
    _run(
        [*command, "-s", str(tree), "-p", TASK_ROOT, str(tree)],
        cwd=tree,
        environment={**os.environ, "PYTHONHASHSEED": "0"},
    )


def _normalise(tree: Path) -> None:
    """Give every entry a fixed mode, readable by Lambda's user, and a fixed time."""
    for path in [*tree.rglob("*"), tree]:
        path.chmod(0o755 if path.is_dir() or ".so" in path.suffixes else 0o644)
        os.utime(path, (_TIME, _TIME))


def _files(folder: Path) -> list[Path]:
    return sorted((path for path in folder.rglob("*") if path.is_file()), key=Path.as_posix)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _uv(*arguments: str, cwd: Path) -> str:
    # This interpreter, whatever .python-version asks for: none is ever downloaded.
    environment = {
        **os.environ,
        "UV_PYTHON": sys.executable,
        "UV_PYTHON_DOWNLOADS": "never",
        # Whatever the caller's says: _compile does it as a function needs it.
        "UV_COMPILE_BYTECODE": "0",
    }
    return _run(["uv", *arguments], cwd=cwd, environment=environment)


def _run(command: Sequence[str], *, cwd: Path, environment: dict[str, str]) -> str:
    try:
        done = subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, check=True
        )
    except FileNotFoundError as error:
        raise ToolsError(
            f"{command[0]}: not found", hint="install uv and put it on PATH"
        ) from error
    except subprocess.CalledProcessError as error:
        raise ToolsError(
            f"{' '.join(command[:3])} failed with code {error.returncode}:\n{error.stderr.strip()}",
            hint="mend what it names; `uv lock --check` tells whether the lock file is current",
        ) from error
    return done.stdout


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog="python -m tools.build_functions",
        description="Build the Lambda functions as reproducible zips.",
        epilog="Exit codes: 0 built, 1 failed, 2 wrong usage.",
    )
    result.add_argument("names", nargs="*", metavar="NAME", help="functions; default: all")
    result.add_argument(
        "--architecture",
        default=platform.machine(),
        help="x86_64 or arm64; default: this machine's",
    )
    result.add_argument(
        "--output",
        type=Path,
        default=BUILD / "lambda",
        help="zips go to OUTPUT/ARCHITECTURE/NAME.zip; default: %(default)s",
    )
    result.add_argument(
        "--tree", type=Path, help="instead of a zip, put one function's tree in this folder"
    )
    result.add_argument("--json", action="store_true", help="print what was built as JSON")
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; see `parser`."""
    command = parser()
    options = command.parse_args(arguments)
    architecture = _architecture(command, options.architecture)

    def run() -> int:
        known = find_functions(ROOT)
        selected = _select(command, known, options.names or known)
        if options.tree is not None:
            if len(selected) != 1:
                command.error("--tree takes exactly one NAME")
            build_tree(ROOT, selected[0], architecture, options.tree)
            return 0
        packages = []
        for function in selected:
            package = build_package(ROOT, function, architecture, options.output)
            packages.append(package)
            state = "unchanged" if package.reused else "built"
            print(f"{state} {package.path} ({package.size / 2**20:.1f} MiB)", file=sys.stderr)
        if options.json:
            print(json.dumps([asdict(package) for package in packages], indent=2))
        return 0

    return exit_code(run)


def _select(
    command: argparse.ArgumentParser, known: dict[str, Function], names: Iterable[str]
) -> list[Function]:
    selected = []
    for name in names:
        if name not in known:
            command.error(f"no function {name!r}; there are {', '.join(known)}")
        selected.append(known[name])
    return selected


def _architecture(command: argparse.ArgumentParser, name: str) -> Architecture:
    try:
        return Architecture.parse(name)
    except ValueError:
        command.error(f"no architecture {name!r}; there are {', '.join(Architecture)}")


if __name__ == "__main__":
    sys.exit(main())
