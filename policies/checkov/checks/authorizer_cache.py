"""API Gateway does not cache what an authorizer decided."""

from typing import Any

from checkov.common.models.enums import CheckCategories, CheckResult
from checkov.terraform.checks.resource.base_resource_check import BaseResourceCheck


class AuthorizerCache(BaseResourceCheck):
    """The cache's key would ignore the client certificate; left out, AWS may take 300 seconds.

    Remedy: Set authorizer_result_ttl_in_seconds to 0.
    Severity: high
    Link: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
    """

    def __init__(self) -> None:
        super().__init__(
            name="API Gateway does not cache what an authorizer decided",
            id="CKV_MTLS_3",
            categories=[CheckCategories.IAM],
            supported_resources=["aws_apigatewayv2_authorizer", "aws_api_gateway_authorizer"],
        )

    def scan_resource_conf(self, conf: dict[str, list[Any]]) -> CheckResult:
        """Only a request authorizer caches; a JWT is judged by API Gateway itself."""
        if conf.get("authorizer_type") == ["JWT"]:
            return CheckResult.PASSED
        ttl = conf.get("authorizer_result_ttl_in_seconds")
        return CheckResult.PASSED if ttl in ([0], ["0"]) else CheckResult.FAILED


check = AuthorizerCache()
