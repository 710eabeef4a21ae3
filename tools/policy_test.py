"""Tests the policies, and that their tests reach every line of every rule.

python -m tools.policy_test                     all of them, and what they cover
python -m tools.policy_test --run kms           those whose names match, uncovered

A rule that no test makes true is one that nobody has seen fire: `opa test --threshold` says that
there is one, this says where.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tools import install
from tools.errors import exit_code
from tools.paths import ROOT


def execute(root: Path, environment: Mapping[str, str], pattern: str = "") -> int:
    """Runs the tests, and shows what fails.

    Returns:
        opa's exit code.
    """
    options = ["--run", pattern] if pattern else []
    command = ["opa", "test", "--bundle", "policies", *options]
    return subprocess.run(command, cwd=root, env=environment, check=False).returncode


def cover(root: Path, environment: Mapping[str, str]) -> list[str]:
    """Returns the lines that no test reaches, as `file:line`."""
    result = subprocess.run(
        ["opa", "test", "--bundle", "--coverage", "--format=json", "policies"],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return uncovered(json.loads(result.stdout))


def uncovered(report: Mapping[str, Any]) -> list[str]:
    """Returns what a report of `opa test --coverage` has as not covered, as `file:line`."""
    found = {
        (_in_repository(file), row)
        for file, lines in report["files"].items()
        for part in lines.get("not_covered", [])
        for row in range(part["start"]["row"], part["end"]["row"] + 1)
    }
    return [f"{file}:{row}" for file, row in sorted(found)]


def _in_repository(file: str) -> str:
    # A bundle's own name comes before the paths in it: policies/policies/lib/plan.rego.
    return file.removeprefix("policies/")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.policy_test",
        description="Tests the policies, and that their tests reach every line.",
    )
    parser.add_argument(
        "--run", metavar="PATTERN", default="", help="only tests whose names match; no coverage"
    )
    options = parser.parse_args(arguments)

    def run() -> int:
        environment = install.ensure(["opa"])
        code = execute(ROOT, environment, options.run)
        if code != 0 or options.run:
            return code
        missed = cover(ROOT, environment)
        for line in missed:
            print(f"{line}: no test gets here", file=sys.stderr)
        print(f"{len(missed)} lines are not covered" if missed else "every line is covered")
        return 1 if missed else 0

    return exit_code(run)


if __name__ == "__main__":
    sys.exit(main())
