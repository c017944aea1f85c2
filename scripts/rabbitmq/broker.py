"""Say what a RabbitMQ of our own can do, whatever runs it."""

from abc import ABC, abstractmethod
from typing import Self

from scripts.rabbitmq.probe import HOST


class BrokerError(Exception):
    """Report a broker that cannot be had, or that does not do what it was asked."""


class Broker(ABC):
    """Own one RabbitMQ: its queues survive `stop` and `kill`, and are gone after `close`."""

    port: int

    @property
    def url(self) -> str:
        """Return the address of the default vhost."""
        return f"amqp://guest:guest@{HOST}:{self.port}/"

    def __enter__(self) -> Self:
        """Start, and leave nothing behind when the start fails."""
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add_vhost(self, name: str) -> None:
        """Create a vhost in which guest may do everything."""
        self.ctl("add_vhost", name)
        self.ctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*")

    def keep_queues(self) -> None:
        """Have it on disk which queues there are: a broker writes that down a while later.

        One that is killed before that starts without its classic queues, and with its quorum queues
        empty, whatever it had confirmed.
        """
        # Where Khepri keeps the queues, nothing of Mnesia runs, and nothing waits.
        self.ctl(
            "eval",
            "[ok = dets:sync(Table) || Table <- dets:all()],"
            " case mnesia:system_info(is_running) of yes -> ok = mnesia:sync_log(); no -> ok end.",
        )

    def _no_answer(self, log: str) -> BrokerError:
        tail = "\n".join(log.splitlines()[-60:])
        return BrokerError(f"RabbitMQ did not answer on {HOST}:{self.port}; its log ends:\n{tail}")

    @abstractmethod
    def start(self) -> None:
        """Start, or start again on the same data; return once AMQP clients are answered."""

    @abstractmethod
    def stop(self) -> None:
        """Shut down in good order: clients get a Connection.Close."""

    @abstractmethod
    def kill(self) -> None:
        """Die at once, as in a power cut."""

    @abstractmethod
    def pause(self) -> None:
        """Freeze: connections stay open and nothing answers."""

    @abstractmethod
    def resume(self) -> None:
        """Go on after a `pause`."""

    @abstractmethod
    def ctl(self, *args: str) -> str:
        """Return what `rabbitmqctl ARGS` prints; about a second each."""

    @abstractmethod
    def close(self) -> None:
        """Remove the broker and all its data; more than once does no harm."""
