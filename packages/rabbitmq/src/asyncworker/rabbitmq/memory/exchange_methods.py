"""What clients do with exchanges (AMQP 0-9-1, 1.6; exchange-to-exchange bindings of RabbitMQ)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pamqp.commands import Exchange as Frames

from asyncworker.rabbitmq.memory.errors import Refused
from asyncworker.rabbitmq.memory.exchange import Binding

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.rabbitmq.memory.channel import Channel

RESERVED: Final = "amq."


def _declare(channel: Channel, frame: Any) -> Frames.DeclareOk:
    _check_not_default(frame.exchange)
    vhost = channel.vhost
    if frame.passive:
        vhost.exchange(frame.exchange)
        return Frames.DeclareOk()
    if frame.exchange.startswith(RESERVED) and frame.exchange not in vhost.exchanges:
        raise reserved("exchange", frame.exchange)
    vhost.declare_exchange(
        frame.exchange,
        type=frame.exchange_type,
        durable=frame.durable,
        auto_delete=frame.auto_delete,
        internal=frame.internal,
        arguments=frame.arguments or {},
    )
    return Frames.DeclareOk()


def _delete(channel: Channel, frame: Any) -> Frames.DeleteOk:
    _check_not_default(frame.exchange)
    if frame.exchange.startswith(RESERVED):
        raise reserved("exchange", frame.exchange)
    exchange = channel.vhost.exchanges.get(frame.exchange)
    if exchange is not None:
        if frame.if_unused and exchange.bindings:
            raise Refused(406, f"{channel.vhost.subject('exchange', frame.exchange)} in use")
        channel.vhost.delete_exchange(exchange)
    return Frames.DeleteOk()


def _bind(channel: Channel, frame: Any) -> Frames.BindOk:
    _check_not_default(frame.source, frame.destination)
    source = channel.vhost.exchange(frame.source)
    source.bind(_binding(channel, frame))
    return Frames.BindOk()


def _unbind(channel: Channel, frame: Any) -> Frames.UnbindOk:
    _check_not_default(frame.source, frame.destination)
    source = channel.vhost.exchange(frame.source)
    channel.vhost.unbind(source, _binding(channel, frame))
    return Frames.UnbindOk()


def _binding(channel: Channel, frame: Any) -> Binding:
    destination = channel.vhost.exchange(frame.destination)
    return Binding(destination, frame.routing_key, frame.arguments or {})


def _check_not_default(*names: str) -> None:
    if "" in names:
        raise Refused(403, "operation not permitted on the default exchange")


def reserved(kind: str, name: str) -> Refused:
    """Return the answer to who wants a name that is the broker's own."""
    return Refused(403, f"{kind} name '{name}' contains reserved prefix 'amq.*'")


EXCHANGE_METHODS: Final[dict[type, Callable[[Channel, Any], Any]]] = {
    Frames.Declare: _declare,
    Frames.Delete: _delete,
    Frames.Bind: _bind,
    Frames.Unbind: _unbind,
}
