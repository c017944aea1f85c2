"""What is known of the variables of core without what checks them, which is slow to import."""

from __future__ import annotations

from typing import Final, Literal

PREFIX: Final = "ASYNCWORKER_"
MONITOR: Final = f"{PREFIX}MONITOR_"
"""What the variables of the monitor's own server begin with."""

Loop = Literal["asyncio", "uvloop"]
LogFormat = Literal["auto", "json", "text"]
