"""Several processes of one app, and the parent that starts, signals and replaces them."""
