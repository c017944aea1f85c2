"""The command itself."""

from __future__ import annotations

import sys

import click

from asyncworker.cli.failures import USAGE, fail
from asyncworker.cli.monitor import default_url, parsed


@click.command()
@click.argument("url", required=False)
def top(url: str | None) -> None:
    """Show how it stands with a running worker, live, until q or Ctrl-C.

    URL is that of its monitor, as http://127.0.0.1:9000, or http://127.0.0.1:8080/- with the prefix
    of app.http.monitor(). Without it, ASYNCWORKER_MONITOR_HOST and ASYNCWORKER_MONITOR_PORT tell.
    Where stdout is no terminal, it is shown once, and the command exits with 1 if nobody answers.
    """
    monitor = parsed(url or default_url())
    try:
        from asyncworker.cli.top.screen import follow, print_once
    except ImportError:
        fail("top needs rich: pip install 'asyncworker-core[cli]'", USAGE)
    if sys.stdout.isatty():
        follow(monitor)
    else:
        print_once(monitor)
