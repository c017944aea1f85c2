"""A worker, and a Prometheus that scrapes it."""

from collections.abc import AsyncIterator, Iterator
from importlib.resources import files

import aiohttp
import pytest
import yaml

from scripts import prometheus as private
from scripts.rabbitmq.probe import HOST, free_ports
from tests.metrics.prometheus import JOB, Prometheus
from tests.metrics.worker import SECRET, Scraped, shop

ALERTS = files("asyncworker") / "metrics" / "alerts.yml"


@pytest.fixture
def port() -> int:
    """Where the worker will listen."""
    [port] = free_ports(1)
    return port


@pytest.fixture
def prometheus_url(port: int) -> Iterator[str]:
    """A Prometheus that scrapes the worker several times a second, with our alerts.

    It asks for orders as well, of which one is refused: somebody has to.
    """
    targets = [{"targets": [f"{HOST}:{port}"]}]
    orders = [
        {
            "job_name": f"order {number}",
            "metrics_path": f"/orders/{number}",
            "params": {"card": [SECRET]},
            "static_configs": targets,
        }
        for number in (1, 2)
    ]
    config = {
        "global": {"scrape_interval": "200ms", "evaluation_interval": "200ms"},
        "rule_files": [str(ALERTS)],
        "scrape_configs": [{"job_name": JOB, "static_configs": targets}, *orders],
    }
    with private.running(yaml.safe_dump(config)) as url:
        yield url


@pytest.fixture
async def prometheus(
    port: int,
    prometheus_url: str,
    amqp_url: str,
    limit: float,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Prometheus]:
    """That Prometheus, while the worker runs."""
    monkeypatch.setenv("ASYNCWORKER_HTTP_PORT", str(port))
    scraped = Scraped()
    async with shop(amqp_url, port, scraped).started(), aiohttp.ClientSession() as session:
        yield Prometheus(prometheus_url, session, scraped, limit)
