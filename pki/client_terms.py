"""The terms of a client certificate as people write them: scopes, days, the app client's name."""

import re

from pki.errors import UsageError
from pki.profiles import MAXIMUM_CLIENT_LIFETIME

DEFAULT_SCOPE = "api/read"
DEFAULT_APP_CLIENT = "default"

_SCOPE = re.compile(r"[\x21\x23-\x2e\x30-\x5b\x5d-\x7e]+/[\x21\x23-\x2e\x30-\x5b\x5d-\x7e]+")
_APP_CLIENT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def parse_scope(text: str) -> str:
    """An OAuth scope as Cognito names it, ``<resource server>/<scope>``.

    Raises:
        UsageError: it is not.
    """
    if not _SCOPE.fullmatch(text):
        raise UsageError(
            f"{text!r} is no scope", hint="<resource server>/<scope>, such as api/read"
        )
    return text


def parse_days(text: str) -> int:
    """Days of validity.

    Raises:
        UsageError: no whole number, or none that a client certificate may have.
    """
    longest = MAXIMUM_CLIENT_LIFETIME.days
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= longest):
        raise UsageError(f"{text!r} is no number of days from 1 to {longest}")
    return int(text)


def parse_app_client(text: str) -> str:
    """An app client's name in ``live/``.

    Raises:
        UsageError: it is none.
    """
    if not _APP_CLIENT.fullmatch(text):
        raise UsageError(f"{text!r} is no app client's name")
    return text
