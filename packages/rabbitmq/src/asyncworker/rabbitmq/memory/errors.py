"""What the broker answers to what it cannot do: codes and names of AMQP 0-9-1, 1.2."""

from __future__ import annotations

NAMES = {
    402: "INVALID_PATH",
    403: "ACCESS_REFUSED",
    404: "NOT_FOUND",
    405: "RESOURCE_LOCKED",
    406: "PRECONDITION_FAILED",
    501: "FRAME_ERROR",
    502: "SYNTAX_ERROR",
    503: "COMMAND_INVALID",
    504: "CHANNEL_ERROR",
    505: "UNEXPECTED_FRAME",
    530: "NOT_ALLOWED",
    540: "NOT_IMPLEMENTED",
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


def not_found(kind: str, name: str, vhost: str) -> Refused:
    """Return the answer to who asks for a queue or an exchange that is not there."""
    return Refused(404, f"no {kind} {name!r} in vhost {vhost!r}")
