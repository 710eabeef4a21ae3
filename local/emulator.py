"""The emulator of AWS: ministack, one process, everything in memory.

It runs in an environment of its own: functions run on its interpreter, and could otherwise import
what lies beside it, so that a package missing from a function's zip went unnoticed.
"""

import os
import urllib.error
import urllib.request
from collections.abc import Mapping

from local.processes import LOOPBACK, Daemon, ProcessRecord
from local.settings import StateDirectory
from tools import isolated
from tools.paths import ROOT

_START_SECONDS = 60.0
_GROUP = "emulator"
_MAIN = ROOT / "local" / "emulator_main.py"


def daemon(state: StateDirectory) -> Daemon:
    """The emulator's process."""
    return Daemon("emulator", state.run / "emulator.json", state.logs / "emulator.log")


def endpoint_url(port: int) -> str:
    """Where it serves every AWS API."""
    return f"http://{LOOPBACK}:{port}"


def start(state: StateDirectory, port: int, environ: Mapping[str, str]) -> ProcessRecord:
    """Start the emulator and wait until it answers.

    Raises:
        ToolsError: its environment cannot be made.
        ProcessError: it does not come up.
    """
    python = isolated.sync(_GROUP, environ) / "python"
    state.temporary.mkdir(parents=True, exist_ok=True)
    return daemon(state).start(
        # -P: what lies beside the script is not for the emulator to import.
        [str(python), "-P", str(_MAIN)],
        port=port,
        environ=_environment(state, port, environ),
        cwd=state.temporary,
        ready=lambda: is_healthy(port),
        deadline_seconds=_START_SECONDS,
    )


def is_healthy(port: int) -> bool:
    """Whether an emulator answers on that port."""
    try:
        with urllib.request.urlopen(  # noqa: S310 # the scheme is ours
            f"{endpoint_url(port)}/_ministack/health", timeout=2
        ) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _environment(state: StateDirectory, port: int, environ: Mapping[str, str]) -> dict[str, str]:
    """What the emulator sees, and the functions with it: nothing of the user's own."""
    return {
        "PATH": environ.get("PATH", os.defpath),
        "HOME": str(state.temporary),
        "TMPDIR": str(state.temporary),
        "GATEWAY_PORT": str(port),
        # It would listen on every interface.
        "BIND_HOST": LOOPBACK,
        # Functions call back here.
        "AWS_ENDPOINT_URL": endpoint_url(port),
        # Without it Cognito would issue the token although the trigger refused: AWS does not.
        "MINISTACK_COGNITO_PRETOKEN_STRICT": "1",
        # Servers of other protocols, on ports of their own, that nothing here uses.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "PYTHONUNBUFFERED": "1",
    }
