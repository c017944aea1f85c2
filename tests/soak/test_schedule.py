from tests.soak.schedule import LASTS, WORKERS, Kind, draw


def test_a_seed_draws_the_same_faults_each_time():
    assert draw(7, 60) == draw(7, 60)
    assert draw(7, 60) != draw(8, 60)


def test_a_longer_soak_begins_as_a_shorter_one():
    short = draw(7, 2)
    assert draw(7, 60)[: len(short)] == short


def test_two_minutes_have_some_of_each_kind():
    for seed in range(100):
        assert {fault.kind for fault in draw(seed, 2)} == set(Kind)


def test_faults_are_in_order_and_within_the_time():
    moments = [fault.at for fault in draw(7, 60)]
    assert moments == sorted(moments)
    assert 0 < moments[0]
    assert moments[-1] < 60 * 60


def test_only_what_has_an_end_lasts():
    for fault in draw(7, 60):
        assert (fault.seconds > 0) == (fault.kind in LASTS)


def test_both_workers_have_their_faults():
    workers = {fault.worker for fault in draw(7, 60) if fault.kind == Kind.WORKER_KILLED}
    assert workers == set(WORKERS)
