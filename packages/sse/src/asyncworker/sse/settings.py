"""Every ASYNCWORKER_SSE_* variable, in one place."""

from __future__ import annotations

from asyncworker.record import checked_field, optional
from asyncworker.settings import Environment
from asyncworker.variables import PREFIX


class SSESettings(Environment):
    """Hold what the environment says.

    url: that of an `SSEConnection` which is given none.
    """

    env_prefix = f"{PREFIX}SSE_"

    url: str | None = checked_field(default=None, schema=optional({"type": "str"}), repr=False)
