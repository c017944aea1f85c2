"""Have nothing outlive this process: neither a folder nor what was started for it."""

import subprocess
from pathlib import Path

from scripts.rabbitmq.broker import BrokerError

# The read ends when this process does, even by SIGKILL, or closes the pipe. Nothing is started any
# more once `pids` has another name. Who is dying may still write: one removal may not be enough.
WATCHDOG = """
trap '' PIPE
mkdir -m 700 "$0" && mkdir "$0/pids" || exit
echo made
read -r _
mv "$0/pids" "$0/ended"
for pid in $(ls "$0/ended"); do kill -9 "-$pid"; done
for try in $(seq 50); do
    rm -rf "$0" && exit
    sleep 0.1
done
"""
NOTED = ': > "$0/pids/$$" && exec "$@"'


def watch(folder: Path) -> subprocess.Popen[bytes]:
    """Make a folder; return what removes it when its stdin is closed, and ends what is noted there.

    Raises: BrokerError
    """
    watchdog = subprocess.Popen(
        ["/bin/sh", "-c", WATCHDOG, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    if watchdog.stdout is None or not watchdog.stdout.readline():
        raise BrokerError(f"cannot make {folder}")
    return watchdog


def noted(command: list[str], folder: Path) -> list[str]:
    """Return a command that notes its process before it is run, in a session of its own.

    So the watchdog knows of it, whatever interrupts us.
    """
    return ["/bin/sh", "-c", NOTED, str(folder), *command]


def forget(process: subprocess.Popen[bytes], folder: Path | None) -> None:
    """Keep the watchdog from a process that has ended: its number may be another's soon."""
    if folder is not None:
        (folder / "pids" / str(process.pid)).unlink(missing_ok=True)
