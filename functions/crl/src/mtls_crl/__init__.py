"""Publishes an environment's certificate revocation lists: :func:`mtls_crl.handler.handler`."""
