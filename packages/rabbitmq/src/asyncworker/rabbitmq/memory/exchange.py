"""An exchange: where it sends what is published to it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from asyncworker.rabbitmq.memory.errors import Refused
from asyncworker.rabbitmq.shards import CONSISTENT_HASH, HASH_HEADER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from asyncworker.rabbitmq.memory.queue import Queue

ALTERNATE: Final = "alternate-exchange"
MATCHES: Final = ("all", "any", "all-with-x", "any-with-x")


@dataclass(frozen=True, slots=True)
class Binding:
    """Tie a queue, or another exchange, to an exchange."""

    destination: Queue | Exchange
    routing_key: str
    arguments: Mapping[str, Any]


@dataclass(eq=False, slots=True)
class Exchange:
    """Know its bindings, and which of them take a message."""

    name: str
    type: str
    durable: bool = True
    auto_delete: bool = False
    internal: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)
    bindings: list[Binding] = field(default_factory=list)

    @property
    def properties(self) -> dict[str, Any]:
        """Return what may not differ when it is declared again."""
        names = ("type", "durable", "auto_delete", "internal")
        properties = {name: getattr(self, name) for name in names}
        return properties | {ALTERNATE: self.arguments.get(ALTERNATE)}

    def bind(self, binding: Binding) -> None:
        """Add a binding; a second one that is the same changes nothing."""
        if self.type == "headers":
            _check_match(binding.arguments)
        if self.type == CONSISTENT_HASH:
            _check_weight(binding.routing_key)
        if binding not in self.bindings:
            self.bindings.append(binding)

    def matching(self, key: str, headers: Mapping[str, Any]) -> Iterator[Queue | Exchange]:
        """Yield the destinations of a message, perhaps some of them twice."""
        if self.type == CONSISTENT_HASH:
            return iter(self._hashed(key, headers))
        matches = TYPES[self.type]
        return (one.destination for one in self.bindings if matches(one, key, headers))

    def _hashed(self, key: str, headers: Mapping[str, Any]) -> list[Queue | Exchange]:
        """Return the one destination of all messages with the same header, or routing key."""
        places = [one.destination for one in self.bindings for _ in range(int(one.routing_key))]
        if not places:
            return []
        header = self.arguments.get(HASH_HEADER)
        hashed = key if header is None else headers.get(header)
        return [places[zlib.crc32(repr(hashed).encode()) % len(places)]]


def _direct(binding: Binding, key: str, headers: Mapping[str, Any]) -> bool:
    return binding.routing_key == key


def _fanout(binding: Binding, key: str, headers: Mapping[str, Any]) -> bool:
    return True


def _topic(binding: Binding, key: str, headers: Mapping[str, Any]) -> bool:
    return _words_match(binding.routing_key.split("."), key.split(".") if key else [])


def _words_match(pattern: list[str], words: list[str]) -> bool:
    """Tell whether words match: `*` stands for one of them, `#` for any number."""
    if not pattern or pattern == [""]:
        return not words
    first, rest = pattern[0], pattern[1:]
    if first == "#":
        return any(_words_match(rest, words[count:]) for count in range(len(words) + 1))
    return bool(words) and first in ("*", words[0]) and _words_match(rest, words[1:])


def _headers(binding: Binding, key: str, headers: Mapping[str, Any]) -> bool:
    match = binding.arguments.get("x-match", "all")
    found = [
        name in headers and value in (None, headers[name])
        for name, value in binding.arguments.items()
        if name != "x-match" and (match.endswith("-with-x") or not name.startswith("x-"))
    ]
    return any(found) if match.startswith("any") else all(found)


def _check_match(arguments: Mapping[str, Any]) -> None:
    match = arguments.get("x-match", "all")
    if match not in MATCHES:
        raise Refused(406, f"Invalid x-match field value {match!r}; expected all or any")


def _check_weight(key: str) -> None:
    if not key.isdecimal() or not int(key):
        raise Refused(406, f"The binding key must be an integer greater than 0: {key}")


TYPES: Final[dict[str, Callable[[Binding, str, Mapping[str, Any]], bool]]] = {
    "direct": _direct,
    "fanout": _fanout,
    "topic": _topic,
    "headers": _headers,
    # Of these one takes it, whichever the others are.
    CONSISTENT_HASH: _fanout,
}
