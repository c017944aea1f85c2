"""The line writer: whole lines, in order, whoever reads them, and no caller that waits."""

import contextlib
import fcntl
import io
import os
import pty
import select
import socket
import sys
import threading
import tty

import pytest

from asyncworker.logs.line_writer import LineWriter

PAGE = 4096
DEADLINE = 30.0


def page(number: int) -> str:
    """Return a line that fills the smallest pipe."""
    return f"{number:04d} ".ljust(PAGE - 1, "x") + "\n"


def write_pages(writer: LineWriter) -> None:
    """Write more than the smallest pipe holds."""
    for number in range(5):
        writer.write(page(number))


def read(fd: int, size: int) -> str:
    parts = b""
    while len(parts) < size:
        parts += os.read(fd, size - len(parts))
    return parts.decode()


@pytest.fixture
def writer():
    return LineWriter(lambda count: f"{count} lost\n", capacity=10)


@contextlib.contextmanager
def caught_errors():
    """Let an object stand for stderr."""
    with contextlib.redirect_stderr(io.StringIO()) as stream:
        yield stream


@contextlib.contextmanager
def stdout_at(fd):
    """Let a descriptor stand for stdout; pytest sets its own stdout between fixture and test."""
    stream = os.fdopen(fd, "w", encoding="ascii")
    with contextlib.redirect_stdout(stream):
        yield stream
    with contextlib.suppress(OSError):
        stream.close()


@contextlib.contextmanager
def small_pipe():
    """Let a pipe that holds one page stand for stdout; give its reading end."""
    reader, end = os.pipe()
    fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, PAGE)
    with stdout_at(end):
        yield reader
    with contextlib.suppress(OSError):
        os.close(reader)


@contextlib.contextmanager
def terminal():
    """Let a pseudo-terminal stand for stdout; give its reading end."""
    reader, end = pty.openpty()
    tty.setraw(end)
    with stdout_at(end):
        yield reader
    os.close(reader)


def test_writes_to_whatever_stands_for_stdout_at_that_moment(writer):
    first, second = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(first):
        writer.write("one\n")
    with contextlib.redirect_stdout(second):
        writer.write("two\n")
    assert first.getvalue() == "one\n"
    assert second.getvalue() == "two\n"


def test_writes_errors_to_stderr(writer):
    with caught_errors() as errors:
        writer.write("bad\n", error=True)
        assert errors.getvalue() == "bad\n"


def test_a_line_is_in_the_file_when_the_call_returns(writer, monkeypatch, tmp_path):
    path = tmp_path / "out"
    with path.open("w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        writer.write("one\n")
        assert path.read_text() == "one\n"


def test_lines_and_prints_keep_their_order_in_a_file(writer, monkeypatch, tmp_path):
    path = tmp_path / "out"
    with path.open("w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        for number in range(1000):
            writer.write(f"line {number}\n")
            print("print", number)  # noqa: T201
    expected = "".join(f"line {number}\nprint {number}\n" for number in range(1000))
    assert path.read_text() == expected


def test_writes_without_a_buffer_between(writer, monkeypatch):
    reader, end = os.pipe()
    with os.fdopen(end, "wb", buffering=0) as raw, io.TextIOWrapper(raw, "ascii") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        writer.write("one\n")
        assert read(reader, 4) == "one\n"
    os.close(reader)


def test_a_character_that_the_stream_cannot_encode_is_escaped(writer):
    with small_pipe() as pipe:
        writer.write("\u00e9\n")
        assert read(pipe, 5) == "\\xe9\n"


def test_a_stalled_pipe_gets_its_lines_whole_and_in_order_when_it_is_read_again(writer):
    with small_pipe() as pipe:
        write_pages(writer)
        assert not writer.flush(0)
        assert read(pipe, 5 * PAGE) == "".join(map(page, range(5)))
        assert writer.flush(DEADLINE)


def test_a_line_longer_than_the_pipe_arrives_whole(writer):
    with small_pipe() as pipe:
        line = "x" * 300_000 + "\n"
        writer.write(line)
        writer.write("next\n")
        assert read(pipe, len(line) + 5) == line + "next\n"


def test_lines_that_find_the_queue_full_are_counted_in_one_line(writer):
    with small_pipe() as pipe, caught_errors() as errors:
        for number in range(20):
            writer.write(page(number))
        # One in the pipe, one on its way, ten that wait.
        assert read(pipe, 12 * PAGE) == "".join(map(page, range(12)))
        assert writer.flush(DEADLINE)
        assert errors.getvalue() == "8 lost\n"


def test_a_full_queue_takes_lines_again_when_it_has_drained(writer):
    with small_pipe() as pipe, caught_errors() as errors:
        for number in range(13):
            writer.write(page(number))
        read(pipe, 12 * PAGE)
        assert writer.flush(DEADLINE)
        writer.write("back\n")
        assert read(pipe, 5) == "back\n"
        assert errors.getvalue() == "1 lost\n"


def test_a_queue_of_one_line_takes_lines_again():
    with small_pipe() as pipe, caught_errors() as errors:
        writer = LineWriter(lambda count: f"{count} lost\n", capacity=1)
        for number in range(4):
            writer.write(page(number))
        read(pipe, 3 * PAGE)
        assert writer.flush(DEADLINE)
        writer.write("back\n")
        assert read(pipe, 5) == "back\n"
        assert errors.getvalue() == "1 lost\n"


def test_lines_to_both_streams_keep_their_order(writer, monkeypatch):
    with small_pipe() as pipe:
        monkeypatch.setattr(sys, "stderr", sys.stdout)
        writer.write(page(0))
        for number in range(8):
            writer.write(f"{number}\n", error=number % 3 == 0)
        assert read(pipe, PAGE) == page(0)
        assert read(pipe, 16) == "".join(f"{number}\n" for number in range(8))


def test_lines_that_wait_are_written_by_callers_who_come_later():
    with small_pipe() as pipe:
        writer = LineWriter(str, capacity=100_000)
        received = []
        lines = [f"{number:06d} {'x' * 200}\n" for number in range(2_000)]
        size = sum(map(len, lines))
        reading = threading.Thread(target=lambda: received.append(read(pipe, size)))
        reading.start()
        for line in lines:
            writer.write(line)
        reading.join()
        assert received == ["".join(lines)]


def test_lines_of_many_threads_stay_whole(monkeypatch, tmp_path):
    writer = LineWriter(str, capacity=100_000)
    path = tmp_path / "out"
    with path.open("w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        threads = [
            threading.Thread(
                target=lambda name=name: [writer.write(f"{name} {n}\n") for n in range(1000)]
            )
            for name in "abcd"
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert writer.flush(DEADLINE)
    expected = sorted(f"{name} {n}" for name in "abcd" for n in range(1000))
    assert sorted(path.read_text().splitlines()) == expected


def test_a_closed_pipe_is_left_alone(writer):
    with small_pipe() as pipe:
        os.close(pipe)
        writer.write("one\n")
        assert writer.flush(DEADLINE)


def test_a_pipe_that_is_closed_while_lines_wait_is_left_alone(writer):
    with small_pipe() as pipe:
        write_pages(writer)
        os.close(pipe)
        assert writer.flush(DEADLINE)


def test_a_stream_that_is_closed_while_lines_wait_is_left_alone(writer):
    with small_pipe():
        write_pages(writer)
        sys.stdout.close()
        assert writer.flush(DEADLINE)


@pytest.mark.parametrize("stream", [None, object(), io.StringIO()])
def test_what_cannot_be_written_to_is_left_alone(writer, monkeypatch, stream):
    if stream and hasattr(stream, "close"):
        stream.close()
    monkeypatch.setattr(sys, "stdout", stream)
    writer.write("one\n")
    assert writer.flush(DEADLINE)


def test_a_closed_file_is_left_alone(writer, monkeypatch, tmp_path):
    stream = (tmp_path / "out").open("w")
    stream.close()
    monkeypatch.setattr(sys, "stdout", stream)
    writer.write("one\n")
    assert writer.flush(DEADLINE)


def test_a_stream_that_is_missing_altogether_is_left_alone(writer, monkeypatch):
    monkeypatch.delattr(sys, "stdout")
    writer.write("one\n")
    assert writer.flush(DEADLINE)


def test_a_stream_object_that_would_block_loses_the_line_and_nothing_else(writer, monkeypatch):
    class Full(io.StringIO):
        def write(self, text):
            raise BlockingIOError

    monkeypatch.setattr(sys, "stdout", Full())
    writer.write("one\n")
    assert writer.flush(DEADLINE)


def test_a_line_that_is_written_while_writing_a_line_comes_after_it(writer, monkeypatch):
    class Talkative(io.StringIO):
        def write(self, text):
            if text == "one\n":
                writer.write("two\n")
            return super().write(text)

    stream = Talkative()
    monkeypatch.setattr(sys, "stdout", stream)
    writer.write("one\n")
    assert writer.flush(DEADLINE)
    assert stream.getvalue() == "one\ntwo\n"


def test_a_stalled_terminal_keeps_nobody_waiting(writer):
    with terminal() as screen:
        for number in range(10):
            writer.write(f"{number} ".ljust(9_999, "x") + "\n")
        received = read(screen, 100_000)
        assert [line[0] for line in received.splitlines()] == list("0123456789")
        assert writer.flush(DEADLINE)


def test_a_terminal_gets_its_lines_while_callers_keep_coming():
    with terminal() as screen:
        writer = LineWriter(str, capacity=100_000)
        received = []
        lines = [f"{number:06d}\n" for number in range(20_000)]
        reading = threading.Thread(target=lambda: received.append(read(screen, 7 * len(lines))))
        reading.start()
        for line in lines:
            writer.write(line)
        reading.join()
        assert received == ["".join(lines)]


def test_a_terminal_that_someone_made_non_blocking_gets_every_line(writer):
    with terminal() as screen:
        os.set_blocking(sys.stdout.fileno(), False)
        for number in range(10):
            writer.write(f"{number} ".ljust(9_999, "x") + "\n")
        received = read(screen, 100_000)
        assert [line[0] for line in received.splitlines()] == list("0123456789")
        assert writer.flush(DEADLINE)


def test_never_changes_the_mode_of_the_descriptor_nor_closes_it(writer):
    with small_pipe() as pipe:
        write_pages(writer)
        read(pipe, 5 * PAGE)
        assert writer.flush(DEADLINE)
        assert os.get_blocking(sys.stdout.fileno())
        assert not sys.stdout.closed


def test_a_stalled_socket_gets_its_lines_when_it_is_read_again():
    writer = LineWriter(str, capacity=1_000)
    ours, theirs = socket.socketpair()
    with ours, theirs, stdout_at(os.dup(ours.fileno())):
        for number in range(500):
            writer.write(page(number))
        assert not writer.flush(0)
        assert read(theirs.fileno(), 500 * PAGE) == "".join(map(page, range(500)))


def test_a_pipe_that_cannot_be_polled_is_written_by_the_thread(writer, monkeypatch):
    with small_pipe() as pipe:
        monkeypatch.delattr(select, "poll")
        write_pages(writer)
        assert read(pipe, 5 * PAGE) == "".join(map(page, range(5)))
        assert writer.flush(DEADLINE)


def test_a_terminal_gets_its_lines_where_no_thread_can_start(writer, monkeypatch):
    with terminal() as screen:

        def refuse(thread):
            raise RuntimeError("can't create new thread at interpreter shutdown")

        monkeypatch.setattr(threading.Thread, "start", refuse)
        writer.write("one\n")
        assert read(screen, 4) == "one\n"


def test_forgets_the_lines_that_wait_for_another_process(writer):
    with small_pipe() as pipe:
        write_pages(writer)
        writer.reset()
        assert read(pipe, PAGE) == page(0)
        writer.write("mine\n")
        assert read(pipe, 5)[-5:] == "mine\n"
