"""`asyncworker top`: how it stands with a running worker, live in a terminal."""
