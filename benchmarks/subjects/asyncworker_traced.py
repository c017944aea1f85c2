"""asyncworker with traces on: each batch is a span, which goes as far as an exporter."""

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from benchmarks import jobs
from benchmarks.subjects.asyncworker import connected, consume_by
from benchmarks.window import Result


class Nowhere(SpanExporter):
    """Take spans as if they were sent."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Have them all."""
        return SpanExportResult.SUCCESS


def consume(job: jobs.Consume) -> Result:
    """Consume as without traces."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    app = connected(job)
    app.trace(provider)
    return consume_by(app, job)
