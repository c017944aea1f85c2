"""The rules of the model of scaling, by small cases that were worked out by hand."""

import pytest

from benchmarks.scaling.backlog import Backlog
from benchmarks.scaling.course import Course
from benchmarks.scaling.day import SECONDS, Burst, Day
from benchmarks.scaling.deployment import Deployment
from benchmarks.scaling.hpa import Autoscaler
from benchmarks.scaling.keda import Fixed, ScaledObject, Seen, Trigger
from benchmarks.scaling.simulation import simulate
from benchmarks.scaling.worker import Worker

WORKER = Worker(awaited=0.099, cpu=0.001, concurrency=20)
"""It handles 200 messages a second, each in 0.1 seconds."""
PLENTY = 1_000_000


class Spy(Fixed):
    """See what a scaler is shown."""

    def __init__(self, count):
        super().__init__(count)
        self.seen = []

    def replicas(self, second, replicas, seen):
        self.seen.append(seen)
        return super().replicas(second, replicas, seen)


def test_a_replica_is_as_fast_as_its_handlers_or_its_cpu_let_it():
    assert WORKER.rate == pytest.approx(200)
    assert Worker(awaited=0.0, cpu=0.001, concurrency=100).rate == 1_000
    assert WORKER.value(30) == 6_000


def test_what_comes_first_is_taken_first():
    backlog = Backlog()
    backlog.put(0, 3)
    backlog.put(1, 0)
    backlog.put(2, 5)
    assert list(backlog.take(4, 4)) == [(4, 3), (2, 1)]
    assert (backlog.length, backlog.age(4)) == (4, 2)
    assert list(backlog.take(5, 9)) == [(3, 4)]
    assert (backlog.length, backlog.age(5)) == (0, 0)


def test_pods_take_their_time_to_start_and_to_end():
    deployment = Deployment(Worker(0.1, 0.001, 1, startup=15, drain=5))
    deployment.scale(0, 2)
    deployment.advance(14)
    assert (deployment.ready, deployment.pods) == (0, 2)
    deployment.advance(15)
    assert (deployment.ready, deployment.pods) == (2, 2)
    deployment.scale(15, 3)
    deployment.scale(20, 1)
    # The one that is not ready is gone at once.
    assert (deployment.ready, deployment.pods) == (1, 2)
    deployment.advance(25)
    assert (deployment.ready, deployment.pods) == (1, 1)


def test_nothing_waits_where_there_are_replicas_enough():
    spy = Spy(1)
    course = simulate([150] * 60, WORKER, spy, ceiling=PLENTY, replicas=1)
    assert (set(course.backlog), set(course.age), dict(course.waits)) == ({0}, {0}, {0: 9_000})
    # Little's law: 150 a second, each for 0.1 seconds.
    assert spy.seen == [Seen(ready=0, unacknowledged=15, rate=150)] * 4


def test_what_is_more_than_replicas_handle_waits():
    course = simulate([300] * 100, WORKER, Fixed(1), ceiling=PLENTY, replicas=1)
    assert course.backlog[-1] == 100 * (300 - 200)
    # Of 300 each, 20,000 were taken: all of seconds 0 to 65, and 200 of second 66.
    assert course.age[-1] == 99 - 66
    assert course.handled == 20_000


def test_what_is_more_than_a_queue_carries_waits_however_many_replicas_there_are():
    few, many = (
        simulate([300] * 100, WORKER, Fixed(count), ceiling=250, replicas=count)
        for count in (2, 50)
    )
    assert few.backlog == many.backlog == [50 * second for second in range(1, 101)]


@pytest.mark.parametrize(
    ("metric", "wanted"), [(901, 10), (1_099, 10), (1_101, 12), (1_200, 12), (2_001, 20)]
)
def test_within_a_tenth_of_the_target_nothing_changes(metric, wanted):
    # At the most twice as many: 20 of 21.
    assert Autoscaler(1, 100).desired(0, 10, [(metric, 100)]) == wanted


def test_of_several_metrics_the_one_counts_that_wants_most():
    assert Autoscaler(1, 100).desired(0, 10, [(100, 100), (1_500, 100)]) == 15


def test_there_are_four_more_or_twice_as_many_in_15_seconds():
    autoscaler, replicas = Autoscaler(1, 30), 1
    steps = []
    for second in (0, 5, 15, 30, 45):
        replicas = autoscaler.desired(second, replicas, [(10_000, 100)])
        steps.append(replicas)
    assert steps == [5, 5, 10, 20, 30]


def test_there_are_fewer_once_that_was_wanted_for_five_minutes():
    autoscaler = Autoscaler(2, 100)
    assert autoscaler.desired(0, 8, [(1_000, 100)]) == 10
    for second in range(15, 300, 15):
        metric = 400 if second == 60 else 0
        assert autoscaler.desired(second, 10, [(metric, 100)]) == 10
    assert autoscaler.desired(300, 10, [(0, 100)]) == 4
    assert autoscaler.desired(345, 4, [(0, 100)]) == 4
    assert autoscaler.desired(360, 4, [(0, 100)]) == 2


def test_the_first_replica_comes_when_keda_polls_and_the_others_after_it():
    scaler = ScaledObject([Trigger("QueueLength", 100)])
    full = Seen(1_000, 0, 0)
    assert scaler.replicas(15, 0, full) == 0
    assert scaler.replicas(30, 0, full) == 1
    assert scaler.replicas(45, 1, full) == 5


def test_the_last_replica_goes_five_minutes_after_the_last_message():
    scaler = ScaledObject([Trigger("QueueLength", 100, "http")])
    assert scaler.replicas(0, 1, Seen(0, 1, 0)) == 1
    for second in range(15, 330, 15):
        assert scaler.replicas(second, 1, Seen(0, 0, 0)) == 1
    assert scaler.replicas(330, 1, Seen(0, 0, 0)) == 0
    kept = ScaledObject([Trigger("QueueLength", 100)], least=2)
    assert kept.replicas(0, 0, Seen(0, 0, 0)) == 2
    assert kept.replicas(900, 2, Seen(0, 0, 0)) == 2


def test_by_amqp_keda_sees_nothing_of_what_a_replica_has():
    by_amqp, by_http = Trigger("QueueLength", 9), Trigger("QueueLength", 9, "http")
    assert by_amqp.reading(Seen(2, 3, 4)) == (2, 9)
    assert by_http.reading(Seen(2, 3, 4)) == (5, 9)
    assert Trigger("MessageRate", 9, "http").reading(Seen(2, 3, 4)) == (4, 9)


def test_a_rate_is_a_reason_for_replicas_too():
    scaler = ScaledObject([Trigger("QueueLength", 6_000), Trigger("MessageRate", 200)])
    assert scaler.replicas(0, 4, Seen(0, 80, 800)) == 4
    assert scaler.replicas(15, 4, Seen(0, 0, 1_500)) == 8


def test_with_a_steady_load_messages_wait_as_long_as_the_target_says():
    for target in (60, 120):
        scaler = ScaledObject([Trigger("QueueLength", WORKER.value(target))])
        course = simulate([2_000] * 7_200, WORKER, scaler, ceiling=PLENTY)
        settled = course.age[3_600:]
        assert sum(settled) / len(settled) == pytest.approx(target, rel=0.2)


def test_waits_are_of_all_messages():
    course = Course(pods=[2] * 1_800 + [0] * 1_800)
    course.waits.update({0: 98, 5: 1, 9: 1})
    assert [course.wait(part) for part in (0.5, 0.98, 0.99, 1)] == [0, 0, 5, 9]
    assert course.pod_hours == 1


def test_a_day_has_a_quiet_night_and_its_peak_in_the_afternoon():
    day = Day(1_000)
    arrivals = day.arrivals()
    assert len(arrivals) == SECONDS
    assert arrivals[15 * 3600 + 1800] == max(arrivals) == 1_000
    assert arrivals.count(0) == pytest.approx(2 * 3600, rel=0.1)
    assert set(arrivals[3 * 3600 : 4 * 3600]) == {0}


def test_bursts_come_on_top_and_the_same_ones_each_time():
    plain = Day(1_000).arrivals()
    burst = Day(1_000, (Burst(start=100, length=10, height=500),)).arrivals()
    assert [one - other for one, other in zip(burst, plain, strict=True)][99:111] == [
        0,
        *[500] * 10,
        0,
    ]
    assert Day.seeded(1_000, 7) == Day.seeded(1_000, 7) != Day.seeded(1_000, 8)
