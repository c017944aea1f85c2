"""Options, checked where the user wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from asyncworker.errors import ConfigurationError, complaint, problem, suggestion
from asyncworker.options import DefaultValues, Events, Options


class HandlerOptions(BaseModel):
    """Hold the options that every handler has; what calls handlers extends it.

    timeout: seconds that the handler may take each time it is called. Then it is cancelled, and
    counts as one that raised HandlerTimeout. None: as long as it needs.
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
    bulk_flush_interval: seconds; a batch goes out when its oldest item is that old. None: what the
    setting `ASYNCWORKER_FLUSH_TIMEOUT` says.
    max_concurrency: the most batches handled side by side. None: as many as the backend holds.
    """

    bulk_size: int = Field(DefaultValues.BULK_SIZE, ge=1)
    bulk_flush_interval: float | None = Field(None, gt=0)
    max_concurrency: int | None = Field(None, ge=1)


class ScheduleOptions(HandlerOptions):
    """Hold the options of a schedule.

    max_concurrency: the most runs side by side; a tick that finds as many is skipped.
    """

    subject: ClassVar[str] = "a schedule"

    max_concurrency: int = Field(1, ge=1)


def _label(name: str) -> str:
    """Return an option the way a user writes it: `Options.BULK_SIZE`."""
    for enum in (Options, Events):
        for member in enum:
            if name == member:
                return f"{enum.__name__}.{member.name}"
    return name
