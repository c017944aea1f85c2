"""app.run(), app.serve(), app.started() and app.shutdown()."""

import asyncio

import pytest

from asyncworker import App, Options, RouteTypes
from asyncworker.errors import ConfigurationError


async def handler(items):
    """Handle nothing."""


@pytest.fixture
def counting(app):
    """An app that counts its runs, and ends each when all items were handled."""
    app["runs"] = 0

    @app.route(["orders"], type=RouteTypes.KAFKA, options={Options.BULK_SIZE: 3})
    async def count(items):
        app["runs"] += 1
        app.shutdown()

    return app


def test_run_can_be_called_again(counting):
    counting.run()
    counting.run()
    assert counting["runs"] == 2


async def test_run_inside_a_running_loop_says_what_to_write_instead(counting):
    with pytest.raises(ConfigurationError) as caught:
        counting.run()
    assert str(caught.value) == (
        "an event loop runs already: await app.serve() instead of app.run()"
    )


async def test_serve_runs_on_the_loop_that_runs_already(counting, serve):
    await serve(counting)
    await serve(counting)
    assert counting["runs"] == 2
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_one_app_runs_on_several_loops_one_after_another(counting, serve):
    asyncio.run(serve(counting))
    counting.run()
    asyncio.run(serve(counting))
    assert counting["runs"] == 3


async def test_started_runs_the_app_while_the_context_lasts(kafka):
    connection = kafka.KafkaConnection([1])
    app = App(connections=[connection])
    handled = asyncio.Event()

    @app.route(["orders"], type=RouteTypes.KAFKA)
    async def handle(_):
        handled.set()

    async with asyncio.timeout(10), app.started() as started:
        assert started is app
        assert connection.is_open
        await handled.wait()
    assert not connection.is_open
    assert connection.outcomes == [([1], None)]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_app_that_runs_cannot_be_run_once_more(counting):
    async with counting.started():
        with pytest.raises(ConfigurationError, match=r"^the app runs already$"):
            await counting.serve()


async def test_routes_and_hooks_cannot_be_added_while_the_app_runs(counting):
    async with counting.started():
        with pytest.raises(ConfigurationError, match=r"runs already: declare routes before app"):
            counting.route(["more"], type=RouteTypes.KAFKA)(handler)
        with pytest.raises(ConfigurationError, match=r"runs already: declare hooks before app"):
            counting.run_on_startup(handler)
    counting.route(["more"], type=RouteTypes.KAFKA)(handler)


async def test_an_app_without_routes_runs_until_it_is_stopped(serve):
    app = App()

    @app.run_on_startup
    async def stop_soon(app):
        asyncio.get_running_loop().call_soon(app.shutdown)

    await serve(app)


def test_shutdown_of_an_app_that_does_not_run_does_nothing(counting):
    counting.shutdown()
    counting.run()
    assert counting["runs"] == 1


@pytest.mark.parametrize("debug", ["", "1"], ids=["plain", "debug"])
async def test_shutdown_works_from_another_thread(worker, debug):
    script = """
        import asyncio, threading
        from asyncworker import App
        app = App()

        @app.run_on_startup
        async def later(app):
            loop = asyncio.get_running_loop()
            # On a busy machine anything is slow; debug mode is here for what it forbids.
            loop.slow_callback_duration = float("inf")
            loop.call_later(0.1, start)

        def start():
            print("stopping", flush=True)
            thread = threading.Thread(target=app.shutdown)
            thread.start()
            thread.join()

        app.run()
        print("ended", flush=True)
    """
    process = await worker(script, PYTHONASYNCIODEBUG=debug)
    # The start of a process takes seconds on a busy machine; only its end is limited.
    await process.printed("stopping")
    result = await process.end(limit=5)
    assert (result.code, result.log) == (0, [])
    assert result.output[-1] == "ended"


async def test_shutdown_works_from_a_startup_hook(app, serve):
    after = []
    app.run_on_startup(lambda app: app.shutdown())
    app.run_on_shutdown(after.append)
    await serve(app)
    assert after == [app]


async def test_shutdown_may_be_called_often(app, serve):
    @app.route(["orders"], type=RouteTypes.KAFKA)
    async def handle(_):
        for _ in range(5):
            app.shutdown()

    @app.run_on_shutdown
    async def again(app):
        app.shutdown()

    await serve(app)
