"""Enrollment over Secure Transport (RFC 7030, RFC 8951): a device renews its own certificate.

Nothing is exported; Lambda enters through `mtls_est.handler.handler`.
"""
