"""What happens in a run, as Prometheus reads it and Grafana shows it."""

try:
    from asyncworker.metrics.text import exposition, merged
except ImportError as error:
    if error.name is None or not error.name.startswith("prometheus_client"):
        raise
    raise ImportError(
        "metrics need prometheus-client: pip install 'asyncworker-core[metrics]'", name=error.name
    ) from None

__all__ = ["exposition", "merged"]
