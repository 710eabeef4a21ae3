"""The organisation that pull requests are made to: brought up once, and small, so as to be fast."""

import os
import re
import socket
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from local import emulator, environment
from local.cloud import Cloud
from local.settings import Settings, StateDirectory
from pki.organization import load_organization
from tests.pullrequests.world import World
from tools.bench.checkout import commit, copy, git_environment
from tools.bootstrap_account import bootstrap, find_account, object_exists
from tools.install import ensure
from tools.paths import ROOT

TOOLS = ("terraform", "terragrunt", "opa")

KEPT = {
    "dev": {"registry", "truststore", "acm-domain", "http-api-mtls", "whoami"},
    "stage": {"registry"},
    "prod": {"registry", "whoami"},
}
"""Units of each environment; the others only cost time here."""

PIN = re.compile(r'^ +(\S+) += "([\d.]+)"', re.MULTILINE)

WORKLOADS = ("non-prod", "prod")

API = """\
# The HTTP API of a small organisation: one function, called by name.

include "root" {
  path   = find_in_parent_folders("root.hcl")
  expose = true
}

terraform {
  source = include.root.locals.sources["http-api-mtls"]
}

dependency "dns_zone" {
  config_path = "../../account/dns-zone"
}

dependency "acm_domain" {
  config_path = "../acm-domain"
}

dependency "whoami" {
  config_path = "../whoami"
}

inputs = {
  # required
  name_prefix        = include.root.locals.name_prefix
  domain_name        = dependency.acm_domain.outputs.domain_name
  target_domain_name = dependency.acm_domain.outputs.target_domain_name
  target_zone_id     = dependency.acm_domain.outputs.hosted_zone_id
  zone_id            = dependency.dns_zone.outputs.zone_ids[include.root.locals.zone_name]

  authorizer = {
    function_name = dependency.whoami.outputs.function_name
    invoke_arn    = dependency.whoami.outputs.invoke_arn
  }

  routes = {
    "GET /whoami" = {
      function_name = dependency.whoami.outputs.function_name
      invoke_arn    = dependency.whoami.outputs.invoke_arn
      authorization = "authorizer"
    }
  }

  throttling = include.root.locals.environment.throttling

  # optional
  log_retention_days = include.root.locals.environment.log_retention_days
}
"""


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An organisation whose accounts are bootstrapped, and where nothing is applied yet."""
    folder = tmp_path_factory.mktemp("organisation")
    state = StateDirectory(folder / "local")
    tools = ensure(TOOLS, environ=_outside())
    port = _free_port()
    with warnings.catch_warnings():
        # It outlives the object that started it, as it outlives `make up`.
        warnings.simplefilter("ignore", ResourceWarning)
        emulator.start(state, port, tools)
    try:
        yield _found(folder, state, port, tools)
    finally:
        emulator.daemon(state).stop()


def _found(folder: Path, state: StateDirectory, port: int, tools: Mapping[str, str]) -> World:
    organization = load_organization(ROOT / "live")
    cloud = Cloud(emulator.endpoint_url(port), organization.region)
    architecture = Settings.from_environment({}).architecture
    exported = environment.exports(
        state, cloud.endpoint_url, organization, architecture, list(KEPT)
    )
    # The clone's Python files are compiled once, and leave no trace in it.
    tools = git_environment(tools) | {"PYTHONPYCACHEPREFIX": str(folder / "pycache")}
    origin = folder / "origin.git"
    # GitHub, for git and for Terragrunt: pushes go here, and released modules come from here.
    github = f"https://github.com/{_github_repository()}.git"
    elsewhere = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{origin}.insteadOf",
        "GIT_CONFIG_VALUE_0": github,
    }
    world = World(
        clone=folder / "clone",
        environ=environment.child_environment(tools, exported, **elsewhere),
        cloud=cloud,
    )
    _clone(world, origin, github)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda name: _bootstrap(world, state, name), WORKLOADS))
    return world


def _clone(world: World, origin: Path, github: str) -> None:
    """The checkout as it is, with a history of one commit, and its remote."""
    copy(world.clone)
    _make_small(world)
    commit(world.clone, "Found the organisation")
    for tag in sorted(set(_pinned(world.live))):
        world.git("tag", tag)
    world.git("init", "--quiet", "--bare", "--initial-branch", "main", str(origin))
    world.git("remote", "add", "origin", github)
    world.git("push", "--quiet", "--tags", "--set-upstream", "origin", "main")


def _pinned(live: Path) -> Iterator[str]:
    """The tags of the releases that the environments' pins name."""
    for file in live.glob("*/*/*/versions.hcl"):
        for module, version in re.findall(
            r'^ +(\S+) += "([\d.]+)"', file.read_text(), re.MULTILINE
        ):
            yield f"modules/{module}/v{version}"


def _github_repository() -> str:
    facts = yaml.safe_load((ROOT / "live" / "organization.yaml").read_text("utf-8"))
    return str(facts["github_repository"])


def _make_small(world: World) -> None:
    for name, kept in KEPT.items():
        for unit in world.live.glob(f"*/*/{name}/*/terragrunt.hcl"):
            if unit.parent.name not in kept:
                unit.unlink()
                unit.parent.rmdir()
    for api in world.live.glob("*/*/dev/http-api-mtls/terragrunt.hcl"):
        api.write_text(API)


def _bootstrap(world: World, state: StateDirectory, name: str) -> None:
    account = find_account(world.live, name)
    storage = world.cloud.client("s3", account.id)

    def terragrunt(
        folder: Path,
        command: Sequence[str],
        extra: Mapping[str, str],
        *,
        options: Sequence[str] = (),
    ) -> None:
        world.run(
            *("terragrunt", "run", "--non-interactive", "--no-color", "--working-dir", str(folder)),
            *(*options, "--", *command, "-input=false"),
            environ={**extra, "AWS_ACCESS_KEY_ID": account.id},
        ).passed()

    bootstrap(
        account,
        bootstrap_state=state.bootstrap / f"{name}.tfstate",
        state_is_in_bucket=lambda: object_exists(storage, account.state_bucket, account.state_key),
        terragrunt=terragrunt,
    )


def _outside() -> dict[str, str]:
    """Our environment without what a job of GitHub Actions or a run with no bytecode sets."""
    foreign = ("GITHUB_", "RUNNER_")
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(foreign) and name not in {"CI", "PYTHONDONTWRITEBYTECODE"}
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
