"""One run of an App in one process, from `app.run()` to its exit code."""
