"""A worker by the clock: every so many seconds, and when a cron expression matches."""

from asyncworker import App, Options

app = App()


@app.run_every(1, options={Options.MAX_CONCURRENCY: 1, Options.TIMEOUT: 5})
async def count(app):
    app["count"] = app.get("count", 0) + 1
    print(f"run {app['count']}", flush=True)


@app.run_every(60, first=0.5)
async def say_once_a_minute():
    print("half a second later", flush=True)


@app.run_at("*/2 * * * * *", timezone="UTC")
async def say_at_even_seconds():
    print("an even second", flush=True)


if __name__ == "__main__":
    print("Ctrl-C ends it", flush=True)
    app.run()
