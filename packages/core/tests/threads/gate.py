"""A plain function that lasts until it is let go."""

import threading

from packages.core.tests.waiting import LIMIT


class Gate:
    """Count who is inside, and hold them; the main thread may look from outside."""

    def __init__(self):
        self.release = threading.Event()
        self._changed = threading.Condition()
        self.inside = 0
        self.most = 0
        self.calls = []
        self.threads = set()

    def __call__(self, *arguments):
        with self._changed:
            self.calls.append(arguments)
            self.threads.add(threading.get_ident())
            self.inside += 1
            self.most = max(self.most, self.inside)
            self._changed.notify_all()
        assert self.release.wait(LIMIT)
        with self._changed:
            self.inside -= 1
            self._changed.notify_all()
        return arguments

    def wait_for(self, count):
        """Wait until so many have come in."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.calls) >= count, LIMIT)

    def wait_for_none(self):
        with self._changed:
            assert self._changed.wait_for(lambda: self.inside == 0, LIMIT)
