"""Two backends as a third party publishes them: they deliver what their connection was given."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from asyncworker.bucket import Bucket
from asyncworker.connections import Connection
from asyncworker.dispatch import Dispatcher
from asyncworker.options import Actions, RouteOptions
from asyncworker.route_types import RouteTypes
from asyncworker.routes import Route, check_takes


class KafkaOptions(RouteOptions):
    on_success: Actions = Actions.ACK


class PulsarOptions(RouteOptions):
    cursor: str | None = None


class ScriptedConnection(Connection):
    """Say what to deliver, and keep what became of it."""

    def __init__(self, items=(), name=None):
        super().__init__(name)
        self.items = items
        self.outcomes = []
        self.is_open = False

    async def __aenter__(self):
        self.is_open = True
        return self

    async def close(self):
        self.is_open = False

    def settle(self, batch, raised):
        self.outcomes.append((batch, raised))


class KafkaConnection(ScriptedConnection):
    route_type = RouteTypes.KAFKA
    state_key = "kafka_connection"
    noisy_loggers = ("kafka.client",)


class PulsarConnection(ScriptedConnection):
    route_type = RouteTypes.PULSAR


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedRoute(Route):
    connection: ScriptedConnection
    group: str


async def nothing():
    """Take no time."""


class ScriptedBackend:
    """Deliver every item to every route. entering, serving, leaving: awaited at that moment."""

    def __init__(self, connection_type, options_type):
        self.route_type = connection_type.route_type
        self.connection_type = connection_type
        self.options_type = options_type
        self.entering = self.serving = self.leaving = nothing

    def route(self, app, routes, handler, options, *, connection=None, group="workers"):
        check_takes(handler, "the list of items")
        return ScriptedRoute(
            type=self.route_type,
            routes=routes,
            handler=handler,
            options=self.options_type.parse(options),
            connection=app.connections.choose(self.connection_type, connection),
            group=group,
        )

    def extend(self, app):
        return None

    @asynccontextmanager
    async def serve(self, app, routes):
        await self.entering()
        async with asyncio.TaskGroup() as group, AsyncExitStack() as stack:
            group.create_task(self.serving())
            for route in routes:
                concurrency = route.options.max_concurrency or 8
                dispatcher = Dispatcher(route.handler, route.connection.settle, concurrency)
                await stack.enter_async_context(dispatcher)
                max_age = route.options.bulk_flush_interval or app.settings.flush_timeout
                bucket = Bucket(route.options.bulk_size, max_age, dispatcher.submit)
                stack.callback(dispatcher.withdraw)
                stack.callback(bucket.clear)
                for item in route.connection.items:
                    bucket.add(item)
            yield
        await self.leaving()


kafka = ScriptedBackend(KafkaConnection, KafkaOptions)
pulsar = ScriptedBackend(PulsarConnection, PulsarOptions)
