"""Run RabbitMQ in a container of docker or podman."""

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from scripts.rabbitmq.broker import Broker, BrokerError
from scripts.rabbitmq.probe import DEADLINE, HOST, free_ports, speaks_amqp, wait_for

IMAGE = "rabbitmq:4"
CONFIG = "/etc/rabbitmq/conf.d/90-private.conf"
ENABLED = "/etc/rabbitmq/enabled_plugins"


def find_engine() -> str | None:
    """Return the container engine that runs here: its command, or None."""
    return next(filter(_answers, ("docker", "podman")), None)


def _answers(engine: str) -> bool:
    if shutil.which(engine) is None:
        return False
    try:
        done = subprocess.run([engine, "info"], capture_output=True, check=False, timeout=20)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


class Container(Broker):
    """Own a RabbitMQ in a container, with a free port of 127.0.0.1 in front of it.

    engine: `docker` or `podman`.
    config: lines for its rabbitmq.conf.
    plugins: the names of those that it enables; each must be one that comes with the server.
    deadline: seconds that a start may take, after the image is there.
    """

    def __init__(
        self,
        engine: str,
        config: str = "",
        *,
        plugins: Sequence[str] = (),
        deadline: float = DEADLINE,
    ) -> None:
        (self.port,) = free_ports(1)
        self._engine = engine
        self._config = config
        self._plugins = plugins
        self._deadline = deadline
        self._name = f"rabbitmq-{os.getpid()}-{self.port}"
        self._folder: Path | None = None

    def start(self) -> None:
        """Start, or start again on the same data; return once AMQP clients are answered.

        Raises: BrokerError, with the end of the log.
        """
        if self._folder is None:
            self._create()
        else:
            self._call("start", self._name)
        if not wait_for(lambda: speaks_amqp(self.port), self._deadline):
            raise self._no_answer(self._call("logs", "--tail", "60", self._name))

    def stop(self) -> None:
        """Shut down in good order: clients get a Connection.Close."""
        self._call("stop", self._name)

    def kill(self) -> None:
        """Die at once, as in a power cut."""
        self._call("kill", self._name)

    def pause(self) -> None:
        """Freeze: connections stay open and nothing answers."""
        self._call("pause", self._name)

    def resume(self) -> None:
        """Go on after a `pause`."""
        self._call("unpause", self._name)

    def ctl(self, *args: str) -> str:
        """Return what `rabbitmqctl ARGS` prints.

        Raises: BrokerError, with what it printed.
        """
        return self._call("exec", self._name, "rabbitmqctl", "-s", *args)

    def close(self) -> None:
        """Remove the container and all its data; more than once does no harm."""
        if self._folder is None:
            return
        atexit.unregister(self.close)
        # The engine does not know the container when its creation failed.
        subprocess.run(
            [self._engine, "rm", "-f", "-v", self._name], capture_output=True, check=False
        )
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = None

    def _create(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="rabbitmq-"))
        atexit.register(self.close)
        publish = ["--publish", f"{HOST}:{self.port}:5672"]
        self._call("run", "--detach", "--name", self._name, *publish, *self._mount(), IMAGE)

    def _mount(self) -> list[str]:
        enabled = f"[{','.join(self._plugins)}].\n" if self._plugins else ""
        arguments = []
        for name, text, place in (
            ("rabbitmq.conf", self._config, CONFIG),
            ("plugins", enabled, ENABLED),
        ):
            if self._folder is not None and text:
                file = self._folder / name
                file.write_text(text)
                # The server in the container runs as another user.
                self._folder.chmod(0o755)
                arguments += ["--volume", f"{file}:{place}:ro"]
        return arguments

    def _call(self, *args: str) -> str:
        command = [self._engine, *args]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BrokerError(f"{' '.join(command)}: {done.stderr or done.stdout}")
        return done.stdout
