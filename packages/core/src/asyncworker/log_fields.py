"""What each line says by itself that is logged while a handler runs."""

from __future__ import annotations

import re
import sys
from contextvars import Context, ContextVar, copy_context
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    Fields = dict[str, Any]
    FieldsOf = Callable[[Any], Fields]

__all__ = ["Subject"]

LONGEST: Final = 200
"""The most characters of one value: who sends a message or a request chooses it."""
TRACE_PARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
"""The header `traceparent` (W3C Trace Context, 3.2), with its trace id."""

_fields_of: ContextVar[FieldsOf | None] = ContextVar("asyncworker_log_fields_of", default=None)
_essence: ContextVar[object] = ContextVar("asyncworker_log_essence", default=None)
set_fields_of: Final = _fields_of.set
"""Tell what makes the fields of what is handled here. Bound, as that takes less time."""
set_essence: Final = _essence.set
"""Tell which of all that the same code handles is handled here."""
VARIABLES: Final = (_fields_of, _essence)


class Subject(NamedTuple):
    """Tell what lines say that are logged while a batch is handled.

    essence_of: returns of a batch what tells it from others; small, as whoever copies the context
    may keep it for ever. fields_of: makes the fields of that, for each line, in any thread.
    """

    essence_of: Callable[[Any], object]
    fields_of: FieldsOf

    @classmethod
    def always(cls, **fields: object) -> Subject:
        """Return one with the same fields for all."""
        return cls(lambda _batch: None, lambda _essence: dict(fields))


def begin(fields_of: FieldsOf | None, essence: object = None) -> None:
    """Have lines in this context be about something, or about nothing."""
    set_fields_of(fields_of)
    set_essence(essence)


def log_fields() -> Fields:
    """Return what lines say of what is handled here, such as `route` and `message_id`.

    Outside handlers that is nothing.
    """
    fields_of = _fields_of.get()
    if fields_of is None:
        return {}
    try:
        fields = fields_of(_essence.get())
        trace_id = _current_trace_id() or trace_id_of(fields.pop("traceparent", None))
    except Exception:  # noqa: BLE001 (a line without them is better than none)
        return {}
    found = {**fields, "trace_id": trace_id}
    return {name: _bounded(value) for name, value in found.items() if value not in (None, "")}


def beyond_handler() -> Context:
    """Return this context for what goes on beyond the handler: its lines are not about that."""
    context = copy_context()
    context.run(begin, None)
    return context


def trace_id_of(trace_parent: object) -> str | None:
    """Return the trace id in the value of a header `traceparent`; None where that is none."""
    if not isinstance(trace_parent, str):
        return None
    match = TRACE_PARENT.fullmatch(trace_parent.strip(" \t"))
    if match is None or trace_parent.startswith("ff") or not match[1].strip("0"):
        return None
    return match[1]


def _current_trace_id() -> str | None:
    """Return that of the current span, where the program uses OpenTelemetry."""
    # What nobody has imported has no current span.
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def _bounded(value: object) -> object:
    if isinstance(value, str) and len(value) > LONGEST:
        return f"{value[:LONGEST]}..."
    return value
