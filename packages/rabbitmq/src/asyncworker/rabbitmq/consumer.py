"""One route at work: consume, dispatch, settle, supervise, drain."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from asyncworker.backoff import Backoff
from asyncworker.bucket import Bucket
from asyncworker.dispatch import Dispatcher
from asyncworker.options import Actions
from asyncworker.rabbitmq.channel import ConsumeChannel
from asyncworker.rabbitmq.consumer_timeout import ConsumerTakenBack, ConsumerTimeout
from asyncworker.rabbitmq.copies import Copies
from asyncworker.rabbitmq.delivery_limit import DeliveryLimit
from asyncworker.rabbitmq.errors import BrokerError
from asyncworker.rabbitmq.intake import Intake
from asyncworker.rabbitmq.obstacles import Obstacles
from asyncworker.rabbitmq.outcomes import Outcomes
from asyncworker.words import counted

if TYPE_CHECKING:
    from asyncworker.rabbitmq.gate import Gate
    from asyncworker.rabbitmq.link import Link
    from asyncworker.rabbitmq.message import RabbitMQMessage
    from asyncworker.rabbitmq.route import AMQPRoute

log = logging.getLogger(__name__)

HEALTHY_AFTER: Final = 5.0
"""Seconds that a channel must last for the next loss to be a new one, not one of a series."""
TROUBLE_AFTER: Final = 0.5
"""Seconds after which what a question to the broker raised is no sign of a lost connection."""


class Consumer:
    """Keep one route consuming until it is stopped.

    flush_interval: seconds; a batch goes out when its oldest message is that old.
    """

    def __init__(self, route: AMQPRoute, link: Link, gate: Gate, flush_interval: float) -> None:
        self._route = route
        self._gate = gate
        self._link = link
        link.on_problem.append(self._on_unreachable)
        self._stopping = asyncio.Event()
        self._channel: ConsumeChannel | None = None
        self._obstacles = Obstacles(link, route.topology)
        self._copies = Copies()
        self._outcomes = Outcomes(route, self._copies)
        self._timeout = ConsumerTimeout(route)
        self._dispatcher: Dispatcher[RabbitMQMessage] = Dispatcher(
            route.handler, self._settle, route.concurrency
        )
        bucket = Bucket(route.bulk_size, flush_interval, self._dispatcher.submit)
        self._intake = Intake(gate, bucket, self._dispatcher)
        self._limit = DeliveryLimit(
            route, self._copies, self._obstacles.declarations, gate, self._intake.take
        )

    def stop(self) -> None:
        """Have `run()` take nothing more, let running handlers end, settle, and return."""
        self._stopping.set()
        self._intake.is_closed = True

    async def run(self) -> None:
        """Consume until `stop()`, however often the broker goes away meanwhile."""
        for queue in self._route.routes:
            self._problems[self._subject(queue)] = "not consumed yet"
        async with asyncio.TaskGroup() as group:
            supervising = group.create_task(self._supervise())
            try:
                async with self._copies, self._dispatcher:
                    try:
                        await self._stopping.wait()
                    finally:
                        self.stop()
                        if self._channel is not None:
                            await self._intake.give_back(self._channel)
            finally:
                supervising.cancel()
                for queue in self._route.routes:
                    self._problems.pop(self._subject(queue), None)

    async def _supervise(self) -> None:
        """Hold a channel; open the next one when it is lost, after a pause."""
        backoff = Backoff()
        clock = asyncio.get_running_loop().time
        while not self._stopping.is_set():
            opened_at = clock()
            try:
                async with ConsumeChannel.opened(
                    self._link,
                    self._route.connection.prefetch,
                    self._on_messages,
                    self._reject_poison,
                ) as channel:
                    opened_at = clock()
                    await self._consume_on(channel)
            except* BrokerError as errors:
                self._on_lost(errors.exceptions[0])
            if clock() - opened_at > HEALTHY_AFTER:
                backoff.reset()
            await backoff.wait()

    async def _consume_on(self, channel: ConsumeChannel) -> None:
        self._channel = channel
        self._intake.is_closed = self._stopping.is_set()
        self._outcomes.begin()
        async with asyncio.TaskGroup() as group:
            for queue in self._route.routes:
                group.create_task(self._keep_consuming(channel, queue))
            await channel.lost()

    async def _keep_consuming(self, channel: ConsumeChannel, queue: str) -> None:
        """Consume a queue as soon as that is possible, and again after the broker ended it."""
        while not self._stopping.is_set():
            await self._until_consumable(queue)
            await self._limit.prepare()
            if self._intake.is_closed:
                return
            if channel.has_default_limit and not self._route.connection.broker.in_memory:
                self._gate.begin()
            await channel.consume(queue)
            self._obstacles.clear(queue)
            self._problems.pop(self._subject(queue), None)
            if not self._stopping.is_set():
                log.info("%s: consuming", self._subject(queue))
                self._limit.remark(queue)
            await channel.cancelled(queue)
            if not await self._obstacles.is_missing(queue):
                await self._intake.give_back(channel)
                # Since RabbitMQ 4.3 that is what becomes of a consumer whose messages are unsettled
                # for too long. It comes to life again when they are settled, and till then its tag
                # is taken: a new channel has neither trouble.
                raise ConsumerTakenBack(queue)
            self._report(queue, "the broker ended the consuming, as when a queue is deleted")

    async def _until_consumable(self, queue: str) -> None:
        backoff = Backoff()
        while (obstacle := await self._obstacle_to(queue)) is not None:
            self._report(queue, f"{obstacle}; waiting")
            await backoff.wait()

    async def _obstacle_to(self, queue: str) -> str | None:
        try:
            return await self._obstacles.to(queue)
        except BrokerError as error:
            # When the connection is lost, so is the channel in a moment, and this is cancelled.
            # Whatever else it is, the other queues of the route must not suffer for it.
            await asyncio.sleep(TROUBLE_AFTER)
            return str(error)

    def _on_messages(self, messages: list[RabbitMQMessage]) -> None:
        if not self._intake.is_closed:
            messages = self._limit.spared(messages)
        self._intake.take(messages)

    def _settle(self, batch: list[RabbitMQMessage], raised: BaseException | None) -> None:
        """Settle what a handler was given, on the channel that brought it."""
        # All are of one channel: those of a lost one never share a batch with later ones.
        channel = batch[0].channel
        if channel is None or channel.is_lost:
            self._on_late(batch, raised)
        elif raised is None or isinstance(raised, Exception):
            self._outcomes.settle(batch, raised, channel)
        else:
            # Cancelled, or told to exit.
            self._outcomes.give_back(batch, channel)
            self._outcomes.log_failure(batch, raised)

    def _on_late(self, batch: list[RabbitMQMessage], raised: BaseException | None) -> None:
        """Count outcomes that nobody can be told, and handle again what came again meanwhile."""
        self._route.connection.late_outcomes += len(batch)
        self._intake.ended(batch)
        log.warning(
            "handler %s ended after its channel was lost: %s will be delivered again",
            self._route.handler_name,
            counted(len(batch), "message"),
        )
        if raised is not None:
            self._outcomes.log_failure(batch, raised)

    def _on_lost(self, error: BaseException) -> None:
        """Forget what belongs to the lost channel; the broker delivers it again."""
        self._channel = None
        self._route.connection.late_outcomes += self._copies.abandon()
        dropped, running = self._intake.forget()
        waiting = [queue for queue in self._route.routes if self._subject(queue) in self._problems]
        self._obstacles.learn(error, waiting)
        self._timeout.explain(error)
        for queue in self._route.routes:
            self._report(queue, f"not consumed: {error}")
        if dropped:
            messages = counted(dropped, "message")
            log.info("%s not yet handled will be delivered again", messages)
        if running:
            messages = counted(running, "message")
            log.info("%s being handled will wait when delivered again", messages)

    def _on_unreachable(self, problem: str) -> None:
        """Show why there is no connection; the link has logged it."""
        if not self._stopping.is_set():
            for queue in self._route.routes:
                self._problems[self._subject(queue)] = f"not consumed: {problem}"

    def _report(self, queue: str, problem: str) -> None:
        """Show a problem as long as it lasts, and log it once. At the end of a run it is none."""
        if self._stopping.is_set():
            return
        subject = self._subject(queue)
        if self._problems.get(subject) != problem:
            log.warning("%s: %s", subject, problem)
        self._problems[subject] = problem

    def _reject_poison(self, message: RabbitMQMessage, error: Exception) -> None:
        if message.channel is not None:
            message.channel.settle(message.delivery_tag, Actions.REJECT)
        log.error(
            "%s: rejected a message whose body is no JSON: %s",
            self._subject(message.queue),
            error,
            extra={"queue": message.queue, "message_id": message.message_id},
        )

    def _subject(self, queue: str) -> str:
        return f"handler {self._route.handler_name}, queue {queue!r}, vhost {self._route.vhost!r}"

    @property
    def _problems(self) -> dict[str, str]:
        return self._route.connection.problems
