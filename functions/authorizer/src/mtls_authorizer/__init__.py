"""Lambda authorizer: access token and client certificate must belong together."""
