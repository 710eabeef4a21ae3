"""What an environment's custom domain has pinned: the truststore that callers are judged by."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pki.aws import error_code
from pki.errors import TruststoreError

if TYPE_CHECKING:
    from mypy_boto3_apigatewayv2 import ApiGatewayV2Client


class DomainStatus(StrEnum):
    """``DomainNameStatus`` of API Gateway.

    https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/domainnames-domainname.html
    """

    AVAILABLE = "AVAILABLE"
    UPDATING = "UPDATING"
    PENDING_CERTIFICATE_REIMPORT = "PENDING_CERTIFICATE_REIMPORT"
    PENDING_OWNERSHIP_VERIFICATION = "PENDING_OWNERSHIP_VERIFICATION"


@dataclass(frozen=True, slots=True)
class DomainTruststore:
    """The truststore of a custom domain.

    Attributes:
        uri: ``s3://`` URI of the object.
        version: the S3 version that the domain reads.
        warnings: what API Gateway found wrong with it when the domain was last updated.
        status: whether the domain is in service or a change of it still spreads.
    """

    uri: str
    version: str
    warnings: tuple[str, ...]
    status: DomainStatus


class DomainName:
    """One custom domain name of an HTTP API.

    Example:
        >>> domain = DomainName(session.client("apigatewayv2"), "api.dev.example.com")
        >>> domain.truststore()
    """

    def __init__(self, apigatewayv2: "ApiGatewayV2Client", name: str) -> None:
        """Keep the client, which acts in the environment's account, and the name."""
        self._apigatewayv2 = apigatewayv2
        self.name = name

    def truststore(self) -> DomainTruststore | None:
        """What the domain has pinned now; None when the domain does not exist yet.

        Raises:
            TruststoreError: the domain asks nobody for a certificate, pins no version, or is in
                a state that is not known.
        """
        try:
            answer = self._apigatewayv2.get_domain_name(DomainName=self.name)
        except ClientError as error:
            if error_code(error) == "NotFoundException":
                return None
            raise
        trust = answer.get("MutualTlsAuthentication") or {}
        uri, version = trust.get("TruststoreUri"), trust.get("TruststoreVersion")
        if not uri:
            raise TruststoreError(
                f"{self.name} asks nobody for a certificate: it has no truststore",
                hint="apply the unit acm-domain of the environment at once",
            )
        if not version:
            raise TruststoreError(
                f"{self.name} pins no version of {uri}: its next update takes whatever lies there",
                hint="pin one: truststore rollout",
            )
        (configuration, *_) = answer.get("DomainNameConfigurations") or [{}]
        return DomainTruststore(
            uri=uri,
            version=version,
            warnings=tuple(trust.get("TruststoreWarnings") or ()),
            status=self._status(configuration.get("DomainNameStatus")),
        )

    def _status(self, status: str | None) -> DomainStatus:
        try:
            # Some emulators name no status: theirs are available as soon as they answer.
            return DomainStatus(status or DomainStatus.AVAILABLE)
        except ValueError as error:
            raise TruststoreError(
                f"{self.name} is {status}, a state that is not known here"
            ) from error
