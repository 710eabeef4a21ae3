"""``up``: from nothing to a running platform, in the order that AWS would take too.

Each step is skipped or changes nothing where its work is done, so that an interrupted run is
continued by running it again.
"""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from local import emulator, endpoints, environment, releases, selection
from local.cloud import Cloud
from local.commands import Runner, UnitCounter
from local.endpoints import Endpoint
from local.errors import LocalError, UsageError
from local.processes import Daemon, require_free_port
from local.progress import Progress
from local.settings import DEFAULT_EDGE_PORT, DEFAULT_GATEWAY_PORT, Settings, StateDirectory
from pki.ceremony.plan import CeremonyPlan
from pki.organization import Environment, Organization, load_organization
from tools import install
from tools.bootstrap_account import (
    LIVE,
    Account,
    Terragrunt,
    bootstrap,
    complete,
    find_account,
    make_ca,
    object_exists,
)
from tools.paths import LINKS, ROOT, cache_dir, locked, write_atomically

_EDGE_SECONDS = 60.0
_CALLS_PER_CORE = 4
"""The emulator starts a process for each call at once; too many starts would time out."""
_KEPT = frozenset({"cache", "logs", "run"})
_ROOT_GENERATION = "g1"
_REQUESTER, _APPROVER = "requester", "approver"
"""A ceremony for a root needs two people: these are the laptop's."""

_TERRAGRUNT_SETTINGS = {
    "MTLS_ROLE": "apply",
    # Reads what units depend on from the state itself, where Terraform would need a process for
    # each. Not for `env.sh`: it knows no mocks, which `validate` needs.
    "TG_EXPERIMENT": "dependency-fetch-output-from-state",
}

_TRUSTS_NOTHING_YET = (
    # The domain pins a truststore, which needs the CA first; and what stands on the domain.
    *("--filter", "!...acm-domain"),
    # Applied by the account's own administrator.
    *("--filter", "!./*/*/account/state-bucket", "--filter", "!./*/*/account/plan-bucket"),
    *("--filter", "!./*/*/account/deploy-roles", "--filter", "!./security/*/ca/**"),
)


@dataclass(frozen=True)
class Platform:
    """What the steps of `up` work with.

    Attributes:
        settings: what the person chose.
        organization: the facts of ``live/``.
        environments: those to bring up.
        cloud: the emulator.
        runner: runs commands as the pipeline's identity, in the local cloud.
        progress: shows the steps.
    """

    settings: Settings
    organization: Organization
    environments: tuple[Environment, ...]
    cloud: Cloud
    runner: Runner
    progress: Progress

    @property
    def state(self) -> StateDirectory:
        """The state directory."""
        return self.settings.state

    @property
    def exports(self) -> dict[str, str]:
        """The variables that lead to this platform."""
        return environment.exports(
            self.state,
            self.cloud.endpoint_url,
            self.organization,
            self.settings.architecture,
            [entry.name for entry in self.environments],
        )


def edge_daemon(state: StateDirectory) -> Daemon:
    """The edge's process."""
    return Daemon("edge", state.run / "edge.json", state.logs / "edge.log")


def up(settings: Settings, environ: Mapping[str, str], progress: Progress) -> dict[str, Endpoint]:
    """Bring the platform up, or what is missing of it.

    Returns:
        Environment to endpoint, as in ``endpoints.json``.

    Raises:
        UsageError: an environment that was asked for is none.
        LocalError, ToolsError: a step failed. What was reached stays; running it again continues.
    """
    state = settings.state
    organization = load_organization(LIVE)
    selection.check(organization, settings.environments)
    with locked(state.lock, lambda: progress.console.print("waiting for another command to end")):
        _require_ports(settings)
        with progress.step("tools"):
            tools = install.ensure(
                ["terraform", "terragrunt"], environ=environ, console=progress.console
            )
        platform = _start_emulator(settings, organization, tools, progress)
        with platform.runner.interruptible(progress.console.print):
            _build(platform)
        _start_edge(platform, tools)
        found = _endpoints(platform)
        endpoints.write(state.endpoints, found)
        _write_env_script(platform, tools)
    return found


def _require_ports(settings: Settings) -> None:
    """Check both ports before anything is started: a port that is ours already will do."""
    state = settings.state
    if emulator.daemon(state).running() is None:
        # What the edge serves is gone with the emulator.
        edge_daemon(state).stop()
    for daemon, chosen, default, variable in (
        (emulator.daemon(state), settings.gateway_port, DEFAULT_GATEWAY_PORT, "GATEWAY_PORT"),
        (edge_daemon(state), settings.edge_port, DEFAULT_EDGE_PORT, "EDGE_PORT"),
    ):
        running = daemon.running()
        if running is None:
            require_free_port(chosen or default, daemon.name, variable)
        elif chosen not in (None, running.port):
            raise UsageError(
                f"the {daemon.name} already runs on port {running.port}, not {chosen}",
                hint="end it first: make down",
            )


def _start_emulator(
    settings: Settings, organization: Organization, tools: Mapping[str, str], progress: Progress
) -> Platform:
    state = settings.state
    running = emulator.daemon(state).running()
    if running is None:
        port = settings.gateway_port or DEFAULT_GATEWAY_PORT
        with progress.step(f"emulator on port {port}"):
            forget(state)
            running = emulator.start(state, port, tools)
    elif not emulator.is_healthy(running.port):
        raise LocalError(
            f"the emulator (process {running.pid}) runs but does not answer on port {running.port}",
            hint=f"make down, then make up; its log is {emulator.daemon(state).log}",
        )
    url = emulator.endpoint_url(running.port)
    chosen = selection.choose(organization, settings.environments, selection.read(state))
    selection.write(state, chosen)
    exported = environment.exports(
        state, url, organization, settings.architecture, [entry.name for entry in chosen]
    )
    return Platform(
        settings=settings,
        organization=organization,
        environments=chosen,
        cloud=Cloud(url, organization.region),
        runner=Runner(
            environment.child_environment(tools, exported, **_TERRAGRUNT_SETTINGS), state.logs
        ),
        progress=progress,
    )


def forget(state: StateDirectory) -> None:
    """Remove what described a cloud that is gone: the emulator keeps everything in memory."""
    if not state.root.is_dir():
        return
    for entry in state.root.iterdir():
        if entry.name in _KEPT:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _build(platform: Platform) -> None:
    """Everything that Terraform makes, and the certificate authority in between."""
    names = selection.account_names(platform.organization, platform.environments)
    accounts = [find_account(LIVE, name) for name in names]
    _release_modules(platform, accounts)
    with ThreadPoolExecutor() as pool:
        _all(
            [
                pool.submit(_build_functions, platform),
                *(pool.submit(_bootstrap_account, platform, account) for account in accounts),
            ]
        )
        # S3 takes its time to confirm a bucket's settings, and nothing waits for them.
        settling = [pool.submit(_complete_account, platform, account) for account in accounts]
        authority = [pool.submit(_make_ca, platform, account) for account in accounts]
        _apply_foundation(platform)
        _all(authority)
        _establish_trust(platform)
        for entry in platform.environments:
            _apply_environment(platform, entry)
        _all(settling)


def _release_modules(platform: Platform, accounts: Sequence[Account]) -> None:
    """Let the pins of ``live/`` be found: a release is a tag, and there is no GitHub here."""
    state = platform.state
    before = releases.commit_of(state.modules)
    missing = releases.build(state.modules, ROOT, releases.find_pins(LIVE))
    if before != releases.commit_of(state.modules):
        releases.forget_copies(state.cache)
    folders = [entry.folder(LIVE) for entry in platform.environments]
    folders += [folder for account in accounts for folder in account.folders]
    releases.require(missing, [folder.relative_to(LIVE).as_posix() for folder in folders])


def _build_functions(platform: Platform) -> None:
    with platform.progress.step("functions built"):
        platform.runner.python("build-functions", "tools.build_functions")


def _bootstrap_account(platform: Platform, account: Account) -> None:
    storage = platform.cloud.client("s3", account.id)
    with platform.progress.step(f"account {account.name}: state bucket, roles"):
        bootstrap(
            account,
            bootstrap_state=platform.state.bootstrap / f"{account.name}.tfstate",
            state_is_in_bucket=lambda: object_exists(
                storage, account.state_bucket, account.state_key
            ),
            terragrunt=_as_administrator(platform, account),
        )


def _complete_account(platform: Platform, account: Account) -> None:
    with platform.progress.step(f"account {account.name}: settings of its buckets"):
        complete(account, _as_administrator(platform, account))


def _make_ca(platform: Platform, account: Account) -> None:
    if account.ca_folder is not None:
        with platform.progress.step(f"account {account.name}: CA keys, log, functions"):
            others = selection.left_out(platform.organization, platform.environments)
            make_ca(
                account,
                _as_administrator(platform, account),
                without=[entry.name for entry in others],
            )


def _as_administrator(platform: Platform, account: Account) -> Terragrunt:
    """Terragrunt with the account's own credentials: there is no role to assume yet."""

    def terragrunt(
        folder: Path,
        command: Sequence[str],
        extra: Mapping[str, str],
        *,
        options: Sequence[str] = (),
    ) -> None:
        platform.runner.terragrunt(
            f"{account.name}-{folder.name}-{command[0]}",
            folder,
            command,
            options=options,
            extra_environ={**extra, "AWS_ACCESS_KEY_ID": account.id},
        )

    return terragrunt


def _apply_foundation(platform: Platform) -> None:
    """What needs no truststore."""
    with platform.progress.step("registry, tokens, functions") as step:
        platform.runner.terragrunt(
            "apply-foundation",
            LIVE,
            ["apply"],
            options=[
                *("--all", *_TRUSTS_NOTHING_YET),
                *selection.filters(platform.organization, platform.environments),
            ],
            on_line=UnitCounter(step.update),
        )


def _establish_trust(platform: Platform) -> None:
    """The CA itself, and its truststores."""
    _, approval = _ceremony_files(platform)
    if approval.is_file() or not _ca_exists(platform):
        with platform.progress.step("CA ceremony: root and issuing CAs signed in KMS"):
            _hold_ceremony(platform)
    for entry in platform.environments:
        with platform.progress.step(f"{entry.name}: truststore uploaded and pinned"):
            pin = platform.state.truststore_pin(entry.name)
            pin.parent.mkdir(parents=True, exist_ok=True)
            platform.runner.run(
                f"upload-truststore-{entry.name}",
                [
                    *(script("upload-truststore"), "--environment", entry.name),
                    *("--pin-file", str(pin)),
                ],
            )


def _hold_ceremony(platform: Platform) -> None:
    """As two people hold it, of whom one plans and executes, and the other approves.

    A ceremony that was begun is executed again: it goes on where it stopped.
    """
    plan, approval = _ceremony_files(platform)
    bootstrap_ca = [script("bootstrap-ca"), "--operator", _REQUESTER]
    if not approval.is_file():
        names = [
            option for entry in platform.environments for option in ("--environment", entry.name)
        ]
        platform.runner.run("ceremony-plan", [*bootstrap_ca, *names, "--plan", str(plan)])
        digest = CeremonyPlan.from_bytes(plan.read_bytes()).digest
        platform.runner.run(
            "ceremony-approve",
            [
                *(script("approve-ceremony"), str(plan), "--digest", digest),
                *("--approval", str(approval)),
            ],
            answers=[_APPROVER, digest],
        )
    platform.runner.run(
        "ceremony-execute", [*bootstrap_ca, "--execute", str(plan), "--approval", str(approval)]
    )
    approval.unlink()


def _ceremony_files(platform: Platform) -> tuple[Path, Path]:
    """The plan, and its approval for as long as it is not executed to its end."""
    folder = platform.state.ceremony
    return folder / "plan.json", folder / "approval.json"


def _ca_exists(platform: Platform) -> bool:
    """Whether the ceremony was held: bootstrapping twice is refused, as it should be."""
    organization = platform.organization
    storage = platform.cloud.client("s3", organization.security_account_id)
    authorities = [
        organization.root(_ROOT_GENERATION),
        *(organization.issuing(entry.name, _ROOT_GENERATION) for entry in platform.environments),
    ]
    return all(
        object_exists(storage, organization.ca_bucket, authority.object_key)
        for authority in authorities
    )


def _apply_environment(platform: Platform, entry: Environment) -> None:
    folder = LIVE / entry.account_name / entry.region / entry.name
    with platform.progress.step(f"{entry.name}: domain, API") as step:
        platform.runner.terragrunt(
            f"apply-{entry.name}",
            folder,
            ["apply"],
            options=["--all"],
            on_line=UnitCounter(step.update),
        )


def _start_edge(platform: Platform, tools: Mapping[str, str]) -> None:
    settings, state = platform.settings, platform.state
    daemon = edge_daemon(state)
    if daemon.running() is not None:
        return
    port = settings.edge_port or DEFAULT_EDGE_PORT
    accounts = sorted({entry.account_id for entry in platform.organization.environments})
    with platform.progress.step(f"mTLS edge on port {port}"):
        daemon.start(
            [
                *(sys.executable, "-m", "local.edge", "--port", str(port)),
                *("--endpoint-url", platform.cloud.endpoint_url),
                *("--region", platform.cloud.region, "--state-dir", str(state.server_ca.parent)),
                *("--concurrency", str(min(64, _CALLS_PER_CORE * (os.cpu_count() or 1)))),
                *(option for account in accounts for option in ("--account", account)),
            ],
            port=port,
            environ=environment.child_environment(tools, platform.exports, PYTHONUNBUFFERED="1"),
            cwd=ROOT,
            ready=lambda: _says_listening(daemon.log),
            deadline_seconds=_EDGE_SECONDS,
        )


def _says_listening(log: Path) -> bool:
    lines = log.read_text("utf-8", errors="replace").splitlines()
    return any(line.startswith("listening on ") for line in lines)


def _endpoints(platform: Platform) -> dict[str, Endpoint]:
    running = edge_daemon(platform.state).running()
    if running is None:
        raise LocalError("the edge ended", hint=f"see {edge_daemon(platform.state).log}")
    return {
        entry.name: endpoints.endpoint_of(
            platform.organization,
            entry,
            port=running.port,
            server_ca=platform.state.server_ca,
            api_id=_api_id(platform.cloud, entry),
        )
        for entry in platform.environments
    }


def _api_id(cloud: Cloud, entry: Environment) -> str:
    name = f"{entry.prefix}-api"
    apis = cloud.client("apigatewayv2", entry.account_id).get_apis()["Items"]
    for api in apis:
        if api["Name"] == name:
            return str(api["ApiId"])
    raise LocalError(f"account {entry.account_name} has no API {name}", hint="make up")


def _write_env_script(platform: Platform, tools: Mapping[str, str]) -> None:
    names = ("TF_CLI_CONFIG_FILE", "TG_TF_PATH", "UV_PYTHON")
    further = {name: tools[name] for name in names if tools.get(name)}
    write_atomically(
        platform.state.env_script,
        environment.render_env_script(platform.exports, further, _search_path(tools)),
    )


def _search_path(tools: Mapping[str, str]) -> list[Path]:
    """Folders of tools that were installed for this project and are on nobody's PATH."""
    folders = [Path(folder) for folder in tools.get("PATH", os.defpath).split(os.pathsep) if folder]
    cache = cache_dir(tools)
    return [folder for folder in folders if folder == LINKS or folder.is_relative_to(cache)]


def script(name: str) -> str:
    """A console script of this project, in the environment that runs us."""
    return str(Path(sys.executable).parent / name)


def _all(futures: Sequence[Future[None]]) -> None:
    """Wait for all of them; raise what the first that failed raised."""
    errors = [error for future in futures if (error := future.exception()) is not None]
    if errors:
        raise errors[0]
