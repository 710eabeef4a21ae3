"""A function's image is named by digest."""

import re
from typing import Any

from checkov.common.models.enums import CheckCategories, CheckResult
from checkov.terraform.checks.resource.base_resource_check import BaseResourceCheck

_REFERENCE = re.compile(r"\$\{|\b(var|local|module|each|data)\.")


class ImageDigest(BaseResourceCheck):
    """A tag can be moved after the image was verified; an input is judged where it is set.

    Remedy: Take the image as an input, or write <repository>@sha256:<64 hex digits>.
    Severity: high
    Link: https://docs.aws.amazon.com/AmazonECR/latest/userguide/docker-pull-ecr-image.html
    """

    def __init__(self) -> None:
        super().__init__(
            name="Functions' images are named by digest",
            id="CKV_MTLS_5",
            categories=[CheckCategories.SUPPLY_CHAIN],
            supported_resources=["aws_lambda_function"],
        )

    def scan_resource_conf(self, conf: dict[str, list[Any]]) -> CheckResult:
        """No image, an expression, or a digest."""
        image = conf.get("image_uri", [None])
        image = image[0] if isinstance(image, list) and image else image
        if image is None or (isinstance(image, str) and _REFERENCE.search(image)):
            return CheckResult.PASSED
        digest = re.fullmatch(r"[^\s@]+@sha256:[0-9a-f]{64}", str(image))
        return CheckResult.PASSED if digest else CheckResult.FAILED


check = ImageDigest()
