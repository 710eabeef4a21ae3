"""What the environment variables say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from clientcert import required
from pki.organization import SECURITY_ACCOUNT, Environment, Organization

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
        name = required(environ, "ORGANIZATION")
        account_id = required(environ, "WORKLOAD_ACCOUNT_ID")
        environment = Environment(
            organization=name,
            name=required(environ, "ENVIRONMENT"),
            account_name=_WORKLOAD_ACCOUNT,
            account_id=account_id,
            region=required(environ, "WORKLOAD_REGION"),
        )
        organization = Organization(
            name=name,
            domain="",  # names the API and the pipeline's identity, and nothing of the CA's
            github_repository="",
            region=required(environ, "AWS_REGION"),
            accounts={
                SECURITY_ACCOUNT: required(environ, "SECURITY_ACCOUNT_ID"),
                _WORKLOAD_ACCOUNT: account_id,
            },
            environments=(environment,),
        )
        return cls(organization, environment)
