"""What is written for KEDA, read by models made of its CRDs, and what it is worked out of."""

import json
import sys
from pathlib import Path

import pytest
import yaml

from packages.core.tests.cli.worker import Worker, taken, work
from tests.manifests.tools import passes, tool

MODELS = Path(__file__).with_name("keda_models.py")

QUEUES = """
@app.route([Queue("refunds"), Queue("returns")], type=RouteTypes.AMQP_RABBITMQ, prefetch=4)
async def pay(messages):
    pass

@app.route(["mails"], type=RouteTypes.AMQP_RABBITMQ, options={Options.RATE: Rate(5)})
async def send(messages):
    pass
"""
NOT_SCALED = """
import datetime

@app.route([Queue("in-order", single_active_consumer=True)], type=RouteTypes.AMQP_RABBITMQ)
async def follow(messages):
    pass

@app.route([Queue("events", type="stream")], type=RouteTypes.AMQP_RABBITMQ)
async def read(messages):
    pass

@app.route(["alone"], type=RouteTypes.AMQP_RABBITMQ, consumer=Consumer(exclusive=True))
async def own(messages):
    pass

@app.route(["shared"], type=RouteTypes.AMQP_RABBITMQ, options={Options.RATE: Rate(5, shared=True)})
async def slowly(messages):
    pass

@app.http.get("/")
async def index():
    pass

@app.run_every(60, once=True)
async def count():
    pass

@app.run_every(30)
async def tick():
    pass
"""
SEVERAL = """
from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection

app = App(connections=[AMQPConnection(url="memory://a", name="first-shop"),
                       AMQPConnection(url="memory://b", name="second")])

@app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ, connection="first-shop")
async def store(messages):
    pass

@app.route(["refunds"], type=RouteTypes.AMQP_RABBITMQ, connection="second")
async def pay(messages):
    pass
"""


def documents(text):
    return list(yaml.safe_load_all(text))


def are_read(*texts):
    """KEDA's models know the objects of these texts, and forget nothing of them.

    They are in an environment of their own, as they bring a plugin for pytest along.
    """
    found = [one for text in texts for one in documents(text)]
    run = [tool("uv"), "run", "--quiet", "--no-project", "--python", sys.executable]
    passes(*run, "--with", "cloudcoil-models-keda>=2.16", MODELS, json.dumps(found))


def triggers_of(text):
    [scaled, *_] = documents(text)
    return {one["metadata"]["queueName"]: one for one in scaled["spec"]["triggers"]}


def targets_of(text):
    return {name: one["metadata"]["value"] for name, one in triggers_of(text).items()}


def test_each_queue_has_a_trigger(written):
    [scaled, login] = documents(written("keda", "--handler-seconds", "0.5", more=QUEUES))
    names = [one["metadata"]["queueName"] for one in scaled["spec"]["triggers"]]
    assert names == ["orders", "refunds", "returns", "mails"]
    assert scaled["spec"]["triggers"][0] == {
        "type": "rabbitmq",
        "metadata": {
            "protocol": "amqp",
            "queueName": "orders",
            "vhostName": "shop",
            "mode": "QueueLength",
            "value": "7200",
        },
        "authenticationRef": {"name": "shop-amqp-url"},
    }
    assert scaled["spec"]["scaleTargetRef"] == {"name": "shop"}
    assert (scaled["spec"]["minReplicaCount"], scaled["spec"]["maxReplicaCount"]) == (1, 10)
    assert login["spec"] == {
        "secretTargetRef": [{"parameter": "host", "name": "shop", "key": "ASYNCWORKER_AMQP_URL"}]
    }


def test_each_object_is_one_of_keda(written):
    are_read(
        written("keda", "--handler-seconds", "0.5", more=QUEUES),
        written("keda", "--handler-seconds", "0.5", "--replicas", "2", app=SEVERAL),
    )


def test_a_field_that_keda_does_not_know_is_seen(written):
    text = written("keda", "--handler-seconds", "1")
    with pytest.raises(AssertionError, match="minReplicas"):
        are_read(text.replace("minReplicaCount", "minReplicas"))


def test_a_target_is_what_a_replica_works_off_in_time(written):
    found = targets_of(written("keda", "--handler-seconds", "0.5", "--within", "10", more=QUEUES))
    assert found == {
        # 12 batches of 10 at a time, each of half a second, for 10 seconds.
        "orders": "2400",
        # 4 messages at a time, for two queues.
        "refunds": "40",
        "returns": "40",
        # 5 in a second, however fast the handler is.
        "mails": "50",
    }


def test_the_output_says_how_a_target_was_worked_out(written):
    text = written("keda", "--handler-seconds", "0.5", "--within", "10", more=QUEUES)
    assert "#   12 x 10 / 0.5 s x 10 s = 2400\n" in text
    assert "#   4 x 1 / 0.5 s / 2 queues of the handler x 10 s = 40\n" in text
    assert "#   128 x 1 / 0.5 s, at most 5 a second x 10 s = 50\n" in text


def test_a_target_is_never_below_one_message(written):
    text = written("keda", "--handler-seconds", "3600", "--within", "1", more=QUEUES)
    assert set(targets_of(text).values()) == {"1"}


def test_what_more_replicas_would_not_help_has_no_trigger(written):
    text = written("keda", "--handler-seconds", "1", more=NOT_SCALED)
    assert list(triggers_of(text)) == ["orders"]
    listed = text.partition("# What no trigger is for:\n")[2].partition("apiVersion")[0]
    assert listed.splitlines() == [
        "#   in-order, handler follow: has a single active consumer",
        "#   events, handler read: a stream, of which each replica reads all",
        "#   alone, handler own: is consumed by one replica alone (exclusive)",
        "#   shared, handler slowly: has a rate that all replicas share",
        "#   /, handler index: RouteTypes.HTTP has no backlog to count",
        "#   every 60 s, handler count: one replica among all runs it (once)",
        "#   every 30 s, handler tick: each replica runs it: once=True has one alone run it",
    ]


def test_an_app_without_queues_is_one_line(manifest):
    app = "from asyncworker import App\napp = App()\n@app.http.get('/')\nasync def index(): ...\n"
    result = manifest("keda", "--handler-seconds", "1", app=app)
    reason = "/, handler index: RouteTypes.HTTP has no backlog to count"
    assert result.stderr == f"Error: nothing that KEDA could scale by: {reason}\n"
    assert result.exit_code == 1


def test_each_of_several_brokers_has_a_login_of_its_own(written):
    [scaled, first, second] = documents(written("keda", "--handler-seconds", "1", app=SEVERAL))
    names = [one["authenticationRef"]["name"] for one in scaled["spec"]["triggers"]]
    assert names == [first["metadata"]["name"], second["metadata"]["name"]]
    keys = [one["spec"]["secretTargetRef"][0]["key"] for one in (first, second)]
    assert keys == ["FIRST_SHOP_AMQP_URL", "SECOND_AMQP_URL"]


@pytest.mark.parametrize("name", ['a "b" \\ c: #d', "é\x7f\u2028\U0001f600", "yes", "{a}", "$x"])
def test_a_queue_may_be_called_anything(written, name):
    more = f"""
    @app.route([{name!r}], type=RouteTypes.AMQP_RABBITMQ)
    async def pay(messages):
        pass
    """
    assert list(triggers_of(written("keda", "--handler-seconds", "1", more=more))) == [
        "orders",
        name,
    ]


def handled(batches, messages, seconds):
    """A monitor that tells of the handler of the shop."""
    done = {"batches": batches, "handled": messages, "seconds": seconds}
    store = work("store", **done)
    store["sources"][0]["name"] = "orders"
    return Worker(lambda: taken(routes=[work("other"), store]))


def test_a_running_worker_tells_what_its_handlers_take(written):
    with handled(batches=40, messages=200, seconds=10.0).serving() as port:
        text = written("keda", "--from", f"http://127.0.0.1:{port}")
    # 12 batches at a time, of 5 messages each and a quarter of a second.
    assert targets_of(text) == {"orders": "7200"}
    assert "12 x 5 / 0.25 s x 30 s = 7200" in text


def test_a_handler_that_has_not_worked_yet_is_one_line(manifest):
    with handled(batches=0, messages=0, seconds=0.0).serving() as port:
        result = manifest("keda", "--from", f"http://127.0.0.1:{port}")
    assert result.stderr == (
        f"Error: handler store of 'orders' has handled nothing yet according to "
        f"http://127.0.0.1:{port}/status.json: let it work for a while, or say "
        f"--handler-seconds\n"
    )
    assert result.exit_code == 1


def test_a_worker_of_another_app_is_one_line(manifest):
    with Worker(taken).serving() as port:
        result = manifest("keda", "--from", f"http://127.0.0.1:{port}")
    assert "handler store of 'orders' is not there according to http://127" in result.stderr
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1", "no answer from http://127.0.0.1:1/status.json"),
        ("127.0.0.1", "the URL is none of a monitor"),
    ],
)
def test_a_worker_that_cannot_be_asked_is_one_line(manifest, url, reason):
    result = manifest("keda", "--from", url)
    assert reason in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.exit_code == 1


def test_what_answers_otherwise_is_no_monitor(manifest):
    with Worker(lambda: json.loads("[]")).serving() as port:
        result = manifest("keda", "--from", f"http://127.0.0.1:{port}")
    assert f"http://127.0.0.1:{port}/status.json is not of a monitor" in result.stderr


@pytest.mark.parametrize("given", [(), ("--handler-seconds", "1", "--from", "http://127.0.0.1:1")])
def test_how_fast_handlers_are_is_said_once(manifest, given):
    result = manifest("keda", *given)
    assert "say --handler-seconds 0.05, or --from http://127.0.0.1:9000" in result.stderr
    assert result.exit_code == 2


def test_the_most_replicas_are_not_less_than_the_least(manifest):
    arguments = ("--handler-seconds", "1", "--replicas", "3", "--max-replicas", "2")
    result = manifest("keda", *arguments)
    assert "--max-replicas 2 is less than --replicas 3" in result.stderr
    assert result.exit_code == 2
