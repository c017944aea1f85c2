"""`asyncworker health`: ask a running worker, as a probe does."""

from __future__ import annotations

import json
import sys
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

import click

from asyncworker.cli.monitor import TIMEOUT, default_url, got, parsed, where

if TYPE_CHECKING:
    from urllib.parse import SplitResult


@click.command()
@click.argument("url", required=False)
@click.option("--live", is_flag=True, help="Ask whether the event loops turn, no more.")
def health(url: str | None, *, live: bool) -> None:
    """Ask a running worker whether its routes work.

    Prints a line, and exits with 0 if they do, with 1 if not or if nobody answers. URL is that of
    its monitor, as http://127.0.0.1:9000, or http://127.0.0.1:8080/- with the prefix of
    app.http.monitor(). Without it, ASYNCWORKER_MONITOR_HOST and ASYNCWORKER_MONITOR_PORT tell.
    """
    is_well, line = _asked(parsed(url or default_url()), "live" if live else "ready")
    click.echo(line)
    sys.exit(0 if is_well else 1)


def _asked(monitor: SplitResult, what: str) -> tuple[bool, str]:
    """Return whether all is well, and a line that says so or why not."""
    path = f"/health/{what}"
    place = where(monitor, path)
    try:
        status, body = got(monitor, path)
    except TimeoutError:
        return False, f"no answer from {place} within {TIMEOUT:g} s"
    except (OSError, HTTPException) as error:
        reason = getattr(error, "strerror", None) or repr(error)
        return False, f"no answer from {place}: {reason}"
    if status == 200:
        return True, what
    return False, f"not {what}: {_problems(body) or f'{place} answers with status {status}'}"


def _problems(body: bytes) -> str | None:
    """Return what a worker says is wrong, as one line; None when no worker has answered."""
    try:
        said: Any = json.loads(body)
        return " ".join("; ".join(said["problems"]).split())
    except (ValueError, TypeError, KeyError):
        return None
