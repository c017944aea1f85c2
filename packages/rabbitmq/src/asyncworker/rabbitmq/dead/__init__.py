"""Look at dead letters, replay them, and drop them."""

from asyncworker.rabbitmq.dead.groups import Group, Summary
from asyncworker.rabbitmq.dead.known_queues import dead_queues
from asyncworker.rabbitmq.dead.letter import DeadLetter
from asyncworker.rabbitmq.dead.queue import DeadQueue
from asyncworker.rabbitmq.dead.sweep import Progress

__all__ = ["DeadLetter", "DeadQueue", "Group", "Progress", "Summary", "dead_queues"]
