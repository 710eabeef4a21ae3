"""What the code that talks to AWS shares."""

from botocore.exceptions import ClientError


def error_code(error: ClientError) -> str:
    """The service's own name for what went wrong, such as ``NoSuchKey``."""
    return error.response.get("Error", {}).get("Code", "")
