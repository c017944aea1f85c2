"""How it stands with a run: as data, and as a page that shows them."""

from asyncworker.status.html import page, policy
from asyncworker.status.shapes import Snapshot
from asyncworker.status.snapshots import snapshot
from asyncworker.status.together import together

__all__ = ["Snapshot", "page", "policy", "snapshot", "together"]
