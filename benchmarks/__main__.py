"""The command: hatch run bench [--quick] [--rounds N] [--renew] [--out FOLDER] [CASE ...]."""

import argparse
import sys
from pathlib import Path
from typing import Final

from benchmarks import cases, report, rounds, table
from benchmarks.environments import say
from benchmarks.events import event_server
from benchmarks.measure import Stage
from benchmarks.report import DOCS, RESULTS
from benchmarks.results import Results
from benchmarks.scaling import guide
from scripts.rabbitmq.broker import BrokerError
from scripts.rabbitmq.private import broker

ROUNDS: Final = 5


def main(words: list[str]) -> int:
    """Measure, print the table, write the report; return the exit code."""
    arguments = _arguments(words)
    try:
        selected = cases.chosen(arguments.cases, quick=arguments.quick)
    except ValueError as error:
        say(str(error))
        return 2
    if arguments.report:
        _write(Results.read(arguments.report), arguments.out or DOCS)
        return 0
    return _measure(arguments, selected)


def _measure(arguments: argparse.Namespace, selected: list[cases.Case]) -> int:
    # Only a whole run speaks for all; a part of one is for whoever is at work.
    whole = not arguments.quick and not arguments.cases
    out = arguments.out or (DOCS if whole else None)
    raw = arguments.record
    if raw is None and out is not None:
        raw = RESULTS if out == DOCS else out / "results.json"

    def keep(results: Results) -> None:
        if raw is not None:
            results.write(raw)

    count = 1 if arguments.quick else arguments.rounds
    if arguments.renew:
        count = Results.read(RESULTS).rounds
    try:
        with broker() as url, event_server() as events:
            stage = Stage(url, events)
            results = rounds.run(stage, selected, count, quick=arguments.quick, keep=keep)
    except BrokerError as error:
        say(str(error))
        return 1
    print(table.table(results))
    if arguments.renew:
        return _renew(results)
    if out is not None:
        _write(results, out)
    return 1 if results.failures else 0


def _renew(part: Results) -> int:
    results = Results.read(RESULTS)
    try:
        results.renew(part)
    except ValueError as error:
        say(str(error))
        return 1
    results.write(RESULTS)
    _write(results, DOCS)
    return 1 if part.failures else 0


def _write(results: Results, folder: Path) -> None:
    say(f"wrote {report.write(results, folder)}")
    if folder != DOCS:
        return
    # Its model takes some of the numbers.
    try:
        say(f"wrote {guide.write(guide.read())}")
    except ValueError as error:
        say(f"{guide.PAGE} is as it was: {error}")


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="hatch run bench", description="Measure asyncworker beside its peers."
    )
    parser.add_argument(
        "cases", nargs="*", metavar="CASE", help="how its name begins: consume, http-json"
    )
    parser.add_argument(
        "--quick", action="store_true", help="one short round; the numbers say little"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="default: %(default)s")
    parser.add_argument(
        "--out", type=Path, help="where to write the report; default: docs, after a whole run"
    )
    parser.add_argument(
        "--renew", action="store_true", help="put the cases in the place of the report's"
    )
    parser.add_argument("--record", type=Path, help="keep the numbers in this file")
    parser.add_argument(
        "--report", type=Path, metavar="RESULTS", help="write the report of results.json again"
    )
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
