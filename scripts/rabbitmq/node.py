"""Run the installed rabbitmq-server as a private node."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from scripts.rabbitmq import watchdog
from scripts.rabbitmq.broker import Broker, BrokerError
from scripts.rabbitmq.probe import DEADLINE, HOST, free_ports, speaks_amqp, wait_for

# The wrapper that Debian and Red Hat put on PATH changes user and drops the environment.
SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
STOP_DEADLINE = 20.0
COOKIE = ".erlang.cookie"
INTERFACE = "-kernel inet_dist_use_interface {127,0,0,1}"
# Milliseconds after which a queue sends on again what was not confirmed, as when its target was not
# there yet: by default three minutes, which is longer than a test waits.
RESENDING = "-rabbit dead_letter_worker_publisher_confirm_timeout 5000"


def find_server() -> Path | None:
    """Return the installed server's script, if there is one."""
    if SERVER.exists():
        return SERVER
    found = shutil.which("rabbitmq-server")
    return Path(found).resolve() if found else None


class Node(Broker):
    """Own a RabbitMQ on free ports of 127.0.0.1, with its data in a temporary folder.

    config: lines for its rabbitmq.conf; reading them adds a second to each start.
    plugins: the names of those that it enables; each must be one that comes with the server.
    deadline: seconds that a start may take.
    name: its own among those that know each other.
    beside: a running node, whose epmd and cookie it shares, so that both can form a cluster.
    """

    def __init__(
        self,
        config: str = "",
        *,
        plugins: Sequence[str] = (),
        deadline: float = DEADLINE,
        name: str = "node",
        beside: "Node | None" = None,
    ) -> None:
        self.name = f"{name}@localhost"
        self.port, self._dist_port, self.epmd_port = free_ports(3)
        self._beside = beside
        if beside is not None:
            self.epmd_port = beside.epmd_port
        self._config = config
        self._plugins = plugins
        self._deadline = deadline
        self._folder: Path | None = None
        self._epmd: subprocess.Popen[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None

    @property
    def folder(self) -> Path:
        """Return the folder of its data and logs, which `close` removes."""
        if self._folder is None:
            folder = Path(tempfile.gettempdir()) / f"rabbitmq-{secrets.token_hex(6)}"
            self._watchdog = watchdog.watch(folder)
            (folder / "plugins").write_text(f"[{','.join(self._plugins)}].\n")
            # Without a file there is nothing to translate, which is the slowest step of a start.
            if self._config:
                (folder / "rabbitmq.conf").write_text(self._config)
            if self._beside is not None:
                shutil.copy(self._beside.folder / COOKIE, folder / COOKIE)
            self._folder = folder
        return self._folder

    def start(self) -> None:
        """Start, or start again on the same data; return once AMQP clients are answered.

        Raises: BrokerError, with the end of the log.
        """
        if self._server is not None and self._server.poll() is None:
            return
        self._start_epmd()
        self._server = self._spawn_into_log([str(self._script("rabbitmq-server"))])
        if not wait_for(self._ended_or_ready, self._deadline) or self._server.poll() is not None:
            self.kill()
            raise self._no_answer(self._log())

    def stop(self) -> None:
        """Shut down in good order: clients get a Connection.Close; about a second."""
        if self._server is None:
            return
        self.resume()
        self._server.terminate()
        try:
            self._server.wait(STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            self._server.kill()
        self._forget_server()

    def kill(self) -> None:
        """Die at once, as in a power cut."""
        if self._server is not None:
            self._server.kill()
            self._forget_server()

    def pause(self) -> None:
        """Freeze: connections stay open and nothing answers."""
        if self._server is not None:
            self._server.send_signal(signal.SIGSTOP)
            # On a busy machine its threads may go on for a while.
            os.waitpid(self._server.pid, os.WUNTRACED)

    def resume(self) -> None:
        """Go on after a `pause`."""
        if self._server is not None:
            self._server.send_signal(signal.SIGCONT)

    def ctl(self, *args: str) -> str:
        """Return what `rabbitmqctl ARGS` prints; about a second each.

        Raises: BrokerError, with what it printed.
        """
        command = [str(self._script("rabbitmqctl")), "-s", "-n", self.name, *args]
        with self._spawn(command, subprocess.PIPE, subprocess.PIPE) as process:
            out, error = process.communicate()
        watchdog.forget(process, self._folder)
        if process.returncode != 0:
            raise BrokerError(f"rabbitmqctl {' '.join(args)}: {(error or out).decode()}")
        return out.decode()

    def close(self) -> None:
        """Remove the node and all its data; more than once does no harm."""
        if self._watchdog is not None:
            self._watchdog.communicate()
        for process in (self._server, self._epmd):
            if process is not None:
                process.wait()
        self._folder = self._watchdog = self._server = self._epmd = None

    def _start_epmd(self) -> None:
        if self._epmd is not None or self._beside is not None:
            return
        epmd = shutil.which("epmd")
        if epmd is None:
            raise BrokerError("RabbitMQ needs epmd, a part of Erlang, and it is not on PATH")
        # One that Erlang starts itself would be a daemon that outlives the node.
        self._epmd = self._spawn_into_log([epmd, "-address", HOST, "-port", str(self.epmd_port)])

    def _spawn_into_log(self, command: list[str]) -> subprocess.Popen[bytes]:
        with (self.folder / "output").open("ab") as output:
            return self._spawn(command, output, output)

    def _spawn(
        self, command: list[str], output: int | IO[bytes], errors: int | IO[bytes]
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            watchdog.noted(command, self.folder),
            # Where a node that loses its data leaves a dump.
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            # Ctrl-C in a terminal reaches every process of its session.
            start_new_session=True,
        )

    def _ended_or_ready(self) -> bool:
        return self._server is None or self._server.poll() is not None or speaks_amqp(self.port)

    def _forget_server(self) -> None:
        if self._server is not None:
            self._server.wait()
            watchdog.forget(self._server, self._folder)
            self._server = None

    def _log(self) -> str:
        texts = [
            (self.folder / name).read_text(errors="replace")
            for name in ("output", "rabbit.log")
            if (self.folder / name).exists()
        ]
        return "\n".join(texts)

    def _script(self, name: str) -> Path:
        server = find_server()
        if server is None:
            raise BrokerError("rabbitmq-server is not installed")
        return server.with_name(name)

    def _environment(self) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RABBITMQ_", "ERL_"))
        }
        return inherited | {
            # The Erlang cookie lives in HOME.
            "HOME": str(self.folder),
            "ERL_CRASH_DUMP_SECONDS": "0",
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_EPMD_PORT": str(self.epmd_port),
            # A node or rabbitmqctl that outlives our epmd for a moment would start a daemon.
            "ERL_FLAGS": "-start_epmd false",
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_NODE_IP_ADDRESS": HOST,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder),
            "RABBITMQ_LOGS": str(self.folder / "rabbit.log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_CONFIG_FILES": str(self.folder / "conf.d"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "rabbitmq-env.conf"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{INTERFACE} {RESENDING} {self._code_path()}",
            "RABBITMQ_CTL_ERL_ARGS": INTERFACE,
            "RABBITMQ_CTL_DIST_PORT_MIN": "0",
            "RABBITMQ_CTL_DIST_PORT_MAX": "0",
            # Makes the script become the node, so that a signal to its pid reaches the node.
            "detached": "true",
        }

    def _code_path(self) -> str:
        """Return arguments that put the server's own modules before the other plugins' 70 folders.

        Erlang looks for each module in every folder of its path: this saves a second a start.
        """
        plugins = self._script("rabbitmq-server").resolve().parent.parent / "plugins"
        folders = [*plugins.glob("rabbit-*/ebin"), *plugins.glob("rabbit_common-*/ebin")]
        return " ".join(f"-pa {folder}" for folder in folders)
