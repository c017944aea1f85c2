"""What makes the spans of an app."""

from __future__ import annotations

import logging
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

from opentelemetry import propagate, trace
from opentelemetry.context import Context, get_current
from opentelemetry.trace import INVALID_SPAN, Link, SpanKind

from asyncworker.handling.repeated_failures import Failures
from asyncworker.routes import standing_for
from asyncworker.tracing.current_span import CurrentSpan
from asyncworker.tracing.ended_span import end, fail
from asyncworker.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from opentelemetry.trace import Span, SpanContext, TracerProvider

    from asyncworker.operation import Carrier, Operation
    from asyncworker.routes import Handler

R = TypeVar("R", bound=Any)

log = logging.getLogger(__name__)

MOST_LINKS: Final = 128
"""The most links of one span."""


class Tracing:
    """Make spans, and take contexts out of headers.

    What goes wrong with a span is logged, and never touches what it tells of.

    provider: what makes them; that of the process when left out.
    """

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("asyncworker", __version__, provider)
        self._failures = Failures(log, "traces: the library of OpenTelemetry")

    def traced(self, called: R) -> R:
        """Return a route or schedule whose calls are a span each.

        One that has a `traced(tracing)` of its own makes itself so.
        """
        by_itself = getattr(called, "traced", None)
        if by_itself is None:
            made: R = called.around(partial(self.around, describe=called.operation))
        else:
            made = by_itself(self)
        return made

    def around(self, handler: Handler, describe: Callable[..., Operation]) -> Handler:
        """Return a handler whose calls are a span each.

        describe: says what it tells, out of what the handler is called with.
        """

        @standing_for(handler)
        async def call(*arguments: Any) -> Any:
            with self.current(lambda: describe(*arguments)):
                return await handler(*arguments)

        return call

    def current(self, describe: Callable[[], Operation]) -> CurrentSpan:
        """Return a span that is the current one while its `with` lasts, whatever is so before."""
        span: Span = INVALID_SPAN
        context = Context()
        try:
            operation = describe()
            context = propagate.extract(operation.parent, context)
            span = self._started(operation, context)
            context = _with(span, context)
        except Exception as error:  # noqa: BLE001 (samplers and processors of users)
            self._failures.report(error)
        return CurrentSpan(span, context, self._failures)

    def start(
        self, describe: Callable[[], Operation], within: Context | None = None
    ) -> tuple[Span, Carrier]:
        """Return a span that is not the current one, and what carries its context on.

        within: the context that it goes on in; the current one when left out.
        """
        span: Span = INVALID_SPAN
        carrier: dict[str, str] = {}
        context = get_current() if within is None else within
        try:
            span = self._started(describe(), context)
            propagate.inject(carrier, _with(span, context))
        except Exception as error:  # noqa: BLE001 (as above)
            self._failures.report(error)
        return span, carrier

    def end(self, span: Span, error: BaseException | None = None) -> None:
        """End what `start()` returned. error: what was raised."""
        end(span, error, self._failures)

    def fail(self, span: Span, reason: BaseException | str) -> None:
        """Have a span tell of an error. reason: what was raised, or the kind of error."""
        fail(span, reason)

    def here(self) -> Context:
        """Return the current context, for what goes on in it later."""
        return get_current()

    def has_context(self, carrier: Carrier) -> bool:
        """Tell whether headers carry a context already."""
        return _context_of(carrier).is_valid

    def _started(self, operation: Operation, context: Context) -> Span:
        return self._tracer.start_span(
            operation.name,
            context,
            SpanKind[operation.kind],
            operation.attributes,
            [Link(one) for one in islice(_distinct(operation.links), MOST_LINKS)],
        )


def _with(span: Span, context: Context) -> Context:
    """Return the context of a span; where it is none, what it would have gone on in."""
    is_span = span.get_span_context().is_valid
    return trace.set_span_in_context(span, context) if is_span else context


def _distinct(carriers: Iterable[Carrier]) -> Iterator[SpanContext]:
    """Yield each context once: what was published together has the same."""
    fields = tuple(propagate.get_global_textmap().fields)
    seen: set[object] = set()
    for carrier in carriers:
        key = tuple(map(carrier.get, fields))
        if key not in seen:
            seen.add(key)
            context = _context_of(carrier)
            if context.is_valid and (own := (context.trace_id, context.span_id)) not in seen:
                seen.add(own)
                yield context


def _context_of(carrier: Carrier) -> SpanContext:
    within = propagate.extract(carrier, Context())
    return trace.get_current_span(within).get_span_context()
