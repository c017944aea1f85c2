"""Messages that the broker keeps for a while: where they wait, and what they look like then."""
