"""A span that is the current one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.context import attach, detach

from asyncworker.tracing.ended_span import end

if TYPE_CHECKING:
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from asyncworker.handling.repeated_failures import Failures


class CurrentSpan:
    """Have a context be the current one while the `with` lasts; its span ends with that."""

    __slots__ = ("_context", "_failures", "_span", "_token")

    def __init__(self, span: Span, context: Context, failures: Failures) -> None:
        self._span = span
        self._context = context
        self._failures = failures
        self._token: Token[Context] | None = None

    def __enter__(self) -> Span:
        self._token = attach(self._context)
        return self._span

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        # What is thrown away with its loop is so elsewhere, where nothing was attached.
        if self._token is not None and not isinstance(error, GeneratorExit):
            detach(self._token)
            end(self._span, error, self._failures)
