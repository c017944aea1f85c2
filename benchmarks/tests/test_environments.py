import pytest

from benchmarks import environments, jobs
from benchmarks.environments import Home, Unavailable
from benchmarks.peers import FLOOR, OURS, PEERS, Peer


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty place for environments, and nothing remembered of others."""
    monkeypatch.setattr(environments, "FOLDER", tmp_path)
    environments.home.cache_clear()
    yield tmp_path
    environments.home.cache_clear()


def test_a_peer_that_is_not_installed_is_unavailable():
    peer = Peer("x", "x", ("a-distribution-that-nobody-has",))
    with pytest.raises(Unavailable, match=r"not installed: .*a-distribution-that-nobody-has"):
        environments.available(peer, may_install=False)


def test_says_why_the_old_system_cannot_be_installed(monkeypatch, capfd):
    monkeypatch.setattr(environments, "OLD_PYTHON", "3.1")
    with pytest.raises(Unavailable, match=r"failed: error: .*3[.]1"):
        environments.home("old", may_install=False)
    assert "in an environment of its own" in capfd.readouterr().err


def test_says_that_there_is_no_compiler(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Unavailable, match="no C compiler"):
        environments.home("c", may_install=False)


def test_installs_nothing_unless_told_to(monkeypatch, folder, capfd):
    monkeypatch.setattr(environments, "HEADER", folder / "amqp.h")
    monkeypatch.setattr(environments, "SOURCE", folder / "missing.c")
    with pytest.raises(Unavailable, match=r"missing[.]c|no C compiler"):
        environments.home("c", may_install=False)
    assert "apt-get" not in capfd.readouterr().err


def test_the_c_program_is_told_in_words():
    job = jobs.Consume("amqp://u:p@h:1/v", ("q",), 10, 100, bulk=5, prefetch=20)
    command = Home(program="/c").command(PEERS[FLOOR], job)
    assert command == ["/c", "consume", "h", "1", "u", "p", "v", "q", "10", "100", "5", "20"]


def test_the_others_are_told_in_json():
    job = jobs.Clock(1, 2)
    *start, text = Home(python="/python").command(PEERS[OURS], job)
    assert start == ["/python", "-m", "benchmarks.subject", "asyncworker"]
    assert jobs.load(text) == job
