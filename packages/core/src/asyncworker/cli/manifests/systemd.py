"""A worker under systemd: one unit, which needs no user and no container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncworker.cli.manifests.texts import filled

if TYPE_CHECKING:
    from asyncworker.cli.manifests.worker import Worker


def systemd(worker: Worker) -> dict[str, str]:
    """Return the unit of a worker; its replicas are processes of one parent."""
    unit = filled(
        "unit.txt",
        name=worker.name,
        words=worker.words,
        target=worker.target,
        workers=f" --workers {worker.replicas}" if worker.replicas > 1 else "",
        drain=f"{worker.drain:g}",
        closing=f"{worker.closing:g}",
        grace=worker.grace,
    )
    return {f"{worker.name}.service": unit}
