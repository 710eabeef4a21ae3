"""What the environment variables say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from clientcert import required
from mtls_issuer.policy import RenewalPolicy
from pki.environ import read_organization
from pki.organization import Environment, Organization


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The function's configuration.

    Attributes:
        organization: the organisation, as far as the CA's names need it.
        environment: the one environment whose certificates it renews.
        policy: who may renew what.
    """

    organization: Organization
    environment: Environment
    policy: RenewalPolicy

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read and check the variables.

        Raises:
            SettingsError: one is missing or wrong.
        """
        organization = read_organization(
            environ,
            account_name=required(environ, "WORKLOAD_ACCOUNT_NAME"),
            domain=required(environ, "DOMAIN"),
        )
        policy = RenewalPolicy.parse(required(environ, "RENEWAL_POLICY"))
        return cls(
            organization=organization, environment=organization.environments[0], policy=policy
        )
