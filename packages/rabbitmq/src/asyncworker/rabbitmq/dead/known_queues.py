"""Where the routes of an app send dead letters, as far as the app tells."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq.dead.queue import DeadQueue
from asyncworker.rabbitmq.route import AMQPRoute
from asyncworker.rabbitmq.topology import Exchange

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from asyncworker.app import App
    from asyncworker.rabbitmq.topology import Queue


def dead_queues(app: App) -> list[DeadQueue]:
    """Return the queues that the app's routes are declared to dead-letter to.

    One that another route declares, by a policy or as an exchange, the app does not tell of.
    """
    found: dict[tuple[object, str, str], DeadQueue] = {}
    for route in _routes(app):
        for declared in route.topology.values():
            for source, queue in _chain(declared, route.topology):
                name = queue if isinstance(queue, str) else queue.name
                place = (route.connection.broker.hosts, route.vhost, name)
                sources = found[place].sources if place in found else ()
                if source not in sources:
                    found[place] = DeadQueue(
                        route.connection, queue, vhost=route.vhost, sources=(*sources, source)
                    )
    return list(found.values())


def unknown_places(app: App) -> list[str]:
    """Return a line for each queue of which the app does not tell where its dead letters are."""
    return [line for route in _routes(app) for line in _unknown(route)]


def dead_queue(
    app: App, name: str, vhost: str | None = None, connection: str | None = None
) -> DeadQueue:
    """Return a dead-letter queue of an app by its name.

    It may be one that the app does not tell of, where there are such.
    vhost, connection: where there are several of that name.
    Raises: ConfigurationError
    """
    known = _at(dead_queues(app), vhost, connection)
    named = [one for one in known if one.name == name]
    if len(named) > 1:
        choices = ", ".join(f"{one.connection!r}, vhost {one.vhost!r}" for one in named)
        raise ConfigurationError(f"there are several queues {name!r}, say which: {choices}")
    if named:
        return named[0]
    names = [one.name for one in known]
    for route in _routes(app):
        if name in route.routes:
            reason = f"queue {name!r} is consumed by handler {route.handler_name}"
            raise ConfigurationError(f"{reason}, none dead-letters to it{_hint(name, names)}")
    if not unknown_places(app):
        raise ConfigurationError(f"no route dead-letters to {name!r}{_hint(name, names)}")
    return _elsewhere(app, name, vhost, connection)


def _elsewhere(app: App, name: str, vhost: str | None, connection: str | None) -> DeadQueue:
    places = dict.fromkeys((route.connection, route.vhost) for route in _routes(app))
    fitting = [
        place
        for place in places
        if connection in (None, place[0].name) and vhost in (None, place[1])
    ]
    if len(fitting) != 1:
        choices = ", ".join(f"{one!r}, vhost {of!r}" for one, of in fitting or places)
        raise ConfigurationError(f"queue {name!r}: say where it is: {choices}")
    return DeadQueue(fitting[0][0], name, vhost=fitting[0][1])


def _at(queues: Iterable[DeadQueue], vhost: str | None, connection: str | None) -> list[DeadQueue]:
    return [
        one
        for one in queues
        if vhost in (None, one.vhost) and connection in (None, one.connection.name)
    ]


def _chain(source: Queue, topology: Mapping[str, Queue]) -> Iterator[tuple[str, Queue | str]]:
    """Yield to what a queue dead-letters, to what that does, and so on; each with its source."""
    seen: set[str] = set()
    while source.name not in seen:
        seen.add(source.name)
        to = source.dead_queue or source.dead_letter
        queue = topology.get(to, to) if isinstance(to, str) else to
        if queue is None or isinstance(queue, bool | Exchange):
            return
        yield source.name, queue
        if isinstance(queue, str):
            return
        source = queue


def _hint(name: str, names: list[str]) -> str:
    if not names:
        return ": no route declares a dead_letter"
    near = get_close_matches(name, names, n=1)
    return f": {f'did you mean {near[0]}? ' if near else ''}choose from {', '.join(names)}"


def _routes(app: App) -> Iterator[AMQPRoute]:
    return (route for route in app.routes if isinstance(route, AMQPRoute))


def _unknown(route: AMQPRoute) -> Iterator[str]:
    for name in route.routes:
        declared = route.topology.get(name)
        subject = f"queue {name!r}, vhost {route.vhost!r}"
        if declared is None:
            yield f"{subject}: it is not declared by the app, which cannot tell of its dead letters"
        elif isinstance(declared.dead_letter, Exchange):
            exchange = declared.dead_letter.name
            yield f"{subject}: it dead-letters to exchange {exchange!r}, whose queues are not known"
