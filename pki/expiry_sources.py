"""Where it is read what ends: the pinned truststore and the server's certificate.

The clients' certificates come from the registry, which has its own readers.
"""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography import x509

from pki.domain import DomainName
from pki.errors import TruststoreError
from pki.expiry import Item, Kind
from pki.truststore import read_bundle

if TYPE_CHECKING:
    from mypy_boto3_acm import ACMClient
    from mypy_boto3_apigatewayv2 import ApiGatewayV2Client
    from mypy_boto3_s3 import S3Client


def pinned_certificates(domain: DomainName, s3: "S3Client") -> tuple[x509.Certificate, ...]:
    """The bundle that the domain judges callers by: the version that it pins, not the newest.

    Raises:
        TruststoreError: there is no domain, it pins nothing, or the bundle cannot be read.
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError: AWS refused.
    """
    pinned = domain.truststore()
    if pinned is None:
        raise TruststoreError(
            f"there is no domain {domain.name}", hint="apply the unit acm-domain of the environment"
        )
    uri = urlsplit(pinned.uri)
    answer = s3.get_object(Bucket=uri.netloc, Key=uri.path.lstrip("/"), VersionId=pinned.version)
    return read_bundle(answer["Body"].read())


def server_certificate(
    apigatewayv2: "ApiGatewayV2Client", acm: "ACMClient", domain_name: str
) -> Item:
    """The certificate that the domain shows to callers.

    Raises:
        TruststoreError: the domain names none, or ACM has not issued it.
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError: AWS refused.
    """
    answer = apigatewayv2.get_domain_name(DomainName=domain_name)
    for configuration in answer.get("DomainNameConfigurations", []):
        if arn := configuration.get("CertificateArn"):
            break
    else:
        raise TruststoreError(f"{domain_name} names no server certificate")
    certificate = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    begins, ends = certificate.get("NotBefore"), certificate.get("NotAfter")
    if begins is None or ends is None:
        raise TruststoreError(
            f"{arn} of {domain_name} has no validity: it is {certificate.get('Status')}",
            hint="ACM issues it once its validation record is in DNS",
        )
    return Item(
        kind=Kind.SERVER,
        name=domain_name,
        identifier=arn,
        issuer=certificate.get("Issuer", ""),
        begins=begins,
        ends=ends,
        renewed=False,
    )
