"""A custom domain takes TLS 1.2 or later."""

from typing import Any

from checkov.common.models.enums import CheckCategories, CheckResult
from checkov.terraform.checks.resource.base_resource_check import BaseResourceCheck


class TlsFloor(BaseResourceCheck):
    """checkov checks the floor of REST APIs' domains only.

    Remedy: Set security_policy to TLS_1_2 in domain_name_configuration.
    Severity: high
    Link: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-custom-domain-tls-version.html
    """

    def __init__(self) -> None:
        super().__init__(
            name="Custom domains of HTTP APIs take TLS 1.2 or later",
            id="CKV_MTLS_4",
            categories=[CheckCategories.NETWORKING],
            supported_resources=["aws_apigatewayv2_domain_name"],
        )

    def scan_resource_conf(self, conf: dict[str, list[Any]]) -> CheckResult:
        """The policy stands in the block, and is no expression."""
        blocks = conf.get("domain_name_configuration", [])
        if len(blocks) != 1 or not isinstance(blocks[0], dict):
            return CheckResult.FAILED
        policy = blocks[0].get("security_policy")
        return CheckResult.PASSED if policy in (["TLS_1_2"], "TLS_1_2") else CheckResult.FAILED


check = TlsFloor()
