"""An HTTP API does not answer on its default endpoint."""

from typing import Any

from checkov.common.models.enums import CheckCategories
from checkov.terraform.checks.resource.base_resource_value_check import BaseResourceValueCheck


class DefaultEndpoint(BaseResourceValueCheck):
    """The default endpoint asks for no client certificate: left on, it is a way around mutual TLS.

    Remedy: Set disable_execute_api_endpoint to true.
    Severity: critical
    Link: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-disable-default-endpoint.html
    """

    def __init__(self) -> None:
        super().__init__(
            name="APIs answer on their custom domain only",
            id="CKV_MTLS_2",
            categories=[CheckCategories.NETWORKING],
            supported_resources=["aws_apigatewayv2_api", "aws_api_gateway_rest_api"],
        )

    def get_inspected_key(self) -> str:
        """The setting."""
        return "disable_execute_api_endpoint"

    def get_expected_value(self) -> Any:
        """What it must be, and not by default."""
        return True


check = DefaultEndpoint()
