"""What a broker says of itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from aiormq.abc import AbstractChannel

NEWEST: Final = (4, 3)
"""What a broker is taken for that tells no version."""


def version_of(channel: AbstractChannel) -> tuple[int, ...]:
    """Return the version of the broker that a channel leads to, as (4, 0, 5)."""
    connection: Any = channel.connection
    version = connection.server_properties.get("version", b"")
    text = version.decode(errors="replace") if isinstance(version, bytes) else str(version)
    numbers = re.match(r"\d+(\.\d+)*", text)
    return tuple(map(int, numbers[0].split("."))) if numbers else NEWEST
