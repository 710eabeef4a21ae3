# mypy: disable-error-code="no-untyped-call"
"""The command ``python -m local.edge``."""

import argparse
import ipaddress
import logging
import os
import re
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

from local.edge.errors import EdgeError
from local.edge.tls import RefuseWith

_DESCRIPTION = """\
API Gateway's front door for HTTP APIs with mutual TLS, in front of an AWS emulator: takes client
certificates per custom domain, selects the route, asks the authorizer and invokes the Lambda
function, as API Gateway does.
"""

_EPILOG = """\
environment:
  AWS_ENDPOINT_URL     default of --endpoint-url
  AWS_REGION           default of --region
  EDGE_PORT            default of --port

The one line on stdout says that it is ready; requests are logged to stderr (or --log-file), a JSON
object a line. SIGTERM and SIGINT end it. Exit codes: 0 ended, 1 could not run, 2 wrong usage.

example:
  python -m local.edge --account 222222222222 --state-dir .local/edge
  curl --cacert .local/edge/server-ca.pem --cert client.crt --key client.key \\
    --resolve api.dev.example.com:8443:127.0.0.1 https://api.dev.example.com:8443/whoami
"""


def _account(text: str) -> str:
    if re.fullmatch(r"\d{12}", text) is None:
        raise argparse.ArgumentTypeError(f"an account is 12 digits, not {text!r}")
    return text


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"a port is 0 to 65535, not {text!r}")
    return int(text)


def _loopback(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not an IP address: {text!r}") from error
    if not address.is_loopback:
        raise argparse.ArgumentTypeError(f"not a loopback address: {text} (it is for one machine)")
    return text


def _url(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise argparse.ArgumentTypeError(f"not an http(s) URL: {text!r}")
    return text


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.05 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"0.05 to 3600 seconds, not {text!r}")
    return seconds


def _concurrency(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"1 to 64, not {text!r}")
    return int(text)


def parser() -> argparse.ArgumentParser:
    """Return the command's argument parser."""
    made = argparse.ArgumentParser(
        prog="python -m local.edge",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = made.add_argument
    add(
        "--endpoint-url",
        metavar="URL",
        type=_url,
        default=os.environ.get("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"),
        help="the emulator (default: %(default)s)",
    )
    add(
        "--account",
        metavar="ID",
        type=_account,
        action="append",
        required=True,
        dest="accounts",
        help="an account to serve the domains and APIs of; repeat it for several",
    )
    add(
        "--region",
        default=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "eu-west-1",
        help="their region (default: %(default)s)",
    )
    add(
        "--listen",
        metavar="ADDRESS",
        type=_loopback,
        default="127.0.0.1",
        help="loopback address to listen on (default: %(default)s)",
    )
    add(
        "--port",
        type=_port,
        default=os.environ.get("EDGE_PORT", "8443"),
        help="port to listen on, 0 for any free one (default: %(default)s)",
    )
    add(
        "--state-dir",
        metavar="DIR",
        type=Path,
        required=True,
        help="where the server CA (server-ca.pem, for clients to trust) and the server keys are "
        "kept; made when missing",
    )
    add(
        "--refuse-with",
        # Not a type: argparse would name it instead of the choices.
        choices=[choice.value for choice in RefuseWith],
        default=RefuseWith.FORBIDDEN.value,
        help="a client certificate that is not accepted gets a 403, or its handshake is cut off "
        "(default: %(default)s); without any certificate the handshake always fails",
    )
    add(
        "--refresh",
        metavar="SECONDS",
        type=_seconds,
        default=1.0,
        help="how often the control plane is read (default: %(default)s)",
    )
    add(
        "--concurrency",
        metavar="N",
        type=_concurrency,
        default=64,
        help="how many requests have their functions called at once; others wait, as every call at "
        "once is a process of the emulator's to start (default: %(default)s, at most 64)",
    )
    add("--log-file", metavar="FILE", type=Path, help="append the log to a file, not to stderr")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the edge until it is told to end.

    Args:
        argv: The arguments, without the program's name.

    Returns:
        The exit code.
    """
    options = parser().parse_args(argv)
    try:
        with ExitStack() as stack:
            _serve(options, _log_stream(options.log_file, stack))
    except EdgeError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return 1
    return 0


def _log_stream(path: Path | None, stack: ExitStack) -> TextIO:
    if path is None:
        return sys.stderr
    try:
        return stack.enter_context(path.open("a", encoding="utf-8"))
    except OSError as error:
        raise EdgeError(f"cannot write the log file {path}: {error.strerror}") from error


def _serve(options: argparse.Namespace, log: TextIO) -> None:
    # Imported here: installing Twisted's reactor is the program's choice, not an importer's.
    from twisted.internet import reactor as twisted_reactor  # noqa: PLC0415

    from local.edge.certificates import ServerCertificates  # noqa: PLC0415
    from local.edge.configuration import Configuration  # noqa: PLC0415
    from local.edge.control_plane import Clients, ControlPlane, LambdaInvoker  # noqa: PLC0415
    from local.edge.gateway import Gateway  # noqa: PLC0415
    from local.edge.log import AccessLog, JsonFormatter  # noqa: PLC0415
    from local.edge.server import Edge, listen, utc_now  # noqa: PLC0415
    from local.edge.tls import ServerConnections  # noqa: PLC0415

    reactor: Any = twisted_reactor
    handler = logging.StreamHandler(log)
    handler.setFormatter(JsonFormatter())
    logging.captureWarnings(True)  # noqa: FBT003
    for name in ("local.edge", "py.warnings"):
        logging.getLogger(name).addHandler(handler)

    clients = Clients(options.endpoint_url, options.region)
    certificates = ServerCertificates(options.state_dir, utc_now)
    configuration = Configuration(
        ControlPlane(clients, options.accounts, utc_now).load, options.refresh
    )
    gateway = Gateway(LambdaInvoker(clients), clock=utc_now, monotonic=time.monotonic)
    edge = Edge(configuration, gateway, AccessLog(log), reactor, concurrency=options.concurrency)
    connections = ServerConnections(
        certificates,
        configuration,
        clock=utc_now,
        refuse_with=RefuseWith(options.refuse_with),
        on_problem=logging.getLogger(__name__).error,
    )
    port = listen(edge, connections, options.listen, options.port)
    configuration.start()
    reactor.addSystemEventTrigger("before", "shutdown", port.stopListening)
    reactor.addSystemEventTrigger("before", "shutdown", configuration.stop)
    reactor.addSystemEventTrigger("before", "shutdown", edge.drain)
    names = ", ".join(sorted(configuration().domains)) or "no domain yet"
    host = f"[{options.listen}]" if ":" in options.listen else options.listen
    ready = f"listening on https://{host}:{port.getHost().port} for {names}"
    reactor.callWhenRunning(print, ready, flush=True)
    reactor.run()


if __name__ == "__main__":
    sys.exit(main())
