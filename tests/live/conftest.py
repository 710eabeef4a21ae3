import os

import pytest

from tools.install import ensure


@pytest.fixture(scope="session")
def tools() -> dict[str, str]:
    """An environment that finds Terraform and Terragrunt, and in which nobody is logged in."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "MTLS_", "TG_", "TF_", "LAMBDA_"))
    }
    return ensure(["terraform", "terragrunt"], environ=environ)
