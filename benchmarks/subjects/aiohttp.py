"""aiohttp, bare: its web server without a framework."""

import time

from aiohttp import web

from benchmarks import jobs


async def plain(request: web.Request) -> web.Response:
    """Answer a text."""
    return web.Response(text="Hello world")


async def order(request: web.Request) -> web.Response:
    """Answer what the path says."""
    return web.Response(text=f"order {int(request.match_info['number'])}")


async def create(request: web.Request) -> web.Response:
    """Answer the JSON that came."""
    return web.json_response(await request.json())


async def cpu(request: web.Request) -> web.Response:
    """Answer the CPU seconds that the process took."""
    return web.Response(text=str(time.process_time()))


def serve(job: jobs.Serve) -> None:
    """Serve the four routes."""
    app = web.Application()
    app.router.add_get("/", plain)
    app.router.add_get("/orders/{number}", order)
    app.router.add_post("/orders", create)
    app.router.add_get("/cpu", cpu)
    for number in range(job.routes):
        app.router.add_get(f"/other-{number}/{{key}}", plain)
    # Nobody else here writes a line for each request.
    web.run_app(app, host="127.0.0.1", port=job.port, access_log=None, print=None)
