"""What the environment variables of the CA's functions say of the organisation."""

from collections.abc import Mapping

from clientcert import required
from pki.organization import SECURITY_ACCOUNT, Environment, Organization


def read_organization(
    environ: Mapping[str, str], *, account_name: str, domain: str
) -> Organization:
    """The organisation around the one environment that a function serves.

    Args:
        environ: the variables.
        account_name: what the environment's account is called.
        domain: names the environment's API.

    Raises:
        SettingsError: a variable is missing.
    """
    name = required(environ, "ORGANIZATION")
    account_id = required(environ, "WORKLOAD_ACCOUNT_ID")
    environment = Environment(
        organization=name,
        name=required(environ, "ENVIRONMENT"),
        account_name=account_name,
        account_id=account_id,
        region=required(environ, "WORKLOAD_REGION"),
    )
    return Organization(
        name=name,
        domain=domain,
        github_repository="",  # names the pipeline's identity, and nothing of the CA's
        region=required(environ, "AWS_REGION"),
        accounts={
            SECURITY_ACCOUNT: required(environ, "SECURITY_ACCOUNT_ID"),
            account_name: account_id,
        },
        environments=(environment,),
    )
