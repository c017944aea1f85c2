"""Run commands on other Debian systems."""
