"""Examples, as a user runs them."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from aiohttp import ClientSession

from scripts.rabbitmq.probe import free_ports
from tests.faults.waiting import until
from tests.faults.worker import Worker

EXAMPLES = Path(__file__).parent.parent / "examples"
LIMIT = 60.0
TRACE = "0af7651916cd43dd8448eb211c80319c"


async def output_of(name, url):
    """Run an example against a broker; return the lines that it printed, and what it logged."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        EXAMPLES / name,
        env=os.environ | {"ASYNCWORKER_AMQP_URL": url, "ASYNCWORKER_HTTP_PORT": "0"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LIMIT):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()
    return output.decode().splitlines(), errors.decode()


async def test_the_topology_is_declared_and_used(private_node):
    printed, logged = await output_of("topology.py", private_node.url)
    assert logged == ""
    assert sorted(printed) == [
        "dead letter: broken",
        "order.created: broken",
        "order.created: tea",
    ]


async def test_dead_letters_say_why(private_node):
    printed, logged = await output_of("dead_letters.py", private_node.url)
    assert "handler pay: gave up on 1 message after 3 attempts: reject" in logged
    assert sorted(printed) == [
        'raise ValueError("nothing to pay")',
        "{'amount': 0}: 'ValueError: nothing to pay' after 3 attempts",
        "{'amount': 0}: attempt 1",
        "{'amount': 0}: attempt 2",
        "{'amount': 0}: attempt 3",
        "{'amount': 7}: attempt 1",
        "{'amount': 7}: attempt 2",
    ]


async def test_a_batch_is_split_until_what_fails_is_alone(private_node):
    printed, logged = await output_of("splitting.py", private_node.url)
    assert logged.count("handled again in halves: 8 messages") == 1
    dead = printed.pop(printed.index("dead: ValueError: a reading is missing"))
    assert dead
    assert printed == [
        "refused: [1, 2, 3, 4, 5, None, 7, 8]",
        "stored: [1, 2, 3, 4]",
        "refused: [5, None, 7, 8]",
        "refused: [5, None]",
        "stored: [5]",
        "refused: [None]",
        "stored: [7, 8]",
    ]


async def test_a_route_waits_for_its_database(private_node):
    printed, logged = await output_of("pausing.py", private_node.url)
    assert logged.count("handler store: paused for ") == 2
    assert printed[:4] == [
        "order 1 failed",
        "order 2 failed",
        "order 2 failed",
        "order 2 stored by attempt 1",
    ]
    # The first waits for its next attempt meanwhile.
    assert sorted(printed[4:]) == [
        "order 1 stored by attempt 2",
        "order 3 stored by attempt 1",
        "order 4 stored by attempt 1",
    ]


async def test_a_stream_goes_on_where_a_run_ended(private_node):
    printed, logged = await output_of("visits.py", private_node.url)
    assert logged == ""
    assert printed == ["visit of /", "visit of /tea", "visit of /cup"]


async def test_the_payments_of_an_account_are_in_order(private_node):
    printed, logged = await output_of("ordered.py", private_node.url)
    assert "handler book raised ConnectionError" in logged
    assert [line for line in printed if line.startswith("ann")] == [
        "ann: +5, which makes 5",
        "ann: -3, which makes 2",
        "ann: +1, which makes 3",
    ]
    assert [line for line in printed if line.startswith("bob")] == [
        "bob: +7, which makes 7",
        "bob: +2, which makes 9",
    ]


async def test_one_of_two_replicas_runs_a_schedule(private_node):
    printed, _ = await output_of("once.py", private_node.url)
    ended = printed.index("the first has ended")
    assert set(printed[:ended]) == {"the first refreshes"}
    assert set(printed[ended + 1 :]) == {"the second refreshes"}


async def test_two_replicas_share_the_shards(private_node):
    printed, _ = await output_of("shards.py", private_node.url)
    orders = [line for line in printed if ", order " in line]
    assert len(orders) == 12
    for customer in ("ann", "bob", "cy", "dan", "eve", "fay"):
        first, second = [line for line in orders if f": {customer}, " in line]
        assert first.endswith("order 1")
        assert second == first.replace("order 1", "order 2")
    assert printed[-1] == "the first has ended, and the second has all"


async def test_the_bodies_are_what_they_say(private_node):
    printed, logged = await output_of("bodies.py", private_node.url)
    assert logged.count("acknowledged a message whose body is no JSON: ") == 1
    assert sorted(printed) == [
        "application/json: [1, 2]",
        "application/json: {'id': 7}",
        "application/vnd.msgpack: {'id': 8, 'picture': b'\\x89PNG'}",
        "image/png: b'\\x89PNG'",
        "text/plain: 'hello'",
    ]


async def test_handlers_are_given_what_they_say(private_node):
    printed, logged = await output_of("typed.py", private_node.url)
    assert "a message whose body does not fit: amount: input should be greater than 0" in logged
    assert "a message whose header 'x-tenant' does not fit: it is missing" in logged
    assert printed[0] == "the ledger is open"
    assert sorted(printed[1:-1]) == [
        "20.5 °C",
        'no order, or nobody\'s: {"product":"tea","amount":0}',
        'no order, or nobody\'s: {"product":"tea","amount":1}',
    ]
    assert printed[-1] == "the ledger is closed: ['acme orders 1 milk', 'acme orders 2 tea']"


async def test_an_app_has_what_its_blueprints_declare():
    printed, logged = await output_of("blueprints.py", "")
    assert logged == ""
    assert printed == ["asked for /v1/report/totals", '{"tea":3,"milk":1}']


async def test_forms_are_taken_apart():
    (taken, refused), logged = await output_of("forms.py", "")
    assert logged == ""
    assert taken == (
        '200 {"user":"maria","title":"Cat","tags":["cute","grey"],"file":"cat.png","bytes":4}'
    )
    assert refused.startswith('422 {"error":"the form does not fit"')


async def test_what_is_for_later_comes_later(private_node):
    printed, logged = await output_of("later.py", private_node.url)
    assert logged == ""
    assert printed == ["now", "in half a second", "at that moment", "in time"]


async def test_the_retries_are_tried_and_given_up(private_node):
    printed, logged = await output_of("retries.py", private_node.url)
    assert logged.count("gave up on 1 message after 3 attempts: reject") == 1
    assert sorted(printed) == [
        "is too early: attempt 1",
        "is too early: attempt 2",
        "makes no sense: attempt 1",
        "makes no sense: dead",
        "never succeeds: attempt 1",
        "never succeeds: attempt 2",
        "never succeeds: attempt 3",
        "never succeeds: dead",
        "succeeds at last: attempt 1",
        "succeeds at last: attempt 2",
        "succeeds at last: attempt 3",
    ]


async def test_orders_are_forwarded_as_invoices(private_node):
    printed, logged = await output_of("forwarding.py", private_node.url)
    assert logged.count("handler bill raised Unroutable(\"exchange 'example-nowhere', ") == 1
    assert sorted(printed) == [
        "example-book: milk was ordered",
        "example-book: sample was ordered",
        "example-book: tea was ordered",
        "example-book: voucher was ordered",
        "example-sales.dead: {'product': 'voucher', 'price': -5}",
        "invoice-milk: 2",
        "invoice-tea: 4",
    ]


async def test_questions_are_answered_once(private_node):
    printed, logged = await output_of("asking.py", private_node.url)
    assert printed == ["tea: 4", "milk: 2", "gold: KeyError 'gold'"]
    assert "handler price raised KeyError('gold')" in logged


async def test_middlewares_are_around_messages_requests_and_schedules():
    printed, logged = await output_of("middleware.py", "")
    assert "raised ValueError('no rows')" in logged
    schedule = ["> schedule: clean", "< schedule: clean", "clean failed: ValueError('no rows')"]
    message = ["> AMQP_RABBITMQ: store", "< AMQP_RABBITMQ: store"]
    request = ["> HTTP: orders", "< HTTP: orders"]
    assert sorted(printed) == sorted(
        [
            *schedule,
            *message * 3,
            "stored tea",
            "first came before",
            "stored milk",
            *request * 2,
            "401 401: Unauthorized",
            '200 ["first","last"]',
        ]
    )


async def test_plain_functions_block_nobody():
    printed, logged = await output_of("plain.py", "")
    assert logged == ""
    *pictures, ticks = printed
    assert len(pictures) == 8
    assert pictures[-1].endswith("0 left")
    assert int(ticks.split()[0]) > 1


@pytest.mark.parametrize("where", ["memory", "rabbitmq"])
async def test_the_demo_shows_messages_until_ctrl_c(where, request, tmp_path):
    url = "" if where == "memory" else request.getfixturevalue("amqp_url")
    environment = {"ASYNCWORKER_AMQP_URL": url}
    script = EXAMPLES / "demo.py"
    async with Worker.started(script, tmp_path / "record", environment) as demo:
        await until(lambda: sum("handled" in line for line in demo.output) > 1, "two messages")
        demo.send(signal.SIGINT)
        assert await demo.end() == 0
    assert {entry["level"] for entry in demo.log} == {"INFO"}
    assert demo.output[-1].startswith("done: ")


async def test_streams_are_read_while_they_are_made(tmp_path):
    environment = {"ASYNCWORKER_HTTP_PORT": "0"}
    script = EXAMPLES / "streaming.py"
    async with Worker.started(script, tmp_path / "record", environment) as worker:
        url = f"http://127.0.0.1:{await worker.port()}"
        async with asyncio.timeout(LIMIT), ClientSession(url) as client:
            async with client.get("/squares?count=3") as response:
                assert await response.text() == "number,square\n0,0\n1,1\n2,4\n"
            async with client.get("/ticks", headers={"Last-Event-ID": "7"}) as response:
                events = await response.content.readuntil(b"this is tick 9\n\n")
            assert events.startswith(b"id: 8\nevent: tick\ndata: this is tick 8\n\nid: 9\n")
            await until(lambda: "left at 9" in worker.output, "the end of what nobody reads")
            async with client.get("/ticks") as response:
                await response.content.readuntil(b"tick 1\n\n")
                worker.send(signal.SIGINT)
                await response.read()
        assert await worker.end() == 0


async def test_what_a_worker_does_is_told_in_every_way(tmp_path):
    [port] = free_ports(1)
    environment = {"ASYNCWORKER_HTTP_PORT": str(port), "ASYNCWORKER_MONITOR_PORT": "0"}
    async with Worker.started(EXAMPLES / "observed.py", tmp_path / "record", environment) as shop:
        monitor = (await shop.logged("monitor: "))["msg"].removeprefix("monitor: ")
        for route in ("bill, orders", f"on_price, http://127.0.0.1:{port}/prices"):
            await until(lambda route=route: f"{route}: working" in shop.output, route)
        failed = "bill failed: ValueError('nothing to pay')"
        await until(lambda: shop.output.count(failed) >= 3, "three attempts")
        async with asyncio.timeout(LIMIT), ClientSession() as client:
            for url in (monitor, f"http://127.0.0.1:{port}/-"):
                async with client.get(f"{url}/health/ready") as response:
                    assert (response.status, (await response.json())["problems"]) == (200, [])
                async with client.get(f"{url}/metrics") as response:
                    metrics = (await response.text()).splitlines()
                values = dict(line.rsplit(" ", 1) for line in metrics)
                assert float(values['asyncworker_retries_total{route="bill"}']) >= 2
                assert float(values["shop_earned_total"]) > 0
                async with client.get(f"{url}/status") as response:
                    assert response.status == 200
            headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
            order = f"http://127.0.0.1:{port}/orders/7"
            async with client.post(order, headers=headers) as response:
                assert response.status == 202
        await until(lambda: is_traced(shop.entries("billed")), "the trace of the order")
        shop.send(signal.SIGINT)
        assert await shop.end() == 0


def is_traced(lines):
    """Tell whether the log names the trace of the request that a message came of."""
    return any(line.get("trace_id") == TRACE for line in lines)
