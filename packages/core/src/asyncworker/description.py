"""What routes take and give, as each backend says it; documents of an app are made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "Answer",
    "Body",
    "Channel",
    "Description",
    "Endpoint",
    "Field",
    "Message",
    "Operation",
    "Server",
]

Format: TypeAlias = Literal["asyncapi", "openapi"]
Action: TypeAlias = Literal["receive", "send"]
Place: TypeAlias = Literal["path", "query", "header", "cookie", "form"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Say where channels are, and never how to log in there.

    name: what the document calls it. host: with its port. path: of what there is several of at one
    host, as the vhost of a broker.
    """

    name: str
    host: str
    protocol: str
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Say by what messages come or go: a queue, a topic, a stream.

    address: its name there. servers: on each of which it is. bindings: those of AsyncAPI, by
    protocol. more: what its consumers may want to know besides, under names that begin with `x-`.
    """

    address: str
    servers: tuple[Server, ...] = ()
    bindings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Be a value beside a body, or a field of a form.

    type: as it stands on the handler. default: what takes its place where it is left out, if it may
    be. place: where it is in a request.
    """

    name: str
    type: Any = object
    is_required: bool = True
    default: Any = None
    place: Place = "header"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Say what a message looks like.

    type: that of its body, as it stands on the handler; object for any. content_type: None where it
    can be any.
    """

    type: Any = object
    content_type: str | None = None
    headers: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Say what a handler receives or sends by a channel.

    handler: whose name and docstring tell what it does. replies: any of which it answers to
    messages that say where their answer goes. bindings: those of AsyncAPI, by protocol.
    """

    action: Action
    channel: Channel
    handler: Callable[..., Any]
    message: Message = field(default_factory=Message)
    replies: tuple[Message, ...] = ()
    bindings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Say what the body of a request looks like.

    content_types: any of which it may have. type: as it stands on the handler. fields: of a form,
    in place of a type.
    """

    content_types: tuple[str, ...]
    type: Any = object
    fields: tuple[Field, ...] | None = None
    is_required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Say what a request may be answered by.

    about: when, in a sentence. status: None for any that no other answer is of. content_type: None
    where it has no body.
    """

    about: str
    status: int | None = None
    content_type: str | None = None
    type: Any = object


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Say what requests of one method and path are made of, and how they are answered.

    path: with its parameters as `{name}`. handler: as of an Operation.
    """

    method: str
    path: str
    handler: Callable[..., Any]
    parameters: tuple[Field, ...] = ()
    body: Body | None = None
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """Say what some routes take and give: by messages, by HTTP, or both."""

    operations: tuple[Operation, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
