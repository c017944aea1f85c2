"""How each kind of case is measured: prepare, run the subject's process, check what it left."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks import jobs, load
from benchmarks.amqp import Client
from benchmarks.cases import BESIDE, CPU, IMPORT, RATE, Case
from benchmarks.environments import FOLDER, Home
from benchmarks.messages import USUAL, body, encode, stamped
from benchmarks.peers import Peer
from benchmarks.subject import PROFILE
from benchmarks.window import Result
from scripts import ROOT
from scripts.rabbitmq.probe import free_ports, wait_for

QUEUE: Final = "asyncworker-bench"
FORWARDED: Final = f"{QUEUE}-forwarded"
LEFTOVERS: Final = ("asyncworker-bench-taskiq-dead", "asyncworker-bench-taskiq")
"""A queue and an exchange that taskiq-aio-pika declares."""
COMPILED: Final = {
    "PYTHONDONTWRITEBYTECODE": "",
    "PYTHONPYCACHEPREFIX": str(FOLDER / "compiled"),
}
"""Variables of a process that finds its modules compiled, from its second run on."""
UNCOMPILED: Final = {
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONPYCACHEPREFIX": str(FOLDER / "uncompiled"),
}
"""Variables of one that compiles them each time, whatever was run before: nothing is there."""
DEADLINE: Final = 600.0
CONSUMING_DEADLINE: Final = 60.0
SETTLING: Final = 1.0
IMPORTING: Final = """
import sys, time
began = time.process_time()
exec(sys.argv[1])
print(time.process_time() - began)
"""


class SubjectFailed(Exception):
    """Report a subject that did not do its job."""


@dataclass(frozen=True)
class Stage:
    """Hold what subjects meet.

    url: of RabbitMQ. events: of the event server.
    """

    url: str
    events: str


@dataclass(frozen=True)
class Subject:
    """Measure one peer in one case.

    amount: messages, requests, uses or seconds, the warm-up not counted. profile: the file for a
    profile of the subject's process, which slows it.
    """

    stage: Stage
    case: Case
    peer: Peer
    home: Home
    amount: int
    profile: Path | None = None

    def measure(self) -> dict[str, list[Result]]:
        """Return what was measured, by the names of metrics, for each peer of this process.

        Raises: SubjectFailed
        """
        if self.case.kind == BESIDE:
            return dict(zip(self.case.peers, beside(self), strict=True))
        return {self.peer.name: [KINDS[self.case.kind](self)]}

    @property
    def count(self) -> int:
        """Return the amount in whole batches: a batch that is not full waits for more."""
        return -(-self.amount // self._step) * self._step

    @property
    def warmup(self) -> int:
        """Return how many come before those that count, in whole batches."""
        return -(-self.amount // 10 // self._step) * self._step or self._step

    @property
    def _step(self) -> int:
        bulk, routes = self.setting("bulk", 1), self.setting("routes", 1)
        return int(bulk * routes)

    def setting(self, name: str, default: Any) -> Any:
        """Return a setting of the case."""
        return self.case.settings.get(name, default)

    def run(self, job: jobs.Job) -> Any:
        """Do a job to its end."""
        with self.running(job) as process:
            return self.result(process)

    @contextmanager
    def running(self, job: jobs.Job) -> Iterator[subprocess.Popen[str]]:
        """Run the subject's process while the context lasts."""
        (port,) = free_ports(1)
        modules = COMPILED if self.setting("compiled", False) else UNCOMPILED
        environment = {
            **os.environ,
            **modules,
            # Two of the subjects serve HTTP whatever they do; a peer's port comes by its job.
            "ASYNCWORKER_HTTP_PORT": str(getattr(job, "port", port)),
            "PYTHONUNBUFFERED": "1",
            PROFILE: str(self.profile or ""),
        }
        process = subprocess.Popen(
            self.home.command(self.peer, job),
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def result(self, process: subprocess.Popen[str]) -> Any:
        """Wait for the process; return the last line that it printed."""
        try:
            out, err = process.communicate(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise SubjectFailed(f"it did not end within {DEADLINE:.0f} s") from None
        if process.returncode != 0 or not out.strip():
            lines = (err.strip() or out.strip() or "no output").splitlines()
            raise SubjectFailed(f"exit code {process.returncode}: {lines[-1]}")
        return json.loads(out.splitlines()[-1])


def consume(subject: Subject) -> Result:
    """Fill queues, have them consumed, and see that nothing is left."""
    with queues(subject) as (client, names):
        each = (subject.warmup + subject.count) // len(names)
        for name in names:
            client.fill(name, each, *message_of(subject))
        found = subject.run(consume_job(subject, names))
        left = sum(client.depth(name) for name in names)
        if left:
            raise SubjectFailed(f"{left} messages were not settled")
    return per_message(found)


def beside(subject: Subject) -> list[list[Result]]:
    """Fill a queue, and have slices of it consumed by two apps of one process, in turns.

    Between two processes of the same program there is more than what these cases look for, and
    two queues of the same messages differ by more as well.
    """
    slices, pieces = subject.setting("slices", 1), subject.setting("pieces", 1)
    with queues(subject) as (client, [name]):
        job = jobs.Beside(**vars(consume_job(subject, [name])), slices=slices, pieces=pieces)
        wanted = 2 * slices * pieces * (job.warmup + job.count)
        # What is handled before the pause between two pieces takes hold.
        spare = 2 * slices * pieces * job.prefetch
        client.fill(name, wanted + spare, *message_of(subject))
        found = subject.run(job)
        if client.depth(name) > spare:
            raise SubjectFailed("messages were not settled")
    return [[per_message(one) for one in found[side]] for side in ("plain", "other")]


def forward(subject: Subject) -> Result:
    """Fill a queue, have it forwarded to another, and see that nothing is left and all is there."""
    with queues(subject, FORWARDED) as (client, (name, target)):
        job = jobs.Forward(**vars(consume_job(subject, [name])), target=target)
        client.fill(name, job.warmup + job.count, *message_of(subject))
        found = subject.run(job)
        left, arrived = client.depth(name), client.depth(target)
    if left:
        raise SubjectFailed(f"{left} messages were not settled")
    if arrived != job.warmup + job.count:
        raise SubjectFailed(f"{arrived} messages arrived of {job.warmup + job.count}")
    return per_message(found)


def share(subject: Subject) -> Result:
    """Have several processes consume one queue; add up what they took."""
    with queues(subject) as (client, names), ExitStack() as stack:
        job = consume_job(subject, names, endless=True)
        count = subject.setting("processes", 1)
        processes = [stack.enter_context(subject.running(job)) for _ in range(count)]
        # Of a queue that is full already, the first process would take the most.
        if not wait_for(lambda: client.consumers(QUEUE) == count, CONSUMING_DEADLINE):
            raise SubjectFailed("they did not consume")
        client.fill(QUEUE, subject.warmup + subject.count, *message_of(subject))
        if not wait_for(lambda: not client.depth(QUEUE), DEADLINE):
            raise SubjectFailed("the queue did not become empty")
        # What is ready is none; what was delivered last may still be handled.
        time.sleep(SETTLING)
        for process in processes:
            process.terminate()
        found = [subject.result(process) for process in processes]
    wall = max(one["ended"] for one in found) - min(one["began"] for one in found)
    total = {key: sum(one[key] for one in found) for key in ("messages", "cpu", "peak_mb")}
    return per_message(total | {"wall": wall})


def latency(subject: Subject) -> Result:
    """Send at a steady rate, to a subject that consumes already."""
    with queues(subject) as (client, (name,)):
        job = consume_job(subject, [name], latency=True)
        with subject.running(job) as process:
            if not wait_for(lambda: client.consumers(name) > 0, CONSUMING_DEADLINE):
                raise SubjectFailed("it did not consume")
            wrap = wrapper(subject.peer)
            every = 1.0 / subject.setting("rate", 1_000)
            due = time.monotonic()
            for _ in range(job.warmup + job.count):
                client.send(name, *wrap(stamped(time.monotonic_ns(), USUAL)))
                due += every
                time.sleep(max(0.0, due - time.monotonic()))
            found: Result = subject.result(process)
    return found


def publish(subject: Subject) -> Result:
    """Have messages published, and count them."""
    with queues(subject) as (client, (name,)):
        job = publish_job(subject, name)
        found = subject.run(job)
        arrived = client.depth(name)
    if arrived != job.warmup + job.count:
        raise SubjectFailed(f"{arrived} messages arrived, {job.warmup + job.count} were confirmed")
    return per_message(found)


def ask(subject: Subject) -> Result:
    """Have questions asked, which a thread of this process answers, and count them."""
    with (
        queues(subject) as (client, (name,)),
        Client(subject.stage.url) as other,
        ThreadPoolExecutor() as threads,
    ):
        answering = threads.submit(other.answer, name)
        job = jobs.Ask(**vars(publish_job(subject, name)))
        try:
            found = subject.run(job)
        finally:
            # It wants no answer: the last one.
            client.send(name, b"")
        answered = answering.result()
    if answered != job.warmup + job.count:
        raise SubjectFailed(f"{answered} questions came instead of {job.warmup + job.count}")
    return per_message(found)


def http(subject: Subject) -> Result:
    """Ask a server, which tells the CPU that it took."""
    (port,) = free_ports(1)
    job = jobs.Serve(port=port, routes=subject.setting("routes", 0))
    kind = subject.setting("request", "plain")
    with subject.running(job) as process:
        try:
            found = asyncio.run(load.measure(port, kind, subject.warmup, subject.count))
        except (load.UnexpectedAnswer, OSError) as error:
            process.kill()
            err = process.communicate()[1]
            raise SubjectFailed(f"{error!r}: {err.strip()[-300:]}") from error
        process.terminate()
        process.communicate()
    return per_message(found)


def follow(subject: Subject) -> Result:
    """Have an event stream followed."""
    job = jobs.Follow(
        url=subject.stage.events,
        path=f"/{subject.warmup + subject.count}",
        warmup=subject.warmup,
        count=subject.count,
        bulk=subject.setting("bulk", 1),
    )
    return per_message(subject.run(job))


def clock(subject: Subject) -> Result:
    """Have Timeit used."""
    return per_message(subject.run(jobs.Clock(warmup=subject.warmup, count=subject.count)))


def imports(subject: Subject) -> Result:
    """Import in new processes, the first of which compiles."""
    statement = subject.peer.imports[subject.case.name]
    environment = {**os.environ, **COMPILED}
    command = [subject.home.python or sys.executable, "-c", IMPORTING, statement]
    taken = []
    for _ in range(1 + max(subject.amount, 1)):
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode != 0:
            raise SubjectFailed(done.stderr.strip().splitlines()[-1])
        taken.append(float(done.stdout) * 1e3)
    return {IMPORT: median(taken[1:])}


def idle(subject: Subject) -> Result:
    """Have a worker do nothing, and look at its memory or its time."""
    with queues(subject) as (_, (name,)):
        (port,) = free_ports(1)
        job = jobs.Idle(
            url=subject.stage.url,
            queue=name,
            events=subject.stage.events + "/0",
            port=port,
            everything=subject.setting("everything", False),
            seconds=subject.amount if subject.setting("timed", False) else 0,
        )
        if subject.setting("compiled", False):
            # The first run may have to compile them.
            subject.run(job)
        found: Result = subject.run(job)
    return found


KINDS: Final[dict[str, Callable[[Subject], Result]]] = {
    do.__name__: do
    for do in (consume, forward, share, latency, publish, ask, http, follow, clock, imports, idle)
}


@contextmanager
def queues(subject: Subject, *more: str) -> Iterator[tuple[Client, list[str]]]:
    """Make the queues of a case, and delete them in the end: the broker may be somebody's own."""
    names = [QUEUE, *(f"{QUEUE}-{number}" for number in range(1, subject.setting("routes", 1)))]
    names += more
    leftover, exchange = LEFTOVERS
    with Client(subject.stage.url) as client:
        try:
            for name in names:
                client.declare(name)
            yield client, names
        finally:
            for name in (*names, leftover):
                client.delete(name)
            client.delete_exchange(exchange)


def message_of(subject: Subject) -> tuple[bytes, dict[str, Any]]:
    """Return content and headers of a message that the peer takes."""
    return wrapper(subject.peer)(encode(body(subject.setting("size", USUAL))))


def consume_job(subject: Subject, names: list[str], **more: bool) -> jobs.Consume:
    """Return what a consumer is told."""
    return jobs.Consume(
        url=subject.stage.url,
        queues=tuple(names),
        warmup=subject.warmup,
        count=subject.count,
        bulk=subject.setting("bulk", 1),
        prefetch=subject.setting("prefetch", 256),
        model=subject.setting("model", ""),
        pause=subject.setting("pause", 0.0),
        keys=subject.setting("keys", 1_000),
        **more,
    )


def publish_job(subject: Subject, name: str) -> jobs.Publish:
    """Return what a publisher is told."""
    return jobs.Publish(
        url=subject.stage.url,
        queue=name,
        warmup=subject.warmup,
        count=subject.count,
        size=subject.setting("size", USUAL),
        in_flight=subject.setting("in_flight", 1),
        bulk=subject.setting("bulk", 1),
    )


def wrapper(peer: Peer) -> Callable[[bytes], tuple[bytes, dict[str, Any]]]:
    """Return what turns a message into the form that a peer takes."""
    if not peer.wraps:
        return lambda content: (content, {})
    envelope = import_module(f"benchmarks.subjects.{peer.module}").envelope
    return lambda content: envelope(json.loads(content))


def per_message(found: Result) -> Result:
    """Add microseconds a message, and messages a second."""
    return found | {
        CPU: found["cpu"] / found["messages"] * 1e6,
        RATE: found["messages"] / found["wall"],
    }
