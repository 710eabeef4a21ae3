"""Runs a command as a job of GitHub Actions that AWS knows by its OIDC token.

    python -m tools.web_identity -- bootstrap-ca --plan plan.json

The token lies in a file that nobody else can read, for as long as the command runs, and
AWS_WEB_IDENTITY_TOKEN_FILE names it. GitHub's tokens last five minutes, so it is renewed while the
command runs: an apply takes a role for each unit, the last of them perhaps an hour later. Outside
such a job the command just runs.
https://docs.github.com/en/actions/reference/security/oidc#methods-for-requesting-the-oidc-token
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError

from tools.errors import ToolsError, UsageError, exit_code

_AUDIENCE = "sts.amazonaws.com"
_TIMEOUT_SECONDS = 10
_RENEW_SECONDS = 120
_RETRY_SECONDS = 15
_URL_VARIABLE = "ACTIONS_ID_TOKEN_REQUEST_URL"
_BEARER_VARIABLE = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def request_token(url: str, bearer: str) -> str:
    """Ask GitHub for the job's OIDC token.

    Raises:
        ToolsError: GitHub gives none.
    """
    separator = "&" if urllib.parse.urlparse(url).query else "?"
    address = f"{url}{separator}{urllib.parse.urlencode({'audience': _AUDIENCE})}"
    request = urllib.request.Request(  # noqa: S310 # GitHub's own address
        address, headers={"Authorization": f"Bearer {bearer}", "Accept": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            return str(json.load(answer)["value"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, HTTPError):
            error.close()
        raise ToolsError(
            f"GitHub gives this job no OIDC token: {type(error).__name__}",
            hint="the job needs the permission id-token: write",
        ) from error


def run(
    command: Sequence[str], environ: Mapping[str, str], *, renew_seconds: float = _RENEW_SECONDS
) -> int:
    """Run a command with the job's token, where there is one; returns its exit code.

    Raises:
        ToolsError: GitHub gives no token, or the command cannot be run.
    """
    url, bearer = environ.get(_URL_VARIABLE), environ.get(_BEARER_VARIABLE)
    if not url or not bearer:
        return _call(command, environ)
    with tempfile.TemporaryDirectory(prefix="web-identity-") as folder:
        file = Path(folder) / "token"
        _write(file, request_token(url, bearer))
        with _renewed(file, url, bearer, renew_seconds):
            return _call(command, {**environ, "AWS_WEB_IDENTITY_TOKEN_FILE": str(file)})


def _write(file: Path, token: str) -> None:
    """A reader finds the old token or the new one, never a part of either."""
    fresh = file.with_name("fresh")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.write(token)
    fresh.replace(file)


@contextmanager
def _renewed(file: Path, url: str, bearer: str, seconds: float) -> Iterator[None]:
    """Renew the token while the command runs; GitHub may miss a turn, and is asked again soon."""
    ended = threading.Event()

    def renew() -> None:
        wait = seconds
        while not ended.wait(wait):
            try:
                _write(file, request_token(url, bearer))
                wait = seconds
            except (ToolsError, OSError):
                wait = min(seconds, _RETRY_SECONDS)

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(_TIMEOUT_SECONDS)


def _call(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Wait for the command, however it is told to end: it may have a root's key to lock first.

    `subprocess.run` would kill it a quarter of a second after Ctrl-C.
    """
    process: subprocess.Popen[bytes] | None = None

    def leave_to_the_command(number: int, _frame: object) -> None:
        # A terminal tells the command as well; who sends SIGTERM tells one process.
        if number == signal.SIGTERM and process is not None:
            process.send_signal(number)

    with _handled_by(leave_to_the_command):
        try:
            process = subprocess.Popen(command, env=environ)
        except OSError as error:
            raise ToolsError(f"{command[0]} cannot be run: {error.strerror}") from error
        return process.wait()


@contextmanager
def _handled_by(handler: Callable[[int, object], None]) -> Iterator[None]:
    """Handlers rather than SIG_IGN, which the command would inherit."""
    previous = {number: signal.signal(number, handler) for number in _ENDINGS}
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)


def main(arguments: Sequence[str]) -> int:
    """Entry point; returns the exit code."""
    return exit_code(lambda: run(_command(arguments), os.environ))


def _command(arguments: Sequence[str]) -> Sequence[str]:
    mark, *command = arguments or [""]
    if mark != "--" or not command:
        raise UsageError("no command", hint="python -m tools.web_identity -- COMMAND")
    return command


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
