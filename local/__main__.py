"""The command line: ``python -m local up|down|demo|status``."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape

from local.cloud import describe
from local.demo import demo, table
from local.down import down
from local.endpoints import Endpoint
from local.errors import LocalError
from local.progress import Progress
from local.settings import Settings
from local.status import Status, status
from local.story import Stage
from local.up import up
from pki.errors import PkiError
from pki.organization import load_organization
from tools.bootstrap_account import LIVE
from tools.errors import ToolsError
from tools.paths import ROOT

_EPILOG = """\
environment:
  GATEWAY_PORT     port of the emulator (default: 4566)
  EDGE_PORT        port of the mTLS edge (default: 8443)
  ENVIRONMENTS     what to bring up, such as dev,stage,prod (default: what is up, or else
                   the first of `promotion` in live/organization.yaml)
  MTLS_LOCAL_DIR   where the platform keeps its state (default: .local)

Everything listens on the loopback interface only. Exit codes: 0 done, 1 failed, 2 wrong usage,
130 interrupted; running the command again continues where it stopped."""

_WIDTH = 160
"""Characters."""


@dataclass(frozen=True)
class Screen:
    """Where words go: data to standard output, everything else to standard error."""

    out: Console
    err: Console

    @property
    def progress(self) -> Progress:
        """Steps, as they happen."""
        return Progress(self.err)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m local",
        description="The whole platform on this machine: an emulator of AWS, the real Terraform "
        "modules applied by Terragrunt, the certificate authority, and the mTLS edge.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, help_text, command in (
        ("up", "bring the platform up, or continue an interrupted start", _up),
        ("demo", "bring it up and show who gets in and who does not", _demo),
        ("status", "show what runs, and where; exit code 1 when it is not up", _status),
        ("down", "stop it, leave no process, and forget its state (logs stay)", _down),
    ):
        subparser = commands.add_parser(
            name,
            help=help_text,
            description=help_text[0].upper() + help_text[1:] + ".",
            epilog=_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        subparser.set_defaults(command=command)
        if name in ("demo", "status"):
            subparser.add_argument("--json", action="store_true", help="print a JSON document")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and turn errors into words and an exit code."""
    arguments = build_parser().parse_args(argv)
    # Where no terminal says how wide it is, a table is meant for a log or a file.
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _WIDTH
    screen = Screen(Console(highlight=False, width=width), Console(stderr=True, highlight=False))
    command: Callable[[argparse.Namespace, Mapping[str, str], Screen], int] = arguments.command
    try:
        return command(arguments, os.environ, screen)
    except (LocalError, PkiError, ToolsError) as error:
        return _fail(screen, str(error), error.hint, error.exit_code)
    except (BotoCoreError, ClientError) as error:
        return _fail(screen, *describe(error), 1)
    except OSError as error:
        return _fail(screen, *_describe_os_error(error), 1)
    except KeyboardInterrupt:
        return _fail(screen, "interrupted", "running the command again continues", 130)


def _fail(screen: Screen, message: str, hint: str | None, exit_code: int) -> int:
    screen.err.print(f"[bold red]error:[/] {escape(message)}", soft_wrap=True)
    if hint:
        screen.err.print(f"[bold]hint:[/] {escape(hint)}", soft_wrap=True)
    return exit_code


def _describe_os_error(error: OSError) -> tuple[str, str]:
    words = error.strerror or str(error)
    return (
        words if error.filename is None else f"{error.filename}: {words}",
        "check that the folder MTLS_LOCAL_DIR names (default: .local) can be written",
    )


def _up(_arguments: argparse.Namespace, environ: Mapping[str, str], screen: Screen) -> int:
    settings = Settings.from_environment(environ)
    found = up(settings, environ, screen.progress)
    _say_what_next(settings, found, screen)
    return 0


def _demo(arguments: argparse.Namespace, environ: Mapping[str, str], screen: Screen) -> int:
    settings = Settings.from_environment(environ)
    found = up(settings, environ, screen.progress)
    played = demo(Stage.connect(settings, environ, next(iter(found))), screen.progress)
    if arguments.json:
        _print_json([entry.to_json() for entry in played], screen.out)
    else:
        screen.out.print(table(played))
    _say_what_next(settings, found, screen)
    return 0 if all(entry.seen.as_expected for entry in played) else 1


def _down(_arguments: argparse.Namespace, environ: Mapping[str, str], screen: Screen) -> int:
    state = Settings.from_environment(environ).state
    stopped = down(state, screen.progress)
    if not (stopped.edge or stopped.emulator):
        screen.err.print("nothing was running")
    return 0


def _status(arguments: argparse.Namespace, environ: Mapping[str, str], screen: Screen) -> int:
    found = status(Settings.from_environment(environ).state, load_organization(LIVE))
    if arguments.json:
        _print_json(found.to_json(), screen.out)
    else:
        _print_status(found, screen.out)
    return 0 if found.is_up else 1


def _print_json(document: object, out: Console) -> None:
    text = json.dumps(document, indent=2, ensure_ascii=False)
    out.print(text, soft_wrap=True, markup=False, emoji=False)


def _print_status(found: Status, out: Console) -> None:
    for name, part in (("emulator", found.emulator), ("edge", found.edge)):
        state = f"process {part.pid} on 127.0.0.1:{part.port}" if part.running else "not running"
        out.print(f"{name + ':':<10} {state}", soft_wrap=True)
    for name, endpoint in found.endpoints.items():
        out.print(f"{name + ':':<10} {endpoint.base_url} at {endpoint.address}", soft_wrap=True)
    if found.is_up:
        for name in found.left_out:
            out.print(f"{name + ':':<10} not brought up: make up ENVIRONMENTS={name} adds it")
    out.print(f"{'clients:':<10} {', '.join(found.clients) or 'none'}", soft_wrap=True)
    if not found.is_up:
        out.print("make up starts what is missing")


def _say_what_next(settings: Settings, found: Mapping[str, Endpoint], screen: Screen) -> None:
    state = settings.state
    script = state.env_script
    shown = script.relative_to(ROOT) if script.is_relative_to(ROOT) else script
    clients = sorted(state.clients.iterdir()) if state.clients.is_dir() else []
    name, endpoint = next(iter(found.items()))
    lines = ["", f"The platform is up: {endpoint.base_url} (at {endpoint.address}).", ""]
    lines += [f"  source {shown}"]
    if not clients:
        lines += [
            f"  uv run provision-client device-001 --environment {name} --generate-key "
            f"--output-dir {state.clients}",
        ]
    client = clients[0] if clients else state.clients / "device-001"
    lines += [
        f"  curl --cacert {endpoint.server_ca} --cert {client}/client.crt "
        f"--key {client}/client.key \\",
        f"    --resolve {endpoint.host}:{endpoint.port}:{endpoint.address.partition(':')[0]} \\",
        f"    -d grant_type=client_credentials {endpoint.base_url}/token",
        "",
        "`make down` ends it.",
    ]
    screen.err.print("\n".join(lines), soft_wrap=True, markup=False)


if __name__ == "__main__":
    sys.exit(main())
