"""A job's OIDC token, for one command and no longer."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from tools import web_identity
from tools.errors import ToolsError
from tools.paths import ROOT

SHOW = """
import json, os, pathlib, sys
file = pathlib.Path(os.environ["AWS_WEB_IDENTITY_TOKEN_FILE"])
shown = {"token": file.read_text(), "mode": file.stat().st_mode & 0o777, "file": str(file)}
pathlib.Path(sys.argv[1]).write_text(json.dumps(shown))
raise SystemExit(7)
"""


class Actions(BaseHTTPRequestHandler):
    """GitHub's token service, as it answers to a job."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        trusted = self.headers["Authorization"] == "Bearer for-the-job"
        self.send_response(200 if trusted else 401)
        self.end_headers()
        self.wfile.write(json.dumps({"value": "a.b.c"} if trusted else {}).encode())

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def job(environ: dict[str, str]) -> Iterator[dict[str, str]]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Actions) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield environ | {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://127.0.0.1:{server.server_address[1]}/t?v=1",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "for-the-job",
        }
        server.shutdown()
        thread.join()


def test_a_command_finds_the_token_in_a_file_that_nobody_else_reads(
    job: dict[str, str], tmp_path: Path
) -> None:
    shown = tmp_path / "shown"

    code = web_identity.run([sys.executable, "-c", SHOW, str(shown)], job)

    seen = json.loads(shown.read_text())
    assert code == 7
    assert (seen["token"], seen["mode"]) == ("a.b.c", 0o600)
    assert not Path(seen["file"]).exists()
    assert Actions.asked[-1] == "/t?v=1&audience=sts.amazonaws.com"


WAITS_FOR_ANOTHER = """
import os, pathlib, sys, time
file = pathlib.Path(os.environ["AWS_WEB_IDENTITY_TOKEN_FILE"])
first = file.stat().st_ino
end = time.monotonic() + 30
while file.stat().st_ino == first and time.monotonic() < end:
    time.sleep(0.02)
renewed = file.stat().st_ino != first and file.read_text() == "a.b.c"
raise SystemExit(0 if renewed and file.stat().st_mode & 0o777 == 0o600 else 1)
"""


def test_the_token_is_renewed_while_the_command_runs(job: dict[str, str]) -> None:
    command = [sys.executable, "-c", WAITS_FOR_ANOTHER]

    assert web_identity.run(command, job, renew_seconds=0.05) == 0


def test_outside_a_job_the_command_just_runs(environ: dict[str, str]) -> None:
    check = "import os; raise SystemExit('AWS_WEB_IDENTITY_TOKEN_FILE' in os.environ)"

    assert web_identity.run([sys.executable, "-c", check], environ) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-another-job"},
        {"ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1:1/"},
    ],
)
def test_without_a_token_nothing_is_run(
    job: dict[str, str], wrong: dict[str, str], tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    command = [sys.executable, "-c", f"open({str(ran)!r}, 'w')"]

    with pytest.raises(ToolsError, match="GitHub gives this job no OIDC token") as caught:
        web_identity.run(command, job | wrong)

    assert caught.value.hint == "the job needs the permission id-token: write"
    assert not ran.exists()


def test_a_missing_program_is_named(environ: dict[str, str]) -> None:
    with pytest.raises(ToolsError, match="/no-such-program cannot be run"):
        web_identity.run(["/no-such-program"], environ)


@pytest.mark.parametrize("arguments", [[], ["--"], ["bootstrap-ca"]])
def test_no_command_is_wrong_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert web_identity.main(arguments) == 2
    assert "hint: python -m tools.web_identity -- COMMAND" in capsys.readouterr().err


LOCKS_ITS_KEY = """
import os, pathlib, signal, sys, time
def end(*_):
    raise KeyboardInterrupt
signal.signal(signal.SIGTERM, end)
try:
    print("unlocked", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(0.6)  # longer than subprocess.run gives a command after Ctrl-C
    print("locked", flush=True)
    raise SystemExit(5)
"""


@pytest.mark.parametrize(
    ("number", "send"),
    [(signal.SIGINT, os.killpg), (signal.SIGTERM, os.kill)],
    ids=["Ctrl-C, to all", "SIGTERM, to one"],
)
def test_a_command_that_is_told_to_end_has_time_to_lock_its_key(
    environ: dict[str, str], number: signal.Signals, send: Callable[[int, int], None]
) -> None:
    command = [sys.executable, "-m", "tools.web_identity", "--"]
    with subprocess.Popen(
        [*command, sys.executable, "-c", LOCKS_ITS_KEY],
        env=environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "unlocked\n"
        send(process.pid, number)

        assert process.stdout.read() == "locked\n"
        assert process.wait() == 5
