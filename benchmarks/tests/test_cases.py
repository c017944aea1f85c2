from pathlib import Path

import pytest

from benchmarks import jobs
from benchmarks.cases import BESIDE, CASES, FAST, QUICK, chosen
from benchmarks.measure import KINDS
from benchmarks.peers import FLOOR, OURS, PEERS

SUBJECTS = Path(__file__).parent.parent / "subjects"
JOBS = {"share": "consume", "latency": "consume", "http": "serve"}


def test_each_case_has_a_name_of_its_own():
    assert len({case.name for case in CASES}) == len(CASES)


def test_each_kind_of_case_can_be_measured():
    assert {case.kind for case in CASES} == {*KINDS, BESIDE}


@pytest.mark.parametrize("peer", PEERS.values(), ids=lambda peer: peer.name)
def test_a_peer_has_a_function_for_each_of_its_cases(peer):
    kinds = {case.kind for case in CASES if peer.name in case.processes}
    functions = {JOBS.get(kind, kind) for kind in kinds} - {"imports"}
    (file,) = SUBJECTS.glob(f"{peer.module}.*")
    source = file.read_text()
    start = "static void {}(" if peer.name == FLOOR else "def {}(job: jobs."
    assert functions <= set(jobs.KINDS)
    assert [name for name in functions if start.format(name) not in source] == []


def test_a_peer_is_imported_as_the_cases_say():
    wanted = {case.name: set(case.peers) for case in CASES if case.kind == "imports"}
    assert all(peers for peers in wanted.values())
    assert {name for peer in PEERS.values() for name in peer.imports} == set(wanted)


def test_every_peer_is_measured_and_ours_always():
    assert {peer for case in CASES for peer in case.processes} == set(PEERS)
    assert all(OURS in case.peers for case in CASES)


def test_a_fast_peer_gets_more_messages_and_a_quick_run_fewer():
    (case,) = chosen(["consume-bulk-100"], quick=True)
    assert case.amount("aio-pika", quick=False) == case.count
    assert case.amount(OURS, quick=False) == case.count * FAST
    assert case.amount(OURS, quick=True) == case.count * FAST // QUICK


def test_cases_are_chosen_by_how_their_names_begin():
    names = [case.name for case in chosen(["http", "timeit"], quick=False)]
    assert names == ["http-plain", "http-path", "http-json", "timeit"]
    assert chosen([], quick=False) == list(CASES)
    assert {case.kind for case in chosen([], quick=True)} == {*KINDS, BESIDE}


def test_a_name_that_begins_no_case_is_answered_with_those_that_do():
    with pytest.raises(ValueError, match=r"'consum3': there are ask, await, consume, "):
        chosen(["http", "consum3"], quick=False)
