"""The command line: ``python -m pipeline COMMAND``.

A command is a module of `pipeline.commands`. Its ``run`` gets the parsed arguments and a console
on standard error, for progress and for words; its data it prints to standard output.
"""

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Sequence
from typing import Protocol, cast

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape

from pipeline import commands
from pipeline.errors import PipelineError
from pki.errors import PkiError
from tools.errors import ToolsError

_EPILOG = "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted."


class Command(Protocol):
    """What a module of `pipeline.commands` has."""

    ABOUT: str
    """One line: what the command does."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments."""

    def run(self, options: argparse.Namespace, console: Console) -> int:
        """Do it, and return the exit code."""


def command_names() -> list[str]:
    """Every command."""
    return sorted(
        module.name.replace("_", "-") for module in pkgutil.iter_modules(commands.__path__)
    )


def load(name: str) -> Command:
    """A command by its name."""
    return cast("Command", importlib.import_module(f"pipeline.commands.{name.replace('-', '_')}"))


def build_parser(wanted: Sequence[str]) -> argparse.ArgumentParser:
    """The arguments of the commands that are wanted; a gate in a hook need not load the others."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline",
        description="What happens to a change of live/: gates, plans, approval, apply, promotion.",
        epilog=_EPILOG,
    )
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for name in wanted:
        command = load(name)
        subparser = subparsers.add_parser(
            name,
            help=command.ABOUT,
            description=f"{command.ABOUT[0].upper()}{command.ABOUT[1:]}.",
            epilog=_EPILOG,
        )
        command.arguments(subparser)
        subparser.set_defaults(command=command)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and turn errors into words and an exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    names = command_names()
    wanted = arguments[:1] if arguments and arguments[0] in names else names
    options = build_parser(wanted).parse_args(arguments)
    console = Console(stderr=True, highlight=False)
    command: Command = options.command
    try:
        return command.run(options, console)
    except (PipelineError, ToolsError, PkiError) as error:
        return _fail(console, str(error), error.hint, error.exit_code)
    except (BotoCoreError, ClientError) as error:
        return _fail(console, f"AWS: {error}", "", 1)
    except OSError as error:
        words = error.strerror or str(error)
        return _fail(
            console, words if error.filename is None else f"{error.filename}: {words}", "", 1
        )
    except KeyboardInterrupt:
        return _fail(console, "interrupted", "running the command again continues", 130)


def _fail(console: Console, message: str, hint: str | None, exit_code: int) -> int:
    console.print(f"[bold red]error:[/] {escape(message)}", soft_wrap=True)
    if hint:
        console.print(f"[bold]hint:[/] {escape(hint)}", soft_wrap=True)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
