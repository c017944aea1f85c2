"""Where what handlers return is published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq.checks import checked_name, short_text
from asyncworker.rabbitmq.topology import MAX_EXCHANGE, MAX_QUEUE, Queue
from asyncworker.signatures import signature_of

if TYPE_CHECKING:
    from asyncworker.routes import Handler


@dataclass(frozen=True, slots=True)
class Target:
    """Say where what a handler returns is published, for `publish_to=`.

    routing_key: the name of a queue, where no exchange is named.
    exchange: its name; the default exchange when left out.
    Raises: ConfigurationError
    """

    routing_key: str = ""
    exchange: str = ""

    def __post_init__(self) -> None:
        short_text("target: routing_key", self.routing_key, MAX_QUEUE)
        if self.exchange != "":
            checked_name("exchange", self.exchange, MAX_EXCHANGE, is_ours=False)
        elif not self.routing_key:
            raise ConfigurationError("a Target needs routing_key= (a queue's name) or exchange=")


def returns_nothing(handler: Handler) -> bool:
    """Tell a handler that says it returns None."""
    try:
        return signature_of(handler).return_annotation in (None, "None")
    except ValueError:
        # Some built-in functions have none to look at.
        return False


def checked_target(publish_to: Any) -> Target:
    """Return where a route publishes to.

    Raises: ConfigurationError
    """
    if isinstance(publish_to, Target):
        return publish_to
    if isinstance(publish_to, Queue):
        return Target(publish_to.name)
    if not isinstance(publish_to, str):
        kinds = "a queue's name, a Queue or a Target"
        raise ConfigurationError(f"publish_to must be {kinds}, got {publish_to!r}")
    return Target(checked_name("publish_to: queue", publish_to, MAX_QUEUE, is_ours=False))
