"""How long policy takes over many plans: one process for all, beside one `opa eval` for each.

    python -m tools.bench.policies
    python -m tools.bench.policies --plans 1000 --rounds 5 --json

The plans are real: Terraform plans this project's modules, without any cloud, and each plan is
taken as the plan of as many units as there are to be. Two measured ways lead to the same findings,
which is checked: the pipeline's own, and an `opa eval` for each file, as a loop around Conftest or
OPA does, of which a sample is run.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline.policy import Opa, evaluate_plans
from tools.errors import ToolsError, exit_code
from tools.install import ensure
from tools.paths import ROOT

_MODULES = ROOT / "modules"
_POLICIES = ROOT / "policies"
_PROVIDER = """\
provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "bench"
  secret_key                  = "bench"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true

  default_tags {
    tags = {
      organisation = "example"
      account      = "non-prod"
      environment  = "dev"
      unit         = "non-prod/eu-west-1/dev/unit"
      managed-by   = "terragrunt"
      repository   = "example-org/aws-api-gateway-mtls"
    }
  }
}
"""
_ACCOUNTS = {"security": "111111111111", "non-prod": "222222222222", "prod": "333333333333"}
_SAMPLE = 10
"""So many `opa eval` are run a round: one takes as long as another."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the result.

    Attributes:
        way: who evaluated.
        plans: how many.
        seconds: for all of them; median of the rounds.
        ratio: to the pipeline's way.
    """

    way: str
    plans: int
    seconds: float
    ratio: float


def make_plans(folder: Path, environ: Mapping[str, str]) -> list[Path]:
    """Plan every module that has inputs at hand, and write each plan as the gate's input.

    Raises:
        ToolsError: Terraform failed.
    """
    modules = sorted(path.parents[1] for path in _MODULES.glob("*/tests/terraform.tfvars"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda module: _plan(module, folder, environ), modules))


def _plan(module: Path, folder: Path, environ: Mapping[str, str]) -> Path:
    work = folder / module.name
    shutil.copytree(module, work, ignore=shutil.ignore_patterns(".terraform*", "tests"))
    shutil.copytree(_MODULES / "function", folder / "function", dirs_exist_ok=True)
    (work / "provider.tf").write_text(_PROVIDER)
    inputs = module / "tests" / "terraform.tfvars"
    for command in (
        ["init", "-backend=false", "-input=false"],
        ["plan", "-input=false", "-out=tfplan", f"-var-file={inputs}"],
    ):
        _run(["terraform", f"-chdir={work}", *command], environ)
    plan = json.loads(_run(["terraform", f"-chdir={work}", "show", "-json", "tfplan"], environ))
    # Terraform would ask AWS whose account it is.
    provider = plan["configuration"]["provider_config"]["aws"]["expressions"]
    provider["allowed_account_ids"] = {"constant_value": [_ACCOUNTS["non-prod"]]}
    document = {**plan, "unit": _unit(module.name)}
    file = folder / f"{module.name}.json"
    file.write_text(json.dumps(document))
    return file


def _unit(name: str) -> dict[str, object]:
    """Where the plan is said to come from."""
    return {
        "path": f"non-prod/eu-west-1/dev/{name}",
        "account": "non-prod",
        "account_id": _ACCOUNTS["non-prod"],
        "region": "eu-west-1",
        "environment": "dev",
        "name": name,
        "module": name,
        "version": "local",
        "last_environment": False,
        "promotion": ["dev", "stage", "prod"],
        "organization": "example",
        "accounts": _ACCOUNTS,
        "mode": "review",
        "destroy": False,
    }


def _run(command: Sequence[str], environ: Mapping[str, str]) -> str:
    done = subprocess.run(command, env=dict(environ), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ToolsError(f"{command[0]} failed:\n{done.stderr.strip()}")
    return done.stdout


def opa_eval(file: Path, environ: Mapping[str, str]) -> int:
    """One process for one plan; returns how many findings it has."""
    answer = _run(
        [
            *("opa", "eval", "--format", "raw", "--bundle", str(_POLICIES)),
            *("--input", str(file), "data.gate.plan.result"),
        ],
        environ,
    )
    return sum(len(findings) for findings in json.loads(answer).values())


def measure(
    files: Sequence[Path], opa: Opa, environ: Mapping[str, str], *, rounds: int, console: Console
) -> list[Line]:
    """Let both ways take turns, round after round.

    Raises:
        ToolsError: the ways differ in what they find.
    """
    inputs = {f"non-prod/eu-west-1/env-{n:03}/unit": file for n, file in enumerate(files)}
    sample = files[:_SAMPLE]
    found = len(evaluate_plans(dict(islice(inputs.items(), len(sample))), opa=opa))
    expected = sum(opa_eval(file, environ) for file in sample)
    if found != expected:
        raise ToolsError(f"the pipeline has {found} findings where opa eval has {expected}")
    ways: dict[str, tuple[int, Callable[[], object]]] = {
        "one process for all": (len(files), lambda: evaluate_plans(inputs, opa=opa)),
        "opa eval for each": (len(sample), lambda: [opa_eval(file, environ) for file in sample]),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (count, run) in ways.items():
            with console.status(name):
                start = time.perf_counter()
                run()
                seconds[name].append((time.perf_counter() - start) * len(files) / count)
    medians = {name: statistics.median(measured) for name, measured in seconds.items()}
    best = medians["one process for all"]
    return [Line(name, len(files), median, median / best) for name, median in medians.items()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.policies",
        description="Measures policy over many plans: the pipeline's one process, beside one "
        "opa eval for each plan.",
        epilog="Exit codes: 0 measured, 1 failed, 2 wrong usage.",
    )
    parser.add_argument(
        "--plans", type=int, default=200, metavar="N", help="how many (default: %(default)s)"
    )
    parser.add_argument(
        "--rounds", type=int, default=3, metavar="N", help="turns of each (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    options = parser.parse_args(arguments)
    if options.plans < 1 or options.rounds < 1:
        parser.error("--plans and --rounds are positive")
    return exit_code(lambda: _main(options))


def _main(options: argparse.Namespace) -> int:
    environ = ensure(["terraform", "opa"])
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with console.status("planning the modules"):
            plans = make_plans(folder, environ)
        files = []
        for number, plan in enumerate(islice(cycle(plans), options.plans)):
            file = folder / "plans" / f"{number:05}" / "input.json"
            file.parent.mkdir(parents=True)
            shutil.copy(plan, file)
            files.append(file)
        lines = measure(files, Opa(environ), environ, rounds=options.rounds, console=console)
    if options.json:
        sys.stdout.write(json.dumps([asdict(line) for line in lines], indent=2) + "\n")
        return 0
    table = Table("", "plans", "seconds", "ratio", box=None)
    for line in lines:
        table.add_row(line.way, str(line.plans), f"{line.seconds:.2f}", f"{line.ratio:.1f}")
    Console(soft_wrap=True).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
