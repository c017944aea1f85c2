"""Options, checked where the user wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from asyncworker.errors import ConfigurationError, suggestion
from asyncworker.options import DefaultValues, Events, Options
from asyncworker.record import COUNT, SECONDS, Record, checked_field, fields_of, optional

if TYPE_CHECKING:
    from pydantic_core import CoreConfig, ErrorDetails

STRICT: Final[CoreConfig] = {"strict": True, "allow_inf_nan": False}


class HandlerOptions(Record):
    """Hold the options that every handler has; what calls handlers extends it.

    timeout: seconds that the handler may take each time it is called. Then it is cancelled, and
    counts as one that raised HandlerTimeout. None: as long as it needs.
    """

    config = STRICT
    subject: ClassVar[str] = "this route"
    """What has these options, as error messages name it."""

    timeout: float | None = checked_field(default=None, schema=optional(SECONDS))

    @classmethod
    def parse(cls, options: Mapping[Any, Any] | HandlerOptions | None) -> Self:
        """Return the options as this class, checked.

        Raises: ConfigurationError, naming the option and its value.
        """
        if type(options) is cls:
            return options
        if isinstance(options, HandlerOptions):
            options = options.given
        if not isinstance(options, Mapping | None):
            raise ConfigurationError(f"options must be a dict keyed by Options, got {options!r}")
        return cls(**{str(key): value for key, value in (options or {}).items()})

    @classmethod
    def _explain(cls, name: str, details: ErrorDetails) -> str:
        if details["type"] == "extra_forbidden":
            hint = suggestion(_label(name), (_label(one.name) for one in fields_of(cls)))
            return f"{cls.subject} takes no option {_label(name)}: {hint}"
        return super()._explain(_label(name), details)


class RouteOptions(HandlerOptions):
    """Hold the options that every route of batches has; a backend may extend it.

    bulk_size: the most items a handler is given at once.
    bulk_flush_interval: seconds; a batch goes out when its oldest item is that old. None: what the
    setting `ASYNCWORKER_FLUSH_TIMEOUT` says.
    max_concurrency: the most batches handled side by side. None: as many as the backend holds.
    """

    bulk_size: int = checked_field(default=DefaultValues.BULK_SIZE, schema=COUNT)
    bulk_flush_interval: float | None = checked_field(default=None, schema=optional(SECONDS))
    max_concurrency: int | None = checked_field(default=None, schema=optional(COUNT))


class ScheduleOptions(HandlerOptions):
    """Hold the options of a schedule.

    max_concurrency: the most runs side by side; a tick that finds as many is skipped.
    """

    subject: ClassVar[str] = "a schedule"

    max_concurrency: int = checked_field(default=1, schema=COUNT)


def _label(name: str) -> str:
    """Return an option the way a user writes it: `Options.BULK_SIZE`."""
    for enum in (Options, Events):
        for member in enum:
            if name == member:
                return f"{enum.__name__}.{member.name}"
    return name
