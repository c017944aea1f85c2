"""Run two workers while everything breaks: python -m tests.soak --minutes 60 --seed 7."""

import argparse
import asyncio
import logging
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from random import SystemRandom

from scripts.rabbitmq.private import private_broker
from tests.soak.soak import Soak, say
from tests.soak.summary import command


def main() -> int:
    """Run a soak; return the exit code."""
    arguments = parse()
    # The faults are on purpose: what libraries say about them is no news.
    for library in ("aio_pika", "aiormq", "asyncio"):
        logging.getLogger(library).setLevel(logging.CRITICAL + 1)
    warnings.filterwarnings("ignore", module="aio_pika|aiormq")
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    kept = False
    say(f"seed {arguments.seed}, {arguments.minutes:g} minutes")
    try:
        with private_broker() as node:
            soak = Soak(node, folder, arguments.seed, arguments.minutes)
            summary = asyncio.run(soak.run())
        say("\n".join(summary.lines()))
        if arguments.record:
            summary.write(arguments.record)
        kept = not summary.failures
    finally:
        if kept:
            shutil.rmtree(folder)
        else:
            say(f"the workers' logs, and what they did: {folder}")
            say(f"again: {command(arguments.seed, arguments.minutes)}")
    return 0 if kept else 1


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("hatch run soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    parser.add_argument("--record", type=Path, help="keep what it came to in this file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
