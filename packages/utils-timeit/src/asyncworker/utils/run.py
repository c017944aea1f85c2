"""What one use of a Timeit shares with its transactions."""

from threading import RLock


class Run:
    """Gather the seconds of one root and its transactions."""

    __slots__ = ("_lock", "is_open", "seconds")

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.is_open = True
        # Transactions may end in several threads; a finalizer may end one in the midst of another.
        self._lock = RLock()

    def add(self, name: str, seconds: float) -> bool:
        """Add seconds under name, unless the run was closed before; return whether it did."""
        with self._lock:
            added = self.is_open
            if added:
                self.seconds[name] = self.seconds.get(name, 0.0) + seconds
            return added

    def close(self, name: str, seconds: float) -> dict[str, float]:
        """Add the last seconds, those of the root; return all."""
        with self._lock:
            self.add(name, seconds)
            self.is_open = False
        return self.seconds
