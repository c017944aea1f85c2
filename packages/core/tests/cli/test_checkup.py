"""`asyncworker check`: what keeps an app from working."""

import asyncio

import pytest

from packages.core.tests.cli.shop import APP, SCHEDULES, invoke


def test_an_app_that_could_work_is_ok(module):
    module(APP)
    result = invoke("check", "shop")
    assert (result.stdout, result.exit_code) == ("ok, routes: 2\n", 0)


def test_schedules_are_counted_too(module):
    module(SCHEDULES)
    assert invoke("check", "shop").stdout == "ok, routes: 0; schedules: 2\n"


def test_each_problem_is_a_line(module, kafka, monkeypatch):
    module(APP)
    asked = []

    async def check(app, routes):
        asked.extend(routes)
        return ["the first is missing", "the second too"]

    monkeypatch.setattr(kafka.kafka, "check", check, raising=False)
    result = invoke("check", "shop")
    assert result.stdout == "the first is missing\nthe second too\n"
    assert result.exit_code == 1
    assert [route.routes for route in asked] == [("orders", "refunds")]


def test_a_connection_without_routes_is_tried_too(module, kafka, monkeypatch):
    module(APP.partition("@app.route")[0])

    async def check(app, routes):
        return [f"{len(routes)} routes"]

    monkeypatch.setattr(kafka.pulsar, "check", check, raising=False)
    assert invoke("check", "shop").stdout == "0 routes\n"


@pytest.mark.parametrize("command", ["check", "routes", "run"])
def test_a_misspelt_setting_is_told_before_anything_runs(module, monkeypatch, command):
    module("from asyncworker import App\napp = App()\n")
    monkeypatch.setenv("ASYNCWORKER_HTTP_PROT", "8081")
    result = invoke(command, "shop")
    assert result.exit_code == 1
    assert "did you mean ASYNCWORKER_HTTP_PORT?" in result.output


def test_a_check_has_a_time_limit_that_stops_no_other(module, kafka, monkeypatch):
    module(APP)

    async def hang(app, routes):
        await asyncio.Event().wait()

    async def check(app, routes):
        return ["found"]

    monkeypatch.setattr(kafka.kafka, "check", hang, raising=False)
    monkeypatch.setattr(kafka.pulsar, "check", check, raising=False)
    result = invoke("check", "shop", "--timeout", "0.01")
    assert result.stdout == "RouteTypes.KAFKA: no answer within 0.01 s\nfound\n"
    assert result.exit_code == 1


def test_a_check_that_fails_itself_is_a_line(module, kafka, monkeypatch):
    module(APP)

    async def fail(app, routes):
        raise LookupError("nowhere")

    monkeypatch.setattr(kafka.kafka, "check", fail, raising=False)
    assert invoke("check", "shop").stdout == "RouteTypes.KAFKA: LookupError('nowhere')\n"


def test_an_app_that_cannot_be_imported_is_one_line(module):
    module("1 / 0")
    result = invoke("check", "shop")
    assert result.stderr == (
        "Error: importing shop failed: ZeroDivisionError('division by zero')\n"
    )
    assert result.exit_code == 1


def test_hooks_and_handlers_are_not_called(module):
    module(f"{APP}\n@app.run_on_startup\n@app.run_on_shutdown\ndef hook(app): print('called')\n")
    assert invoke("check", "shop").stdout == "ok, routes: 2\n"
