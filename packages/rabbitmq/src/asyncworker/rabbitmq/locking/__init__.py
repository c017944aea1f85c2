"""Locks that one process among all holds, by queues that are its connection's alone."""
