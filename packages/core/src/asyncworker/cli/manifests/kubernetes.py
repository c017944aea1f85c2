"""A worker on Kubernetes: Deployment, PodDisruptionBudget, and a Service where it serves HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from asyncworker.cli.manifests.texts import filled

if TYPE_CHECKING:
    from asyncworker.cli.manifests.worker import Worker

AHEAD: Final = 5
"""Seconds before SIGTERM in which the cluster learns that a pod ends, which still answers."""


def kubernetes(worker: Worker) -> dict[str, str]:
    """Return the manifests of a worker, in one file."""
    ahead = AHEAD if worker.answers else 0
    deployment = filled(
        "deployment.txt",
        name=worker.name,
        words=worker.words,
        image=worker.image or f"{worker.name}:1",
        command=json.dumps(["asyncworker", "run", worker.target]),
        replicas=worker.replicas,
        drain=f"{worker.drain:g}",
        closing=f"{worker.closing:g}",
        ahead=f", {ahead} s before both" if ahead else "",
        grace=worker.grace + ahead,
        http_variables=filled("deployment_http_variables.txt") if worker.answers else "",
        http_port=filled("deployment_http_port.txt") if worker.answers else "",
        pre_stop=filled("deployment_pre_stop.txt", seconds=ahead) if worker.answers else "",
    )
    service = filled("service.txt", name=worker.name) if worker.answers else ""
    return {f"{worker.name}.yaml": deployment + service}
