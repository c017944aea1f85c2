"""Run Debian's Prometheus on a free port, with its data in a temporary folder."""

import secrets
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from scripts import apt
from scripts.rabbitmq import watchdog
from scripts.rabbitmq.probe import HOST, free_ports, wait_for

MISSING: Final = "no Prometheus here: install Debian's package prometheus, or put {} on PATH"


class PrometheusMissing(Exception):
    """Report that there is no Prometheus and none can be had, or that it does not start."""


def find_or_install(program: str = "prometheus") -> str:
    """Return the installed program, which apt-get installs first if need be.

    program: "prometheus", or "promtool".
    Raises: PrometheusMissing
    """
    if shutil.which(program) is None and apt.is_at_hand():
        print("installing prometheus with apt-get ...", file=sys.stderr, flush=True)
        apt.install("prometheus")
    found = shutil.which(program)
    if found is None:
        raise PrometheusMissing(MISSING.format(program))
    return found


@contextmanager
def running(config: str) -> Iterator[str]:
    """Run Prometheus with a configuration while the context lasts; yield its URL.

    Raises: PrometheusMissing
    """
    program = find_or_install()
    folder = Path(tempfile.gettempdir()) / f"prometheus-{secrets.token_hex(6)}"
    [port] = free_ports(1)
    watching = watchdog.watch(folder)
    (folder / "prometheus.yml").write_text(config)
    with _started(program, port, folder) as process:
        try:
            url = f"http://{HOST}:{port}"
            wait_for(lambda: process.poll() is not None or _is_ready(url))
            if process.poll() is not None:
                raise PrometheusMissing(f"it does not start:\n{(folder / 'output').read_text()}")
            yield url
        finally:
            watching.communicate()


def _started(program: str, port: int, folder: Path) -> subprocess.Popen[bytes]:
    command = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={HOST}:{port}",
    ]
    with (folder / "output").open("wb") as output:
        return subprocess.Popen(
            watchdog.noted(command, folder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=1) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        error.close()
        return False
    except (urllib.error.URLError, OSError):
        return False
