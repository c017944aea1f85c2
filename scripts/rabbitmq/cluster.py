"""Run several private nodes as one cluster."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from scripts.rabbitmq.node import Node


@contextmanager
def cluster(*names: str, config: str = "") -> Iterator[list[Node]]:
    """Yield running nodes that form a cluster; at the end nothing of them is left.

    config: lines for the rabbitmq.conf of each.
    Raises: BrokerError
    """
    with ExitStack() as stack:
        first = stack.enter_context(Node(config, name=names[0]))
        others = [Node(config, name=name, beside=first) for name in names[1:]]
        for node in others:
            stack.callback(node.close)
        with ThreadPoolExecutor() as threads:
            list(threads.map(Node.start, others))
        for node in others:
            _join(node, first)
        yield [first, *others]


def _join(node: Node, first: Node) -> None:
    # Each of these takes a second or two.
    for command in (["stop_app"], ["join_cluster", first.name], ["start_app"]):
        node.ctl(*command)
