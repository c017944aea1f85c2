"""Whatever handlers return and put: all of it leaves with what succeeded, and nothing else."""

import asyncio
from collections import Counter
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from asyncworker import Actions, App, Events, Options
from asyncworker.rabbitmq import AMQPConnection, Message
from asyncworker.testing import TestApp

RETURNED = ("none", "value", "message", "elsewhere", "unfit")
QUEUES = ("invoices", "other", "audit")


@dataclass(frozen=True)
class Plan:
    """Say what the handler does about one message: what it returns, puts, decides and raises."""

    returned: str
    puts: int
    decides: str | None
    fails: bool


plans = st.builds(
    Plan,
    st.sampled_from(RETURNED),
    st.integers(0, 2),
    st.sampled_from([None, None, "accept", "reject"]),
    st.integers(0, 9).map(lambda number: number == 0),
)


def returned_of(kind, number):
    kinds = {
        "none": None,
        "value": number,
        "message": Message(number),
        "elsewhere": Message(number, "other"),
        "unfit": object(),
    }
    return kinds[kind]


class Run:
    """Handle numbered messages by their plans, and note what is to leave with them.

    surplus: by how many its lists are longer than they should be.
    """

    def __init__(self, plans, bulk_size, surplus):
        self._plans = plans
        self._surplus = surplus
        self.expected = {name: Counter() for name in QUEUES}
        self.app = App(connections=[AMQPConnection(url="memory://")])
        options = {Options.BULK_SIZE: bulk_size, Events.ON_EXCEPTION: Actions.REJECT}
        self.app.route(["orders"], publish_to="invoices", options=options)(self.handle)

    async def handle(self, messages):
        batch = [(message, self._plans[message.body]) for message in messages]
        for message, plan in batch:
            for _ in range(plan.puts):
                message.put(message.body, "audit")
            if plan.decides == "accept":
                message.accept()
            if plan.decides == "reject":
                message.reject(requeue=False)
        fails = any(plan.fails for _, plan in batch)
        for message, plan in batch:
            self._expect(message.body, plan, succeeds=not fails and not self._surplus)
        if fails:
            raise ValueError
        values = [returned_of(plan.returned, message.body) for message, plan in batch]
        return values[:-1] if self._surplus < 0 else values + [None] * self._surplus

    def _expect(self, number, plan, *, succeeds):
        if not succeeds:
            # What was returned is not known, and what it has accepted is done.
            leaves, returned = plan.decides == "accept", "none"
        else:
            leaves, returned = plan.decides != "reject", plan.returned
        if leaves and returned != "unfit":
            self.expected["audit"][number] += plan.puts
            if returned != "none":
                self.expected["other" if returned == "elsewhere" else "invoices"][number] += 1


@settings(deadline=None)
@given(
    st.lists(plans, min_size=1, max_size=12), st.integers(1, 5), st.sampled_from([0, 0, 0, 1, -1])
)
def test_what_leaves_is_what_succeeded(plans, bulk_size, surplus):
    run = Run(plans, bulk_size, surplus)

    async def main():
        async with TestApp(run.app) as worker:
            for name in QUEUES:
                worker.queue(name)
            for number in range(len(plans)):
                await worker.publish(number, "orders")
            await worker.idle()
            # Its errors are looked at.
            assert len(worker.errors) <= len(plans)
            assert {one.outcome for one in worker.messages} <= {"acked", "rejected"}
            return {name: Counter(worker.queue(name).bodies) for name in QUEUES}

    published = asyncio.run(main())
    assert published == {name: +each for name, each in run.expected.items()}
