"""What `app.route(options=...)` takes, and what it means when left out."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum, auto
from typing import Any, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from asyncworker.errors import ConfigurationError, complaint, problem, suggestion
from asyncworker.route_types import RouteTypes

__all__ = ["Actions", "DefaultValues", "Events", "Options", "RouteOptions", "RouteTypes"]


class Options(StrEnum):
    """Name what shapes the batches of a route, and bounds their handling."""

    BULK_SIZE = auto()
    BULK_FLUSH_INTERVAL = auto()
    MAX_CONCURRENCY = auto()
    TIMEOUT = auto()


class Events(StrEnum):
    """Name what can happen to the messages of a batch."""

    ON_SUCCESS = auto()
    ON_EXCEPTION = auto()


class Actions(StrEnum):
    """Name what is done with a message: confirm it, drop or dead-letter it, put it back."""

    ACK = auto()
    REJECT = auto()
    REQUEUE = auto()


class DefaultValues:
    """Hold what an option is when it is not given."""

    BULK_SIZE: Final = 1
    BULK_FLUSH_INTERVAL: Final = 60.0
    ON_SUCCESS: Final = Actions.ACK
    ON_EXCEPTION: Final = Actions.REQUEUE


class HandlerOptions(BaseModel):
    """Hold the options that every handler has; what calls handlers extends it.

    timeout: seconds that the handler may take each time it is called. None: as long as it needs.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)
    subject: ClassVar[str] = "this route"
    """What has these options, as error messages name it."""

    timeout: float | None = Field(None, gt=0)

    def __init__(self, **options: Any) -> None:
        try:
            super().__init__(**options)
        except ValidationError as error:
            raise ConfigurationError(self._explain(error)) from None

    @classmethod
    def parse(cls, options: Mapping[Any, Any] | HandlerOptions | None) -> Self:
        """Return the options as this class, checked.

        Raises: ConfigurationError, naming the option and its value.
        """
        if type(options) is cls:
            return options
        if isinstance(options, HandlerOptions):
            options = options.model_dump(exclude_unset=True)
        if not isinstance(options, Mapping | None):
            raise ConfigurationError(f"options must be a dict keyed by Options, got {options!r}")
        return cls(**{str(key): value for key, value in (options or {}).items()})

    @classmethod
    def _explain(cls, error: ValidationError) -> str:
        name, details = problem(error)
        if details["type"] == "extra_forbidden":
            hint = suggestion(_label(name), map(_label, cls.model_fields))
            return f"{cls.subject} takes no option {_label(name)}: {hint}"
        return f"{_label(name)}: {complaint(details, details['input'])}"


class RouteOptions(HandlerOptions):
    """Hold the options that every route of batches has; a backend may extend it.

    bulk_size: the most items a handler is given at once.
    bulk_flush_interval: seconds; a batch goes out when its oldest item is that old. None: the
    setting `ASYNCWORKER_FLUSH_TIMEOUT`.
    max_concurrency: the most batches handled side by side. None: as many as the backend holds.
    """

    bulk_size: int = Field(DefaultValues.BULK_SIZE, ge=1)
    bulk_flush_interval: float | None = Field(None, gt=0)
    max_concurrency: int | None = Field(None, ge=1)


def _label(name: str) -> str:
    """Return an option the way a user writes it: `Options.BULK_SIZE`."""
    for enum in (Options, Events):
        for member in enum:
            if name == member:
                return f"{enum.__name__}.{member.name}"
    return name
