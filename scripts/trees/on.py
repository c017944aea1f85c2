"""Run a command, or the tests, on another Debian system: with its Python and its RabbitMQ.

python -m scripts.trees.on SUITE [COMMAND...] makes a tree of the suite at its first call. The
command sees a copy of this checkout; what it changes in there is brought back at its end.
"""

import fcntl
import itertools
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from scripts.trees.checkout import Checkout, CheckoutError
from scripts.trees.tree import SUITES, Tree, TreeError, check_machine

TESTS = ("hatch", "run", "test")
KNOWN = "; ".join(f"{suite} ({what})" for suite, what in SUITES.items())
USAGE = f"usage: hatch run on SUITE [COMMAND...], where SUITE is one of {KNOWN}"


def main(arguments: list[str]) -> int:
    """Run the command; say in one line why it cannot be run."""
    if not arguments or arguments[0] not in SUITES:
        say(f"there is no {arguments[0]}: take one of {KNOWN}" if arguments else USAGE)
        return 2
    suite, *command = arguments
    try:
        return run(Tree(suite), command or list(TESTS))
    except (CheckoutError, TreeError) as error:
        say(str(error))
        return 1


def run(tree: Tree, command: list[str]) -> int:
    """Run the command in the tree; return its exit code."""
    check_machine()
    if not tree.folder.exists():
        say(f"making {tree.folder}: {SUITES[tree.suite]}; this takes a minute, once ...")
    tree.make()
    with free_place(tree.folder / "runs") as place:
        temporary = place / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        checkout = Checkout(place / "asyncworker")
        checkout.update()
        code = tree.run(command, checkout.folder, temporary)
        for name in checkout.bring_back():
            say(f"{name} changed here as well: the command's is {checkout.folder / name}")
        shutil.rmtree(temporary, ignore_errors=True)
    return code


@contextmanager
def free_place(folder: Path) -> Iterator[Path]:
    """Yield a folder that no other run has at the same time, the same as last time if possible."""
    for number in itertools.count(1):
        place = folder / str(number)
        place.mkdir(parents=True, exist_ok=True)
        with (place / "lock").open("w") as lock, suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield place
            return


def say(line: str) -> None:
    """Print a line for whoever waits; stdout is the command's own."""
    print(f"on: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
