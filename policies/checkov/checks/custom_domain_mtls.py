"""A custom domain asks for a client certificate, against a pinned version of its truststore."""

from typing import Any

from checkov.common.models.enums import CheckCategories, CheckResult
from checkov.terraform.checks.resource.base_resource_check import BaseResourceCheck


class CustomDomainMtls(BaseResourceCheck):
    """checkov knows mutual TLS of neither kind of domain.

    Remedy: Set truststore_uri and truststore_version in mutual_tls_authentication.
    Severity: critical
    Link: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-mutual-tls.html
    """

    def __init__(self) -> None:
        super().__init__(
            name="Custom domains ask for a client certificate, against a pinned truststore",
            id="CKV_MTLS_1",
            categories=[CheckCategories.NETWORKING],
            supported_resources=["aws_apigatewayv2_domain_name", "aws_api_gateway_domain_name"],
        )

    def scan_resource_conf(self, conf: dict[str, list[Any]]) -> CheckResult:
        """Both settings are given, by whatever expression; no dynamic block decides about them."""
        blocks = conf.get("mutual_tls_authentication", [])
        if any("mutual_tls_authentication" in block for block in conf.get("dynamic", [])):
            return CheckResult.FAILED
        if len(blocks) != 1 or not isinstance(blocks[0], dict):
            return CheckResult.FAILED
        for setting in ("truststore_uri", "truststore_version"):
            if blocks[0].get(setting, [None]) in ([None], [""], ["null"], None, ""):
                return CheckResult.FAILED
        return CheckResult.PASSED


check = CustomDomainMtls()
