"""One call of users' code: its limit, its context, and what it raises, returns or leaves behind."""
