"""How a test talks to the running platform: as somebody who sourced its env.sh."""

import json
import os
import ssl
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import boto3
import httpx
import pytest

from pki.organization import load_organization

REPOSITORY = Path(__file__).parents[1]
LIVE = REPOSITORY / "live"

# What an adopter edits: tests of live/ and of the platform expect what follows from these facts.
ORGANIZATION = load_organization(LIVE)
DEV = ORGANIZATION.environment("dev")


@dataclass(frozen=True)
class Endpoint:
    """How an environment is reached from this machine."""

    base_url: str
    address: str
    server_ca: Path
    default_endpoint: str

    @property
    def host(self) -> str:
        return self.authority.rsplit(":", 1)[0]

    @property
    def authority(self) -> str:
        return self.base_url.removeprefix("https://")

    @property
    def socket_address(self) -> tuple[str, int]:
        host, port = self.address.rsplit(":", 1)
        return host, int(port)


@dataclass(frozen=True)
class Platform:
    """The whole platform in a local cloud: `make up`, in a state directory of the tests' own."""

    state_dir: Path
    environment: dict[str, str]
    endpoint: Endpoint

    @classmethod
    def connect(cls, state_dir: Path) -> Self:
        facts = json.loads((state_dir / "endpoints.json").read_text())["dev"]
        sourced = subprocess.run(
            ["bash", "-c", 'source "$1" && env -0', "bash", str(state_dir / "env.sh")],
            cwd=REPOSITORY,
            text=True,
            capture_output=True,
            check=True,
        )
        environment = dict(
            entry.split("=", 1) for entry in sourced.stdout.split("\0") if "=" in entry
        )
        scripts = str(Path(sys.executable).parent)
        environment["PATH"] = f"{scripts}{os.pathsep}{environment['PATH']}"
        return cls(
            state_dir=state_dir,
            environment=environment,
            endpoint=Endpoint(
                base_url=facts["base_url"],
                address=facts["address"],
                server_ca=Path(facts["server_ca"]),
                default_endpoint=facts["default_endpoint"],
            ),
        )

    def run(
        self, *command: str, timeout: float = 300, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        completed = subprocess.run(
            command,
            cwd=REPOSITORY,
            env=self.environment,
            text=True,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        if check and completed.returncode != 0:
            pytest.fail(
                f"{' '.join(command)} exited {completed.returncode}\n"
                f"{completed.stdout}\n{completed.stderr}"
            )
        return completed

    def provision(self, name: str, scopes: tuple[str, ...] = ("api/read",)) -> Path:
        """A new device: its directory with client.crt, client.key and chain.pem."""
        clients = self.state_dir / "clients"
        options = [option for scope in scopes for option in ("--scope", scope)]
        self.run(
            *("provision-client", name, "--environment", "dev", "--generate-key"),
            *("--additional", "--force"),  # a platform that was kept may know the name already
            *("--output-dir", str(clients), *options),
        )
        return clients / name

    def token(self, device: Path, scope: str | None = None) -> str:
        """An access token for the device, from /token."""
        form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
        with self.client(device) as client:
            answer = client.post("/token", data=form)
        assert answer.status_code == httpx.codes.OK, answer.text
        token: str = answer.json()["access_token"]
        return token

    def client(self, device: Path | None) -> httpx.Client:
        """An HTTP client that presents the device's certificate, or none."""

        def name_the_server(request: httpx.Request) -> None:
            request.extensions["sni_hostname"] = self.endpoint.host

        return httpx.Client(
            base_url=f"https://{self.endpoint.address}",
            headers={"Host": self.endpoint.authority},
            verify=self.tls_context(device),
            timeout=30,
            event_hooks={"request": [name_the_server]},
        )

    def tls_context(self, device: Path | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.endpoint.server_ca))
        if device is not None:
            context.load_cert_chain(device / "client.crt", device / "client.key")
        return context

    def aws(self, service: str, account: str) -> Any:
        """A boto3 client of the local cloud, as the account's own administrator."""
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name=ORGANIZATION.region,
            aws_access_key_id=account,
            aws_secret_access_key="local",
        )
