"""Frames of AMQP 0-9-1 (2.3.5, 4.2.3): a kind, a channel, a size, a payload, and one last octet."""

from __future__ import annotations

from enum import Enum
from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from asyncworker.options import Actions

if TYPE_CHECKING:
    from collections.abc import Iterable

METHOD: Final = 1
HEADER: Final = 2
BODY: Final = 3
KINDS: Final = (METHOD, HEADER, BODY, 8)
END: Final = 0xCE
START: Final = Struct("!BHI")
"""Kind, channel, and bytes of payload."""
OVERHEAD: Final = 8
"""Bytes of a frame that are not payload."""
HEADER_START: Final = 12
"""Bytes of a content header before the properties (2.3.5.2)."""
UNLIMITED: Final = 2**32 + OVERHEAD
"""Bytes of a frame than which none can say that it is larger."""
HEARTBEAT: Final = b"\x08\x00\x00\x00\x00\x00\x00\xce"

BASIC: Final = 60 << 16
"""The class of all content, and its weight, which is unused."""
PUBLISH: Final = BASIC | 40
RETURN: Final = BASIC | 50
DELIVER: Final = BASIC | 60
GET_OK: Final = BASIC | 71
ACK: Final = BASIC | 80
REJECT: Final = BASIC | 90
NACK: Final = BASIC | 120
CHANNEL_CLOSE: Final = 20 << 16 | 40
CHANNEL_CLOSE_OK: Final = 20 << 16 | 41
CONNECTION_CLOSE: Final = 10 << 16 | 50
CONNECTION_CLOSE_OK: Final = 10 << 16 | 51

_SETTLEMENT: Final = Struct("!BHIIQBB")


def payload_of(frame_max: int) -> int:
    """Return the most payload of a frame of so many bytes; 0 stands for no limit."""
    return (frame_max or UNLIMITED) - OVERHEAD


class Unhandled(Enum):
    """Stand beside `Actions` for what becomes of messages that no handler was given."""

    RETURN = "return"


Decision: TypeAlias = Actions | Unhandled

_REFUSALS: Final[dict[Decision, tuple[int, int]]] = {
    Actions.REJECT: (REJECT, 0),
    Actions.REQUEUE: (REJECT, 1),
    Unhandled.RETURN: (NACK, 2),
}
"""Method and the bit for going back; the bit below that of a Nack is `multiple`."""


class Settlement(NamedTuple):
    """Stand for one frame to the broker; `multiple` covers every lower tag not yet settled."""

    delivery_tag: int
    action: Decision
    multiple: bool


def settlement_frames(channel: int, settlements: Iterable[Settlement]) -> bytes:
    """Return Basic.Ack, Basic.Reject and Basic.Nack frames, one after the other.

    Those of AMQP 0-9-1 are in 1.8.3.13 and 1.8.3.14, Basic.Nack is RabbitMQ's own. What is put back
    by a Reject counts as a failure for a quorum queue; since RabbitMQ 4.3 that by a Nack does not.
    """
    return b"".join(
        _SETTLEMENT.pack(METHOD, channel, 13, ACK, tag, multiple, END)
        if action is Actions.ACK
        else _refusal_frame(channel, tag, action, multiple)
        for tag, action, multiple in settlements
    )


def _refusal_frame(channel: int, tag: int, action: Decision, multiple: bool) -> bytes:
    method, requeue = _REFUSALS[action]
    return _SETTLEMENT.pack(METHOD, channel, 13, method, tag, requeue | multiple, END)
