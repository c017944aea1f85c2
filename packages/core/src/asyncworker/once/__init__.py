"""What one process among all does: the one that holds a lock."""

from asyncworker.once.lock import UNDECIDED, Lock, Locking

__all__ = ["UNDECIDED", "Lock", "Locking"]
