"""`asyncworker manifest` where core knows no backend, and with one of a third party."""

import pytest
import yaml

from asyncworker.backend import Backlog, Trigger
from packages.core.tests.cli.shop import APP, SCHEDULES, invoke


@pytest.mark.usefixtures("module", "no_backends")
def test_an_app_that_nobody_could_ask_how_it_is_is_one_line(module):
    module(SCHEDULES)
    result = invoke("manifest", "shop", "--kind", "kubernetes")
    reason = "needs asyncworker-http: pip install --upgrade asyncworker-http"
    assert result.stderr == f"Error: ASYNCWORKER_MONITOR_PORT {reason}\n"
    assert result.exit_code == 1


def test_a_backend_that_tells_of_no_backlog_is_not_scaled(module):
    module(APP)
    result = invoke("manifest", "shop", "--kind", "keda", "--handler-seconds", "1")
    assert result.stderr == (
        "Error: nothing that KEDA could scale by: "
        "orders, refunds, handler handle: RouteTypes.KAFKA has no backlog to count; "
        "events, handler follow: RouteTypes.PULSAR has no backlog to count\n"
    )
    assert result.exit_code == 1


def test_a_backend_of_a_third_party_says_how_its_backlogs_are_counted(module, kafka, monkeypatch):
    def backlogs(_app, routes):
        trigger = Trigger(
            type="apache-kafka",
            metadata={"topic": "orders", "consumerGroup": "shop"},
            target="lagThreshold",
            url="bootstrapServers",
            variable="SHOP_KAFKA",
        )
        return [
            Backlog(route=one, source="orders", batches=3, bulk_size=10, trigger=trigger)
            for one in routes
        ]

    monkeypatch.setattr(kafka.kafka, "backlogs", backlogs, raising=False)
    module(APP)
    result = invoke("manifest", "shop", "--kind", "keda", "--handler-seconds", "0.5")
    assert (result.exit_code, result.stderr) == (0, "")
    scaled, login = yaml.safe_load_all(result.stdout)
    assert scaled["spec"]["triggers"] == [
        {
            "type": "apache-kafka",
            "metadata": {"topic": "orders", "consumerGroup": "shop", "lagThreshold": "1800"},
            "authenticationRef": {"name": "shop-shop-kafka"},
        }
    ]
    assert login["spec"]["secretTargetRef"] == [
        {"parameter": "bootstrapServers", "name": "shop", "key": "SHOP_KAFKA"}
    ]
    assert (
        "#   events, handler follow: RouteTypes.PULSAR has no backlog to count\n" in result.stdout
    )
