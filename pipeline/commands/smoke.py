"""``python -m pipeline smoke``: look at a deployed API from outside."""

import argparse
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline import report
from pipeline.errors import PipelineError
from pipeline.smoke import Check, Target, look
from pki.organization import load_organization
from tools.paths import ROOT

ABOUT = "look at a deployed API as somebody without a certificate: the door has to stay shut"

_LOCAL_FOLDER = "MTLS_LOCAL_DIR"
_ENDPOINTS = "endpoints.json"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--environment", metavar="ENV", required=True, help="such as dev")
    parser.add_argument(
        "--default-endpoint",
        metavar="HOST",
        default=os.environ.get("DEFAULT_ENDPOINT") or None,
        help="<api id>.execute-api.<region>.amazonaws.com, which has to be off "
        "(default: $DEFAULT_ENDPOINT; without it, that is not looked at)",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON document")


def run(options: argparse.Namespace, console: Console) -> int:
    """Do it, and return the exit code: 1 when anything is not as it should be."""
    target = _target(options.environment, options.default_endpoint)
    checks = look(target, datetime.now(UTC))
    if options.json:
        print(json.dumps([_document(check) for check in checks], indent=2))
    else:
        report.output().print(_table(checks))
        console.print("not looked at, for want of a client certificate: /token, /whoami")
    return 1 if any(check.passed is False for check in checks) else 0


def _target(name: str, default_endpoint: str | None) -> Target:
    organization = load_organization(ROOT / "live")
    environment = organization.environment(name)
    if not os.environ.get("AWS_ENDPOINT_URL"):
        host = organization.api_domain_name(environment)
        return Target(host, default_endpoint=default_endpoint)
    endpoints = Path(os.environ.get(_LOCAL_FOLDER) or ROOT / ".local") / _ENDPOINTS
    try:
        facts: dict[str, Any] = json.loads(endpoints.read_bytes())[name]
        address, _, port = facts["address"].rpartition(":")
        return Target(
            host=organization.api_domain_name(environment),
            port=int(port),
            address=(address, int(port)),
            server_ca=Path(facts["server_ca"]),
            default_endpoint=default_endpoint or facts["default_endpoint"],
        )
    except (OSError, ValueError, KeyError) as error:
        raise PipelineError(
            f"{endpoints} does not say where {name} is", hint="make up brings it up"
        ) from error


def _table(checks: tuple[Check, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("check", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("seen")
    words = {True: ("yes", "green"), False: ("NO", "bold red"), None: ("not looked at", "yellow")}
    for check in checks:
        word, style = words[check.passed]
        table.add_row(check.name, Text(word, style), Text(report.printable(check.detail)))
    return table


def _document(check: Check) -> dict[str, object]:
    return {"check": check.name, "passed": check.passed, "detail": check.detail}
