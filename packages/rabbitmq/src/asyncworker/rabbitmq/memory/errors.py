"""What the broker answers to what it cannot do: codes and names of AMQP 0-9-1, 1.2."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pamqp.base import Frame

NAMES = {
    403: "ACCESS_REFUSED",
    404: "NOT_FOUND",
    405: "RESOURCE_LOCKED",
    406: "PRECONDITION_FAILED",
    501: "FRAME_ERROR",
    502: "SYNTAX_ERROR",
    504: "CHANNEL_ERROR",
    505: "UNEXPECTED_FRAME",
    530: "NOT_ALLOWED",
    540: "NOT_IMPLEMENTED",
    541: "INTERNAL_ERROR",
}


class Refused(Exception):
    """Report what closes a channel; from 500 on, it closes the connection."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{NAMES[code]} - {reason}")
        self.code = code

    @property
    def is_fatal(self) -> bool:
        """Tell whether the whole connection ends."""
        return self.code >= 500


def method_of(frame: Frame | None) -> tuple[int, int]:
    """Return the class and the method that a close is about."""
    return (0, 0) if frame is None else divmod(frame.index, 1 << 16)
