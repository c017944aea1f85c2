"""A backend of a third party, and apps in processes of their own."""

import asyncio
import importlib
import json
import os
import shutil
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from asyncworker import App
from asyncworker.backend import load_backend
from packages.core.tests.waiting import LIMIT, turns

THIRD_PARTY = Path(__file__).with_name("third_party")
ENTRY_POINTS = """\
[asyncworker.backends]
KAFKA = asyncworker_kafka:kafka
PULSAR = asyncworker_kafka:pulsar

[asyncworker.connections]
KafkaConnection = asyncworker_kafka:KafkaConnection
PulsarConnection = asyncworker_kafka:PulsarConnection
"""


class Install:
    """Put distributions into a folder, as pip does."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, name, module, entry_points):
        info = self.folder / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(entry_points)
        (self.folder / f"{name}.py").write_text(module)
        importlib.invalidate_caches()


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a third party's distribution for the length of a test."""
    install = Install(tmp_path / "site-packages")
    install.folder.mkdir()
    monkeypatch.syspath_prepend(install.folder)
    known = set(sys.modules)
    load_backend.cache_clear()
    yield install
    load_backend.cache_clear()
    for path in install.folder.glob("*.py"):
        if path.stem not in known:
            sys.modules.pop(path.stem, None)
    shutil.rmtree(install.folder)
    importlib.invalidate_caches()


@pytest.fixture
def kafka(install):
    """The module of an installed third party, with the backends KAFKA and PULSAR."""
    module = (THIRD_PARTY / "asyncworker_kafka.py").read_text()
    install("asyncworker_kafka", module, ENTRY_POINTS)
    return importlib.import_module("asyncworker_kafka")


@pytest.fixture
def no_backends(monkeypatch):
    """Let no backend be installed."""
    for module in ("asyncworker.route_types", "asyncworker.backend", "asyncworker.settings"):
        monkeypatch.setattr(f"{module}.backend_entry_points", tuple)
    monkeypatch.setattr("asyncworker.connections.entry_points", lambda **_: ())
    load_backend.cache_clear()
    yield
    load_backend.cache_clear()


@pytest.fixture
def app(kafka):
    return App(connections=[kafka.KafkaConnection([1, 2, 3])])


@pytest.fixture
async def start(app):
    """Serve the app in a task."""
    tasks = []

    async def start():
        tasks.append(asyncio.create_task(app.serve()))
        await turns()
        return tasks[-1]

    yield start
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=LIMIT)


class Result:
    """How a process ended."""

    def __init__(self, code, output, errors):
        self.code = code
        self.output = output.splitlines()
        self.errors = errors

    @property
    def log(self):
        """Return what was logged to stderr; fail when anything else was printed there."""
        return [json.loads(line) for line in self.errors.splitlines()]

    @property
    def messages(self):
        return [line["msg"] for line in self.log]


class Worker:
    """A script in a process of its own."""

    def __init__(self, process):
        self._process = process
        self._output = ""

    async def printed(self, text):
        """Wait until a line of stdout holds the text, and return the line."""
        async with asyncio.timeout(LIMIT):
            while line := (await self._process.stdout.readline()).decode():
                self._output += line
                if text in line:
                    return line
        errors = (await self._process.stderr.read()).decode()
        pytest.fail(f"{text!r} was never printed:\n{self._output}\n{errors}")

    def send(self, number):
        self._process.send_signal(number)

    def send_group(self, number):
        os.killpg(self._process.pid, number)

    def write(self, line):
        self._process.stdin.write(f"{line}\n".encode())

    async def end(self, limit=LIMIT):
        """Wait for the end."""
        try:
            async with asyncio.timeout(limit):
                output, errors = await self._process.communicate()
        except TimeoutError:
            pytest.fail(f"it did not end within {limit} s:\n{self._output}")
        return Result(self._process.returncode, self._output + output.decode(), errors.decode())

    async def close(self):
        if self._process.returncode is None:
            self._process.kill()
            await self._process.communicate()


@pytest.fixture
async def process(kafka, install):
    """Start Pythons with these arguments, with the third party's backends installed."""
    workers = []

    async def start(*arguments, cwd=None, **environment):
        names = {name for name in os.environ if name.startswith("ASYNCWORKER_")}
        inherited = {name: value for name, value in os.environ.items() if name not in names}
        path = [str(install.folder), *filter(None, [os.environ.get("PYTHONPATH")])]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # What a terminal sends to a whole group must not reach the tests.
            process_group=0,
            cwd=cwd,
            env={**inherited, "PYTHONPATH": os.pathsep.join(path), **environment},
        )
        workers.append(Worker(process))
        return workers[-1]

    yield start
    for one in workers:
        await one.close()


@pytest.fixture
def worker(process):
    """Start scripts."""

    async def start(script, **environment):
        return await process("-c", dedent(script), **environment)

    return start


@pytest.fixture
def command(process, tmp_path):
    """Start `asyncworker` in a folder with one module, `shop`."""

    async def start(module, *arguments, **environment):
        (tmp_path / "shop.py").write_text(dedent(module))
        return await process("-m", "asyncworker", *arguments, cwd=tmp_path, **environment)

    return start


@pytest.fixture
def serve():
    """Serve an app until it ends by itself."""

    async def serve(app):
        async with asyncio.timeout(LIMIT):
            await app.serve()

    return serve
