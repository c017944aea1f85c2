"""Metrics of one process."""

import asyncio
import subprocess
import sys
import time

import pytest
from prometheus_client import REGISTRY, Counter
from prometheus_client.parser import text_string_to_metric_families

from asyncworker import App
from asyncworker.feed import BatchEnded, Connected, Disconnected, Statistics
from asyncworker.metrics import exposition


class Watched:
    """An app whose metrics are read."""

    def __init__(self):
        self.app = App()
        self.statistics = Statistics()
        self.app.feed.add(self.statistics)

    def activity(self, kind, name, *sources, usual="ack"):
        return self.app.feed.activity(kind, name, sources, usual)

    def series(self):
        """All series but those of the default registry, by name and labels."""
        others = {sample.name for family in REGISTRY.collect() for sample in family.samples}
        found = {}
        text = exposition(self.app, self.statistics).decode()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                key = (sample.name, *sorted(sample.labels.items()))
                assert key not in found, f"{key} is there twice"
                found[key] = sample.value
        return {key: value for key, value in found.items() if key[0] not in others}

    def named(self, name):
        """The series of a name, by the values of their labels in the order of the names."""
        return {
            tuple(value for _, value in key[1:]): value
            for key, value in self.series().items()
            if key[0] == name
        }


@pytest.fixture
def watched():
    return Watched()


def end(activity, size=1, count=1):
    """Have so many batches begin and end at once."""
    for _ in range(count):
        activity.recording.begin(None, size)
        activity.recording.end(None)


def test_counts_messages_by_what_became_of_them(watched):
    route = watched.activity("rabbitmq", "store", "orders")
    end(route, size=5, count=2)
    route.count("orders", "retry", 3)
    route.counted(ValueError("no room"))
    end(route, size=3)
    assert watched.named("asyncworker_messages_total") == {
        ("ack", "orders", "store"): 10,
        ("late", "orders", "store"): 0,
        ("reject", "orders", "store"): 0,
        ("requeue", "orders", "store"): 0,
        ("retry", "orders", "store"): 3,
    }
    assert watched.named("asyncworker_retries_total") == {("store",): 3}
    assert watched.named("asyncworker_failures_total") == {("store",): 1}


def test_shows_how_large_batches_were(watched):
    route = watched.activity("rabbitmq", "store", "orders")
    end(route, size=1)
    end(route, size=100, count=2)
    end(route, size=9000)
    buckets = watched.named("asyncworker_batch_size_bucket")
    assert (buckets["1.0", "store"], buckets["50.0", "store"]) == (1, 1)
    assert (buckets["100.0", "store"], buckets["5000.0", "store"]) == (3, 3)
    assert buckets["+Inf", "store"] == 4
    assert watched.named("asyncworker_batch_size_sum") == {("store",): 9201}
    assert watched.named("asyncworker_batch_size_count") == {("store",): 4}


def test_shows_how_long_handlers_took(watched, monkeypatch):
    route = watched.activity("rabbitmq", "store", "orders")
    moments = iter([10.0, 10.2, 20.0, 23.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(moments))
    end(route, count=2)
    monkeypatch.undo()
    buckets = watched.named("asyncworker_handler_seconds_bucket")
    assert (buckets["0.1", "store"], buckets["0.25", "store"]) == (0, 1)
    assert (buckets["2.5", "store"], buckets["5.0", "store"], buckets["+Inf", "store"]) == (1, 2, 2)
    assert watched.named("asyncworker_handler_seconds_sum") == {("store",): pytest.approx(3.2)}


def test_shows_how_old_messages_were_when_settled(watched):
    route = watched.activity("rabbitmq", "store", "orders")
    route.ages = lambda: [0.3, 40]
    end(route)
    buckets = watched.named("asyncworker_delivery_seconds_bucket")
    assert (buckets["0.1", "store"], buckets["0.5", "store"], buckets["60.0", "store"]) == (0, 1, 2)
    assert watched.named("asyncworker_delivery_seconds_sum") == {("store",): 40.3}


def test_a_stream_that_another_process_reads_is_neither_consumed_nor_not(watched):
    activity = watched.activity("sse", "follow", "stream", "other")
    activity.stands_by("stream", "another holds lock 'follow'")
    activity.works("other")
    assert watched.named("asyncworker_consuming") == {("other", "follow"): 1}
    assert watched.named("asyncworker_paused") == {("stream", "follow"): 0, ("other", "follow"): 0}


def test_shows_what_there_is_to_do_now(watched):
    route = watched.activity("rabbitmq", "store", "orders", "refunds")
    route.waiting = lambda: 7
    route.oldest = lambda: 12.5
    route.recording.begin(None, 40)
    route.works("orders")
    route.waits("refunds", "no such queue")
    assert watched.named("asyncworker_in_flight") == {("store",): 40}
    assert watched.named("asyncworker_waiting") == {("store",): 7}
    assert watched.named("asyncworker_oldest_unsettled_seconds") == {("store",): 12.5}
    assert watched.named("asyncworker_consuming") == {
        ("orders", "store"): 1,
        ("refunds", "store"): 0,
    }


def test_handlers_of_one_name_are_one_series(watched):
    for number in (1, 2):
        route = watched.activity("rabbitmq", "store", "orders")
        route.waiting = lambda number=number: number
        route.oldest = lambda number=number: number
        route.works("orders")
        route.ages = lambda number=number: [number]
        end(route, size=number)
        route.counted(ValueError())
        end(route, size=number)
    route.waits("orders", "no such queue")
    series = watched.series()
    assert series["asyncworker_waiting", ("route", "store")] == 3
    assert series["asyncworker_oldest_unsettled_seconds", ("route", "store")] == 2
    assert series["asyncworker_consuming", ("queue", "orders"), ("route", "store")] == 0
    assert series["asyncworker_failures_total", ("route", "store")] == 2
    assert series["asyncworker_batch_size_sum", ("route", "store")] == 6
    assert series["asyncworker_delivery_seconds_count", ("route", "store")] == 2
    labels = ("outcome", "ack"), ("queue", "orders"), ("route", "store")
    assert series["asyncworker_messages_total", *labels] == 3


def test_shows_events_without_their_streams(watched):
    route = watched.activity("sse", "follow", "http://prices/a", "http://prices/b", usual="done")
    route.works("http://prices/a")
    end(route, size=4)
    route.count("http://prices/b", "failed", 2)
    route.counted(ValueError())
    end(route, size=2)
    assert watched.named("asyncworker_events_total") == {("follow",): 6}
    assert watched.named("asyncworker_consuming") == {
        ("http://prices/a", "follow"): 1,
        ("http://prices/b", "follow"): 0,
    }
    assert watched.named("asyncworker_messages_total") == {}


def test_shows_requests_by_method_template_and_status(watched):
    route = watched.activity("http", "order", "GET /orders/{number}", "PUT /orders/{number}")
    for source, status in (("GET", "200"), ("GET", "200"), ("GET", "aborted"), ("PUT", "404")):
        route.count(f"{source} /orders/{{number}}", status)
        route.counted(None)
        end(route)
    assert watched.named("asyncworker_http_requests_total") == {
        ("GET", "/orders/{number}", "200"): 2,
        ("GET", "/orders/{number}", "aborted"): 1,
        ("PUT", "/orders/{number}", "404"): 1,
    }
    assert watched.named("asyncworker_http_request_seconds_count") == {(): 4}
    assert watched.named("asyncworker_handler_seconds_count") == {("order",): 4}


def test_shows_what_is_published_by_connection(watched):
    for vhost in ("/", "other"):
        connection = watched.activity("publish", "main")
        connection.count(vhost, "confirmed", 3)
        connection.counted(None)
        end(connection, size=3)
    assert watched.named("asyncworker_published_total") == {
        ("main", "confirmed"): 6,
        ("main", "unroutable"): 0,
        ("main", "rejected"): 0,
        ("main", "timeout"): 0,
        ("main", "failed"): 0,
    }
    assert watched.named("asyncworker_publish_seconds_count") == {(): 2}
    assert watched.named("asyncworker_handler_seconds_count") == {}


def test_counts_lost_connections(watched):
    watched.activity("publish", "main")
    assert watched.named("asyncworker_connections_lost_total") == {("main",): 0}
    watched.app.feed.tell(Connected("main", 1.0))
    watched.app.feed.tell(Disconnected("main", "reset", 2.0))
    watched.app.feed.tell(Disconnected("main", "reset", 3.0))
    assert watched.named("asyncworker_connections_lost_total") == {("main",): 2}


async def test_shows_runs_of_schedules(watched, limit):
    ended = asyncio.Event()

    @watched.app.feed.subscribe(BatchEnded)
    async def wake(_events):
        ended.set()

    @watched.app.run_every(3600)
    async def tidy():
        raise ValueError("no room")

    async with watched.app.started(), asyncio.timeout(limit):
        await ended.wait()
        name = watched.app.feed.activities[0].name
        assert watched.named("asyncworker_schedule_runs_total") == {
            ("done", name): 0,
            ("failed", name): 1,
            ("skipped", name): 0,
        }
        assert watched.named("asyncworker_handler_seconds_count") == {(name,): 1}


def test_a_backend_of_a_third_party_is_one_of_queues(watched):
    route = watched.activity("kafka", "store", "orders", usual="committed")
    assert watched.named("asyncworker_messages_total") == {("committed", "orders", "store"): 0}
    end(route, size=3)
    assert watched.named("asyncworker_messages_total") == {("committed", "orders", "store"): 3}


def test_of_what_an_app_does_not_have_there_is_nothing(watched):
    watched.activity("schedule", "tidy", "every 60 s", usual="done")
    names = {key[0].removesuffix("_bucket") for key in watched.series()}
    assert {name for name in names if not name.endswith(("_sum", "_count"))} == {
        "asyncworker_failures_total",
        "asyncworker_handler_seconds",
        "asyncworker_in_flight",
        "asyncworker_loop_blocked_seconds_total",
        "asyncworker_loop_lag_seconds",
        "asyncworker_schedule_runs_total",
    }


def test_shows_how_late_the_event_loop_is(watched):
    watched.app.feed.loop_lag = 0.25
    watched.app.feed.blocked_seconds = 3.5
    assert watched.named("asyncworker_loop_lag_seconds") == {(): 0.25}
    assert watched.named("asyncworker_loop_blocked_seconds_total") == {(): 3.5}


def test_brings_the_metrics_of_the_default_registry_along(watched):
    counter = Counter("users_own_orders", "Orders handled.")
    try:
        counter.inc(3)
        lines = exposition(watched.app, watched.statistics).decode().splitlines()
    finally:
        REGISTRY.unregister(counter)
    assert "users_own_orders_total 3.0" in lines
    assert any(line.startswith("python_info{") for line in lines)


def test_says_what_to_install(tmp_path):
    (tmp_path / "prometheus_client.py").write_text("raise ModuleNotFoundError(name=__name__)")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import asyncworker.metrics"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == (
        "ImportError: metrics need prometheus-client: pip install 'asyncworker-core[metrics]'"
    )
