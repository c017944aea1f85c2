"""What holds up a thread, and the event loop that runs in it."""

import threading

LIMIT = 0.25
"""Seconds for which the loop of the app may be blocked."""


def block(seconds):
    """Let time pass without another turn of the loop."""
    threading.Event().wait(seconds)
