"""The page that shows the drills' table, and what run it comes from."""

import os
import platform
from collections.abc import Collection
from datetime import UTC, datetime
from importlib.metadata import distributions, version
from pathlib import Path

from tests.faults import marks, portuguese, table
from tests.faults.drill import Row

LIBRARIES = ("aio-pika", "aiormq", "aiohttp", "pydantic")


def write(page: Path, rows: Collection[Row], broker: str | None) -> None:
    """Put the rows of a run between the marks of a page, and of its Portuguese one.

    broker: the version of the RabbitMQ that was broken, if one was.
    """
    marks.put_run(page, f"\n{_origin(broker)}\n\n{_count(rows)}\n\n{table.markdown(rows)}\n")
    portuguese.write(page)


def _origin(broker: str | None) -> str:
    """Say when a run was made, on what, and with which versions."""
    ours = sorted(
        one.name for one in distributions() if one.name.lower().startswith("asyncworker-")
    )
    versions = [
        f"Python {platform.python_version()}",
        *([f"RabbitMQ {broker}"] if broker else []),
        *(f"{name} {version(name)}" for name in (*ours, *LIBRARIES)),
    ]
    return (
        f"Run of {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, on {platform.system()} "
        f"{platform.machine()} with {os.cpu_count()} CPUs: {', '.join(versions)}."
    )


def _count(rows: Collection[Row]) -> str:
    kept = sum(row.verdict == "kept" for row in rows)
    return f"{len(rows)} drills; {kept} kept their promise, {len(rows) - kept} did not."
