"""Streams of RabbitMQ, which keep what was read: offsets, and where a route begins."""
