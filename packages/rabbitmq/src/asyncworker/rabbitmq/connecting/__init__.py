"""Connections to a broker: where it is, how one is opened, kept alive and closed."""
