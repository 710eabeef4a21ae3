"""``endpoints.json``: how each environment's API is reached from this machine."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from local.errors import LocalError, NotRunningError
from local.processes import LOOPBACK
from pki.organization import Environment, Organization
from tools.paths import write_atomically


@dataclass(frozen=True)
class Endpoint:
    """An environment's API.

    Attributes:
        base_url: its URL, with the name that its certificate carries and the edge's port.
        address: where that name is to be found: ``127.0.0.1:<port>``.
        server_ca: path of the CA of the edge's server certificate.
        default_endpoint: host of the API's default endpoint, which is switched off.
    """

    base_url: str
    address: str
    server_ca: str
    default_endpoint: str

    @property
    def host(self) -> str:
        """The name that the API answers to."""
        return self.base_url.removeprefix("https://").rpartition(":")[0]

    @property
    def port(self) -> int:
        """The edge's port."""
        return int(self.address.rpartition(":")[2])


def api_domain_name(organization: Organization, environment: Environment) -> str:
    """The custom domain of an environment, as ``live/root.hcl`` makes it."""
    return f"api.{environment.name}.{organization.domain}"


def endpoint_of(
    organization: Organization,
    environment: Environment,
    *,
    port: int,
    server_ca: Path,
    api_id: str,
) -> Endpoint:
    """An environment's endpoint at the edge."""
    return Endpoint(
        base_url=f"https://{api_domain_name(organization, environment)}:{port}",
        address=f"{LOOPBACK}:{port}",
        server_ca=str(server_ca),
        default_endpoint=f"{api_id}.execute-api.{environment.region}.amazonaws.com",
    )


def write(path: Path, endpoints: Mapping[str, Endpoint]) -> None:
    """Write the file: environment to endpoint."""
    document = {name: asdict(endpoint) for name, endpoint in endpoints.items()}
    write_atomically(path, json.dumps(document, indent=2) + "\n")


def read(path: Path) -> dict[str, Endpoint]:
    """Read the file.

    Raises:
        NotRunningError: there is none: the platform is not up.
        LocalError: it is not what `write` writes.
    """
    try:
        document = json.loads(path.read_text("utf-8"))
        return {name: Endpoint(**facts) for name, facts in document.items()}
    except FileNotFoundError as error:
        raise NotRunningError(
            f"{path} does not exist: the platform is not up", hint="make up"
        ) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise LocalError(f"{path} is damaged: {error}", hint="make down, then make up") from error
