"""Our logger, and whose lines are JSON while an app runs."""

import asyncio
import io
import logging

import pytest
from aiologger.filters import Filter
from aiologger.handlers.streams import AsyncStreamHandler

from asyncworker.logs import WorkerLogger, json_logging, logger
from packages.core.tests.logs.output import failing, output, parsed, run

std = logging.getLogger()


@pytest.fixture
def bare_root(monkeypatch):
    """The root logger as a fresh interpreter has it."""
    handlers = logging.root.handlers[:]
    level = logging.root.level
    yield lambda: monkeypatch.setattr(logging.root, "handlers", [])
    logging.root.handlers = handlers
    logging.root.setLevel(level)


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
