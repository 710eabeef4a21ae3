"""Where the API is and who calls it: what the Python examples here have in common.

Beside the machine's ``.local/endpoints.json`` nothing is needed; for a real deployment set
``BASE_URL`` (``ADDRESS`` and ``SERVER_CA`` stay unset there), ``CERT`` and ``KEY``.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self


class UsageError(Exception):
    """The arguments or the environment do not say how to connect; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How to reach the API, and with which certificate.

    Attributes:
        base_url: ``https://`` and the API's name, with a port where it is not 443.
        address: ``host:port`` to connect to instead of the name's own address; laptop only.
        server_ca: PEM file that the server's certificate is judged by; laptop only.
        certificate: PEM file, the client's certificate.
        key: PEM file, its private key.
        client_id: the device's name.
        scope: what the access token shall allow.
    """

    base_url: str
    address: str | None
    server_ca: Path | None
    certificate: Path
    key: Path
    client_id: str
    scope: str

    @classmethod
    def from_environment(cls, client_id: str, environment: Mapping[str, str]) -> Self:
        """Read the variables, and ``endpoints.json`` where ``BASE_URL`` is not among them.

        Raises:
            UsageError: a file or an environment is missing.
        """
        local = Path(environment.get("MTLS_LOCAL_DIR", ".local"))
        if "BASE_URL" in environment:
            endpoint = {
                "base_url": environment["BASE_URL"],
                "address": environment.get("ADDRESS"),
                "server_ca": environment.get("SERVER_CA"),
            }
        else:
            endpoint = _local_endpoint(local, environment.get("ENVIRONMENT", "dev"))
        folder = local / "clients" / client_id
        certificate = Path(environment.get("CERT", folder / "client.crt"))
        key = Path(environment.get("KEY", folder / "client.key"))
        for file in (certificate, key):
            if not file.is_file():
                raise UsageError(f"{file} does not exist\nhint: set CERT and KEY to PEM files")
        server_ca = endpoint["server_ca"]
        return cls(
            base_url=str(endpoint["base_url"]).rstrip("/"),
            address=endpoint["address"],
            server_ca=Path(server_ca) if server_ca else None,
            certificate=certificate,
            key=key,
            client_id=client_id,
            scope=environment.get("SCOPE", "api/read"),
        )


def read_connection(description: str | None) -> Connection:
    """The connection that the command line and the environment describe, or exit with code 2."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("client_id", help="the device's name, such as device-001")
    try:
        return Connection.from_environment(parser.parse_args().client_id, os.environ)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from error


def _local_endpoint(local: Path, name: str) -> dict[str, str | None]:
    file = local / "endpoints.json"
    try:
        endpoints = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{file} cannot be read: {error.strerror}\n"
            "hint: start the platform with `make demo`, or set BASE_URL for another deployment"
        ) from error
    if name not in endpoints:
        raise UsageError(f"{file} knows no environment {name!r}, only {', '.join(endpoints)}")
    endpoint: dict[str, str | None] = endpoints[name]
    return endpoint
