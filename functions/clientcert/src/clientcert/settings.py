"""How the functions read their environment variables: what is missing or wrong is named."""

from collections.abc import Mapping
from urllib.parse import urlsplit


class SettingsError(Exception):
    """An environment variable is missing or wrong. The message names it, never its value."""


def required(environ: Mapping[str, str], name: str) -> str:
    """The variable's value.

    Raises:
        SettingsError: it is missing or empty.
    """
    value = environ.get(name, "")
    if not value:
        raise SettingsError(f"{name}: missing")
    return value


def cognito_url(environ: Mapping[str, str], name: str) -> str:
    """The variable's URL; it follows ``AWS_ENDPOINT_URL`` as the SDK's own calls do.

    Raises:
        SettingsError: it is missing, or not an https URL.
    """
    url = required(environ, name)
    endpoint = environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        return endpoint.rstrip("/") + urlsplit(url).path
    if not url.startswith("https://"):
        raise SettingsError(f"{name}: an https URL expected")
    return url
