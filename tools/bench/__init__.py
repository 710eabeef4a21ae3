"""Measurements that a person runs: speed is printed here, and asserted nowhere."""
