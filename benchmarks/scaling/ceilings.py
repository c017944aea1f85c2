"""What queues carry on this machine: filled alone, emptied alone, and both at once.

Broker, publishers and workers share its cores, so that this is the least of what a queue carries.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

from benchmarks.amqp import Client
from benchmarks.environments import say
from benchmarks.machine import machine
from benchmarks.peers import OURS, PEERS
from benchmarks.results import Results
from benchmarks.scaling.bystanders import Bystanders
from benchmarks.scaling.traffic import READY, Traffic
from benchmarks.window import Result
from scripts import ROOT
from scripts.rabbitmq.broker import Broker
from scripts.rabbitmq.probe import version_of, wait_for

KINDS: Final = ("classic", "quorum")
COUNTS: Final = (1, 2, 4, 8)
MESSAGES: Final = 100_000
PUBLISHERS: Final = 2
WORKERS: Final = 2
QUEUE: Final = "asyncworker-scaling"
DEADLINE: Final = 120.0
SETTLING: Final = 0.5
WORK: Final = """
Pid = fun({Name, _}) -> whereis(Name); (Other) -> Other end,
Reductions = [erlang:process_info(Pid(amqqueue:get_pid(Queue)), reductions)
              || Queue <- rabbit_amqqueue:list()],
{element(1, erlang:statistics(runtime)), element(1, erlang:statistics(reductions)),
 lists:sum([Count || {reductions, Count} <- Reductions])}.
"""
"""What tells the milliseconds of CPU of all threads, and the steps of work that Erlang counts: of
all its processes, and of those that are queues."""
ANSWER: Final = re.compile(r"\{(\d+),(\d+),(\d+)\}")

PUBLISHED: Final = "published"
CONSUMED: Final = "consumed"
CARRIED: Final = "carried"
BROKER: Final = "broker_us"
QUEUES: Final = "queues_us"
"""The part of the broker's CPU time that is the queues' own, by their part of all steps."""
OTHERS: Final = "others_percent"
"""How much of the machine's cores others had meanwhile."""
QUIET: Final = 5


class TrafficFailed(Exception):
    """Report publishers or workers that did not do what they should."""


def case(kind: str, queues: int) -> str:
    """Return the name under which results are kept."""
    return f"{kind}-{queues}"


def measure(broker: Broker, rounds: int, messages: int = MESSAGES) -> Results:
    """Measure all kinds and counts of queues, in alternating rounds.

    Raises: TrafficFailed
    """
    on = machine() | {"RabbitMQ": ".".join(map(str, version_of(broker.url)))}
    results = Results(datetime.now(UTC).date().isoformat(), rounds, on)
    results.versions = {name: version(name) for name in PEERS[OURS].distributions}
    for number in range(1, rounds + 1):
        for kind in KINDS:
            for count in COUNTS:
                found = Queues(broker, kind, count, messages).measure()
                results.add(case(kind, count), OURS, found)
                quiet = "" if found[OTHERS] < QUIET else f"; others took {found[OTHERS]:.0f} %"
                at = f"round {number}/{rounds}: {case(kind, count)}"
                say(f"{at}: {found[CARRIED]:,.0f} a second{quiet}")
    return results


@dataclass(frozen=True)
class Queues:
    """Measure some queues of one kind. messages: how many go through them each time."""

    broker: Broker
    kind: str
    count: int
    messages: int

    def measure(self) -> Result:
        """Return messages a second, each way alone and both at once, and the broker's CPU time.

        Raises: TrafficFailed
        """
        with Client(self.broker.url) as client:
            try:
                for name in self._names:
                    client.declare(name, self.kind)
                return self._alone(client) | self._at_once(client)
            finally:
                for name in self._names:
                    client.delete(name)

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(f"{QUEUE}-{number}" for number in range(self.count))

    def _alone(self, client: Client) -> Result:
        sent = self._publish()
        with self._consuming(client) as taken:
            self._wait(client)
        _check_all_came(sent, taken)
        return {PUBLISHED: _rate(sent, sent), CONSUMED: _rate(taken, taken)}

    def _at_once(self, client: Client) -> Result:
        before = self._work()
        others = Bystanders(before[0] / 1e3)
        with self._consuming(client) as taken:
            sent = self._publish()
            self._wait(client)
        after = self._work()
        _check_all_came(sent, taken)
        cpu, steps, of_queues = (now - then for now, then in zip(after, before, strict=True))
        broker = cpu * 1e3 / _total(sent)
        return {
            CARRIED: _rate(sent, taken),
            BROKER: broker,
            QUEUES: broker * of_queues / steps,
            OTHERS: others.percent(after[0] / 1e3),
        }

    def _publish(self) -> list[Result]:
        traffic = Traffic(self.broker.url, self._names, self.messages // PUBLISHERS)
        with ExitStack() as stack:
            running = [stack.enter_context(_process("publish", traffic)) for _ in range(PUBLISHERS)]
            for process in running:
                if process.stdout is None or process.stdout.readline().strip() != READY:
                    raise TrafficFailed(process.communicate()[1].strip()[-300:])
            # All connect first, and begin together.
            for process in running:
                if process.stdin is not None:
                    process.stdin.write("\n")
                    process.stdin.flush()
            return [_result(process) for process in running]

    @contextmanager
    def _consuming(self, client: Client) -> Iterator[list[Result]]:
        """Run workers while the context lasts; the list is filled at its end."""
        wanted = self.count * WORKERS
        taken: list[Result] = []
        traffic = Traffic(self.broker.url, self._names)
        with ExitStack() as stack:
            running = [stack.enter_context(_process("consume", traffic)) for _ in range(WORKERS)]
            # One that comes late, when all is done, would not know yet what to do with SIGTERM.
            if not wait_for(lambda: sum(map(client.consumers, self._names)) == wanted, DEADLINE):
                raise TrafficFailed("they did not consume")
            yield taken
            # What is ready is none; what was delivered last may still be handled.
            time.sleep(SETTLING)
            for process in running:
                process.terminate()
            taken += [one for one in map(_result, running) if one["messages"]]

    def _wait(self, client: Client) -> None:
        if not wait_for(lambda: not sum(map(client.depth, self._names)), DEADLINE):
            raise TrafficFailed("the queues did not become empty")

    def _work(self) -> tuple[int, ...]:
        said = self.broker.ctl("eval", WORK)
        found = ANSWER.search(said)
        if found is None:
            raise TrafficFailed(f"the broker does not tell its work: {said}")
        return tuple(map(int, found.groups()))


def _rate(sent: Iterable[Result], taken: Iterable[Result]) -> float:
    """Return messages a second, from the first that was sent to the last that was taken."""
    seconds = max(one["ended"] for one in taken) - min(one["began"] for one in sent)
    return _total(taken) / seconds


def _total(found: Iterable[Result]) -> float:
    return sum(one["messages"] for one in found)


def _check_all_came(sent: Iterable[Result], taken: Iterable[Result]) -> None:
    if _total(sent) != _total(taken):
        raise TrafficFailed(f"{_total(taken):.0f} messages came of {_total(sent):.0f}")


@contextmanager
def _process(doing: str, traffic: Traffic) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "benchmarks.scaling.traffic", doing, traffic.dump()]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
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


def _result(process: subprocess.Popen[str]) -> Result:
    out, err = process.communicate(timeout=DEADLINE)
    if process.returncode != 0 or not out.strip():
        raise TrafficFailed(f"exit code {process.returncode}: {err.strip()[-300:]}")
    found: Result = json.loads(out.splitlines()[-1])
    return found
