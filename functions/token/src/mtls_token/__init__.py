"""OAuth token endpoint: the client certificate is the credential (RFC 8705)."""
