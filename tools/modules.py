"""The Terraform modules of this checkout, and how to initialise one without a trace in it."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tools.errors import ToolsError
from tools.paths import BUILD, ROOT, locked
from tools.tasks import TaskFailedError

MODULES = ROOT / "modules"

ASKS_FOR_INIT = re.compile(r"\b(terraform|tofu) init\b")


def find(root: Path = MODULES) -> list[Path]:
    """Returns the folders of all modules, by name.

    Raises:
        ToolsError: There is none, which no caller expects.
    """
    found = sorted({file.parent for file in root.glob("*/versions.tf")})
    if not found:
        raise ToolsError(f"there is no module in {root}")
    return found


def terraform(module: Path, *command: str, environment: Mapping[str, str]) -> str:
    """Runs Terraform in a module that is initialised when need be, with its data below build/.

    Args:
        module: The module's folder.
        command: The command and its options.
        environment: The environment of `tools.install.ensure`.

    Returns:
        Its standard output.

    Raises:
        TaskFailedError: It failed; the message is its output.
    """
    data = BUILD / "terraform" / module.name
    environ = {**environment, "TF_DATA_DIR": str(data), "TF_IN_AUTOMATION": "1"}
    with locked(data.with_suffix(".lock")):
        # To initialise is to hash a provider of 700 MB: only when Terraform asks for it.
        result = _run(module, *command, environ=environ) if data.is_dir() else None
        if result is None or (result.returncode != 0 and ASKS_FOR_INIT.search(result.stdout)):
            result = _run(module, "init", "-backend=false", "-input=false", environ=environ)
            if result.returncode == 0:
                result = _run(module, *command, environ=environ)
    if result.returncode != 0:
        name = " ".join(result.args[:2])
        raise TaskFailedError(f"{name} in {module.name}:\n{result.stdout.strip()}")
    return result.stdout


def _run(
    module: Path, command: str, *options: str, environ: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["terraform", command, "-no-color", *options],
        cwd=module,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
