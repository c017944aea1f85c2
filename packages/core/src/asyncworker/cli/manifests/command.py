"""`asyncworker manifest`: write what runs an app elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from asyncworker.cli.commands import target_argument
from asyncworker.cli.failures import USAGE, fail
from asyncworker.cli.target import parse_target

if TYPE_CHECKING:
    from asyncworker.app import App
    from asyncworker.cli.manifests.pace import PaceOf
    from asyncworker.cli.manifests.worker import Worker

KINDS: Final = ("kubernetes", "keda", "systemd", "compose")


@click.command()
@target_argument
@click.option("--kind", type=click.Choice(KINDS), required=True, help="What it is written for.")
@click.option("--name", metavar="NAME", help="What the worker is called; after its module if not.")
@click.option("--image", metavar="IMAGE", help="Its image; NAME:1, or built by Compose if not.")
@click.option(
    "--replicas",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="How many there are; for KEDA, at the least.",
)
@click.option(
    "--max-replicas",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    metavar="N",
    help="How many KEDA may have at the most.",
)
@click.option(
    "--handler-seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="For KEDA: seconds that a handler takes for a batch.",
)
@click.option(
    "--from",
    "monitor",
    metavar="URL",
    help="For KEDA: the monitor of a running worker, which tells what its handlers take.",
)
@click.option(
    "--within",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    help="For KEDA: seconds in which each replica is to work off its part of what waits.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The file or the folder to write to; stdout if not.",
)
@click.option("--force", is_flag=True, help="Overwrite files that exist.")
def manifest(
    target: str,
    *,
    kind: str,
    name: str | None,
    image: str | None,
    replicas: int,
    max_replicas: int,
    handler_seconds: float | None,
    monitor: str | None,
    within: float,
    output: Path | None,
    force: bool,
) -> None:
    """Write what runs an app on Kubernetes, under systemd or by Docker Compose.

    Imports the app and asks it what it knows: whether it serves HTTP, how long its drain may take,
    which queues it consumes and how. No secret is written, but where each comes from. Compose needs
    several files, and so a folder.
    """
    from asyncworker.cli.manifests.compose import compose
    from asyncworker.cli.manifests.kubernetes import kubernetes
    from asyncworker.cli.manifests.systemd import systemd
    from asyncworker.cli.manifests.worker import worker_of

    pace_of = _pace(kind, handler_seconds, monitor)
    app = parse_target(target).load()
    worker = worker_of(app, target, name, image, replicas)
    if pace_of is not None:
        files = _scaled(app, worker, pace_of, within, max_replicas)
    else:
        files = {"kubernetes": kubernetes, "systemd": systemd, "compose": compose}[kind](worker)
    _write(files, output, force=force)


def _pace(kind: str, seconds: float | None, monitor: str | None) -> PaceOf | None:
    """Return how fast handlers are, where that is needed."""
    if kind != "keda":
        return None
    from asyncworker.cli.manifests.pace import given, measured

    if seconds is not None and monitor is None:
        return given(seconds)
    if monitor is not None and seconds is None:
        return measured(monitor)
    raise click.UsageError(
        "--kind keda needs to know how fast handlers are: say --handler-seconds 0.05, or "
        "--from http://127.0.0.1:9000 of a worker that has worked for a while"
    )


def _scaled(app: App, worker: Worker, pace_of: PaceOf, within: float, most: int) -> dict[str, str]:
    from asyncworker.cli.manifests.backlogs import backlogs_of, not_scaled
    from asyncworker.cli.manifests.keda import keda

    if most < worker.replicas:
        raise click.UsageError(f"--max-replicas {most} is less than --replicas {worker.replicas}")
    backlogs = backlogs_of(app)
    return keda(worker, backlogs, list(not_scaled(app, backlogs)), pace_of, within, most)


def _write(texts: dict[str, str], output: Path | None, *, force: bool) -> None:
    from asyncworker.cli.manifests.files import NotWritten, places, written

    if output is None:
        if len(texts) > 1:
            raise click.UsageError(f"it is {len(texts)} files: say -o FOLDER")
        click.echo("".join(texts.values()), nl=False)
        return
    try:
        for path in written(places(texts, output), force=force):
            click.echo(f"wrote {path}")
    except NotWritten as error:
        fail(str(error), USAGE)
