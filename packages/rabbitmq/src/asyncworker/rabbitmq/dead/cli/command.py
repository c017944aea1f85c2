"""The command `asyncworker dead`: look at dead letters, replay them, drop them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from asyncworker.cli.commands import target_argument
from asyncworker.cli.target import parse_target
from asyncworker.rabbitmq.dead.cli import as_json, lines
from asyncworker.rabbitmq.dead.cli.moving import check_match, chosen_queue, echo, move, quietly
from asyncworker.rabbitmq.dead.cli.quantities import age, rate
from asyncworker.rabbitmq.dead.known_queues import dead_queues, unknown_places
from asyncworker.rabbitmq.errors import BrokerError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from asyncworker.rabbitmq.dead.cli.meter import Meter
    from asyncworker.rabbitmq.dead.groups import Summary
    from asyncworker.rabbitmq.dead.queue import DeadQueue
    from asyncworker.rabbitmq.dead.sweep import Progress

queue_argument = click.argument("queue")
json_option = click.option("--json", "is_json", is_flag=True, help="Print JSON.")
dry_option = click.option("--dry-run", is_flag=True, help="Only count them.")


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let one say which of several queues of one name is meant."""
    connection = click.option("--connection", metavar="NAME", help="The app's connection to it.")
    return click.option("--vhost", metavar="VHOST", help="Where the queue is.")(connection(command))


def filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let one say which dead letters are meant."""
    like = "Only those whose error is like that, as 'OSError*'."
    since = "Only those that died so long ago: 90s, 1h, 2d."
    error = click.option("--error", metavar="GLOB", help=like)
    return error(click.option("--older", metavar="AGE", callback=age, help=since)(command))


def pace_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let one say how many go, and how fast."""
    limit = click.option("--limit", type=click.IntRange(min=1), metavar="N", help="No more than N.")
    often = "No faster than that: 50/s, 600/m."
    return limit(click.option("--rate", metavar="RATE", callback=rate, help=often)(command))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def dead() -> None:
    """Look at dead letters, replay them, drop them.

    QUEUE is one that the app's routes dead-letter to. What is not moved stays where it is; nothing
    is lost when a command is stopped. Nothing but AMQP is used.
    """


@dead.command("list")
@target_argument
@json_option
def list_(target: str, is_json: bool) -> None:
    """Count the dead letters of an app, by queue, error and reason."""
    app = parse_target(target).load()
    queues = dead_queues(app)
    summaries, problems = _summaries(queues)
    if is_json:
        echo(as_json.text_of([as_json.of_summary(*one) for one in summaries]))
    for one in summaries if not is_json else ():
        echo(*lines.of_summary(*one))
    if not (queues or is_json):
        echo("no route declares where its dead letters go")
    for note in unknown_places(app):
        click.echo(f"note: {note}", err=is_json)
    for problem in problems:
        click.echo(f"Error: {problem}", err=True)
    if problems:
        sys.exit(1)


def _summaries(queues: list[DeadQueue]) -> tuple[list[tuple[DeadQueue, Summary]], list[str]]:
    """Return what is in queues, and what keeps others from being looked at."""
    found, problems = [], []
    for queue in queues:
        try:
            found.append((queue, quietly(queue.summary())))
        except BrokerError as error:
            problems.append(str(error))
    return found, problems


@dead.command()
@target_argument
@queue_argument
@click.option("--limit", type=click.IntRange(min=1), default=10, show_default=True, metavar="N")
@filters
@place_options
@json_option
def show(
    target: str,
    queue: str,
    limit: int,
    error: str | None,
    older: float | None,
    vhost: str | None,
    connection: str | None,
    is_json: bool,
) -> None:
    """Show the first dead letters of a queue."""
    place = chosen_queue(target, queue, vhost, connection)
    letters = quietly(place.show(limit, error=error, older=older))
    if is_json:
        echo(as_json.text_of([as_json.of_letter(one) for one in letters]))
    for number, letter in enumerate(letters if not is_json else (), 1):
        echo(*lines.of_letter(number, letter))
    if not letters:
        check_match(place, error, older)
        if not is_json:
            echo(f"{queue} is empty")


@dead.command()
@target_argument
@queue_argument
@click.option("--to", metavar="QUEUE", help="Where to, if not to where they were consumed.")
@filters
@pace_options
@dry_option
@place_options
@json_option
def replay(
    target: str,
    queue: str,
    vhost: str | None,
    connection: str | None,
    to: str | None,
    dry_run: bool,
    is_json: bool,
    **chosen: Any,
) -> None:
    """Put dead letters back to where they were consumed, as a first attempt.

    Each is confirmed there before it leaves. What dies again meanwhile is not taken again.
    """
    place = chosen_queue(target, queue, vhost, connection)

    def work(meter: Meter) -> Coroutine[Any, Any, Progress]:
        return place.replay(to, dry_run=dry_run, on_progress=meter, **chosen)

    move(place, work, ("replay", "replayed"), chosen, dry_run=dry_run, is_json=is_json)


@dead.command()
@target_argument
@queue_argument
@filters
@pace_options
@dry_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@place_options
@json_option
def drop(
    target: str,
    queue: str,
    vhost: str | None,
    connection: str | None,
    dry_run: bool,
    yes: bool,
    is_json: bool,
    **chosen: Any,
) -> None:
    """Remove dead letters for good."""
    place = chosen_queue(target, queue, vhost, connection)
    if not (dry_run or yes):
        trial = quietly(place.drop(**{**chosen, "rate": None}, dry_run=True))
        if trial.chosen:
            question = f"drop {trial.chosen} of {trial.found} dead letters in {queue} for good?"
            click.confirm(question, abort=True, err=True)

    def work(meter: Meter) -> Coroutine[Any, Any, Progress]:
        return place.drop(dry_run=dry_run, on_progress=meter, **chosen)

    move(place, work, ("drop", "dropped"), chosen, dry_run=dry_run, is_json=is_json)
