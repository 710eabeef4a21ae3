"""OAuth 2.0 token endpoint whose clients authenticate by their certificate (RFC 8705).

Nothing is exported; Lambda enters through `mtls_token.handler.handler`.
"""
