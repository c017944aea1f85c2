"""Messages of strangers, who may write anything into properties and headers."""

import pytest

from tests.faults.hostile import FEATURES, Target, mistakes

pytestmark = pytest.mark.usefixtures("path")


@pytest.fixture
async def queues(declare):
    names = {name: await declare() for name in FEATURES if name in ("dead", "sink")}
    dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": names["dead"]}
    return {name: names.get(name) or await declare(**dead) for name in FEATURES}


async def test_whatever_strangers_write_is_settled(
    app, connection, queues, depth, logs, path, amqp_url
):
    if path == "library":
        pytest.skip("aiormq itself ends the connection at a header that pamqp cannot decode")
    target = Target(app, connection, amqp_url, queues)
    async with app.started():
        await target.publish(seed=1, numbers=range(1000))
        await target.handled()
        assert not app.problems
    assert {name: await depth(queue) for name, queue in queues.items()} == dict.fromkeys(queues, 0)
    assert mistakes(logs.records) == []
    assert connection.late_outcomes == 0
