"""memory://, a broker in this process, for first steps and tests: a small model of RabbitMQ.

Read it upwards, as each file uses only those before it. Where a message comes to: `message`,
`storage` (what a queue holds, classic or quorum), `consumer`, `queue`, `exchange`, `dead_letters`,
`vhost`. How a client gets there: `client` (the frames to and from it), `channel` (its consumers,
what it has not settled), `topology_methods` and `basic_methods` (what it may ask for),
`connection`, `broker`, `transport`. All use `errors`, `clock` and `arguments`, the x-arguments.
"""

from asyncworker.rabbitmq.memory.broker import forget

__all__ = ["forget"]
