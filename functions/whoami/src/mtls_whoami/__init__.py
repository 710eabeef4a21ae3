"""The sample protected resource: says who the caller is.

Nothing is exported; Lambda enters through `mtls_whoami.handler.handler`.
"""
