"""Names by which documents call channels, messages and operations."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

UNFIT: Final = re.compile(r"[^A-Za-z0-9_.-]+")
"""What the names of components cannot have (AsyncAPI 3.0, OpenAPI 3.1: Components Object)."""


class Names:
    """Give each of some things a name of its own, the same whenever the same things are named.

    taken: names that others have.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._owners: dict[str, object] = dict.fromkeys(taken)

    def of(self, owner: object, text: str) -> str:
        """Return the name of a thing: its text, as far as names may have that.

        owner: what is equal for the same thing, and shows as the same in each run.
        """
        name = UNFIT.sub("_", text) or "_"
        if self._owners.setdefault(name, owner) == owner:
            return name
        name = f"{name}-{sha256(repr(owner).encode(errors='replace')).hexdigest()[:6]}"
        self._owners[name] = owner
        return name
