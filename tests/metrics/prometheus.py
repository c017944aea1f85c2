"""What tests ask a Prometheus."""

import asyncio
from collections.abc import Awaitable, Callable
from math import isfinite
from typing import Any, TypeVar

import aiohttp
import pytest

from tests.metrics.worker import Scraped

T = TypeVar("T")
JOB = "shop"


class Prometheus:
    """Ask a Prometheus that scrapes a worker."""

    def __init__(
        self, url: str, session: aiohttp.ClientSession, scraped: Scraped, limit: float
    ) -> None:
        self._url = url
        self._session = session
        self._scraped = scraped
        self._limit = limit

    async def ask(self, path: str, **arguments: str) -> Any:
        async with self._session.get(f"{self._url}/api/v1/{path}", params=arguments) as answer:
            told = await answer.json()
        assert told["status"] == "success", f"{arguments}: {told}"
        return told["data"]

    async def found(self, query: str) -> list[float]:
        """The values of all series that a query finds, once one of them is a number.

        A rate of what has not happened is none.
        """
        return await self._until(
            query, lambda: self._values(query), lambda values: any(map(isfinite, values))
        )

    async def rules(self) -> list[dict[str, Any]]:
        """All rules, once each was evaluated."""
        return await self._until(
            "rules", self._rules, lambda rules: all(one["health"] != "unknown" for one in rules)
        )

    async def _values(self, query: str) -> list[float]:
        found = await self.ask("query", query=query)
        return [float(series["value"][1]) for series in found["result"]]

    async def _rules(self) -> list[dict[str, Any]]:
        return [one for group in (await self.ask("rules"))["groups"] for one in group["rules"]]

    async def _until(
        self, what: str, ask: Callable[[], Awaitable[T]], is_enough: Callable[[T], bool]
    ) -> T:
        """Ask after each scrape, until the answer is as it should be."""
        answer = None
        try:
            async with asyncio.timeout(self._limit):
                while not is_enough(answer := await ask()):
                    await self._scraped.again()
        except TimeoutError:
            pytest.fail(f"{what}: {answer}")
        return answer
