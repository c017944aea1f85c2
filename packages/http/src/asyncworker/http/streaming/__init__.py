"""From what a handler yields to what its client reads: chunks, or events with heartbeats."""
