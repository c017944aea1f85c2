"""Measure asyncworker beside its peers: `hatch run bench`."""
