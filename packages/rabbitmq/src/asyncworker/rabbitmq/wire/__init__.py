"""One connection's bytes: content of its channels comes in, messages and settlements go out."""
