"""What the environment variables say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from pki.environ import read_organization
from pki.organization import Environment, Organization

_WORKLOAD_ACCOUNT = "workload"


@dataclass(frozen=True, slots=True)
class Settings:
    """The function's configuration.

    Attributes:
        organization: the organisation, as far as the CA's names need it.
        environment: the one environment whose lists it publishes.
    """

    organization: Organization
    environment: Environment

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read the variables.

        Raises:
            SettingsError: one is missing.
        """
        organization = read_organization(
            environ,
            account_name=_WORKLOAD_ACCOUNT,
            domain="",  # names the API, and nothing of the CA's
        )
        return cls(organization, organization.environments[0])
