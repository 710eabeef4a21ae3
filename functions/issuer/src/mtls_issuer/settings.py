"""What the environment variables say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from clientcert import required
from mtls_issuer.policy import RenewalPolicy
from pki.organization import SECURITY_ACCOUNT, Environment, Organization


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
        name = required(environ, "ORGANIZATION")
        account_name = required(environ, "WORKLOAD_ACCOUNT_NAME")
        account_id = required(environ, "WORKLOAD_ACCOUNT_ID")
        environment = Environment(
            organization=name,
            name=required(environ, "ENVIRONMENT"),
            account_name=account_name,
            account_id=account_id,
            region=required(environ, "WORKLOAD_REGION"),
        )
        organization = Organization(
            name=name,
            domain=required(environ, "DOMAIN"),
            github_repository="",  # names the pipeline's identity, and nothing of the CA's
            region=required(environ, "AWS_REGION"),
            accounts={
                SECURITY_ACCOUNT: required(environ, "SECURITY_ACCOUNT_ID"),
                account_name: account_id,
            },
            environments=(environment,),
        )
        policy = RenewalPolicy.parse(required(environ, "RENEWAL_POLICY"))
        return cls(organization=organization, environment=environment, policy=policy)
