"""What becomes of messages that were handled."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from asyncworker.options import Actions, DefaultValues
from asyncworker.pausing.pause import Pause
from asyncworker.rabbitmq.policy import outcome_of
from asyncworker.rabbitmq.retry import Later, Retry
from asyncworker.rabbitmq.retrying.attempts import past_of
from asyncworker.rabbitmq.retrying.dead_letters import DeadLetters
from asyncworker.rabbitmq.retrying.failure import Failure, Unfit
from asyncworker.rabbitmq.retrying.held import Held
from asyncworker.rabbitmq.retrying.retries import Retries
from asyncworker.rabbitmq.settling.again import Again, Half
from asyncworker.rabbitmq.settling.outcome_log import OutcomeLog
from asyncworker.rabbitmq.settling.put_back import PutBack
from asyncworker.rabbitmq.settling.replies import Replies
from asyncworker.rabbitmq.settling.requeue_delay import DELAY, RequeueDelay
from asyncworker.rabbitmq.split import Split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from asyncworker.errors import Invalid
    from asyncworker.feed import Activity
    from asyncworker.rabbitmq.consuming.consume_channel import ConsumeChannel
    from asyncworker.rabbitmq.message import RabbitMQMessage
    from asyncworker.rabbitmq.retrying.copies import Copies
    from asyncworker.rabbitmq.route import AMQPRoute

ACK: Final = Actions.ACK
ACKNOWLEDGED: Final = ACK.value
_queue_of: Final = attrgetter("queue")
RETRIED: Final = "retry"
"""What is counted for a message that waits for its next attempt; of others it is the action."""


class Outcomes:
    """Decide about each message: by its own outcome first, by the route's options else."""

    def __init__(
        self,
        route: AMQPRoute,
        copies: Copies,
        hand_over: Callable[[list[list[RabbitMQMessage]]], None],
        hold: Callable[[RabbitMQMessage, float], None],
        activity: Activity,
    ) -> None:
        self.log = OutcomeLog(route)
        self._activity = activity
        self._dead_letters = DeadLetters(route, copies)
        self._replies = Replies(route, copies)
        self._again = Again(route, hand_over)
        on_waiting = partial(self._count, outcome=RETRIED)
        self._held: Held | None = None
        if route.holds_failed:
            self._held = Held(route, self._again.renewed, hold, self._end, on_waiting)
        self._retries = Retries(route, copies, self._end, on_waiting)
        self._put_back = PutBack(route, copies, hand_over)
        self._route = route
        self._requeue_delay = RequeueDelay()

    def begin(self) -> None:
        """Begin with the messages of a new channel."""
        self._requeue_delay = RequeueDelay()

    def settle(
        self,
        batch: list[RabbitMQMessage],
        raised: Exception | None,
        channel: ConsumeChannel,
        given: list[RabbitMQMessage] | None = None,
    ) -> bool:
        """Settle the messages of a batch on their channel, or have them tried again.

        Return whether the outcomes are counted, as they are not all acknowledged.

        Whatever goes wrong with one, it goes back, and the others are settled as they should be.
        given: what the handler was given, where that is more.
        """
        if raised is not None:
            self._settle_failed(batch, raised, channel, given or batch)
            return True
        if self._route.circuit.counts:
            self._route.circuit.succeeded()
        default: Actions = self._route.options.on_success
        mistake: Exception | None = None
        tags = []
        for message in batch:
            outcome = message.outcome or default
            if outcome is ACK:
                tags.append(message.delivery_tag)
            else:
                mistake = self._settle_one(message, outcome, channel, None) or mistake
        if tags:
            channel.acknowledge(tags)
        if mistake is not None:
            self.log.mistake(batch, mistake)
        if len(tags) == len(batch) and not self._activity.counts:
            return False
        self.count_acknowledged(one for one in batch if (one.outcome or default) is ACK)
        return True

    def acknowledge(self, messages: list[RabbitMQMessage], channel: ConsumeChannel) -> None:
        """Acknowledge messages of which all has left that was to leave with them."""
        channel.acknowledge([message.delivery_tag for message in messages])
        self.count_acknowledged(messages)

    def count_acknowledged(self, messages: Iterable[RabbitMQMessage]) -> None:
        """Count messages that were acknowledged."""
        # Those of a queue together: they are mostly of one.
        for queue, same in groupby(map(_queue_of, messages)):
            self._activity.count(queue, ACKNOWLEDGED, len(list(same)))

    def _count(self, message: RabbitMQMessage, outcome: str) -> None:
        self._activity.count(message.queue, outcome)

    def settle_poison(self, message: RabbitMQMessage, error: Invalid) -> None:
        """Settle a message that no handler is given, as its body is not what it should be."""
        channel, outcome = message.channel, self._route.options.on_invalid
        if channel is None:
            return
        mistake = self._settle_one(message, outcome, channel, Unfit(error))
        if mistake is not None:
            self.log.mistake([message], mistake)
        self.log.poison(message, error, outcome)

    def give_back(
        self, batch: list[RabbitMQMessage], channel: ConsumeChannel, *, in_place: bool
    ) -> None:
        """Put messages back of which nobody knows what was done: nothing is confirmed.

        in_place: whether one may wait for its next time where it is.
        """
        # Nothing waits for a later time as if it were with the broker, which a stream is not.
        stays = in_place or self._route.start is not None
        put_back = partial(self._go_back, failure=None) if stays else self.requeue
        for message in batch:
            put_back(message, channel)

    def requeue(self, message: RabbitMQMessage, channel: ConsumeChannel) -> None:
        """Put a message back when it is due; should the channel close first, it goes back too."""
        self._count(message, Actions.REQUEUE.value)
        loop = asyncio.get_running_loop()
        due = self._requeue_delay.due(loop.time(), again=message.redelivered)
        loop.call_at(due, channel.settle, message.delivery_tag, Actions.REQUEUE)

    def _settle_failed(
        self,
        batch: list[RabbitMQMessage],
        raised: Exception,
        channel: ConsumeChannel,
        given: list[RabbitMQMessage],
    ) -> None:
        default, mistake = self._default(raised, is_alone=len(given) == 1)
        circuit = self._route.circuit
        before = circuit.state
        said = default if isinstance(default, Pause) else None
        if circuit.failed(raised, said, is_part=_is_part(given)):
            mistake = self._put_back_for_now(batch, channel, is_tried=before == "trying") or mistake
            if mistake is not None:
                self.log.mistake(batch, mistake)
            if before != "paused":
                self.log.failure(given, raised)
        elif not isinstance(default, Pause):
            self._carry_out_all(batch, raised, channel, given, default, mistake)

    def _carry_out_all(
        self,
        batch: list[RabbitMQMessage],
        raised: Exception,
        channel: ConsumeChannel,
        given: list[RabbitMQMessage],
        default: Actions | Retry | Split,
        mistake: Exception | None,
    ) -> None:
        """Do with messages what they say, or else the default."""
        failure = Failure(raised)
        is_alone = len(given) == 1
        if is_alone and isinstance(default, Retry) and self._again.at_once(batch, default, failure):
            self.log.failure(given, raised)
            return
        for message in batch:
            outcome = message.outcome or default
            if not isinstance(outcome, Split):
                # Of many, one that spoke for itself need not be what made them fail.
                about = failure if is_alone or not message.outcome else None
                mistake = self._settle_one(message, outcome, channel, about) or mistake
        silent = [message for message in batch if not message.outcome]
        if isinstance(default, Split):
            self._again.in_halves(silent)
        # Only now: what users have added to the logging may raise too.
        if mistake is not None:
            self.log.mistake(batch, mistake)
        if isinstance(default, Split):
            self.log.split(given, silent, raised)
        else:
            self.log.failure(given, raised)
        if isinstance(default, Retry):
            self.log.end(silent, default)

    def _put_back_for_now(
        self,
        batch: list[RabbitMQMessage],
        channel: ConsumeChannel,
        *,
        is_tried: bool,
    ) -> Exception | None:
        """Put messages back that say nothing themselves, as their route waits.

        Return what went wrong with one that does.
        """
        mistake: Exception | None = None
        for message in batch:
            if message.outcome:
                mistake = self._settle_one(message, message.outcome, channel, None) or mistake
            else:
                self._count(message, Actions.REQUEUE.value)
                self._put_back.take(message, channel, is_tried=is_tried)
        return mistake

    def _default(
        self, raised: Exception, *, is_alone: bool
    ) -> tuple[Actions | Retry | Split | Pause, Exception | None]:
        """Return what is done with messages that say nothing themselves, or why that is unknown."""
        on_exception = self._route.options.on_exception
        try:
            found = outcome_of(on_exception, raised, DefaultValues.ON_EXCEPTION)
            # What is alone cannot be split.
            return found.outcome(raised) if isinstance(found, Split) and is_alone else found, None
        except Exception as error:  # noqa: BLE001 (users' classes say themselves what is one of them)
            return Actions.REQUEUE, error

    def _settle_one(
        self,
        message: RabbitMQMessage,
        outcome: Actions | Later | Retry,
        channel: ConsumeChannel,
        failure: Failure | None,
    ) -> Exception | None:
        """Settle a message; return what went wrong, as what it goes back for."""
        try:
            self._carry_out(message, outcome, channel, failure)
        except Exception as error:  # noqa: BLE001 (it must not keep the others unsettled)
            self._go_back(message, channel, failure)
            return error
        return None

    def _carry_out(
        self,
        message: RabbitMQMessage,
        outcome: Actions | Later | Retry,
        channel: ConsumeChannel,
        failure: Failure | None,
    ) -> None:
        """Have a message wait for its next attempt, or come to its end."""
        if isinstance(outcome, Later):
            policy = outcome.policy(self._route.options.on_exception)
            delay = outcome.milliseconds(policy, past_of(message.content[2]).waits + 1)
            self._waiting(failure).submit(message, delay, policy.then, channel, failure)
        elif not isinstance(outcome, Retry):
            self._end(message, Actions(outcome), channel, failure)
        elif message.attempt < outcome.attempts:
            delay = outcome.milliseconds(past_of(message.content[2]).waits + 1)
            self._waiting(failure).submit(message, delay, outcome.then, channel, failure)
        else:
            self._end(message, outcome.then, channel, failure)

    def _end(
        self,
        message: RabbitMQMessage,
        action: Actions,
        channel: ConsumeChannel,
        failure: Failure | None,
    ) -> None:
        """Do what is final: no attempt follows, but for what is put back.

        failure: why; None where no exception is the reason.
        """
        if action is Actions.REQUEUE:
            if message.redelivered and message.outcome is action:
                self.log.warn_of_reject()
            self._go_back(message, channel, failure)
        elif self._replies.awaits(message):
            settle = partial(self._settle, message, action, channel, failure)
            self._replies.fail(message, action, failure, settle)
        else:
            self._settle(message, action, channel, failure)

    def _waiting(self, failure: Failure | None) -> Retries | Held:
        """Return where a message waits for its next attempt."""
        if self._held is None or isinstance(failure, Unfit):
            return self._retries
        return self._held

    def _go_back(
        self, message: RabbitMQMessage, channel: ConsumeChannel, failure: Failure | None
    ) -> None:
        waiting = self._waiting(failure)
        if isinstance(waiting, Held):
            self._count(message, Actions.REQUEUE.value)
            waiting.put_back(message, DELAY)
        else:
            self.requeue(message, channel)

    def _settle(
        self,
        message: RabbitMQMessage,
        action: Actions,
        channel: ConsumeChannel,
        failure: Failure | None,
    ) -> None:
        """Settle a message for good."""
        self._count(message, action.value)
        if action is Actions.REJECT:
            if failure is not None and self._dead_letters.take(message, failure, channel):
                return
            if self._route.drops(message.queue):
                self.log.warn_of_drop(message.queue)
        channel.settle(message.delivery_tag, action)


def _is_part(given: list[RabbitMQMessage]) -> bool:
    """Tell whether what failed is handled again in place, as it has failed before."""
    if isinstance(given, Half) or len(given) > 1:
        return isinstance(given, Half)
    past = past_of(given[0].content[2])
    return past.at_once > 0 and not past.waits
