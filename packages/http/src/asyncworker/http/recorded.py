"""What the feed is told of requests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from asyncworker.http.endpoint import RAISED

if TYPE_CHECKING:
    from asyncworker.feed import Activity
    from asyncworker.feed.recording import Recording
    from asyncworker.http.endpoint import Endpoint


def recorded(endpoint: Endpoint, activity: Activity, recording: Recording, source: str) -> Endpoint:
    """Return an endpoint of which the feed is told: how long each request takes, and its status.

    source: its method and path.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        worker = asyncio.current_task()
        recording.begin(worker, 1)
        outcome = "aborted"
        try:
            response = await endpoint(request)
            outcome = str(response.status)
        except web.HTTPException as error:
            outcome = str(error.status)
            raise
        else:
            return response
        finally:
            activity.count(source, outcome)
            activity.counted(request.get(RAISED))
            recording.end(worker)

    return answer
