"""The benchmark itself, on what the environment of the tests has: asyncworker and its libraries."""

from dataclasses import replace

import pytest
from amqp import NotFound

from benchmarks import rounds, targets
from benchmarks.amqp import Client
from benchmarks.cases import CPU, RSS, chosen
from benchmarks.events import event_server
from benchmarks.measure import QUEUE, Stage
from benchmarks.peers import GUARDED, METERED, ORDERED, OURS, PEERS, RATED
from benchmarks.results import Value

pytestmark = pytest.mark.slow

SMALL = 1_000
SHARED = 10_000


@pytest.fixture
def stage(amqp_url):
    with event_server() as events:
        yield Stage(amqp_url, events)


def small(name, *peers):
    (case,) = (case for case in chosen([], quick=False) if case.name == name)
    # Each of several processes takes its part.
    count = SHARED if case.kind == "share" else min(case.count, SMALL)
    return replace(case, peers=peers or (OURS,), count=count)


@pytest.mark.parametrize(
    ("name", "peers"),
    [
        ("consume-bulk-100", (OURS,)),
        ("consume-bulk-1", ("aiormq", "aio-pika")),
        ("consume-typed-pydantic-bulk-1", (OURS,)),
        ("consume-typed-dataclass-bulk-100", (OURS,)),
        ("consume-typed-msgspec-bulk-100", (OURS,)),
        ("growth-routes-4", (OURS,)),
        ("growth-processes-2", (OURS,)),
        ("latency", (OURS,)),
        ("publish-100", (OURS, "aiormq", "aio-pika")),
        ("forward-bulk-1", (OURS, "aio-pika")),
        ("forward-bulk-100", (OURS,)),
        ("put-many", (OURS, "aio-pika")),
        ("ask", (OURS,)),
        ("http-json", (OURS, "aiohttp")),
        ("sse-bulk-100", (OURS,)),
        ("timeit", (OURS,)),
        ("import-core", (OURS,)),
        ("idle-queue", (OURS, "aio-pika")),
        ("idle-everything", (OURS,)),
        ("idle-everything-compiled", (OURS,)),
        ("idle-cpu", (OURS,)),
    ],
)
def test_measures_a_case(stage, name, peers):
    case = small(name, *peers)
    results = rounds.run(stage, [case], 1, quick=True)
    assert results.failures == []
    for peer in peers:
        for metric in case.metrics:
            values = results.values(Value(name, peer, metric))
            assert len(values) == 1
            assert min(values) > 0
    assert set(results.versions) >= {PEERS[peer].distributions[0] for peer in peers}


@pytest.mark.parametrize(
    ("name", "peer"),
    [
        ("metered-bulk-1", METERED),
        ("guarded-bulk-100", GUARDED),
        ("ordered-bulk-1", ORDERED),
        ("rated-bulk-100", RATED),
    ],
)
def test_measures_two_in_turns_within_one_process(stage, name, peer):
    case = small(name, OURS, peer)
    results = rounds.run(stage, [case], 1, quick=True)
    assert results.failures == []
    assert results.peers(name) == [OURS, peer]
    for side in case.peers:
        for metric in case.metrics:
            values = results.values(Value(name, side, metric))
            assert len(values) == case.settings["slices"]
            assert min(values) > 0


def test_leaves_no_queue_behind(stage, amqp_url):
    rounds.run(stage, [small("consume-bulk-1")], 1, quick=True)
    with Client(amqp_url) as client, pytest.raises(NotFound):
        client.depth(QUEUE)


def test_goes_on_without_a_peer_that_is_not_here(stage, monkeypatch):
    absent = replace(PEERS["FastStream"], distributions=("a-distribution-that-nobody-has",))
    monkeypatch.setitem(PEERS, "FastStream", absent)
    results = rounds.run(stage, [small("timeit"), small("idle-queue", "FastStream")], 1, quick=True)
    assert list(results.absent) == ["FastStream"]
    assert results.peers("timeit") == [OURS]


def test_reports_a_subject_that_fails_and_goes_on(stage, monkeypatch, capfd):
    monkeypatch.setitem(PEERS, "aiormq", replace(PEERS["aiormq"], module="nowhere"))
    cases = [small("consume-bulk-1", "aiormq"), small("timeit")]
    results = rounds.run(stage, cases, 1, quick=True)
    (failure,) = results.failures
    assert failure.startswith("round 1/1: consume-bulk-1: aiormq: exit code 1: ")
    assert "nowhere" in failure
    assert f"bench: {failure}\n" in capfd.readouterr().err
    assert results.spread(Value("timeit", OURS, CPU))


def test_looks_where_the_time_goes_when_a_target_was_missed(stage, monkeypatch):
    missed = [target for target in targets.TARGETS if target.job == "publish, 100 in flight"]
    monkeypatch.setattr(targets, "TARGETS", [replace(target, limit=0.0) for target in missed])
    case = replace(small("publish-100", OURS, "aio-pika"), count=50)
    results = rounds.run(stage, [case], 1, quick=False)
    assert any("asyncworker/rabbitmq/" in name for name, _ in results.profiles["publish-100"])


def test_keeps_what_it_has_after_each_round(stage):
    kept = []
    rounds.run(
        stage, [small("timeit")], 2, quick=True, keep=lambda so_far: kept.append(str(so_far.runs))
    )
    assert len(kept) == len(set(kept)) == 2


def test_takes_no_more_rounds_than_a_case_wants(stage):
    results = rounds.run(stage, [replace(small("timeit"), rounds=1)], 3, quick=True)
    assert len(results.values(Value("timeit", OURS, CPU))) == 1


def test_peers_alternate_as_often_in_a_round_as_a_case_wants(stage, capsys):
    case = replace(small("idle-queue", OURS, "aio-pika"), turns=2)
    results = rounds.run(stage, [case], 1, quick=False)
    assert len(results.values(Value("idle-queue", OURS, RSS))) == 2
    lines = [line.split(": ")[3] for line in capsys.readouterr().err.splitlines() if "1/1" in line]
    assert lines == [OURS, "aio-pika"] * 2


def test_looks_where_the_memory_goes_when_its_target_was_missed(stage, monkeypatch):
    missed = [target for target in targets.TARGETS if target.ours.case == "idle-queue"]
    monkeypatch.setattr(
        targets,
        "TARGETS",
        [replace(t, limit=0.0, theirs=replace(t.theirs, peer="aio-pika")) for t in missed],
    )
    results = rounds.run(stage, [small("idle-queue", OURS, "aio-pika")], 1, quick=False)
    libraries = dict(results.profiles["idle-queue"])
    assert libraries["asyncworker"] > 0
    assert sum(libraries.values()) < 100
