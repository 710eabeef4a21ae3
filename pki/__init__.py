"""The certificate authority and the fleet's certificates."""
