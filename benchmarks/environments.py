"""Where subjects run: this environment, one for the old system's pins, a compiled C program."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from benchmarks import jobs
from benchmarks.peers import Peer
from scripts import ROOT, apt

FOLDER: Final = Path(sys.prefix) / "benchmarks"
"""Within the environment, so that `hatch env prune` removes it too."""
UV: Final = (sys.executable, "-m", "uv")
OLD_REQUIREMENT: Final = "async-worker==0.20.2"
OLD_PYTHON: Final = "3.11"
"""The newest Python that the pins of the old system have wheels for."""
SOURCE: Final = Path(__file__).parent / "subjects" / "librabbitmq.c"
HEADER: Final = Path("/usr/include/amqp.h")
VERSIONS: Final = """
import json, sys
from importlib.metadata import version
print(json.dumps({name: version(name) for name in sys.argv[1:]}))
"""


class Unavailable(Exception):
    """Say why a peer cannot be measured here."""


@dataclass(frozen=True)
class Home:
    """Say how the subjects of one environment are started.

    python: its interpreter, or None for the C program. program: the C program.
    """

    python: str | None = None
    program: str | None = None

    def command(self, peer: Peer, job: jobs.Job) -> list[str]:
        """Return the command that does the job."""
        if self.python is not None:
            return [self.python, "-m", "benchmarks.subject", peer.module, jobs.dump(job)]
        return [str(self.program), *_words(job)]

    def versions(self, peer: Peer) -> dict[str, str]:
        """Return the versions of what is measured."""
        if self.python is None:
            return {"librabbitmq": _output([str(self.program), "version"])}
        if self.python != sys.executable:
            command = [self.python, "-c", VERSIONS, *peer.distributions]
            found: dict[str, str] = json.loads(_output(command))
            return found
        return {name: version(name) for name in peer.distributions}


@cache
def home(name: str, *, may_install: bool) -> Home:
    """Return an environment, made at first use.

    may_install: whether packages of the operating system may be installed for it.
    Raises: Unavailable
    """
    if name == "old":
        return Home(python=_old_python())
    if name == "c":
        return Home(program=_program(may_install))
    return Home(python=sys.executable)


def available(peer: Peer, *, may_install: bool) -> Home:
    """Return where a peer runs.

    Raises: Unavailable, when it is not installed.
    """
    place = home(peer.home, may_install=may_install)
    try:
        place.versions(peer)
    except (PackageNotFoundError, subprocess.CalledProcessError) as error:
        raise Unavailable(f"not installed: {error}") from None
    return place


def _old_python() -> str:
    """Make the environment of the old system; its pins fit in no other."""
    folder = FOLDER / "async-worker"
    python = folder / "bin" / "python"
    if (folder / "complete").exists():
        return str(python)
    say(f"installing {OLD_REQUIREMENT} in an environment of its own ...")
    shutil.rmtree(folder, ignore_errors=True)
    # A Python that is not here is not fetched: a benchmark is no reason to install one.
    _install(*UV, "venv", "--quiet", "--no-python-downloads", "--python", OLD_PYTHON, str(folder))
    _install(*UV, "pip", "install", "--quiet", "--python", str(python), OLD_REQUIREMENT)
    (folder / "complete").touch()
    return str(python)


def _program(may_install: bool) -> str:
    """Compile the C program."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise Unavailable("there is no C compiler")
    if not HEADER.exists() and may_install and apt.is_at_hand():
        say("installing librabbitmq-dev with apt-get ...")
        apt.install("librabbitmq-dev")
    FOLDER.mkdir(exist_ok=True)
    program = FOLDER / "librabbitmq"
    _install(compiler, "-O2", "-o", str(program), str(SOURCE), "-lrabbitmq")
    return str(program)


def _install(*command: str) -> None:
    """Run a command that may well fail on this machine."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        reason = next((line for line in lines if "error" in line.lower()), "no reason given")
        raise Unavailable(f"{Path(command[0]).name} failed: {reason}")


def _words(job: jobs.Job) -> list[str]:
    if not isinstance(job, jobs.Consume | jobs.Publish):
        raise TypeError(f"the C program cannot do {job}")
    address = jobs.Address.of(job.url)
    words = [jobs.name(job), address.host, address.port, address.user, address.password]
    words += [address.vhost, job.queue, job.warmup, job.count]
    more = (job.bulk, job.prefetch) if isinstance(job, jobs.Consume) else (job.in_flight, job.size)
    return [str(word) for word in (*words, *more)]


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.strip()


def say(line: str) -> None:
    """Print a line for whoever waits; stdout is for the table."""
    print(f"bench: {line}", file=sys.stderr, flush=True)
