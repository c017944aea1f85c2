"""The options of a route whose items come through an intake."""

from __future__ import annotations

from typing import Any

from asyncworker.errors import ConfigurationError
from asyncworker.handler_options import RouteOptions
from asyncworker.intake.rate import Key, Rate, checked_key, shown_key
from asyncworker.pausing.breaker import Breaker
from asyncworker.record import COUNT, by, checked_field, optional


def _checked_rate(value: Any) -> Rate:
    if not isinstance(value, Rate):
        raise ConfigurationError("must be a Rate")
    return value


def _checked_breaker(value: Any) -> Breaker | None:
    if not isinstance(value, Breaker | None):
        raise ConfigurationError("must be a Breaker")
    return value


class IntakeOptions(RouteOptions):
    """Hold the options by which items get into an order, batches and a pace, and a route waits.

    bulk_by: what tells the key that all items of a batch share: a function of an item, or the name
    of a header. bulk_bytes: the most bytes of bodies in a batch; a larger item is alone.
    order_by: what tells the key whose items are handled one after the other; None for none.
    rate: how many items the route begins with in some time.
    breaker: how much failure has the route wait. None: none has.
    """

    bulk_by: Key | None = checked_field(
        default=None, schema=optional(by(checked_key)), shown=shown_key
    )
    bulk_bytes: int | None = checked_field(default=None, schema=optional(COUNT))
    order_by: Key | None = checked_field(
        default=None, schema=optional(by(checked_key)), shown=shown_key
    )
    rate: Rate | None = checked_field(default=None, schema=optional(by(_checked_rate)), shown=repr)
    breaker: Breaker | None = checked_field(default=None, schema=by(_checked_breaker), shown=repr)

    def check_together(self) -> None:
        """Accept options that mean something beside each other.

        Raises: ConfigurationError
        """
        for option, value in (("BULK_BY", self.bulk_by), ("BULK_BYTES", self.bulk_bytes)):
            if value is not None and self.bulk_size == 1:
                raise ConfigurationError(
                    f"Options.{option} is about what a batch holds, and Options.BULK_SIZE is 1: "
                    "raise that, or leave this out"
                )
        if self.bulk_by is not None and self.order_by not in (None, self.bulk_by):
            raise ConfigurationError(
                "Options.BULK_BY and Options.ORDER_BY are two keys: batches by the one would bring "
                "the other out of order; say the same for both, or leave one out"
            )
        by = None if self.rate is None else self.rate.by
        if by is not None and self.bulk_size > 1 and self.bulk_by != by:
            raise ConfigurationError(
                "Options.RATE: by= tells whose rate it is, and a batch may be of several: say the "
                "same by Options.BULK_BY"
            )
