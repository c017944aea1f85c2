"""Plain functions of users, each call in a thread, so that none makes the event loop wait."""
