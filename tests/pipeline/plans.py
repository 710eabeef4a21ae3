"""Plans as Terraform prints them, a Terragrunt that makes them, and repositories to plan in."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.accounts import Facts
from pipeline.errors import CommandFailedError
from pipeline.git import Git
from pipeline.terragrunt import Programs, Terragrunt
from pipeline.tree import Unit

ACCOUNTS = {"security": "111111111111", "non-prod": "222222222222", "prod": "333333333333"}
FACTS = Facts("example", "example-org/example", ACCOUNTS, ("dev", "prod"))

ORGANIZATION = """\
organization: example
github_repository: example-org/example
accounts:
  security: "111111111111"
  non-prod: "222222222222"
  prod: "333333333333"
promotion: [dev, prod]
"""
DEV = "non-prod/eu-west-1/dev"
PROD = "prod/eu-west-1/prod"
ACCOUNT = "non-prod/eu-west-1/account"

MODULES = {"registry": "registry", "authorizer": "authorizer", "api": "http-api-mtls"}
NEEDS = {
    "registry": (),
    "authorizer": ("../registry",),
    "api": ("../authorizer", "../../account/dns-zone"),
}


PLAIN = ("deposed", "previous_address", "action_reason")


def change(
    address: str,
    *,
    actions: Sequence[str] = ("create",),
    before: object = None,
    after: object = None,
    unknown: object = None,
    **further: object,
) -> dict[str, Any]:
    """A resource's change."""
    kind, name = address.rsplit(".", 2)[-2:]
    return {
        "address": address,
        "mode": "data" if address.startswith("data.") else "managed",
        "type": kind,
        "name": name,
        "provider_name": "registry.terraform.io/hashicorp/aws",
        **{key: value for key, value in further.items() if key in PLAIN},
        "change": {
            "actions": list(actions),
            "before": before,
            "after": after,
            "after_unknown": {} if unknown is None else unknown,
            **{key: further[key] for key in ("replace_paths", "importing") if key in further},
        },
    }


def output(actions: Sequence[str] = ("create",), **values: object) -> dict[str, Any]:
    """An output's change."""
    return {
        "actions": list(actions),
        "before": None,
        "after": None,
        "after_unknown": False,
    } | values


def plan(
    *changes: Mapping[str, Any],
    outputs: Mapping[str, Any] | None = None,
    account: str = "222222222222",
    **further: object,
) -> dict[str, Any]:
    """A plan of a unit."""
    return {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "planned_values": {},
        "resource_changes": list(changes),
        "output_changes": dict(outputs or {}),
        "configuration": {
            "provider_config": {
                "aws": {
                    "name": "aws",
                    "expressions": {"allowed_account_ids": {"constant_value": [account]}},
                }
            },
            "root_module": {},
        },
        "timestamp": "2026-01-01T00:00:00Z",
        **further,
    }


NO_CHANGE = plan(change("aws_x.this", actions=["no-op"], before={"a": 1}, after={"a": 1}))


class FakeTerragrunt(Terragrunt):
    """Plans what it is told to, and remembers what it was asked for.

    Attributes:
        plans: unit to what it plans next; a list is planned one after the other.
        calls: what was asked for.
    """

    def __init__(self, root: Path, plans: Mapping[str, Any], logs: Path | None = None) -> None:
        super().__init__(root, {}, Programs(), logs or root / "logs")
        self.plans: dict[str, Any] = dict(plans)
        self.calls: list[tuple[str, ...]] = []
        self.on_apply: Any = lambda unit: None

    def at(self, root: Path) -> "FakeTerragrunt":
        return self

    def plan(self, unit: str, file: Path, *, role: str, destroy: bool = False) -> bytes:
        self.calls.append(("plan", unit, role, *(["-destroy"] if destroy else [])))
        document = self.plans[unit]
        if isinstance(document, list):
            document = document.pop(0)
        if isinstance(document, Exception):
            raise document
        file.parent.mkdir(parents=True, exist_ok=True)
        content = json.dumps(document).encode()
        file.write_bytes(b"plan of " + content)
        return content

    def apply(self, unit: str, file: Path, *, role: str) -> None:
        assert file.is_file(), "no plan to apply"
        self.calls.append(("apply", unit, role))
        self.on_apply(unit)

    @property
    def applied(self) -> list[str]:
        return [call[1] for call in self.calls if call[0] == "apply"]

    @property
    def planned(self) -> list[str]:
        return [call[1] for call in self.calls if call[0] == "plan"]


class FakeStates:
    """States of the units that were applied."""

    def __init__(self, *applied: str) -> None:
        self.applied = set(applied)

    def has_outputs(self, unit: str) -> bool:
        return unit in self.applied


def failed(unit: str, message: str = "plan failed") -> CommandFailedError:
    return CommandFailedError(f"{unit}: {message}\n  Error: no such thing", hint="look")


class Repository:
    """A real repository with a small ``live/``, and the commits of a test."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "somebody")
        self.git("config", "user.email", "somebody@example.com")
        self.write("live/organization.yaml", ORGANIZATION)
        self.write("live/root.hcl", "locals {}\n")
        self.write("live/README.md", "what is there\n")
        for folder in (DEV, PROD):
            account, region, _ = folder.split("/")
            self.write(f"live/{account}/account.hcl", "locals {}\n")
            self.write(f"live/{account}/{region}/region.hcl", "locals {}\n")
            self.write(f"live/{folder}/env.hcl", "locals {}\n")
            self.pins(folder, registry="local" if folder == DEV else "1.0.0")
            for name, module in MODULES.items():
                self.unit(f"{folder}/{name}", module, NEEDS[name])
            self.write(
                f"live/{account}/{region}/account/versions.hcl", versions({"dns-zone": "local"})
            )
            self.unit(f"{account}/{region}/account/dns-zone", "dns-zone")
        for module in ("registry", "authorizer", "function", "http-api-mtls", "dns-zone"):
            self.write(f"modules/{module}/main.tf", "# nothing\n")
        self.write(
            "modules/authorizer/main.tf", 'module "function" {\n  source = "../function"\n}\n'
        )
        self.first = self.commit("first")

    def copy(self, root: Path) -> "Repository":
        """The same again: making it takes a second."""
        shutil.copytree(self.root, root)
        other = Repository.__new__(Repository)
        other.root, other.first = root, self.first
        return other

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, text=True, capture_output=True, check=True
        )
        return done.stdout.strip()

    @property
    def own(self) -> Git:
        return Git(self.root)

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def unit(self, path: str, module: str, needs: Sequence[str] = ()) -> None:
        blocks = "".join(
            f'dependency "d{number}" {{\n  config_path = "{needed}"\n}}\n'
            for number, needed in enumerate(needs)
        )
        source = f'terraform {{\n  source = include.root.locals.sources["{module}"]\n}}\n'
        self.write(f"live/{path}/terragrunt.hcl", source + blocks)

    def pins(self, folder: str, **pins: str) -> None:
        everything = {"registry": "local", "authorizer": "local", "http-api-mtls": "local"}
        if folder == PROD:
            everything = dict.fromkeys(everything, "1.0.0")
        self.write(f"live/{folder}/versions.hcl", versions(everything | pins))

    def remove(self, path: str) -> None:
        self.git("rm", "-r", "--quiet", path)

    def commit(self, message: str = "a change") -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def find(self, folders: Any) -> dict[str, Unit]:
        """What Terragrunt would find, and `asked` for which folders."""
        found: dict[str, Unit] = {}
        self.asked = [*getattr(self, "asked", []), *folders]
        for folder in folders:
            for file in sorted((self.root / "live" / folder).glob("*/terragrunt.hcl")):
                path = file.parent.relative_to(self.root / "live").as_posix()
                needs = [
                    line.partition('"')[2].rstrip('"')
                    for line in file.read_text().splitlines()
                    if "config_path" in line
                ]
                account, region = folder.split("/")[:2]
                found[path] = Unit(
                    path,
                    tuple(_resolve(path, needed) for needed in needs),
                    (
                        "live/root.hcl",
                        f"live/{account}/account.hcl",
                        f"live/{account}/{region}/region.hcl",
                        f"live/{folder}/env.hcl",
                        f"live/{folder}/versions.hcl",
                    ),
                )
        return found


def versions(pins: Mapping[str, str]) -> str:
    lines = "".join(f'    {module} = "{version}"\n' for module, version in pins.items())
    return f"# pins\nlocals {{\n  versions = {{\n{lines}  }}\n}}\n"


def _resolve(path: str, needed: str) -> str:
    parts = path.split("/")
    for part in needed.split("/"):
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)
