"""Scheduled: turns the expiry of everything that ends into metrics, for alarms.

Nothing is exported; Lambda enters through `mtls_watch.handler.handler`.
"""
