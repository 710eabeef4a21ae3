"""Lambda authorizer: the access token and the client certificate must belong together.

Nothing is exported; Lambda enters through `mtls_authorizer.handler.handler`.
"""
