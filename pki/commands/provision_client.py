"""``provision-client``: a certificate for a device, or for each device of a list."""

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cache
from pathlib import Path

from pki import console
from pki.app_clients import cognito_client_id
from pki.bulk.issuance import Bulk, provision_all
from pki.bulk.requests import CLIENT_KEY_TYPES, Batch, Terms, read_csv, read_folder
from pki.bulk.result import describe_outcome, write_result
from pki.bulk.workers import Workbench, Workers
from pki.client_terms import DEFAULT_APP_CLIENT, DEFAULT_SCOPE, parse_app_client, parse_scope
from pki.commands import issuance
from pki.console import Output, argument, command_parser
from pki.csr import accept_csr, parse_client_id, require_permitted_name
from pki.delivery import CERTIFICATE, CHAIN, PRIVATE_KEY, ClientFolder
from pki.errors import RefusedRequestsError, UsageError
from pki.keys import KeyType
from pki.provisioning import ClientRequest, provision

_CLIENTS = Path(".local/clients")
_BULK = Path(".local/bulk")
_WORTH_PROCESSES = 500
"""Requests from which on more processes than this one save time."""

_EXAMPLES = """\
  provision-client device-001 --environment dev --csr device-001.csr
  provision-client device-001 --environment dev --generate-key --scope api/read --scope api/write
  provision-client device-001 --environment dev --csr d.csr --san URI:spiffe://example.com/device-001
  provision-client device-001 --environment dev --generate-key --format pkcs12
  provision-client --environment dev --csv fleet.csv
  provision-client --environment dev --csr-dir requests --output-dir certificates --partial"""

_EXIT_CODES = """\
  0  every certificate that was asked for is registered and its files are written
  1  refused or failed, or one of many was; nothing is lost: run it again
  2  wrong usage"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return console.run(build_parser(), execute, argv)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = command_parser(
        "provision-client",
        "Issue a client certificate, enter it in the environment's registry, and write "
        f"{CERTIFICATE},\n{CHAIN} and, when it was made here, {PRIVATE_KEY} (0600) to "
        "<output-dir>/<name>/.\n\nMany at once, from a CSV file or a folder of requests: all are "
        "judged before one is issued, and\n<output-dir>/certificates/<name>.crt, chain.pem and "
        "result.json are written.\n\nInterrupted, run it again with the same options: it completes "
        "what was begun.",
        examples=_EXAMPLES,
        exit_codes=_EXIT_CODES,
    )
    parser.add_argument(
        "name",
        nargs="?",
        type=argument(parse_client_id),
        metavar="NAME",
        help="the client's name, its certificate's common name: a-z, 0-9 and dashes",
    )
    parser.add_argument(
        "--environment", required=True, metavar="ENV", help="the environment it may call"
    )
    _add_sources(parser)
    issuance.add_key_type(parser, "with --generate-key")
    parser.add_argument(
        "--scope",
        action="append",
        type=argument(parse_scope),
        metavar="SCOPE",
        help=f"an OAuth scope it may ask for; may be repeated (default: {DEFAULT_SCOPE})",
    )
    parser.add_argument(
        "--app-client",
        default=DEFAULT_APP_CLIENT,
        type=argument(parse_app_client),
        metavar="NAME",
        help="the Cognito app client its tokens are issued to (default: %(default)s)",
    )
    issuance.add_validity(parser)
    issuance.add_names(parser, "none")
    parser.add_argument(
        "--additional",
        action="store_true",
        help="issue it although the client has an active certificate",
    )
    parser.add_argument(
        "--partial",
        action="store_true",
        help="with --csv or --csr-dir: serve the good requests although others are refused",
    )
    issuance.add_packaging(parser)
    return parser


def _add_sources(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--csr",
        type=Path,
        metavar="FILE",
        help="the client's PEM certificate signing request; its key stays with the client",
    )
    source.add_argument(
        "--generate-key", action="store_true", help="make the key here, when the client cannot"
    )
    source.add_argument(
        "--csv",
        type=Path,
        metavar="FILE",
        help="many: a CSV file whose first line names its columns: name; csr or key_type; and "
        "optionally scopes, days, sans, app_client",
    )
    source.add_argument(
        "--csr-dir",
        type=Path,
        metavar="DIR",
        help="many: a folder of requests <name>.csr, each with the subject CN=<name>",
    )


def execute(arguments: argparse.Namespace, output: Output) -> None:
    """Provision the client or clients and print what was issued."""
    many = arguments.csv or arguments.csr_dir
    if (arguments.name is None) != (many is not None):
        raise UsageError(
            "name one client with --csr or --generate-key, or none with --csv or --csr-dir"
        )
    if arguments.key_type is not None and not arguments.generate_key:
        raise UsageError(
            "--key-type goes with --generate-key only", hint="a CSR brings its own key"
        )
    if many is None:
        _provision_one(arguments, output)
    else:
        _provision_many(arguments, many, output)


def _provision_one(arguments: argparse.Namespace, output: Output) -> None:
    if arguments.partial:
        raise UsageError("--partial goes with --csv or --csr-dir only")
    names = issuance.names_of(arguments) or ()
    if arguments.generate_key:
        key = arguments.key_type or CLIENT_KEY_TYPES[0]
    else:
        with issuance.naming(arguments.csr):
            content = issuance.read_request(arguments.csr)
            key = accept_csr(content, arguments.name, names).public_key
    packaging = issuance.packaging_of(arguments, with_key=isinstance(key, KeyType))
    connected = issuance.Issuance.connect(arguments)
    environment = connected.environment
    require_permitted_name(environment, arguments.name)
    folder = ClientFolder((arguments.output_dir or _CLIENTS) / arguments.name)
    provisioned = provision(
        connected.provisioning(folder, packaging, output),
        ClientRequest(
            client_id=arguments.name,
            environment=environment.name,
            key=key,
            scopes=frozenset(arguments.scope or (DEFAULT_SCOPE,)),
            cognito_client_id=cognito_client_id(
                connected.writer.client("ssm"), environment, arguments.app_client
            ),
            lifetime=timedelta(days=arguments.days),
            alternative_names=names,
            additional=arguments.additional,
            overwrite=arguments.force,
        ),
    )
    output.result(issuance.describe(provisioned, environment.name, folder, packaging))


def _provision_many(arguments: argparse.Namespace, source: Path, output: Output) -> None:
    if arguments.san is not None:
        raise UsageError(
            "--san goes with one client only", hint="the CSV's column sans has each client's"
        )
    batch = _batch(arguments)
    made_here = any(isinstance(request.source, KeyType) for request in batch.requests)
    packaging = issuance.packaging_of(arguments, with_key=made_here)
    connected = issuance.Issuance.connect(arguments)
    folder = arguments.output_dir or _BULK / source.resolve().stem
    bench = Workbench(connected.issuer, connected.environment, packaging, console.now)
    enough = len(batch.requests) >= _WORTH_PROCESSES
    cores = (os.process_cpu_count() or 1) if enough else 1
    ssm = connected.writer.client("ssm")
    with (
        Workers.hired(bench, processes=cores, threads=issuance.CONNECTIONS) as workers,
        ThreadPoolExecutor(issuance.CONNECTIONS, "register") as registrars,
    ):
        bulk = Bulk(
            environment=connected.environment,
            issuer=connected.issuer,
            root=connected.root,
            registry=connected.registry,
            app_client_id=cache(lambda name: cognito_client_id(ssm, connected.environment, name)),
            folder=folder,
            workers=workers,
            registrars=registrars,
            packaging=packaging,
            progress=output,
            now=console.now,
            additional=arguments.additional,
        )
        outcome = provision_all(bulk, batch, partial=arguments.partial)
    written = write_result(bulk, outcome)
    output.result(describe_outcome(bulk, outcome, written))
    if outcome.refusals:
        raise RefusedRequestsError(
            f"{len(outcome.refusals)} of {len(batch.requests) + len(batch.refusals)} requests were "
            "refused" + (", so nothing was issued" if outcome.stopped else ""),
            hint="correct them and run it again"
            + ("; --partial serves the others now" if outcome.stopped else ""),
        )


def _batch(arguments: argparse.Namespace) -> Batch:
    defaults = Terms(
        scopes=frozenset(arguments.scope or (DEFAULT_SCOPE,)),
        days=arguments.days,
        app_client=arguments.app_client,
    )
    if arguments.csv is not None:
        return read_csv(arguments.csv, defaults)
    return read_folder(arguments.csr_dir, defaults)
