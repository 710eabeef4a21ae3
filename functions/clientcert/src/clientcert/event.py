"""Where API Gateway puts the client certificate."""

from collections.abc import Mapping
from typing import Any

_PATH = ("requestContext", "authentication", "clientCert", "clientCertPem")


def certificate_pem(event: Mapping[str, Any]) -> str | None:
    """The PEM that API Gateway took from the TLS handshake (HTTP API, payload format 2.0).

    The display fields beside it (subjectDN, serialNumber, ...) are for people: decisions rest on
    the certificate itself.

    Returns:
        The PEM text, or None for a request that came without mutual TLS.
    """
    node: object = event
    for name in _PATH:
        if not isinstance(node, Mapping):
            return None
        node = node.get(name)
    return node if isinstance(node, str) and node else None
