"""Cognito pre-token trigger: binds the access token to the certificate."""
