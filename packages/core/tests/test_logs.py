"""Lines of JSON: their fields, who gets them, and what readers do to a worker."""

import asyncio
import contextlib
import io
import json
import logging
import os
import pty
import subprocess
import sys
from datetime import datetime

import pytest
from aiologger.filters import Filter
from aiologger.handlers.streams import AsyncStreamHandler

from asyncworker.logs import JsonHandler, WorkerLogger, json_logging, logger

DEADLINE = 60
std = logging.getLogger()


class Unshowable:
    def __str__(self):
        raise ValueError("not today")

    __repr__ = __str__


class Output:
    """What was logged while it stood for stdout and stderr."""

    def __init__(self):
        self.out, self.err = io.StringIO(), io.StringIO()

    @property
    def lines(self):
        text = self.out.getvalue() + self.err.getvalue()
        return [json.loads(line) for line in text.splitlines()]

    @property
    def line(self):
        [line] = self.lines
        return line


@contextlib.contextmanager
def output():
    result = Output()
    with contextlib.redirect_stdout(result.out), contextlib.redirect_stderr(result.err):
        yield result


@pytest.fixture
def user_logger():
    """A logger of the standard library whose records become lines of JSON."""
    # A logger outside the tree: pytest hangs handlers of its own on every other one.
    instance = logging.Logger("orders", logging.DEBUG)  # noqa: LOG001
    instance.addHandler(JsonHandler())
    return instance


@pytest.fixture
def bare_root(monkeypatch):
    """The root logger as a fresh interpreter has it."""
    handlers = logging.root.handlers[:]
    level = logging.root.level
    yield lambda: monkeypatch.setattr(logging.root, "handlers", [])
    logging.root.handlers = handlers
    logging.root.setLevel(level)


def failing():
    try:
        raise KeyError("order 7")
    except KeyError as error:
        raise ValueError("no such order") from error


def run(script, *, options=("-W", "error"), **arguments):
    """Run a script in an interpreter of its own; its text, errors and exit code."""
    arguments = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **arguments}
    command = [sys.executable, *options, "-c", script]
    return subprocess.run(command, text=True, timeout=DEADLINE, check=False, **arguments)


def parsed(text):
    return [json.loads(line) for line in text.splitlines()]


# Fields


def test_a_standard_record_has_the_fields_of_aiologger(user_logger):
    with output() as result:
        user_logger.info("read %s of %d", "orders", 7)
    line = result.line
    logged_at = line.pop("logged_at")
    assert datetime.fromisoformat(logged_at).tzinfo
    assert line.pop("line_number") > 0
    assert line == {
        "level": "INFO",
        "function": "test_a_standard_record_has_the_fields_of_aiologger",
        "file_path": __file__,
        "logger": "orders",
        "msg": "read orders of 7",
    }


def test_our_logger_has_the_same_fields_as_a_standard_one(user_logger):
    with output() as result:
        user_logger.info("one")
        logger.info("two")
    standard, ours = result.lines
    assert standard.keys() == ours.keys()
    assert ours["line_number"] == standard["line_number"] + 1
    assert (ours["function"], ours["file_path"]) == (standard["function"], standard["file_path"])
    assert ours["logger"] == "asyncworker"


def test_extra_fields_appear_as_fields(user_logger):
    with output() as result:
        user_logger.info("x", extra={"queue": "orders", "taken": [1, 2]})
        logger.info("x", extra={"queue": "orders", "taken": [1, 2]})
    for line in result.lines:
        assert (line["queue"], line["taken"]) == ("orders", [1, 2])


@pytest.mark.parametrize("msg", [{"a": 1}, [1, 2], 3, None])
def test_a_message_that_is_json_already_stays_as_it_is(user_logger, msg):
    with output() as result:
        user_logger.info(msg)
        logger.info(msg)
    assert [line["msg"] for line in result.lines] == [msg, msg]


def test_an_exception_for_a_message_is_its_text(user_logger):
    with output() as result:
        user_logger.error(ValueError("no such order"))
        logger.error(ValueError("no such order"))
    assert [line["msg"] for line in result.lines] == ["no such order"] * 2


def test_arguments_are_filled_in_by_name_too(user_logger):
    with output() as result:
        user_logger.info("%(a)s", {"a": 1})
        logger.info("%(a)s", {"a": 1})
    assert [line["msg"] for line in result.lines] == ["1", "1"]


def test_a_line_break_in_a_message_does_not_break_the_line(user_logger):
    with output() as result:
        user_logger.info("one\ntwo")
    assert result.line["msg"] == "one\ntwo"


def test_an_exception_is_a_list_of_readable_lines_with_its_causes(user_logger):
    with output() as result:
        try:
            failing()
        except ValueError as error:
            current = sys.exc_info()
            user_logger.exception("std")
            user_logger.info("std", exc_info=error)
            logger.exception("ours %s", 1)
            logger.error("ours", exc_info=error)
        logger.error({"ours": 1}, exc_info=current)
    lines = result.lines
    assert len(lines) == 5
    for line in lines:
        text = line["exc_info"]
        assert text == lines[0]["exc_info"]
        assert text[0] == "Traceback (most recent call last):"
        assert "KeyError: 'order 7'" in text
        assert "The above exception was the direct cause of the following exception:" in text
        assert text[-1] == "ValueError: no such order"
    assert lines[-1]["msg"] == {"ours": 1}


@pytest.mark.parametrize("nothing", [True, (None, None, None), False, None])
def test_there_is_no_exc_info_without_an_exception(user_logger, nothing):
    with output() as result:
        user_logger.info("x", exc_info=nothing)
        logger.info("x", exc_info=nothing)
    for line in result.lines:
        assert "exc_info" not in line


def test_a_traceback_that_came_as_text_is_kept(user_logger):
    record = logging.makeLogRecord({"levelno": 40, "msg": "x", "exc_text": "Traceback\nValueError"})
    with output() as result:
        user_logger.handle(record)
    assert result.line["exc_info"] == ["Traceback", "ValueError"]


def test_a_stack_is_a_list_of_readable_lines(user_logger):
    with output() as result:
        user_logger.info("x", stack_info=True)
        logger.info("x", stack_info=True)
    for line in result.lines:
        assert line["stack_info"][0] == "Stack (most recent call last):"
        assert "stack_info=True" in line["stack_info"][-1]


def test_a_level_that_a_program_added_has_its_name(user_logger):
    with output() as result:
        user_logger.log(25, "x")
    assert result.line["level"] == "Level 25"


def test_warnings_and_worse_go_to_stderr(user_logger):
    with output() as result:
        user_logger.info("out")
        user_logger.warning("err")
        logger.info("out")
        logger.error("err")
    assert [line["msg"] for line in parsed(result.out.getvalue())] == ["out", "out"]
    assert [line["msg"] for line in parsed(result.err.getvalue())] == ["err", "err"]


# What cannot be written


def test_values_that_json_does_not_know_become_text(user_logger):
    loop = []
    loop.append(loop)
    values = {"set": {1}, "nan": float("nan"), "loop": loop, "fine": [1], "bad": Unshowable()}
    with output() as result:
        user_logger.info({"key": {(1, 2): 3}}, extra=values)
    line = result.line
    assert line["set"] == "{1}"
    assert line["nan"] == "nan"
    assert line["loop"] == "[[...]]"
    assert line["fine"] == [1]
    assert line["bad"] == "<Unshowable that cannot be shown>"
    assert line["msg"] == "{'key': {(1, 2): 3}}"


def test_a_message_that_cannot_be_shown_is_named(user_logger):
    with output() as result:
        user_logger.info(Unshowable())
        logger.info(Unshowable())
    for line in result.lines:
        assert line["msg"] == "<Unshowable that cannot be shown> ()"


def test_arguments_that_do_not_fit_stand_behind_the_message(user_logger):
    with output() as result:
        user_logger.info("%d", "seven")
        logger.info("%d and %d", 1)
    assert [line["msg"] for line in result.lines] == ["%d ('seven',)", "%d and %d (1,)"]


def test_a_record_that_cannot_be_formatted_leaves_one_plain_line(user_logger):
    class Fragile(ValueError):
        @property
        def __cause__(self):
            raise LookupError("broken cause")

    with output() as result:
        user_logger.error("std", exc_info=Fragile())
    line = result.line
    assert (line["msg"], line["level"], line["logger"]) == ("std", "ERROR", "orders")
    assert line["logger_exception"] == "LookupError: broken cause"


def test_options_that_json_does_not_know_do_not_stop_the_line():
    with output() as result:
        logger.info("x", serializer_kwargs={"bogus": 1})
    assert result.line["msg"] == "x"


# Our logger


def test_our_logger_is_an_aiologger_with_its_options():
    instance = WorkerLogger(name="mine", level=10, flatten=True, extra={"app": "shop"})
    with output() as result:
        instance.debug({"a": 1}, extra={"b": 2})
        logger.info({"a": 1}, flatten=True, serializer_kwargs={"sort_keys": True})
    mine, flat = result.lines
    assert (mine["logger"], mine["a"], mine["app"], mine["b"]) == ("mine", 1, "shop", 2)
    assert flat["a"] == 1
    assert list(flat) == sorted(flat)


def test_filters_and_levels_keep_lines_back():
    instance = WorkerLogger(name="mine", level=20)
    with output() as result:
        instance.debug("below the level")
        instance.add_filter(Filter("other"))
        instance.info("filtered")
        instance.disabled = True
        instance.error("disabled")
    assert result.lines == []


def test_a_filter_that_fails_lets_the_line_through():
    def broken(record):
        raise ValueError("broken")

    instance = WorkerLogger(name="mine")
    instance.add_filter(broken)
    with output() as result:
        instance.info("x")
    assert result.line["msg"] == "x"


def test_a_handler_of_aiologger_is_refused_with_a_reason():
    with pytest.raises(TypeError, match="writes to stdout and stderr alone"):
        logger.add_handler(AsyncStreamHandler())


async def test_log_calls_can_be_awaited_gathered_or_left_alone():
    with output() as result:
        assert await logger.info("awaited") is None
        await asyncio.gather(logger.info("gathered"), logger.debug("off"))
        logger.info("left alone")
    assert [line["msg"] for line in result.lines] == ["awaited", "gathered", "left alone"]


def test_log_calls_work_in_one_loop_after_another_and_in_none():
    done = run(
        "import asyncio\n"
        "from asyncworker.logs import logger\n"
        "async def main():\n"
        "    await logger.info('awaited')\n"
        "    logger.info('left alone')\n"
        "for _ in range(3):\n"
        "    asyncio.run(main())\n"
        "    logger.info('no loop')\n"
    )
    assert (done.stderr, done.returncode) == ("", 0)
    expected = ["awaited", "left alone", "no loop"] * 3
    assert [line["msg"] for line in parsed(done.stdout)] == expected


# Readers

LOG_AND_PRINT = """
import logging
from asyncworker.logs import json_logging, logger
with json_logging("INFO"):
    for number in range(1000):
        logging.info("std %s", number)
        print("print", number)
        logger.info("ours %s", number)
logger.error("last")
"""


def assert_logged_and_printed(text):
    lines = text.splitlines()
    assert len(lines) == 3000
    for number in range(1000):
        standard, printed, ours = lines[3 * number : 3 * number + 3]
        assert json.loads(standard)["msg"] == f"std {number}"
        assert printed == f"print {number}"
        assert json.loads(ours)["msg"] == f"ours {number}"


@pytest.mark.parametrize("options", [(), ("-u",)], ids=["buffered", "unbuffered"])
def test_lines_and_prints_are_whole_and_in_order_in_a_file(tmp_path, options):
    path = tmp_path / "out"
    with path.open("w") as stream:
        done = run(LOG_AND_PRINT, options=("-W", "error", *options), stdout=stream)
    assert done.returncode == 0
    assert [line["msg"] for line in parsed(done.stderr)] == ["last"]
    assert_logged_and_printed(path.read_text())


@pytest.mark.parametrize("options", [(), ("-u",)], ids=["buffered", "unbuffered"])
def test_lines_and_prints_are_whole_in_a_pipe(options):
    done = run(LOG_AND_PRINT, options=("-W", "error", *options))
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    printed = [line for line in lines if not line.startswith("{")]
    logged = [json.loads(line)["msg"] for line in lines if line.startswith("{")]
    assert printed == [f"print {number}" for number in range(1000)]
    assert logged == [f"{who} {n}" for n in range(1000) for who in ("std", "ours")]


def test_a_reader_that_is_gone_leaves_the_worker_alone():
    reader, end = os.pipe()
    os.close(reader)
    with os.fdopen(end, "w") as stream:
        done = run(
            "import logging\n"
            "from asyncworker.logs import json_logging, logger\n"
            "with json_logging('INFO'):\n"
            "    for number in range(1000):\n"
            "        logging.info('std')\n"
            "        logger.info('ours')\n"
            "logger.error('still here')\n",
            stdout=stream,
        )
    assert done.returncode == 0
    assert [line["msg"] for line in parsed(done.stderr)] == ["still here"]


def test_a_process_without_stdout_and_stderr_goes_on():
    done = run(
        "import os, sys\n"
        "os.close(1)\n"
        "sys.stderr = None\n"
        "from asyncworker.logs import logger\n"
        "logger.info('x')\n"
        "logger.error('x')\n"
        "os._exit(7)\n"
    )
    assert done.returncode == 7


STALLED = """
import asyncio, logging, os, sys
from asyncworker.logs import json_logging, logger
done, lines = map(int, sys.argv[1:])
async def main():
    for number in range(lines):
        logging.info("std %s", number)
        await asyncio.sleep(0)
    os.write(done, b"!")
with json_logging("INFO"):
    asyncio.run(main())
"""


@contextlib.contextmanager
def stalled(lines):
    """Run a process whose output nobody reads; yield once its event loop has logged every line."""
    reader, done = os.pipe()
    command = [sys.executable, "-W", "error", "-c", STALLED, str(done), str(lines)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=[done], text=True
    ) as process:
        os.close(done)
        finished = os.read(reader, 1)
        os.close(reader)
        assert finished == b"!"
        yield process


def test_a_reader_that_stalls_does_not_stall_the_loop_and_loses_lines_that_are_counted():
    with stalled(lines=20_000) as process:
        out, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    messages = [line["msg"] for line in parsed(out)]
    [notice] = parsed(err)
    assert messages == [f"std {number}" for number in range(len(messages))]
    assert len(messages) > 10_000
    assert notice["lost_lines"] == 20_000 - len(messages)
    assert notice["level"] == "WARNING"
    assert notice["msg"].startswith(f"lost {notice['lost_lines']} log lines: nothing read")


def test_lines_that_wait_are_written_before_the_process_ends():
    with stalled(lines=5_000) as process:
        out, err = process.communicate(timeout=DEADLINE)
    assert err == ""
    assert [line["msg"] for line in parsed(out)] == [f"std {n}" for n in range(5_000)]


def test_a_process_ends_though_nobody_reads():
    with stalled(lines=5_000) as process:
        assert process.wait(DEADLINE) == 0


def test_lines_that_wait_outside_a_run_are_written_before_the_process_ends():
    reader, done = os.pipe()
    script = (
        "import os, sys\n"
        "from asyncworker.logs import logger\n"
        "for number in range(5000):\n"
        "    logger.info('x')\n"
        "os.write(int(sys.argv[1]), b'!')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(done)], stdout=subprocess.PIPE, pass_fds=[done]
    ) as process:
        os.close(done)
        assert os.read(reader, 1) == b"!"
        os.close(reader)
        out, _ = process.communicate(timeout=DEADLINE)
    assert len(out.splitlines()) == 5_000


def test_lines_that_are_logged_while_the_process_ends_reach_a_terminal():
    reader, end = pty.openpty()
    done = run(
        "import atexit\n"
        "def late():\n"
        "    for number in range(3):\n"
        "        logger.info(number)\n"
        "atexit.register(late)\n"
        "from asyncworker.logs import logger\n",
        stdout=end,
    )
    received = os.read(reader, 65_536).decode()
    os.close(end)
    os.close(reader)
    assert (done.stderr, done.returncode) == ("", 0)
    assert [line["msg"] for line in parsed(received)] == [0, 1, 2]


def test_a_forked_child_writes_its_own_lines_alone():
    reader, ready = os.pipe()
    script = (
        "import os, sys\n"
        "from asyncworker.logs import logger\n"
        "for number in range(5000):\n"
        "    logger.info('parent')\n"
        "if os.fork() == 0:\n"
        "    logger.error('child')\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "os.write(int(sys.argv[1]), b'!')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", script, str(ready)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=[ready],
        text=True,
    ) as process:
        os.close(ready)
        assert os.read(reader, 1) == b"!"
        os.close(reader)
        out, err = process.communicate(timeout=DEADLINE)
    assert [line["msg"] for line in parsed(out)] == ["parent"] * 5_000
    assert [line["msg"] for line in parsed(err)] == ["child"]


# Runs


def test_a_run_logs_at_its_level_and_then_restores_what_was_there(bare_root):
    bare_root()
    before = (logging.root.level, logger.level)
    with output() as result:
        with json_logging("error"):
            logging.getLogger("orders").warning("std")
            logging.getLogger("orders").error("std")
            logger.warning("ours")
            logger.error("ours")
        assert logging.root.handlers == []
        assert (logging.root.level, logger.level) == before
    assert [(line["logger"], line["msg"]) for line in result.lines] == [
        ("orders", "std"),
        ("asyncworker", "ours"),
    ]


def test_one_run_after_another_logs_each_line_once(bare_root):
    bare_root()
    with output() as result:
        for number in range(3):
            with json_logging(logging.INFO):
                std.info(number)
    assert [line["msg"] for line in result.lines] == [0, 1, 2]


def test_the_innermost_run_decides(bare_root):
    bare_root()
    with output() as result, json_logging("ERROR"):
        with json_logging("DEBUG"):
            std.debug("inner")
        std.warning("outer")
        std.error("outer error")
    assert [line["msg"] for line in result.lines] == ["inner", "outer error"]


def test_a_run_that_outlasts_another_goes_on_logging(bare_root):
    bare_root()
    level = logging.root.level
    first, second = json_logging("ERROR"), json_logging("INFO")
    with output() as result:
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        std.info("second")
        second.__exit__(None, None, None)
    assert result.line["msg"] == "second"
    assert (logging.root.handlers, logging.root.level) == ([], level)


def test_a_run_that_fails_restores_too(bare_root):
    bare_root()
    with pytest.raises(ValueError, match="no such order"), json_logging("INFO"):
        failing()
    assert logging.root.handlers == []


def test_logging_that_the_user_configured_stays_as_it_is(bare_root):
    bare_root()
    text = io.StringIO()
    logging.basicConfig(stream=text, level="WARNING", format="%(levelname)s %(message)s")
    handlers, level = logging.root.handlers[:], logger.level
    with output() as result, json_logging("DEBUG", quiet=["noisy"]):
        std.info("x")
        std.warning("x")
        logging.getLogger("noisy").warning("y")
        assert logger.level == level
    assert logging.root.handlers == handlers
    assert text.getvalue() == "WARNING x\nWARNING y\n"
    assert result.lines == []


def test_what_the_user_configures_during_a_run_stays(bare_root):
    bare_root()
    with json_logging("INFO"):
        logging.basicConfig(stream=io.StringIO(), level="ERROR", force=True)
        handlers = logging.root.handlers[:]
    assert (logging.root.handlers, logging.root.level) == (handlers, logging.ERROR)


def test_noisy_loggers_are_quiet_during_a_run(bare_root):
    bare_root()
    noisy, set_by_user = logging.getLogger("noisy"), logging.getLogger("noisy.but.wanted")
    set_by_user.setLevel(logging.WARNING)
    with output() as result:
        with json_logging("INFO", quiet=["noisy", "noisy.but.wanted"]):
            noisy.error("hidden")
            set_by_user.warning("wanted")
        assert noisy.level == logging.NOTSET
        with json_logging("DEBUG", quiet=["noisy"]):
            noisy.error("shown")
    assert [line["msg"] for line in result.lines] == ["wanted", "shown"]
    assert set_by_user.level == logging.WARNING


def test_a_level_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="'LOUD' is not a log level: use one of CRITICAL"):
        json_logging("LOUD").__enter__()
