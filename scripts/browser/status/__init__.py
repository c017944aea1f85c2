"""Show the status page in a browser, of an app that has something to tell."""
