"""How a span ends, and what it tells of an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from opentelemetry.trace import Status, StatusCode

from asyncworker.handling.cancellation import is_cancelled_from_outside
from asyncworker.handling.redaction import redacted, told

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from asyncworker.handling.repeated_failures import Failures


def end(span: Span, error: BaseException | None, failures: Failures) -> None:
    """End a span. error: what was raised. failures: is told when the span itself fails."""
    try:
        if error is not None and not is_cancelled_from_outside(error):
            fail(span, error)
        span.end()
    except Exception as raised:  # noqa: BLE001 (processors and exporters of users)
        failures.report(raised)


def fail(span: Span, reason: BaseException | str) -> None:
    """Have a span tell of an error: bounded, and without data.

    reason: what was raised, or the kind of error where nothing was.
    """
    if not span.is_recording():
        return
    if isinstance(reason, str):
        span.set_attribute("error.type", reason)
        span.set_status(Status(StatusCode.ERROR))
        return
    kind = type(reason)
    # A SystemExit is told of as well, whatever the library's annotation says.
    span.record_exception(cast("Exception", redacted(reason)))
    span.set_attribute("error.type", f"{kind.__module__}.{kind.__qualname__}")
    span.set_status(Status(StatusCode.ERROR, told(reason)))
