"""A copy of this project's live/ and modules/, with releases of every pin: to change and judge."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import configuration
from pipeline.gates import Gates, StaticScope
from pipeline.hcl import Parser
from pipeline.model import Finding
from pipeline.policy import Opa, evaluate_live
from pipeline.waivers import Register
from tools.paths import ROOT

DEV = "live/non-prod/eu-west-1/dev"
STAGE = "live/non-prod/eu-west-1/stage"
PROD = "live/prod/eu-west-1/prod"

_IGNORED = shutil.ignore_patterns(".terraform", ".terragrunt-cache", "tests", "*.md")
_PIN = re.compile(r'^\s*([a-z0-9-]+)\s*=\s*"([0-9.]+)"', re.MULTILINE)


@dataclass(frozen=True)
class Checkout:
    """A repository of its own.

    Attributes:
        root: its top folder.
        environ: the environment with the gates' tools.
    """

    root: Path
    environ: dict[str, str]

    def path(self, name: str) -> Path:
        return self.root / name

    def write(self, name: str, text: str) -> None:
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).write_text(text)

    def append(self, name: str, text: str) -> None:
        self.write(name, self.path(name).read_text() + text)

    def replace(self, name: str, old: str, new: str) -> None:
        text = self.path(name).read_text()
        assert old in text, f"{name} has no {old!r}"
        self.write(name, text.replace(old, new))

    def git(self, *arguments: str) -> str:
        return git(self.root, *arguments)

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "change")
        return self.git("rev-parse", "HEAD").strip()

    def read(self, **options: Any) -> dict[str, Any]:
        parser = Parser(self.environ)
        return configuration.read(self.root, parser, environ=self.environ, **options)

    def judge(self, **options: Any) -> tuple[Finding, ...]:
        return evaluate_live(self.read(**options), Opa(self.environ))

    def gates(self) -> Gates:
        register = Register.load(self.path("policies/waivers.yaml"))
        return Gates(self.root, self.environ, Opa(self.environ), register)

    def static(self, scope: StaticScope) -> tuple[Finding, ...]:
        return self.gates().static(scope)


def git(root: Path, *arguments: str) -> str:
    identity = (
        "-c",
        "user.name=test",
        "-c",
        "user.email=test@localhost",
        "-c",
        "tag.gpgSign=false",
    )
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=root, capture_output=True, text=True, check=True
    )
    return done.stdout


def make(folder: Path) -> Path:
    """Copies the project's tree, commits it and releases every version that is pinned."""
    for name in ("live", "modules"):
        shutil.copytree(ROOT / name, folder / name, ignore=_IGNORED)
    (folder / "policies").mkdir()
    shutil.copy(ROOT / "policies" / "waivers.yaml", folder / "policies")
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "all")
    pins = {
        pin
        for file in folder.glob("live/*/*/*/versions.hcl")
        for pin in _PIN.findall(file.read_text())
    }
    for module, version in sorted(pins):
        git(folder, "tag", f"modules/{module}/v{version}")
    git(folder, "gc", "--quiet")  # each test copies it
    return folder
