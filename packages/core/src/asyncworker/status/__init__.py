"""How it stands with a run: as data, and as a page that shows them."""

from asyncworker.status.html import page as page
from asyncworker.status.html import policy as policy
from asyncworker.status.shapes import Snapshot as Snapshot
from asyncworker.status.snapshots import snapshot as snapshot
from asyncworker.status.together import together as together
