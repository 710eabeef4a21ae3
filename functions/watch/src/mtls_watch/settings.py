"""What the function reads from its environment variables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from clientcert import required


@dataclass(frozen=True, slots=True)
class Settings:
    """The function's settings.

    Attributes:
        environment: name of the environment, the metrics' dimension ``Environment``.
        registry_table: the registry's DynamoDB table.
        domain_name: the API's custom domain; it names truststore and server certificate.
    """

    environment: str
    registry_table: str
    domain_name: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read them.

        Raises:
            SettingsError: a variable is missing.
        """
        return cls(
            environment=required(environ, "ENVIRONMENT"),
            registry_table=required(environ, "REGISTRY_TABLE"),
            domain_name=required(environ, "API_DOMAIN_NAME"),
        )
