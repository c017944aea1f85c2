"""What becomes of messages that were handled, and how the broker is told."""
