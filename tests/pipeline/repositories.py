"""A small repository of modules and environments, with real git and a remote."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pipeline.git import Git

ENVIRON = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_AUTHOR_NAME": "alice",
    "GIT_AUTHOR_EMAIL": "alice@example.com",
    "GIT_COMMITTER_NAME": "alice",
    "GIT_COMMITTER_EMAIL": "alice@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}

CHANGELOG = """\
# Changelog: {name}

The format is that of Keep a Changelog.

## 0.1.0

### Added
- All of it.
"""

VERSIONS = """\
# Module versions of this environment.
locals {{
  versions = {{
    api      = "{api}"   # what answers
    function = "{function}"
  }}
}}
"""


@dataclass(frozen=True)
class Repository:
    root: Path
    remote: Path

    @property
    def git(self) -> Git:
        return Git(self.root, ENVIRON)

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env=ENVIRON,
            text=True,
            capture_output=True,
            check=True,
        )
        return done.stdout

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def read(self, path: str) -> str:
        return (self.root / path).read_text()

    def commit(self, message: str, **files: str) -> None:
        """Commit, with files named like ``modules__api__main_tf``."""
        for name, text in files.items():
            self.write(name.replace("__", "/").replace("_tf", ".tf").replace("_md", ".md"), text)
        self.run("add", "--all")
        self.run("commit", "--quiet", "--allow-empty", "-m", message)

    def touch(self, module: str, message: str) -> None:
        """Change a module, and commit that."""
        path = f"modules/{module}/main.tf"
        self.write(path, self.read(path) + "# more\n")
        self.commit(message)

    def release(self, module: str, version: str) -> None:
        self.run("tag", "-a", f"modules/{module}/v{version}", "-m", version)

    def tags(self) -> list[str]:
        return self.run("tag", "--list").split()

    def pins(self, environment: str, **versions: str) -> None:
        account = "prod" if environment == "prod" else "non-prod"
        folder = f"live/{account}/eu-west-1/{environment}"
        self.write(f"{folder}/registry/terragrunt.hcl", "")
        self.write(f"{folder}/versions.hcl", VERSIONS.format(**versions))


def make(folder: Path) -> Repository:
    """Two modules, of which `api` uses `function`; three environments; nothing released."""
    remote = folder / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", remote], env=ENVIRON, check=True)
    repository = Repository(folder / "checkout", remote)
    repository.root.mkdir()
    repository.run("init", "--quiet", "--initial-branch=main")
    repository.run("remote", "add", "origin", str(remote))
    for name, text in {
        "api": 'module "f" {\n  source = "../function"\n}\n',
        "function": "",
    }.items():
        repository.write(f"modules/{name}/main.tf", text)
        repository.write(f"modules/{name}/CHANGELOG.md", CHANGELOG.format(name=name))
        pin = f"git::https://x//modules/{name}?ref=refs/tags/modules/{name}/v0.1.0"
        repository.write(f"modules/{name}/README.md", pin)
    repository.write("live/organization.yaml", "promotion: [dev, stage, prod]\n")
    repository.pins("dev", api="local", function="local")
    repository.pins("stage", api="0.1.0", function="0.1.0")
    repository.pins("prod", api="0.1.0", function="0.1.0")
    repository.commit("Begin")
    repository.run("push", "--quiet", "origin", "main")
    return repository
