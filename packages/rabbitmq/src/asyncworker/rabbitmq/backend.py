"""What core loads: RabbitMQ as a backend."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from asyncworker.parameters.batches import Batches, plan
from asyncworker.parameters.header_value import header_of
from asyncworker.rabbitmq.backlogs import backlogs_of
from asyncworker.rabbitmq.buffering.gate import Gate
from asyncworker.rabbitmq.checkup import problems_of
from asyncworker.rabbitmq.connection import AMQPConnection
from asyncworker.rabbitmq.consumer import SHARED, Consumer
from asyncworker.rabbitmq.consuming.consumer import RouteConsumer
from asyncworker.rabbitmq.declaring.declarations import declare_at_start
from asyncworker.rabbitmq.message import RabbitMQMessage
from asyncworker.rabbitmq.remarks import remarks_at_start
from asyncworker.rabbitmq.route import AMQPOptions, AMQPRoute, make_route
from asyncworker.rabbitmq.shards import Shards
from asyncworker.rabbitmq.topology import Queue
from asyncworker.route_types import RouteTypes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from asyncworker.app import App
    from asyncworker.backend import Backlog
    from asyncworker.connections import Connection
    from asyncworker.cursors.cursor import Cursor
    from asyncworker.description import Description
    from asyncworker.options import RouteOptions
    from asyncworker.rabbitmq.connecting.link import Link
    from asyncworker.rabbitmq.streams.offset import Offset
    from asyncworker.rabbitmq.target import Target
    from asyncworker.rabbitmq.testing import RabbitMQStand
    from asyncworker.routes import Handler
    from asyncworker.testing import Journal

log = logging.getLogger(__name__)


class RabbitMQBackend:
    """Consume the queues of AMQP routes: one link for each vhost, one channel for each route."""

    route_type = RouteTypes.AMQP_RABBITMQ
    route_classes = (Queue, Shards)

    def route(
        self,
        app: App,
        routes: Sequence[str | Queue | Shards],
        handler: Handler,
        options: Mapping[Any, Any] | RouteOptions | None,
        *,
        connection: str | Connection | None = None,
        vhost: str | None = None,
        publish_to: str | Queue | Target | None = None,
        dead_letter_traceback: bool = False,
        replies: bool = False,
        prefetch: int | None = None,
        consumer: Consumer = SHARED,
        offset: Offset | None = None,
        cursor: Cursor | None = None,
    ) -> AMQPRoute:
        """Return a route that consumes these queues, checked; those given as Queues are declared.

        Of Shards, it consumes its part.

        connection: the AMQPConnection to consume from, or its name; may be left out where there is
        but one. vhost: where the queues are; that of the connection when left out. publish_to: the
        queue that what the handler returns is published to, or a Target.
        dead_letter_traceback: whether dead letters carry the traceback of what the handler raised.
        replies: whether what it returns is the answer to messages that have a reply_to.
        prefetch: the most unsettled messages of each of its queues, in place of its connection's.
        consumer: in what way they are consumed. offset: of streams: where each is begun: "next",
        "first", "last", the offset of a message, when it was published (a datetime), or how long
        ago (a timedelta); "next" when left out. cursor: what keeps the place in a stream over
        restarts, from which on it is read; the offset counts where that has none yet.
        Raises: ConfigurationError
        """
        chosen = app.connections.choose(AMQPConnection, connection)
        checked = AMQPOptions.parse(options)
        batches = Batches(RabbitMQMessage, "message", checked.bulk_size, header_of)
        route = make_route(
            routes,
            plan(app, handler, batches),
            checked,
            chosen,
            vhost,
            publish_to,
            dead_letter_traceback,
            replies,
            prefetch,
            consumer,
            offset,
            cursor,
        )

        def is_there() -> bool:
            # Routes of a blueprint that could not be included are not.
            return any(getattr(one, "topology", None) is route.topology for one in app.routes)

        for one in app.connections.all:
            # Whichever of an app's ways to that broker publishes finds what its routes declare.
            if isinstance(one, AMQPConnection) and one.broker.shares_host(chosen.broker):
                one.expect(route.vhost, route.declared, is_there)
        return route

    @asynccontextmanager
    async def serve(self, app: App, routes: Sequence[AMQPRoute]) -> AsyncIterator[None]:
        """Consume while the context lasts; on exit drain, settle and close.

        Raises: TopologyMismatch
        """
        links: dict[tuple[AMQPConnection, str], Link] = {}
        gate = Gate()
        async with AsyncExitStack() as stack:
            stack.callback(gate.end)
            consumers = []
            consumed: dict[Link, list[Queue]] = {}
            for route in routes:
                place = (route.connection, route.vhost)
                if place not in links:
                    links[place] = route.connection.link(route.vhost)
                    stack.push_async_callback(links[place].close)
                consumed.setdefault(links[place], []).extend(route.declared)
                interval = route.options.bulk_flush_interval or app.settings.flush_timeout
                consumers.append(RouteConsumer(route, links[place], gate, interval, app.feed))
                _tell_prefetch(route)
            for remark in remarks_at_start(routes):
                log.warning(remark)
            await declare_at_start(consumed)
            group = await stack.enter_async_context(asyncio.TaskGroup())
            for consumer in consumers:
                group.create_task(consumer.run())
            try:
                yield
            finally:
                for consumer in consumers:
                    consumer.stop()

    def testing(
        self, app: App, routes: Sequence[AMQPRoute], journal: Journal
    ) -> AbstractAsyncContextManager[RabbitMQStand]:
        """Offer brokers in memory for a test."""
        from asyncworker.rabbitmq.testing import stand

        return stand(app, routes, journal)

    def describe(self, app: App, routes: Sequence[AMQPRoute]) -> Description:
        """Return what is received, published and answered."""
        from asyncworker.rabbitmq.describing import described

        return described(app.connections.all, routes)

    async def check(self, app: App, routes: Sequence[AMQPRoute]) -> list[str]:
        """Return which vhosts cannot be reached, and which queues cannot be consumed."""
        return await problems_of(app.connections.all, routes)

    def backlogs(self, app: App, routes: Sequence[AMQPRoute]) -> list[Backlog]:
        """Return what waits in each queue of these routes."""
        return backlogs_of(app.connections.all, routes)


def _tell_prefetch(route: AMQPRoute) -> None:
    """Log that a route takes more ahead than its connection says, as its batches are larger."""
    if route.own_prefetch is None and route.prefetch > route.connection.prefetch:
        log.info(
            "handler %s: prefetch is %d, for Options.BULK_SIZE, and not %d as of its connection: "
            "prefetch= on the route sets another",
            route.handler_name,
            route.prefetch,
            route.connection.prefetch,
        )


backend = RabbitMQBackend()
