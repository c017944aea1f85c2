"""How it stands with a run: as data, and as a page that shows them."""

from asyncworker.status.html import page, policy
from asyncworker.status.shapes import Snapshot
from asyncworker.status.snapshots import snapshot

__all__ = ["Snapshot", "page", "policy", "snapshot"]
