"""A small organisation of its own: a repository with a remote, and accounts in a local cloud.

Everything is done as people and jobs do it: commits with git, all else with `python -m pipeline`,
in an environment that leads to an emulator which nothing else uses.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.cloud import Cloud
from pki.organization import Organization, load_organization
from tests.pullrequests.changes import Change
from tools.bootstrap_account import find_account

SECONDS = 240
"""For one command; the longest takes a fraction of it, on a quiet machine."""


@dataclass(frozen=True)
class Answer:
    """How a command ended."""

    command: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        """Everything it said, in one line each, since a table may break lines anywhere."""
        return f"{self.stdout}\n{self.stderr}"

    @cached_property
    def json(self) -> Any:
        """What it printed for scripts."""
        try:
            return json.loads(self.stdout)
        except ValueError:
            pytest.fail(f"no JSON\n{self}")

    def passed(self) -> "Answer":
        """This answer, which must be a success."""
        assert self.exit_code == 0, str(self)
        return self

    def __str__(self) -> str:
        return f"{' '.join(self.command)}: exit code {self.exit_code}\n{self.stdout}\n{self.stderr}"


@dataclass(frozen=True)
class World:
    """The organisation.

    Attributes:
        clone: a developer's clone, on `main` between two tests.
        environ: what somebody has who sourced `.local/env.sh`.
        cloud: the accounts.
    """

    clone: Path
    environ: Mapping[str, str]
    cloud: Cloud

    @property
    def live(self) -> Path:
        return self.clone / "live"

    @property
    def organization(self) -> Organization:
        return load_organization(self.live)

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd or self.clone,
            env=dict(self.environ),
            text=True,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, f"git {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def run(self, *command: str, environ: Mapping[str, str] | None = None) -> Answer:
        """A command in the clone, in a process group of its own, as a job has."""
        with self.started(*command, environ=environ) as process:
            stdout, stderr = process.communicate(timeout=SECONDS)
        return Answer(command, process.returncode, stdout, stderr)

    def pipeline(self, *arguments: str, environ: Mapping[str, str] | None = None) -> Answer:
        return self.run(sys.executable, "-m", "pipeline", *arguments, environ=environ)

    @contextmanager
    def started(
        self, *command: str, environ: Mapping[str, str] | None = None
    ) -> Iterator["subprocess.Popen[str]"]:
        """A command under way; nothing of it is left afterwards."""
        process = subprocess.Popen(
            command,
            cwd=self.clone,
            env={**self.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        with process:
            try:
                yield process
            finally:
                kill(process)

    # --- Pull requests ----------------------------------------------------------------------------

    @contextmanager
    def pull_request(self, change: Change) -> Iterator[str]:
        """A branch with the change as its one commit, checked out; gone afterwards."""
        main = self.git("rev-parse", "main")
        self.git("checkout", "--quiet", "--no-track", "-b", "change", "main")
        try:
            change.apply(self.clone)
            self.git("add", "--all")
            self.git("commit", "--quiet", "--allow-empty", "--message", change.title)
            yield self.git("rev-parse", "HEAD")
        finally:
            self.git("checkout", "--quiet", "--force", "main")
            self.git("reset", "--quiet", "--hard", main)
            self.git("clean", "--quiet", "--force", "-d")
            self.git("branch", "--quiet", "--delete", "--force", "change")

    def second_clone(self, folder: Path, *options: str) -> "World":
        """Another clone of the remote, with a cache of its own."""
        clone, origin = folder / "clone", self.git("remote", "get-url", "origin")
        # By its address: of a path, git copies all of the history, whatever it is told.
        self.git("clone", "--quiet", *options, f"file://{origin}", str(clone))
        (clone / "build").mkdir()
        for name in ("envs", "lambda"):
            (clone / "build" / name).symlink_to(self.clone / "build" / name)
        local = {"MTLS_LOCAL_DIR": str(folder / "local")}
        return replace(self, clone=clone, environ={**self.environ, **local})

    def merge(self, change: Change) -> str:
        """The change on `main`, here and at the remote."""
        change.apply(self.clone)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", change.title)
        self.git("push", "--quiet", "origin", "main")
        return self.git("rev-parse", "HEAD")

    def plan(self, *arguments: str, base: str = "origin/main", **environ: str) -> Answer:
        """What the pull request's job runs."""
        return self.pipeline("plan", "--base", base, "--json", *arguments, environ=environ)

    def scopes(self, plan: Answer) -> list[str]:
        """The scopes that a plan has anything to apply for, in the order of application."""
        return [entry["set"]["scope"] for entry in plan.json["sets"]]

    def approve(self, scope: str, *, by: str = "Grace", digest: str | None = None) -> Answer:
        """Somebody approves what the last plan wrote; the approval lies beside it."""
        return self.pipeline(
            *("approve", "--plans", str(self.plans(scope)), "--approver", by),
            *("--digest", digest or self.digest(scope)),
            *("--approval", str(self.approval(scope))),
        )

    def apply(self, scope: str, *options: str) -> Answer:
        """What the job of the merged change runs."""
        return self.run(*self.apply_command(scope), *options)

    def apply_command(self, scope: str) -> tuple[str, ...]:
        return (
            *(sys.executable, "-m", "pipeline", "apply", "--environment", scope),
            *("--plans", str(self.plans(scope)), "--approval", str(self.approval(scope))),
        )

    def approve_and_apply(self, scope: str) -> Answer:
        self.approve(scope).passed()
        return self.apply(scope).passed()

    def approval(self, scope: str) -> Path:
        return self.clone / "build" / f"approval-{scope.replace('/', '-')}.json"

    def digest(self, scope: str) -> str:
        """What the plan job shows, and an approval names."""
        return f"sha256:{sha256((self.plans(scope) / 'plan-set.json').read_bytes()).hexdigest()}"

    def plans(self, scope: str) -> Path:
        return self.clone / "build" / "plans" / scope.replace("/", "-")

    def plan_set(self, scope: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.plans(scope) / "plan-set.json").read_text("utf-8"))
        return found

    # --- AWS --------------------------------------------------------------------------------------

    def states(self) -> dict[str, str]:
        """Every state, and its content's digest: as before when nothing was applied."""
        return {
            f"s3://{bucket}/{entry['Key']}": entry["ETag"]
            for bucket, client in self._state_buckets()
            for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
            for entry in page.get("Contents", ())
            if entry["Key"].endswith(".tfstate")
        }

    def state(self, unit: str) -> dict[str, Any] | None:
        """The state of a unit."""
        account = find_account(self.live, unit.split("/", 1)[0])
        client = self.cloud.client("s3", account.id)
        try:
            found = client.get_object(Bucket=account.state_bucket, Key=f"{unit}/terraform.tfstate")
        except client.exceptions.NoSuchKey:
            return None
        document: dict[str, Any] = json.load(found["Body"])
        return document

    def _state_buckets(self) -> Iterator[tuple[str, Any]]:
        for name in self.organization.accounts:
            account = find_account(self.live, name)
            client = self.cloud.client("s3", account.id)
            if account.state_bucket in {b["Name"] for b in client.list_buckets()["Buckets"]}:
                yield account.state_bucket, client


def kill(process: "subprocess.Popen[str]") -> None:
    """End a command and all that it started at once, as a machine does that is switched off.

    What it started has process groups of its own, in the one session.
    """
    while running := [pid for pid in psutil.pids() if _session(pid) == process.pid]:
        for pid in running:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.poll()
        time.sleep(0.01)
    process.wait()


def _session(pid: int) -> int:
    try:
        if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return 0
        return os.getsid(pid)
    except (psutil.Error, ProcessLookupError, PermissionError):
        return 0
