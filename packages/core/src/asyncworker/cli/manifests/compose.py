"""A worker beside its broker and what watches it, by Docker Compose."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from asyncworker.cli.manifests.texts import filled, shipped

if TYPE_CHECKING:
    from asyncworker.cli.manifests.worker import Worker


def compose(worker: Worker) -> dict[str, str]:
    """Return the files of a worker, its RabbitMQ, a Prometheus and a Grafana."""
    services = filled(
        "compose.txt",
        name=worker.name,
        words=worker.words,
        source="build: ." if worker.image is None else f"image: {worker.image}",
        command=json.dumps(["asyncworker", "run", worker.target]),
        replicas=worker.replicas,
        drain=f"{worker.drain:g}",
        closing=f"{worker.closing:g}",
        grace=worker.grace,
        http=filled("compose_http.txt") if worker.answers else "",
        rabbitmq=filled("compose_rabbitmq.txt", name=worker.name) if worker.consumes else "",
        volumes=filled("compose_volumes.txt") if worker.consumes else "",
    )
    return {
        "compose.yaml": services,
        "monitoring/prometheus.yml": filled("prometheus.txt", name=worker.name),
        "monitoring/alerts.yml": shipped("alerts.yml"),
        "monitoring/dashboards/asyncworker.json": shipped("dashboard.json"),
        "monitoring/grafana/datasources/prometheus.yml": filled("grafana_datasources.txt"),
        "monitoring/grafana/dashboards/folder.yml": filled("grafana_dashboards.txt"),
    }
