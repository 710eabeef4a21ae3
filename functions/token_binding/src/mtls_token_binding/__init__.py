"""Cognito pre-token-generation trigger: binds the access token to the client certificate.

Nothing is exported; Lambda enters through `mtls_token_binding.handler.handler`.
"""
