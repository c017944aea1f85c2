"""Queues, exchanges and bindings at the broker, and what it means when it refuses them."""
