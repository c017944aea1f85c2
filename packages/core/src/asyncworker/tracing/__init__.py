"""Spans of what an app does, by the API of OpenTelemetry."""
