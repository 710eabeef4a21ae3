"""The only place where words are printed and exit codes chosen.

Data goes to standard output, everything else to standard error. Exit codes: 0 done, 1 refused or
failed, 2 wrong usage, 130 interrupted.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
)
from botocore.exceptions import ConnectionError as AwsConnectionError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from pki.errors import PkiError, UsageError
from pki.organization import ORGANIZATION_FILE, Organization, find_live_dir, load_organization
from pki.sessions import OPERATOR_VARIABLE, default_operator

type Fields = Mapping[str, object]

_NO_EDGE = 10_000
"""Width of what is no terminal."""

_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_UNKNOWN_KEY = {"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch"}


class Output:
    """Where result, progress and notes go; also a :class:`pki.progress.BulkProgress`."""

    def __init__(self, *, as_json: bool) -> None:
        """Choose between words and JSON for the result."""
        self._as_json = as_json
        self._out = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
        self._err = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)

    def step(self, message: str) -> None:
        """Say that a step is done."""
        self._err.print(Text.assemble(("✓ ", "green"), message))

    @contextmanager
    def track(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show how far a long step is, on a terminal only; say that it is done afterwards."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Bar(
            *columns,
            TimeRemainingColumn(),
            console=self._err,
            transient=True,
            disable=not self._err.is_terminal,
        ) as bar:
            task = bar.add_task(label, total=total)
            yield lambda done: bar.advance(task, done)
        self.step(f"{label}: {total}")

    def note(self, message: str) -> None:
        """Say something that the reader should know."""
        self._err.print(Text.assemble(("note: ", "cyan"), message))

    def warning(self, message: str) -> None:
        """Say something that the reader should act on."""
        self._err.print(Text.assemble(("warning: ", "yellow"), message))

    def error(self, message: str, hint: str | None) -> None:
        """Say why the command ends."""
        self._err.print(Text.assemble(("error: ", "bold red"), message))
        if hint is not None:
            self._err.print(Text.assemble(("hint: ", "bold"), hint))

    def ask(self, question: str) -> str:
        """Ask the person at the terminal, or whoever writes to standard input.

        Raises:
            UsageError: nobody answers.
        """
        self._err.print(Text.assemble(("? ", "cyan"), f"{question}: "), end="")
        answer = sys.stdin.readline()
        if not answer:
            raise UsageError(f"{question}: no answer, standard input is at its end")
        return answer.strip()

    def show(self, document: Fields) -> None:
        """Show the person at the terminal what they are to judge, one line a field."""
        for line in _lines(document):
            self._err.print(line)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print rows under their columns; a terminal's edge breaks the last one alone."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in columns[:-1]:
            table.add_column(name, no_wrap=True)
        table.add_column(columns[-1], overflow="ellipsis")
        for row in rows:
            table.add_row(*(Text(_printable(cell)) for cell in row))
        out = self._out if self._out.is_terminal else Console(width=_NO_EDGE)
        out.print(table, soft_wrap=False)

    def _rows(self, entries: object) -> None:
        if isinstance(entries, list) and entries:
            columns = [name.replace("_", " ") for name in entries[0]]
            self.table(columns, [[_words(cell) for cell in entry.values()] for entry in entries])

    def raw(self, text: str) -> None:
        """Print a document as it is."""
        self._out.out(text, end="", highlight=False)

    def result(self, document: Fields, *, table: str | None = None) -> None:
        """Print the command's data: JSON, or one line a field.

        Args:
            document: the data.
            table: the field whose entries are alike: words put them under each other.
        """
        if self._as_json:
            self._out.print(json.dumps(document, indent=2, default=str))
            return
        if table is not None:
            self.result({name: value for name, value in document.items() if name != table})
            self._rows(document[table])
            return
        for line in _lines(document):
            self._out.print(line)


def run(
    parser: argparse.ArgumentParser,
    execute: Callable[[argparse.Namespace, Output], None],
    argv: Sequence[str] | None,
) -> int:
    """Parse the arguments, run the command, turn what it raises into words and an exit code."""
    arguments = parser.parse_args(argv)
    output = Output(as_json=arguments.json)
    try:
        execute(arguments, output)
    except PkiError as error:
        output.error(str(error), error.hint)
        return error.exit_code
    except (BotoCoreError, ClientError) as error:
        output.error(*describe_aws_error(error))
        return 1
    except KeyboardInterrupt:
        output.error("interrupted", "run it again: it goes on where it stopped")
        return 130
    return 0


def command_parser(
    name: str, description: str, *, examples: str, exit_codes: str
) -> argparse.ArgumentParser:
    """A parser with the options that every command has."""
    parser = argparse.ArgumentParser(
        prog=name,
        description=description,
        epilog=f"examples:\n{examples}\n\nexit codes:\n{exit_codes}\n{_FOR_ALL}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    common = parser.add_argument_group("common options")
    common.add_argument(
        "--live-dir",
        type=Path,
        metavar="DIR",
        help="the folder with organization.yaml and the environments "
        "(default: live/ of the repository that the current folder lies in)",
    )
    common.add_argument(
        "--operator",
        default=default_operator(),
        metavar="NAME",
        help="who acts: recorded as session name in CloudTrail "
        f"(default: ${OPERATOR_VARIABLE}, then the login name: %(default)s)",
    )
    common.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


_FOR_ALL = """\
  130  interrupted; run it again: it goes on where it stopped

credentials:
  AWS's usual ones (environment, profile, SSO). They must be allowed to assume the role
  <organization>-ceremony in the security account; the command goes on from there.
  AWS_ENDPOINT_URL points it at the local cloud (source .local/env.sh)."""


def argument[T](parse: Callable[[str], T]) -> Callable[[str], T]:
    """Use a domain parser as argparse's ``type``, so that its words reach the reader."""

    def convert(text: str) -> T:
        try:
            return parse(text)
        except UsageError as error:
            hint = f" ({error.hint})" if error.hint else ""
            raise argparse.ArgumentTypeError(f"{error}{hint}") from error

    return convert


def choice[E: StrEnum](choices: Sequence[E]) -> Callable[[str], E]:
    """One of these, as argparse's ``type``; anything else is answered with all of them."""

    def parse(text: str) -> E:
        for entry in choices:
            if entry == text:
                return entry
        raise UsageError(f"{text!r} is none of {', '.join(choices)}")

    return argument(parse)


def organization_of(arguments: argparse.Namespace) -> Organization:
    """The organisation that ``--live-dir`` or the current folder means.

    Raises:
        UsageError: ``--live-dir`` names no such folder.
        OrganizationError: it is not there, or wrong.
    """
    if arguments.live_dir is None:
        return load_organization(find_live_dir(Path.cwd()))
    if not (arguments.live_dir / ORGANIZATION_FILE).is_file():
        raise UsageError(
            f"--live-dir {arguments.live_dir}: no {ORGANIZATION_FILE} in it",
            hint=f"name the folder that holds {ORGANIZATION_FILE}, such as live",
        )
    return load_organization(arguments.live_dir)


def now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def describe_aws_error(error: BotoCoreError | ClientError) -> tuple[str, str | None]:
    """What AWS or the way to it refused, in words, and what to do."""
    if isinstance(error, ClientError):
        return _describe_client_error(error)
    if isinstance(error, EndpointConnectionError | AwsConnectionError | ConnectTimeoutError):
        return _describe_unreachable(error)
    if isinstance(error, ReadTimeoutError):
        return f"AWS did not answer in time: {error}", "run it again: it goes on where it stopped"
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return (
            "there are no AWS credentials",
            "sign in (aws sso login), or source .local/env.sh for the local cloud",
        )
    return str(error), None


def _describe_unreachable(error: BotoCoreError) -> tuple[str, str]:
    local = os.environ.get("AWS_ENDPOINT_URL")
    if local:
        return f"cannot reach {local}", "run make up"
    return f"cannot reach AWS: {error}", "check the network, the region and a proxy"


def _describe_client_error(error: ClientError) -> tuple[str, str | None]:
    details = error.response.get("Error", {})
    code, message = details.get("Code", "?"), details.get("Message", "")
    words = f"AWS refused {error.operation_name}: {code}: {message}".removesuffix(": ")
    if code in _DENIED and error.operation_name == "AssumeRole":
        return words, "your identity must be allowed to assume the ceremony role: ask security"
    if code in _DENIED:
        return words, "the role lacks this permission: compare with the table in pki/README.md"
    if code in _EXPIRED:
        return words, "sign in again (aws sso login), then run it again"
    if code in _UNKNOWN_KEY:
        return words, "AWS does not know these credentials: check AWS_PROFILE and AWS_ENDPOINT_URL"
    return words, None


def _printable(text: str) -> str:
    """Control characters as escapes: what a registry holds must not command a terminal."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def _lines(document: Fields, indent: str = "") -> list[str]:
    width = max((len(name) for name in document), default=0)
    lines: list[str] = []
    for name, value in document.items():
        label = name.replace("_", " ")
        if isinstance(value, list | tuple) and any(isinstance(entry, dict) for entry in value):
            lines.append(f"{indent}{label}:")
            for entry in value:
                nested = _lines(entry, f"{indent}  ")
                lines += [f"{indent}- {nested[0].lstrip()}", *nested[1:]]
        elif isinstance(value, dict):
            lines += [f"{indent}{label}:", *_lines(value, f"{indent}  ")]
        else:
            lines.append(f"{indent}{label:<{width}}  {_words(value)}".rstrip())
    return lines


def _words(value: object) -> str:
    match value:
        case True:
            return "yes"
        case False:
            return "no"
        case None:
            return "-"
        case list() | tuple():
            return ", ".join(str(entry) for entry in value) or "-"
    return str(value)
