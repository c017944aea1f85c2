"""AMQP 0-9-1 as bytes: frames, methods, properties and tables, without I/O."""
