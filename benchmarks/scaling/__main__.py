"""The command: hatch run scaling [--measure] [--rounds N]."""

import argparse
import sys
from typing import Final

from benchmarks.environments import say
from benchmarks.scaling import ceilings, guide
from scripts.rabbitmq.broker import BrokerError
from scripts.rabbitmq.private import private_broker

ROUNDS: Final = 3


def main(words: list[str]) -> int:
    """Measure if that is wanted, write the guide; return the exit code."""
    arguments = _arguments(words)
    if arguments.measure:
        try:
            with private_broker() as broker:
                ceilings.measure(broker, arguments.rounds).write(guide.QUEUES)
        except (BrokerError, ceilings.TrafficFailed) as error:
            say(str(error))
            return 1
    say(f"wrote {guide.write(guide.read())}")
    return 0


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="hatch run scaling", description="Write the guide 'Outgrow one machine'."
    )
    parser.add_argument(
        "--measure", action="store_true", help="measure first what queues carry here"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="default: %(default)s")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
