import pytest

from benchmarks.cases import CASES
from benchmarks.results import Results

COSTS = {
    "asyncworker": 10.0,
    "asyncworker, metrics on": 10.4,
    "aio-pika": 200.0,
    "librabbitmq (C)": 4.0,
    "aiohttp": 5.0,
}


@pytest.fixture
def results():
    """What a whole run may give, in which everybody costs the same in every case."""
    results = Results(
        "2026-01-01",
        2,
        {"CPU": "one of tests"},
        {"aio-pika": "1.2.3"},
        absent={"async-worker 0.20.2": "there is no Python 3.11"},
    )
    for factor in (1.0, 1.5):
        for case in CASES:
            for peer in case.peers:
                if peer not in results.absent:
                    cost = COSTS.get(peer, 300.0) * factor
                    results.add(case.name, peer, dict.fromkeys(case.metrics, cost))
    return results
