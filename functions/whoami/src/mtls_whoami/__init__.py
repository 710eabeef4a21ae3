"""The sample protected resource: says who the caller is."""
