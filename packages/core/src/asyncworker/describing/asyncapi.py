"""A document of AsyncAPI 3.0: the channels of an app, and what it receives and sends by them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from asyncworker.describing.about import short_name, told_of
from asyncworker.describing.keywords import in_draft_7
from asyncworker.describing.names import UNFIT, Names
from asyncworker.describing.schemas import GIVEN, REFERENCE, TAKEN, Schemas, default_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncworker.describing.about import About
    from asyncworker.describing.schemas import Mode, Wanted
    from asyncworker.description import Channel, Description, Message, Operation, Server

VERSION: Final = "3.0.0"
REPLY_TO: Final = "$message.header#/replyTo"
ANY: Final = "Message"
"""What a message is called whose body can be anything."""


def asyncapi(described: Description, about: About) -> dict[str, Any]:
    """Return the document of what is received and sent.

    Source: AsyncAPI Specification 3.0.0.
    """
    return _Writer(described).document(about)


class _Writer:
    """Write one document."""

    def __init__(self, described: Description) -> None:
        self._operations = described.operations
        self._schemas = Schemas(_wanted(described))
        self._channel_names = Names()
        self._operation_names = Names()
        self._server_names = Names()
        self._servers: dict[str, dict[str, str]] = {}
        self._channels: dict[str, dict[str, Any]] = {}

    def document(self, about: About) -> dict[str, Any]:
        """Return it."""
        operations = dict(map(self._operation, self._operations))
        components = {name: in_draft_7(schema) for name, schema in self._schemas.components.items()}
        parts = {
            "servers": self._servers,
            "channels": self._channels,
            "operations": operations,
            "components": {"schemas": components} if components else {},
        }
        told = {name: part for name, part in parts.items() if part}
        return {"asyncapi": VERSION, "info": about.info, **told}

    def _operation(self, one: Operation) -> tuple[str, dict[str, Any]]:
        mode: Mode = TAKEN if one.action == "receive" else GIVEN
        channel = self._channel(one.channel)
        handler = short_name(one.handler)
        owner = (one.action, channel, getattr(one.handler, "__module__", None), handler)
        name = self._operation_names.of(owner, f"{handler}.{channel}")
        told: dict[str, Any] = {
            "action": one.action,
            "channel": _reference("channels", channel),
            "title": handler,
            **told_of(one.handler),
            "messages": [self._message(channel, one.message, mode, handler)],
        }
        if one.replies:
            told["reply"] = self._reply(name, one.replies, handler)
        if one.bindings:
            told["bindings"] = one.bindings
        return name, told

    def _channel(self, channel: Channel) -> str:
        """Return the name of a channel, which is in the document from now on."""
        places = tuple((one.name, one.host, one.path) for one in channel.servers)
        owner = (channel.address, places, repr(channel.bindings))
        name = self._channel_names.of(owner, channel.address)
        if name not in self._channels:
            told = _address(channel.address)
            if channel.servers:
                told["servers"] = [self._server(one) for one in channel.servers]
            told["messages"] = {}
            if channel.bindings:
                told["bindings"] = channel.bindings
            self._channels[name] = {**told, **channel.more}
        return name

    def _server(self, server: Server) -> dict[str, str]:
        told = {"host": server.host, "protocol": server.protocol, "pathname": server.path}
        name = self._server_names.of(server, server.name)
        self._servers[name] = {part: text for part, text in told.items() if text}
        return _reference("servers", name)

    def _reply(self, operation: str, messages: tuple[Message, ...], handler: str) -> dict[str, Any]:
        channel = self._channel_names.of((operation, "reply"), f"{operation}.reply")
        self._channels[channel] = {"address": None, "messages": {}}
        return {
            "address": {"location": REPLY_TO},
            "channel": _reference("channels", channel),
            "messages": [self._message(channel, one, GIVEN, handler) for one in messages],
        }

    def _message(self, channel: str, message: Message, mode: Mode, handler: str) -> dict[str, str]:
        """Return a reference to a message, which is in its channel from now on."""
        payload = in_draft_7(self._schemas.of(message.type, mode))
        name = _name_of(payload)
        told: dict[str, Any] = {"name": name}
        if message.content_type is not None:
            told["contentType"] = message.content_type
        if message.headers:
            told["headers"] = self._headers(message, mode)
        told["payload"] = payload
        known = self._channels[channel]["messages"]
        if known.get(name, told) != told:
            name = UNFIT.sub("_", f"{name}.{handler}")
        known[name] = told
        return _reference("channels", channel, "messages", name)

    def _headers(self, message: Message, mode: Mode) -> dict[str, Any]:
        properties = {
            one.name: in_draft_7(self._schemas.of(one.type, mode)) | default_of(one)
            for one in message.headers
        }
        required = [one.name for one in message.headers if one.is_required]
        told = {"type": "object", "properties": properties}
        return {**told, "required": required} if required else told


def _wanted(described: Description) -> Iterator[Wanted]:
    for one in described.operations:
        mode: Mode = TAKEN if one.action == "receive" else GIVEN
        yield from _of_message(one.message, mode)
        for reply in one.replies:
            yield from _of_message(reply, GIVEN)


def _of_message(message: Message, mode: Mode) -> Iterator[Wanted]:
    yield message.type, mode
    for header in message.headers:
        yield header.type, mode


def _address(text: str) -> dict[str, Any]:
    """Return what a channel's address is: with braces it would be a pattern (Channel Object)."""
    return {"address": None, "title": text} if set("{}") & set(text) else {"address": text}


def _name_of(payload: dict[str, Any]) -> str:
    reference = payload.get("$ref")
    if reference is None:
        return ANY
    name = str(reference).removeprefix(REFERENCE)
    return name.removesuffix("-Input").removesuffix("-Output")


def _reference(*path: str) -> dict[str, str]:
    return {"$ref": "/".join(("#", *path))}
