"""Spans of schedules, and what holds for those of all that is handled."""

import asyncio
import sys

import pytest
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import SpanKind, StatusCode, get_current_span
from pydantic import BaseModel

from asyncworker import App
from asyncworker.errors import ConfigurationError
from packages.core.tests.waiting import turns

SECRET = "hunter2"


@pytest.fixture
def app():
    return App()


@pytest.fixture
def traced(app, spans):
    """Run a function by a traced schedule, and return the span of its first run."""
    app.trace(spans.provider)

    async def traced(function, count=1):
        app.run_every(0.01)(function)
        async with app.started():
            return await spans.wait(f"run {function.__qualname__}", count)

    return traced


async def test_begins_a_trace_with_each_run_whatever_was_current(traced, spans):
    async def tidy():
        pass

    tracer = spans.provider.get_tracer("test")
    with tracer.start_as_current_span("main"):
        first, second, *_ = await traced(tidy, 2)

    assert (SpanKind.INTERNAL, None, StatusCode.UNSET) == (
        first.kind,
        first.parent,
        first.status.status_code,
    )
    assert first.context.trace_id != second.context.trace_id
    assert "asyncworker" == first.instrumentation_scope.name


async def test_is_current_in_a_handler_and_in_what_it_starts(traced, spans):
    tracer = spans.provider.get_tracer("test")

    async def child(name):
        with tracer.start_as_current_span(name):
            await asyncio.sleep(0)

    async def tidy():
        await child("awaited")
        await asyncio.create_task(child("started"))
        await asyncio.to_thread(lambda: tracer.start_span("thread").end())

    run, *_ = await traced(tidy)

    for name in ("awaited", "started", "thread"):
        own, *_ = await spans.wait(name)
        assert run.context.span_id == own.parent.span_id


async def test_is_current_in_a_plain_function(traced, spans):
    tracer = spans.provider.get_tracer("test")

    def tidy():
        tracer.start_span("within").end()

    run, *_ = await traced(tidy)
    within, *_ = await spans.wait("within")

    assert run.context.span_id == within.parent.span_id


async def test_leaves_a_worker_task_as_it_was(traced, spans):
    tasks, before = set(), []

    async def tidy():
        tasks.add(asyncio.current_task())

    before.append(get_current_span())
    await traced(tidy, 3)

    # One that had a context variable left set would have been replaced.
    assert 1 == len(tasks)
    assert before == [get_current_span()]


async def test_tells_of_an_error_bounded_and_without_data(traced):
    class Account(BaseModel):
        balance: int

    async def fail():
        raise ValueError("x" * 5000)

    async def parse():
        Account.model_validate({"balance": SECRET})

    failed, *_ = await traced(fail)
    refused, *_ = await traced(parse)

    assert StatusCode.ERROR == failed.status.status_code
    assert failed.status.description.startswith("ValueError: xxx")
    assert "builtins.ValueError" == failed.attributes["error.type"]
    [event] = failed.events
    assert "exception" == event.name
    assert "ValueError" == event.attributes["exception.type"]
    assert len(failed.to_json()) < 10_000
    assert "ValidationError" in refused.attributes["error.type"]
    assert SECRET not in refused.to_json()


async def test_takes_a_cancelled_run_for_no_error(app, spans, monkeypatch):
    monkeypatch.setenv("ASYNCWORKER_SHUTDOWN_TIMEOUT", "0")
    app = App()
    app.trace(spans.provider)
    begun = asyncio.Event()

    @app.run_every(60)
    async def wait():
        begun.set()
        await asyncio.Event().wait()

    with pytest.raises(Exception, match="cut short"):
        async with app.started():
            await begun.wait()

    [span] = spans.all
    assert StatusCode.UNSET == span.status.status_code


@pytest.mark.parametrize("moment", ["on_start", "on_end"])
async def test_runs_what_it_cannot_tell_of(app, spans, logs, moment):
    def fail(*_, **__):
        raise OSError("no disk")

    spans.provider.add_span_processor(type("Broken", (SpanProcessor,), {moment: fail})())
    app.trace(spans.provider)
    runs = asyncio.Event()

    @app.run_every(60)
    async def tidy():
        runs.set()

    async with app.started():
        await runs.wait()
        await turns()

    [line] = logs.errors
    assert "traces: the library of OpenTelemetry raised OSError('no disk')" == line.getMessage()


async def test_runs_without_an_sdk(app):
    app.trace()
    runs = asyncio.Event()

    @app.run_every(60)
    async def tidy():
        runs.set()

    async with app.started():
        await runs.wait()


async def test_is_asked_for_before_the_run(app):
    app.run_every(60)(turns)
    async with app.started():
        with pytest.raises(ConfigurationError, match="declare traces before"):
            app.trace()


def test_says_what_to_install(app, monkeypatch):
    monkeypatch.delitem(sys.modules, "asyncworker.tracing.tracing", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ConfigurationError) as raised:
        app.trace()
    reason = "trace() needs opentelemetry-api: pip install 'asyncworker-core[otel]'"
    assert reason == str(raised.value)
