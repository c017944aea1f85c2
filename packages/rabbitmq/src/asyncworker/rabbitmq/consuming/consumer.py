"""One route at work: consume, dispatch, settle, supervise, drain."""

from __future__ import annotations

import asyncio
import logging
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

from asyncworker.backoff import Backoff
from asyncworker.dispatch import Dispatcher
from asyncworker.intake.intake import Intake
from asyncworker.plural import counted
from asyncworker.rabbitmq.buffering.intake_items import intake_items
from asyncworker.rabbitmq.buffering.prefetch_buffer import PrefetchBuffer
from asyncworker.rabbitmq.consuming.arrivals import Arrivals
from asyncworker.rabbitmq.consuming.availability import Availability
from asyncworker.rabbitmq.consuming.consume_channel import ConsumeChannel
from asyncworker.rabbitmq.consuming.consumer_timeout import ConsumerTakenBack, ConsumerTimeout
from asyncworker.rabbitmq.consuming.deliveries import read
from asyncworker.rabbitmq.consuming.handover import HandedOver, Handover
from asyncworker.rabbitmq.consuming.log_subject import subject_of
from asyncworker.rabbitmq.consuming.rate_share import keep_share
from asyncworker.rabbitmq.errors import BrokerError
from asyncworker.rabbitmq.reading.reading import Reading
from asyncworker.rabbitmq.retrying.copies import Copies
from asyncworker.rabbitmq.retrying.delivery_limit import DeliveryLimit
from asyncworker.rabbitmq.settling.forwarding import Forwarding
from asyncworker.rabbitmq.settling.ledger import Ledger
from asyncworker.rabbitmq.settling.outcomes import Outcomes
from asyncworker.rabbitmq.sharing.share import Share
from asyncworker.rabbitmq.sharing.whole import Whole
from asyncworker.rabbitmq.standing import Standing
from asyncworker.rabbitmq.streams.offset import HEADER

if TYPE_CHECKING:
    from asyncworker.feed import Feed
    from asyncworker.rabbitmq.buffering.gate import Gate
    from asyncworker.rabbitmq.connecting.link import Link
    from asyncworker.rabbitmq.consumer import Consumer
    from asyncworker.rabbitmq.message import RabbitMQMessage
    from asyncworker.rabbitmq.route import AMQPRoute
    from asyncworker.rabbitmq.sharing.whole import Sharing
    from asyncworker.rabbitmq.wire.content_reader import Content

log = logging.getLogger(__name__)

ENDED: Final = "the broker ended the consuming, as when a queue is deleted"
HEALTHY_AFTER: Final = 5.0
"""Seconds that a channel must last for the next loss to be a new one, not one of a series."""
TROUBLE_AFTER: Final = 0.5
"""Seconds after which what a question to the broker raised is no sign of a lost connection."""


class RouteConsumer:
    """Keep one route consuming until it is stopped.

    flush_interval: seconds; a batch goes out when its oldest message is that old.
    """

    def __init__(
        self, route: AMQPRoute, link: Link, gate: Gate, flush_interval: float, feed: Feed
    ) -> None:
        self._route = route
        self._activity = feed.activity("rabbitmq", route.handler_name, route.routes, "ack")
        self._activity.waiting = self._waiting
        self._activity.oldest = self._oldest
        self._activity.ages = self._ages
        self._standing = Standing(route, self._activity)
        self._arrivals = Arrivals()
        self._gate = gate
        self._link = link
        link.on_problem.append(self._standing.is_unreachable)
        self._stopping = asyncio.Event()
        self._channel: ConsumeChannel | None = None
        self._availability = Availability(link, route.topology)
        self._copies = Copies()
        self._outcomes = Outcomes(
            route, self._copies, self._handle_again, self._hold, self._activity
        )
        self._unseen: set[bytes] = set()
        """The consumers whose first message has yet to show that it is of no stream."""
        self._on_poison = self._outcomes.settle_poison
        self._reading: Reading | None = None
        if route.start is not None:
            self._reading = Reading(route, route.start, self._outcomes.settle_poison)
            self._on_poison = self._reading.keep
        self._timeout = ConsumerTimeout(route)
        self._forwarding = Forwarding(route, self._copies, self._outcomes)
        self._dispatcher: Dispatcher[RabbitMQMessage] = Dispatcher(
            self._forwarding.handler,
            self._settle,
            route.concurrency,
            self._activity,
            subject_of(route),
        )
        self._intake = Intake(
            self._dispatcher,
            route.options,
            intake_items(self._outcomes.settle_poison),
            route.delays,
            route.handler_name,
            flush_interval,
            route.prefetch,
            holds=route.holds_failed,
        )
        self._buffer = PrefetchBuffer(gate, self._intake, self._dispatcher)
        self._handover = Handover(
            self._buffer,
            self._dispatcher,
            self._copies,
            lambda: self._channel,
            is_quorum=route.shards is not None and route.shards.is_quorum,
        )
        self._sharing: Sharing = Whole(route.routes)
        if route.shards is not None:
            self._sharing = Share(route, route.shards, link, self._standing, self._handover)
        self._limit = DeliveryLimit(
            route, self._copies, self._availability.declarations, gate, self._buffer.take
        )

    def stop(self) -> None:
        """Have `run()` take nothing more, let running handlers end, settle, and return."""
        self._stopping.set()
        self._standing.close()
        self._buffer.close()
        self._sharing.stop()

    async def run(self) -> None:
        """Consume until `stop()`, however often the broker goes away meanwhile."""
        self._standing.begin()
        self._route.circuit.begin(self._on_pause)
        async with self._sharing.running():
            try:
                await self._consume_until_stopped()
            finally:
                self._handover.close()

    async def _consume_until_stopped(self) -> None:
        async with asyncio.TaskGroup() as group:
            owned = [group.create_task(self._supervise())]
            if (throttle := self._intake.throttle) is not None and throttle.is_shared:
                share = keep_share(throttle, self._availability, self._sharing.counted)
                owned.append(group.create_task(share))
            keeping = nullcontext() if self._reading is None else self._reading.running()
            try:
                async with keeping, self._activity, self._copies, self._dispatcher:
                    try:
                        await self._stopping.wait()
                    finally:
                        self.stop()
                        self._activity.drains()
                        if self._channel is not None and not self._handover.is_quorum:
                            await self._buffer.give_back(self._channel)
            finally:
                self._route.circuit.end()
                for task in owned:
                    task.cancel()
                self._standing.end()

    async def _supervise(self) -> None:
        """Hold a channel; open the next one when it is lost, after a pause."""
        backoff = Backoff()
        clock = asyncio.get_running_loop().time
        while not self._stopping.is_set():
            opened_at = clock()
            is_handed_over = False
            try:
                route = self._route
                async with ConsumeChannel.opened(
                    self._link,
                    route.prefetch,
                    self._on_deliveries,
                    route.connection.codec,
                    Ledger() if self._reading is None else self._reading.begin(),
                ) as channel:
                    opened_at = clock()
                    await self._consume_on(channel)
            except* BrokerError as errors:
                self._on_lost(errors.exceptions[0])
                is_handed_over = isinstance(errors.exceptions[0], HandedOver)
            if is_handed_over:
                continue
            if clock() - opened_at > HEALTHY_AFTER:
                backoff.reset()
            await backoff.wait()

    async def _consume_on(self, channel: ConsumeChannel) -> None:
        """Consume, with pauses, until the channel is lost."""
        self._channel = channel
        if self._reading is None:
            self._unseen = {queue.encode() for queue in self._route.routes}
        self._arrivals = Arrivals()
        channel.holds = self._route.sends_returned
        self._outcomes.begin()
        async with asyncio.TaskGroup() as group:
            group.create_task(channel.lost())
            while True:
                await self._until_wanted(channel)
                await self._consume_until_turned(channel, group)

    async def _until_wanted(self, channel: ConsumeChannel) -> None:
        """Wait while the route is paused. What handlers are at meanwhile is settled as ever."""
        circuit = self._route.circuit
        while circuit.state == "paused":
            await channel.stopped()
            await circuit.over()
        if self._reading is not None:
            # What comes late would be taken for where the next reading begins.
            await channel.stopped()
        if circuit.state == "trying":
            self._standing.tries()

    async def _consume_until_turned(
        self, channel: ConsumeChannel, group: asyncio.TaskGroup
    ) -> None:
        """Consume all queues, or try one message, until the route is to do something else."""
        circuit = self._route.circuit
        turned, tries_one = circuit.turned, circuit.state == "trying"
        if not self._stopping.is_set():
            self._buffer.open(tries_one=tries_one)
            await channel.allow(1 if tries_one else self._route.prefetch)
        consuming = [
            group.create_task(self._keep_consuming(channel, queue)) for queue in self._route.routes
        ]
        await turned.wait()
        await self._buffer.give_back(channel)
        for task in consuming:
            task.cancel()

    async def _keep_consuming(self, channel: ConsumeChannel, queue: str) -> None:
        """Consume a queue as soon as that is possible, and again after the broker ended it."""
        while not self._stopping.is_set():
            await self._sharing.holding(queue)
            await self._until_consumable(queue)
            await self._limit.prepare()
            if self._buffer.is_closed:
                return
            if queue not in self._sharing.queues:
                continue
            if channel.has_default_limit and not self._route.connection.broker.in_memory:
                self._gate.begin()
            await channel.consume(queue, await self._how(queue))
            self._availability.clear(queue)
            if self._standing.works(queue):
                self._limit.remark(queue)
            await channel.cancelled(queue)
            if queue not in self._sharing.queues:
                continue
            if not await self._availability.is_missing(queue):
                await self._buffer.give_back(channel)
                # Since RabbitMQ 4.3 that is what becomes of a consumer whose messages are unsettled
                # for too long. It comes to life again when they are settled, and till then its tag
                # is taken: a new channel has neither trouble.
                raise BrokerError(ENDED) if self._reading else ConsumerTakenBack(queue)
            self._standing.waits(queue, ENDED)

    async def _how(self, queue: str) -> Consumer:
        """Return in what way a queue is consumed, as soon as that is known."""
        if self._reading is None:
            return self._route.consumer
        await self._reading.ready()
        return self._reading.how(queue)

    async def _until_consumable(self, queue: str) -> None:
        if self._reading is not None and await self._availability.is_missing(queue):
            # Whoever declares it anew, it begins with its first message.
            self._reading.begin_anew(queue)
        backoff = Backoff()
        while (problem := await self._problem_of(queue)) is not None:
            self._standing.waits(queue, f"{problem}; waiting")
            await backoff.wait()

    async def _problem_of(self, queue: str) -> str | None:
        try:
            return await self._availability.problem_of(queue)
        except BrokerError as error:
            # When the connection is lost, so is the channel in a moment, and this is cancelled.
            # Whatever else it is, the other queues of the route must not suffer for it.
            await asyncio.sleep(TROUBLE_AFTER)
            return str(error)

    def _on_pause(self) -> None:
        """Hand out nothing more, say why, and until when."""
        self._buffer.close()
        self._standing.is_paused()

    def _on_deliveries(self, contents: list[Content], channel: ConsumeChannel) -> int:
        if self._unseen and self._finds_stream(contents, channel):
            return 1
        messages = read(contents, channel.queues, channel, self._route.decode, self._on_poison)
        if self._reading is not None:
            messages = self._reading.fresh(messages, channel)
        if self._activity.recording is not None:
            self._arrivals.note(len(contents), messages)
        if self._reading is None and not self._buffer.is_closed:
            messages = self._limit.spared(messages)
        self._buffer.take(messages)
        return self._intake.missing

    def _finds_stream(self, contents: list[Content], channel: ConsumeChannel) -> bool:
        """Consume no more, if the first message of a queue looks like one of a stream."""
        for _, arguments, properties, _ in contents:
            tag = arguments[1 : arguments[0] + 1]
            if tag in self._unseen:
                self._unseen.discard(tag)
                queue = channel.queues[tag]
                # Somebody may have written it there.
                if HEADER in properties and self._availability.may_be_stream(queue):
                    channel.give_up(BrokerError(f"queue {queue!r} may be a stream"))
                    return True
        return False

    def _handle_again(self, batches: list[list[RabbitMQMessage]]) -> None:
        self._buffer.take_first(batches)

    def _hold(self, message: RabbitMQMessage, seconds: float) -> None:
        self._buffer.hold(message, seconds)

    def _settle(self, batch: list[RabbitMQMessage], raised: BaseException | None) -> bool:
        """Settle what a handler was given, on the channel that brought it.

        Return whether the outcomes are counted, as they are not all the usual one.
        """
        # All are of one channel: those of a lost one never share a batch with later ones.
        channel = batch[0].channel
        if channel is None or channel.is_lost:
            self._on_late(batch, raised)
        elif raised is None or isinstance(raised, Exception):
            settling = self._forwarding if channel.holds else self._outcomes
            return settling.settle(batch, raised, channel)
        else:
            # Cancelled, or a SystemExit.
            self._outcomes.give_back(batch, channel, in_place=not self._buffer.is_closed)
            self._outcomes.log.failure(batch, raised)
            # Of what ends so nobody knows whether it would fail again: a try goes on for nothing.
            self._route.circuit.succeeded()
        return True

    def _on_late(self, batch: list[RabbitMQMessage], raised: BaseException | None) -> None:
        """Count outcomes that came too late, and handle again what came again meanwhile."""
        self._route.connection.late_outcomes += len(batch)
        for message in batch:
            self._activity.count(message.queue, "late")
        self._buffer.ended(batch)
        log.warning(
            "handler %s ended after its channel was lost: %s will be delivered again",
            self._route.handler_name,
            counted(len(batch), "message"),
        )
        if raised is not None:
            self._outcomes.log.failure(batch, raised)
        else:
            self._route.circuit.succeeded()

    def _on_lost(self, error: BaseException) -> None:
        """Forget what belongs to the lost channel; the broker delivers it again."""
        self._channel = None
        self._route.connection.late_outcomes += self._copies.abandon()
        dropped, running = self._buffer.forget()
        if isinstance(error, HandedOver):
            return
        self._availability.learn(error, self._standing.waiting)
        self._timeout.explain(error)
        for queue in self._sharing.queues:
            self._standing.waits(queue, f"not consumed: {error}")
        if dropped:
            messages = counted(dropped, "message")
            log.info("%s not yet handled will be delivered again", messages)
        if running:
            messages = counted(running, "message")
            log.info("%s being handled will wait when delivered again", messages)

    def _waiting(self) -> int:
        return self._buffer.waiting() + self._dispatcher.waiting()

    def _oldest(self) -> float:
        channel = self._channel
        return 0.0 if channel is None else self._arrivals.oldest(channel.lowest_open)

    def _ages(self) -> list[float]:
        channel = self._channel
        return [] if channel is None else self._arrivals.ages(channel.is_settled)
