"""What a worker tells of itself, asked from outside."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families

from tests.faults.waiting import until_so
from tests.faults.worker import Worker

ON = {"ASYNCWORKER_MONITOR_PORT": "0"}
"""What a worker is started with to have a monitor."""


class Monitor:
    """Ask the monitor of a worker."""

    def __init__(self, client: ClientSession) -> None:
        self._client = client

    @classmethod
    @asynccontextmanager
    async def of(cls, worker: Worker) -> AsyncIterator["Monitor"]:
        """Offer the monitor of a worker that is starting."""
        url = (await worker.logged("monitor: "))["msg"].removeprefix("monitor: ")
        async with ClientSession(url) as client:
            yield cls(client)

    async def ready(self) -> tuple[int, list[str]]:
        """Return the status of the probe, and what it says is wrong."""
        status, health = await self._json("/health/ready")
        return status, health["problems"]

    async def standing(self, source: str) -> dict[str, Any]:
        """Return what the probe says of a queue."""
        _, health = await self._json("/health/ready")
        [found] = [one for one in health["routes"] if one["source"] == source]
        return found

    async def lives(self) -> bool:
        """Tell whether the worker answers the other probe."""
        async with self._client.get("/health/live") as response:
            return response.status == 200

    async def until_ready(self) -> None:
        """Wait until all works."""
        await until_so(self._is_ready, "ready")

    async def until_not_ready(self, text: str) -> None:
        """Wait until something does not work, for a reason with this text."""

        async def is_known() -> bool:
            status, problems = await self.ready()
            return status == 503 and any(text in one for one in problems)

        await until_so(is_known, f"not ready: {text}")

    async def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric over all series that have these labels."""
        async with self._client.get("/metrics") as response:
            text = await response.text()
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    async def until_metric(self, value: float, name: str, **labels: str) -> None:
        """Wait until a metric has a value."""

        async def has() -> bool:
            return await self.metric(name, **labels) == value

        await until_so(has, f"{name}{labels} {value:g}")

    async def _is_ready(self) -> bool:
        return (await self.ready())[0] == 200

    async def _json(self, path: str) -> tuple[int, dict[str, Any]]:
        async with self._client.get(path) as response:
            return response.status, await response.json()
