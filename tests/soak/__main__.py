"""Run two workers while everything breaks: python -m tests.soak --minutes 60 --seed 7."""

import argparse
import asyncio
import logging
import shutil
import sys
import tempfile
from pathlib import Path
from random import SystemRandom

from scripts.broker import private_broker
from tests.soak.soak import Soak, say


def main() -> int:
    """Run a soak; return the exit code."""
    arguments = parse()
    # The faults are on purpose: what libraries say about them is no news.
    for library in ("aio_pika", "aiormq", "asyncio"):
        logging.getLogger(library).setLevel(logging.CRITICAL + 1)
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    with private_broker() as node:
        say(f"seed {arguments.seed}, {arguments.minutes:g} minutes")
        summary = asyncio.run(Soak(node, folder, arguments.seed, arguments.minutes).run())
    say("\n".join(summary.lines()))
    if summary.failures:
        say(f"the workers' logs, and what they did: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("hatch run soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
