"""How long a plan takes: a change of one unit, beside all units, as an organisation grows.

    python -m local.planning_bench
    python -m local.planning_bench --environments 40 --json

In a copy of the checkout whose ``live/`` is generated from the units of dev, against an emulator of
its own. The first environment takes its modules from the working tree, the others from releases,
as the rules want it. One unit is planned in organisations of several sizes; all units in the one
that ``--environments`` names, which takes some seconds for each.
"""

import argparse
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

from local import emulator, environment, releases
from local.cloud import Cloud
from local.errors import LocalError
from local.processes import LOOPBACK
from local.settings import Settings, StateDirectory
from pki.organization import load_organization
from tools.bench import checkout
from tools.bootstrap_account import bootstrap, find_account, object_exists
from tools.errors import ToolsError, exit_code
from tools.install import ensure

_ACCOUNT = "non-prod"
_UNITS = ("registry", "truststore")
"""Units that wait for no other: each of them is planned, however many there are."""
_SIZES = (5, 20, 40)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the result.

    Attributes:
        what: what was changed.
        environments: how many the organisation has.
        units: how many were planned.
        seconds: wall time of ``pipeline plan``.
    """

    what: str
    environments: int
    units: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Place:
    """A copy of the checkout, and an environment that leads to its emulator."""

    checkout: Path
    environ: Mapping[str, str]
    cloud: Cloud

    def run(self, *command: str, environ: Mapping[str, str] | None = None) -> str:
        """What a command prints.

        Raises:
            ToolsError: it failed.
        """
        done = subprocess.run(
            command,
            cwd=self.checkout,
            env={**self.environ, **(environ or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ToolsError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def plan(self, what: str, file: Path, environments: int) -> Line:
        """Change a file by a comment, commit it, and plan what it affects.

        Raises:
            ToolsError: a unit could not be planned, or a gate refused.
        """
        with file.open("a", encoding="utf-8") as text:
            text.write("\n# Changed.\n")
        checkout.commit(self.checkout, what)
        command = (sys.executable, "-m", "pipeline", "plan", "--base", "HEAD~1", "--json")
        start = time.perf_counter()
        document = json.loads(self.run(*command))
        seconds = time.perf_counter() - start
        units = sum(len(entry["set"]["units"]) for entry in document["sets"])
        return Line(what, environments, units, seconds)


def measure(place: Place, *, everything: int, console: Console) -> Iterator[Line]:
    """Plan one unit in organisations of every size, and all units in one of them.

    Raises:
        ToolsError: a plan failed.
    """
    live = place.checkout / "live"
    original = place.checkout.parent / "live"
    shutil.move(live, original)
    for size in sorted({*_SIZES, everything}):
        with console.status(f"an organisation of {size} environments"):
            if live.exists():
                shutil.rmtree(live)
            names = generate(original, live, size)
            checkout.commit(place.checkout, f"{size} environments")
            unit = next(live.glob(f"*/*/{names[0]}/registry/terragrunt.hcl"))
            yield place.plan("one unit", unit, size)
            if size == everything:
                yield place.plan("everything", live / "root.hcl", size)


def generate(original: Path, live: Path, size: int) -> list[str]:
    """Make a ``live/`` of so many environments in one account; returns their names."""
    names = [f"e{number:03}" for number in range(1, size + 1)]
    account = next(original.glob(f"{_ACCOUNT}/*/dev")).parent
    live.mkdir()
    shutil.copy(original / "root.hcl", live)
    shutil.copy(original / _ACCOUNT / "account.hcl", _made(live / _ACCOUNT))
    region = live / _ACCOUNT / account.name
    shutil.copy(account / "region.hcl", _made(region))
    for unit in ("state-bucket", "plan-bucket", "deploy-roles"):
        shutil.copytree(account / "account" / unit, region / "account" / unit)
    for file in ("env.hcl", "versions.hcl"):
        shutil.copy(account / "account" / file, region / "account")
    modules = live.parent / "modules"
    for name in names:
        folder = _made(region / name)
        shutil.copy(account / "dev" / "env.hcl", folder)
        for unit in _UNITS:
            shutil.copytree(account / "dev" / unit, folder / unit)
        pins = "".join(
            f'    {unit:<10} = "{_pin(modules / unit, local=name == names[0])}"\n'
            for unit in _UNITS
        )
        (folder / "versions.hcl").write_text(f"locals {{\n  versions = {{\n{pins}  }}\n}}\n")
    facts = yaml.safe_load((original / "organization.yaml").read_text("utf-8"))
    facts["promotion"] = names
    facts.pop("client_names", None)
    (live / "organization.yaml").write_text(yaml.safe_dump(facts, sort_keys=False), "utf-8")
    return names


def _pin(module: Path, *, local: bool) -> str:
    version = releases.current_version(module)
    return "local" if local or version is None else version


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def founded(console: Console) -> Iterator[Place]:
    """A copy of the checkout and a cloud of its own, with the account bootstrapped."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        state = StateDirectory(folder / "local")
        tools = ensure(["terraform", "terragrunt", "opa"])
        port = _free_port()
        with console.status("emulator, account"):
            emulator.start(state, port, tools)
        try:
            with console.status("emulator, account"):
                place = _place(folder / "checkout", state, port, tools)
            yield place
        finally:
            emulator.daemon(state).stop()


def _place(copy: Path, state: StateDirectory, port: int, tools: Mapping[str, str]) -> Place:
    checkout.copy(copy)
    checkout.commit(copy, "Everything")
    for changelog in (copy / "modules").glob("*/CHANGELOG.md"):
        module = changelog.parent
        if (version := releases.current_version(module)) is not None:
            checkout.git(copy, "tag", f"modules/{module.name}/v{version}")
    organization = load_organization(copy / "live")
    cloud = Cloud(emulator.endpoint_url(port), organization.region)
    exported = environment.exports(
        state, cloud.endpoint_url, organization, Settings.from_environment({}).architecture, ["dev"]
    )
    # The copy itself is where released modules come from.
    exported["GIT_CONFIG_KEY_0"] = f"url.{copy}.insteadOf"
    place = Place(
        copy, environment.child_environment(checkout.git_environment(tools), exported), cloud
    )
    account = find_account(copy / "live", _ACCOUNT)
    storage = cloud.client("s3", account.id)

    def terragrunt(
        folder: Path,
        command: Sequence[str],
        extra: Mapping[str, str],
        *,
        options: Sequence[str] = (),
    ) -> None:
        place.run(
            *("terragrunt", "run", "--non-interactive", "--working-dir", str(folder)),
            *(*options, "--", *command, "-input=false"),
            environ={**extra, "AWS_ACCESS_KEY_ID": account.id},
        )

    bootstrap(
        account,
        bootstrap_state=state.bootstrap / f"{_ACCOUNT}.tfstate",
        state_is_in_bucket=lambda: object_exists(storage, account.state_bucket, account.state_key),
        terragrunt=terragrunt,
    )
    return place


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m local.planning_bench",
        description="Measures how long a plan takes: a change of one unit in organisations of "
        f"{', '.join(map(str, _SIZES))} environments, beside all units of one of them.",
        epilog="Exit codes: 0 measured, 1 failed, 2 wrong usage.",
    )
    parser.add_argument(
        "--environments",
        type=int,
        default=5,
        metavar="N",
        help="of the organisation in which all units are planned (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    options = parser.parse_args(arguments)
    if options.environments < 1:
        parser.error("--environments is positive")
    return exit_code(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    console = Console(stderr=True)
    try:
        with founded(console) as place:
            lines = list(measure(place, everything=options.environments, console=console))
    except LocalError as error:
        raise ToolsError(str(error), hint=error.hint) from error
    if options.json:
        sys.stdout.write(json.dumps([asdict(line) for line in lines], indent=2) + "\n")
        return 0
    table = Table("changed", "environments", "units planned", "seconds", box=None)
    for line in lines:
        table.add_row(line.what, str(line.environments), str(line.units), f"{line.seconds:.1f}")
    Console(soft_wrap=True).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
