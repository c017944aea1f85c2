"""The messages that every peer gets."""

import json
from typing import Any

SMALL = 20
USUAL = 200
LARGE = 20_000
ROOM = 40
"""Bytes of an order beside its items."""
ITEM = {"product": "ab-1234", "amount": 3, "price": 19.95, "gift": False}


def body(size: int) -> dict[str, Any]:
    """Return an order that takes `size` bytes of JSON."""
    order: dict[str, Any] = {"id": 12345}
    if size > SMALL:
        # A large message is many small values, as in life, rather than one long text.
        order["items"] = [ITEM] * ((size - ROOM) // (len(encode(ITEM)) + 1))
    order["n"] = ""
    order["n"] = "x" * (size - len(encode(order)))
    return order


def changed(order: dict[str, Any]) -> dict[str, Any]:
    """Return what becomes of an order that is forwarded; it takes as many bytes."""
    return order | {"id": order["id"] + 1}


def encode(value: Any) -> bytes:
    """Return compact JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def stamped(sent: int, size: int) -> bytes:
    """Return a message that says when it was sent, in nanoseconds."""
    value = {"sent": sent, "n": ""}
    value["n"] = "x" * (size - len(encode(value)))
    return encode(value)
