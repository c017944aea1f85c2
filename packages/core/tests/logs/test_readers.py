"""What readers of the log do to a process: files, pipes, terminals, and nobody at all."""

import contextlib
import json
import os
import pty
import subprocess
import sys

import pytest

from packages.core.tests.logs.output import DEADLINE, parsed, run

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
