"""Rounds: every subject of every case takes its turn, then all of them again."""

from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median

from amqp import AMQPError

from benchmarks.cases import Case
from benchmarks.environments import Home, Unavailable, available, say
from benchmarks.machine import machine
from benchmarks.measure import Stage, Subject, SubjectFailed
from benchmarks.peers import OURS, PEERS
from benchmarks.profiles import PROFILED, profile
from benchmarks.results import Results
from benchmarks.targets import NOT_REACHED, verdicts
from scripts.rabbitmq.probe import version_of


def run(
    stage: Stage,
    cases: list[Case],
    rounds: int,
    *,
    quick: bool,
    keep: Callable[[Results], object] = lambda results: None,
) -> Results:
    """Measure all cases in alternating rounds.

    keep: called after each round, so that an interrupted run leaves what it has.
    """
    on = machine() | {"RabbitMQ": ".".join(map(str, version_of(stage.url)))}
    results = Results(datetime.now(UTC).date().isoformat(), rounds, on)
    homes = _homes(cases, results, quick=quick)
    for number in range(1, rounds + 1):
        for case in cases:
            if number > case.rounds:
                continue
            # A quick run has one: it is to show that all runs.
            for _ in range(1 if quick else case.turns):
                _turn(results, stage, case, homes, f"round {number}/{rounds}", quick=quick)
        keep(results)
    if not quick:
        _profile(results, stage, cases, homes)
        keep(results)
    return results


def _profile(results: Results, stage: Stage, cases: list[Case], homes: dict[str, Home]) -> None:
    """Look where the time goes in what did not reach its target."""
    missed = {v.target.ours.case for v in verdicts(results) if v.words == NOT_REACHED}
    for case in cases:
        if case.name in missed and case.kind in PROFILED:
            amount = case.amount(OURS, quick=False)
            subject = Subject(stage, case, PEERS[OURS], homes[OURS], amount)
            say(f"profile: {case.name}")
            results.profiles[case.name] = profile(subject)


def _turn(
    results: Results, stage: Stage, case: Case, homes: dict[str, Home], at: str, *, quick: bool
) -> None:
    for name in case.processes:
        if name not in homes:
            continue
        amount = case.amount(name, quick=quick)
        where = f"{at}: {case.name}: {name}"
        try:
            found = Subject(stage, case, PEERS[name], homes[name], amount).measure()
        except (SubjectFailed, OSError, AMQPError) as error:
            results.failures.append(f"{where}: {error}")
            say(results.failures[-1])
        else:
            for peer, taken in found.items():
                for result in taken:
                    results.add(case.name, peer, result)
            metric = case.metrics[0]
            middle = median(result[metric] for result in found[name])
            say(f"{where}: {middle:,.4g} {metric}")


def _homes(cases: list[Case], results: Results, *, quick: bool) -> dict[str, Home]:
    """Make the environments; note the versions, and who cannot be had."""
    homes: dict[str, Home] = {}
    for name in dict.fromkeys(peer for case in cases for peer in case.peers):
        peer = PEERS[name]
        if quick and peer.home == "old":
            results.absent[name] = "left out of --quick: it needs an environment of its own"
            continue
        try:
            homes[name] = available(peer, may_install=not quick)
        except Unavailable as error:
            results.absent[name] = str(error)
            say(f"{name} is left out: {error}")
        else:
            results.versions |= homes[name].versions(peer)
    return homes
