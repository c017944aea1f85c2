"""The command `asyncworker`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, NoReturn, get_args

import click

from asyncworker.backend import Remark, load_backend
from asyncworker.cli.checkup import problems_of
from asyncworker.cli.commands import Commands, target_argument
from asyncworker.cli.describe import describe
from asyncworker.cli.failures import USAGE, fail
from asyncworker.cli.health import health
from asyncworker.cli.listing import print_table, rows_of
from asyncworker.cli.manifests.command import manifest
from asyncworker.cli.manifests.texts import shipped
from asyncworker.cli.size import size_of
from asyncworker.cli.target import TargetFailed, parse_target
from asyncworker.cli.top.command import top
from asyncworker.errors import AsyncWorkerError
from asyncworker.handling.redaction import brief
from asyncworker.logs import json_logging
from asyncworker.logs.records import show_process
from asyncworker.processes.children import supervise
from asyncworker.processes.lifespan import Lifespan, Limits
from asyncworker.processes.parent_socket import ParentSocket
from asyncworker.processes.siblings import Siblings, shared_folder
from asyncworker.processes.supervisor import Supervisor
from asyncworker.route_types import RouteTypes
from asyncworker.running.signals import stop_signals
from asyncworker.variables import PREFIX, LogFormat, Loop
from asyncworker.version import __version__

if TYPE_CHECKING:
    from asyncworker.settings import Settings

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
output_option = click.option(
    "-o", "--output", type=click.File("w", lazy=False), default="-", help="Where to write it."
)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def main() -> None:
    """Run and inspect asyncworker apps.

    TARGET is module:app, or module:factory for a function that makes an app. A module alone means
    its `app`; path/to/file.py works too.
    """


@main.command()
@target_argument
@click.option("--reload", is_flag=True, help="Start again when Python files here change.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Run N processes, and start one that dies again.",
)
@click.option(
    "--max-messages",
    type=click.IntRange(min=1),
    metavar="N",
    help="Replace each of the workers when it has handled N messages.",
)
@click.option(
    "--max-memory",
    callback=size_of,
    metavar="SIZE",
    help="Replace each of the workers when it takes more memory, as 512M or 1G.",
)
@click.option("--loop", type=click.Choice(get_args(Loop)), help=f"Set {PREFIX}LOOP.")
@click.option(
    "--log-level",
    type=click.Choice(LEVELS, case_sensitive=False),
    help=f"Set {PREFIX}LOGLEVEL.",
)
@click.option(
    "--log-format",
    type=click.Choice(get_args(LogFormat), case_sensitive=False),
    help=f"Set {PREFIX}LOG_FORMAT.",
)
@click.option("--host", metavar="HOST", help=f"Set {PREFIX}HTTP_HOST.")
@click.option(
    "--port", type=click.IntRange(0, 65535), metavar="PORT", help=f"Set {PREFIX}HTTP_PORT."
)
@click.option("--parent-socket", type=int, hidden=True)
@click.option("--siblings", type=(int, int, str), hidden=True)
def run(
    target: str,
    *,
    reload: bool,
    workers: int | None,
    max_messages: int | None,
    max_memory: int | None,
    loop: str | None,
    log_level: str | None,
    log_format: str | None,
    host: str | None,
    port: int | None,
    parent_socket: int | None,
    siblings: tuple[int, int, str] | None,
) -> None:
    """Run an app until SIGINT or SIGTERM."""
    if reload and workers:
        raise click.UsageError("--reload runs one process: leave out --workers")
    limits = Limits(max_messages, max_memory)
    if limits and workers is None and parent_socket is None:
        reason = "--max-messages and --max-memory replace one of several processes: give --workers"
        raise click.UsageError(reason)
    _set_variables(
        LOOP=loop, LOGLEVEL=log_level, LOG_FORMAT=log_format, HTTP_HOST=host, HTTP_PORT=port
    )
    if host is not None or port is not None:
        load_backend(RouteTypes.HTTP)
    if reload:
        sys.exit(_reload(target))
    if workers:
        sys.exit(_run_workers(target, workers, limits))
    _run_here(target, parent_socket, siblings, limits)


@main.command()
@target_argument
def routes(target: str) -> None:
    """Show the routes and schedules of an app."""
    app = parse_target(target).load()
    print_table(rows_of(app))


@main.command()
@target_argument
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=20.0,
    show_default=True,
    help="Seconds for all connections together.",
)
def check(target: str, timeout: float) -> None:
    """Tell whether an app could work, without running it.

    Imports it, tries its connections, looks for its queues and streams, and whether its port is
    free. Prints a line for each problem, and exits with 1 if there is any; what one should know
    besides is printed as a note. Hooks and handlers are not called.
    """
    try:
        app = parse_target(target).load()
    except TargetFailed as error:
        raise AsyncWorkerError(f"{error}: {brief(error.__cause__ or error)}") from None
    # What libraries log of a problem is said by its line.
    noisy = {name for connection in app.connections.all for name in connection.noisy_loggers}
    with json_logging("CRITICAL", noisy, app.settings.log_format):
        lines = asyncio.run(problems_of(app, timeout))
    for line in lines:
        click.echo(f"note: {line}" if isinstance(line, Remark) else line)
    if not all(isinstance(line, Remark) for line in lines):
        sys.exit(1)
    schedules = f"; schedules: {len(app.schedules)}" if app.schedules else ""
    click.echo(f"ok, routes: {len(app.routes)}{schedules}")


main.add_command(health)
main.add_command(top)
main.add_command(describe)


@main.command()
@click.argument("name", type=click.Path(path_type=Path))
def new(name: Path) -> None:
    """Write a worker, its test and what runs it into the new folder NAME.

    That is a Dockerfile, files for Docker Compose with RabbitMQ, Prometheus and Grafana, a unit of
    systemd, and a workflow of GitHub Actions.
    """
    from asyncworker.cli.manifests.files import NotWritten
    from asyncworker.cli.scaffold import write_project

    try:
        files = write_project(name)
    except NotWritten as error:
        fail(str(error), USAGE)
    for file in files:
        click.echo(f"wrote {file}")


main.add_command(manifest)


@main.command()
@output_option
def dashboard(output: IO[str]) -> None:
    """Print a dashboard for Grafana, as JSON to be imported.

    It shows what `asyncworker.metrics` tells Prometheus.
    """
    output.write(shipped("dashboard.json"))


@main.command()
@output_option
def alerts(output: IO[str]) -> None:
    """Print alerts for Prometheus, as YAML for its `rule_files`.

    They are about what `asyncworker.metrics` tells it.
    """
    output.write(shipped("alerts.yml"))


def _set_variables(**values: str | int | None) -> None:
    """Set what apps read, those of further processes included."""
    for name, value in values.items():
        if value is not None:
            os.environ[f"{PREFIX}{name}"] = str(value)


def _settings() -> Settings:
    # Here, as pydantic takes longer than all else to be imported: probes call the command often.
    from asyncworker.settings import Settings

    return Settings.load()


def _run_here(
    target: str,
    parent_socket: int | None,
    siblings: tuple[int, int, str] | None,
    limits: Limits,
) -> None:
    with stop_signals(_end_before_start):
        parent = None if parent_socket is None else ParentSocket(parent_socket)
        if parent is not None:
            show_process()
            parent.end_with_parent(_settings().shutdown_timeout)
        app = parse_target(target).load()
        if parent is not None:
            parent.announce(app)
            if limits:
                app.feed.add(Lifespan(limits, parent.ask_for_successor))
        if siblings is not None:
            app.siblings = Siblings(*siblings)
    app.run()


def _end_before_start(_number: int, _frame: object) -> NoReturn:
    """End as a run does that is stopped before its start is complete."""
    sys.exit(0)


def _run_workers(target: str, count: int, limits: Limits) -> int:
    settings, arguments = _settings(), ["run", target, *limits.arguments]
    with shared_folder() as folder:
        return supervise(arguments, settings, lambda one: Supervisor(one, count, folder).run())


def _reload(target: str) -> int:
    try:
        from asyncworker.processes.reloader import Reloader
    except ImportError:
        fail("--reload needs watchfiles: pip install 'asyncworker-core[cli]'", USAGE)
    folders = {Path.cwd(), parse_target(target).folder}
    settings = _settings()
    return supervise(["run", target], settings, lambda one: Reloader(one, folders).run())
