"""Runs `terraform test` in the modules: mocked providers, no cloud, two modules at a time.

python -m tools.terraform_test                  every module
python -m tools.terraform_test acm-domain       these
"""

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from tools import install, modules, tasks
from tools.errors import exit_code
from tools.tasks import Task, TaskFailedError


def test(module: Path, environment: Mapping[str, str]) -> str:
    """Tests one module.

    Returns:
        How many of its tests passed, in words.

    Raises:
        TaskFailedError: A test failed, or the module has none.
    """
    if not list(module.glob("tests/*.tftest.hcl")):
        raise TaskFailedError(f"{module.name} has no tests: add tests/<concern>.tftest.hcl")
    output = modules.terraform(module, "test", environment=environment)
    count = passed(output)
    if count == 0:
        raise TaskFailedError(f"no test ran:\n{output.strip()}")
    return f"{count} tests"


def passed(output: str) -> int:
    """Reads from Terraform's output how many tests passed."""
    match = re.search(r"^Success! (\d+) passed", output, re.MULTILINE)
    return int(match[1]) if match else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line."""
    known = {module.name: module for module in modules.find()}
    parser = argparse.ArgumentParser(
        prog="python -m tools.terraform_test",
        description="Runs `terraform test` in the modules, without any cloud.",
    )
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="without: all of them")
    parser.add_argument(
        "--jobs", type=int, default=tasks.JOBS, help="modules at once (%(default)s)"
    )
    options = parser.parse_args(arguments)
    names = options.modules or list(known)
    for name in names:
        if name not in known:
            parser.error(f"no module is called {name!r}; there are {', '.join(known)}")
    console = Console(highlight=False)

    def run() -> int:
        # OpenTofu does not know override_during and source of a mock_provider.
        environment = install.ensure(["terraform"], stand_ins=False)
        outcomes = tasks.run_all(
            [Task(name, partial(test, known[name], environment)) for name in names],
            console,
            jobs=options.jobs,
        )
        return tasks.report(outcomes, console, noun="modules")

    return exit_code(run)


if __name__ == "__main__":
    sys.exit(main())
