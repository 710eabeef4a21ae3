"""Runs checkov's checks and ours in one process, with no network, and prints what it found as JSON.

Run by `pipeline.scanning` in the environment that uv.lock has for checkov: its command line loads
every framework and asks its platform for links, which takes it longer than all checks here.

    python scan.py < '{"modules": ["modules/registry"], "dockerfiles": [], "checks": "..."}'
"""

import importlib.util
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

logging.disable(logging.CRITICAL)
os.environ["CHECKOV_RUN_SCA_PACKAGE_SCAN"] = "false"

from checkov.common.checks_infra.registry import get_graph_checks_registry  # noqa: E402
from checkov.dockerfile.registry import registry as dockerfile_registry  # noqa: E402
from checkov.dockerfile.runner import Runner as DockerfileRunner  # noqa: E402
from checkov.runner_filter import RunnerFilter  # noqa: E402
from checkov.terraform.checks.data.registry import data_registry  # noqa: E402
from checkov.terraform.checks.module.registry import module_registry  # noqa: E402
from checkov.terraform.checks.provider.registry import provider_registry  # noqa: E402
from checkov.terraform.checks.resource.registry import resource_registry  # noqa: E402
from checkov.terraform.runner import Runner as TerraformRunner  # noqa: E402

REGISTRIES = (
    resource_registry,
    data_registry,
    provider_registry,
    module_registry,
    dockerfile_registry,
)


def load_checks(folder: Path) -> list[str]:
    """Loads our own checks, each of which registers itself, and returns their ids."""
    found = []
    for file in sorted(folder.glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"checks_{file.stem}", file)
        if spec is None or spec.loader is None:
            raise ImportError(str(file))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found.append(module.check.id)
    return found


def known_ids() -> set[str]:
    """The ids of all checks that were loaded."""
    found: set[str] = set()
    for registry in REGISTRIES:
        for checks in [*registry.checks.values(), *registry.wildcard_checks.values()]:
            found |= {check.id for check in checks}
    for framework in ("terraform", "dockerfile"):
        graph = get_graph_checks_registry(framework)
        graph.load_checks()
        found |= {check.id for check in graph.checks}
    return found


def described(record: Any, root: Path) -> dict[str, Any]:
    """A result, without the code that it is about."""
    return {
        "id": record.check_id,
        "name": record.check_name,
        "resource": record.resource,
        "file": os.path.relpath(record.file_abs_path, root),
        "line": record.file_line_range[0],
        "comment": record.check_result.get("suppress_comment") or "",
    }


def main() -> None:
    """Reads a request from standard input and answers on standard output."""
    request = json.load(sys.stdin)
    root = Path(request["root"])
    own = load_checks(Path(request["checks"]))
    answer: dict[str, Any] = {"own": own, "failed": [], "skipped": [], "unparsed": [], "passed": 0}
    reports = []
    for module in request["modules"]:
        runner = TerraformRunner()
        options = RunnerFilter(framework=["terraform"])
        reports.append(runner.run(root_folder=str(root / module), runner_filter=options))
    if request["dockerfiles"]:
        files = [str(root / file) for file in request["dockerfiles"]]
        options = RunnerFilter(framework=["dockerfile"])
        reports.append(DockerfileRunner().run(root_folder=None, files=files, runner_filter=options))
    for report in reports:
        for found in report if isinstance(report, list) else [report]:
            answer["failed"] += [described(record, root) for record in found.failed_checks]
            answer["skipped"] += [described(record, root) for record in found.skipped_checks]
            answer["unparsed"] += [os.path.relpath(file, root) for file in found.parsing_errors]
            answer["passed"] += len(found.passed_checks)
    answer["ids"] = sorted(known_ids())
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
