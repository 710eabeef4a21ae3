"""The organisation that pull requests are made to: brought up once, and small, so as to be fast."""

import json
import os
import re
import shutil
import socket
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from local import emulator, environment
from local.cloud import Cloud
from local.settings import Settings, StateDirectory
from pki.organization import load_organization
from tests.pullrequests.changes import Change, write
from tests.pullrequests.world import Answer, World
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

FIRST = (
    *(f"non-prod/eu-west-1/dev/{n}" for n in ("acm-domain", "truststore", "whoami")),
    "non-prod/eu-west-1/account/dns-zone",
    "prod/eu-west-1/prod/whoami",
)
"""Units that the first pull request adds; an environment is one by its registry."""

PIN = re.compile(r'^ +(\S+) += "([\d.]+)"', re.MULTILINE)

WORKLOADS = ("non-prod", "prod")

API = """\
# The HTTP API of a small organisation, which names what else it would depend on.

include "root" {
  path   = find_in_parent_folders("root.hcl")
  expose = true
}

terraform {
  source = include.root.locals.sources["http-api-mtls"]
}

locals {
  region     = include.root.locals.region
  lambda     = "arn:aws:lambda:${local.region}:${include.root.locals.account_id}:function"
  gateway    = "arn:aws:apigateway:${local.region}:lambda:path/2015-03-31/functions"
  invoke_arn = "${local.gateway}/${local.lambda}"
}

inputs = {
  # required
  name_prefix        = include.root.locals.name_prefix
  domain_name        = include.root.locals.api_domain_name
  target_domain_name = "d-0123456789.execute-api.${local.region}.amazonaws.com"
  target_zone_id     = "ZLY8HYME6SFDD"
  zone_id            = "Z0123456789ABCDEFGHIJ"

  authorizer = {
    function_name = "${include.root.locals.name_prefix}-authorizer"
    invoke_arn    = "${local.invoke_arn}:${include.root.locals.name_prefix}-authorizer/invocations"
  }

  routes = {
    "GET /whoami" = {
      function_name = "${include.root.locals.name_prefix}-whoami"
      invoke_arn    = "${local.invoke_arn}:${include.root.locals.name_prefix}-whoami/invocations"
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
    """Leave out what costs time, and what the first pull request adds."""
    for name, kept in KEPT.items():
        for unit in world.live.glob(f"*/*/{name}/*/terragrunt.hcl"):
            if unit.parent.name not in kept:
                shutil.rmtree(unit.parent)
    for path in FIRST:
        shutil.rmtree(world.live / path)
    (world.live / "non-prod/eu-west-1/dev/http-api-mtls/terragrunt.hcl").write_text(API, "utf-8")


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
    # `complete` would wait a minute for settings that S3 takes its time to confirm.
    terragrunt(
        account.folder / "plan-bucket",
        ["apply", "-auto-approve", "-target=aws_s3_bucket_policy.this"],
        {"MTLS_BOOTSTRAP": "1"},
    )


def _outside() -> dict[str, str]:
    """Our environment without what a job of GitHub Actions, make or a container sets."""
    foreign = ("GITHUB_", "RUNNER_", "MAKE", "UV_COMPILE_")
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(foreign)
        and name not in {"ARGS", "CI", "MFLAGS", "PYTHONDONTWRITEBYTECODE"}
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Begun:
    """What the first pull request led to.

    Attributes:
        plan: what it was said to do.
        applies: scope to how its apply ended, in the order of promotion.
        before: every state before it.
    """

    plan: Answer
    applies: Mapping[str, Answer]
    before: Mapping[str, str]


@pytest.fixture(scope="session")
def begun(world: World) -> Begun:
    """The first pull request, which adds the units: planned, merged, approved and applied."""
    before = world.states()
    change = Change(
        "Begin dev and prod",
        tuple(
            write(
                f"live/{unit}/terragrunt.hcl",
                (ROOT / "live" / unit / "terragrunt.hcl").read_text("utf-8"),
            )
            for unit in FIRST
        ),
    )
    with world.pull_request(change):
        plan = world.plan().passed()
    world.merge(change)
    applies = {scope: world.approve_and_apply(scope) for scope in world.scopes(plan)}
    _upload_truststore(world)
    return Begun(plan, applies, before)


def _upload_truststore(world: World) -> None:
    """What `upload-truststore` leaves: a version of the bundle, and its pin."""
    account = find_account(world.live, "non-prod")
    bucket = f"{world.organization.name}-dev-truststore-{account.id}"
    version = world.cloud.client("s3", account.id).put_object(
        Bucket=bucket, Key="truststore.pem", Body=b"a bundle of certificates"
    )["VersionId"]
    pin = StateDirectory(Path(world.environ["MTLS_LOCAL_DIR"])).truststore_pin("dev")
    pin.parent.mkdir(parents=True, exist_ok=True)
    pin.write_text(json.dumps({"version": version}), "utf-8")


@pytest.fixture
def nothing_applied(world: World) -> Iterator[None]:
    """Whatever the test does, no state is another afterwards."""
    before = world.states()
    yield
    assert world.states() == before
