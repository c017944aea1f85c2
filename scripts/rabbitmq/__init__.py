"""A RabbitMQ of our own, for tests and the benchmark: a node, a cluster, a container."""
