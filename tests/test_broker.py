import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import aio_pika
import pytest

from scripts import ROOT, apt
from scripts.rabbitmq import container, private
from scripts.rabbitmq.broker import Broker, BrokerError
from scripts.rabbitmq.container import IMAGE, Container
from scripts.rabbitmq.node import Node
from scripts.rabbitmq.probe import free_ports, speaks_amqp, wait_for

pytestmark = pytest.mark.slow

USER = """
from scripts.rabbitmq.private import broker
with broker() as url:
    print(url, flush=True)
    input()
"""
COMMAND = [sys.executable, "-c", USER]


def environment(**changes: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != private.VARIABLE}
    return inherited | changes


def children(pid: int) -> list[int]:
    """The processes that a process started and that still run."""
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split() for line in listing.splitlines()]
    return [int(row[0]) for row in rows if int(row[1]) == pid and not row[2].startswith("Z")]


def is_running(pid: int) -> bool:
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return bool(state) and not state.startswith("Z")


def all_end(pids: list[int]) -> bool:
    return wait_for(lambda: not any(map(is_running, pids)), deadline=10)


def users_of(folder: Path) -> list[str]:
    """The processes that were started with a folder as their place for temporary files."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.fsencode(folder) in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " "))
    return found


def moments() -> list[float]:
    """Seconds after which a start is interrupted; BROKER_MOMENTS tells how many, 2 if not set.

    Half of them lie in the first 50 ms, in which all processes are started.
    """
    count = int(os.environ.get("BROKER_MOMENTS", "2"))
    chance = random.Random(count)
    return [round(chance.uniform(0, 4 if number % 2 else 0.05), 4) for number in range(count)]


def lines_until(stream: IO[str], text: str) -> str:
    lines = []
    for line in stream:
        lines.append(line)
        if text in line:
            break
    return "".join(lines)


class TestNode:
    def test_answers_amqp_clients_once_it_has_started(self, private_node: Broker):
        assert speaks_amqp(private_node.port)

    def test_takes_connections_on_the_loopback_address_only(self, private_node: Broker):
        if not isinstance(private_node, Node):
            pytest.skip("a container's ports are the engine's business")
        # What is about to connect to somebody has no address of its own yet: not one that listens.
        listing = private_node.ctl(
            "eval",
            "[element(2, inet:sockname(P)) || P <- erlang:ports(),"
            " {ok, S} <- [prim_inet:getstatus(P)], lists:member(listen, S)].",
        )
        assert set(re.findall(r"\{\{([\d,]+)\},", listing)) == {"127,0,0,1"}

    async def test_keeps_a_durable_queue_when_killed(self, private_node: Broker):
        async with await aio_pika.connect(private_node.url) as connection:
            channel = await connection.channel()
            await channel.declare_queue("kept", durable=True)
        private_node.keep_queues()
        async with await aio_pika.connect(private_node.url) as connection:
            channel = await connection.channel()
            body = aio_pika.Message(b"kept", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            await channel.default_exchange.publish(body, "kept")
            private_node.kill()
        assert not speaks_amqp(private_node.port)

        private_node.start()

        async with await aio_pika.connect(private_node.url) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue("kept", durable=True)
            assert (await queue.get(no_ack=True)).body == b"kept"
            # Since RabbitMQ 4.0 whether it is empty is told by a count that lags behind.
            await queue.delete(if_empty=False)

    async def test_gives_guest_every_right_in_a_new_vhost(self, private_node: Broker):
        private_node.add_vhost("orders")
        async with await aio_pika.connect(private_node.url + "orders") as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue("q", exclusive=True)
            await channel.default_exchange.publish(aio_pika.Message(b"x"), "q")
            assert (await queue.get(no_ack=True)).body == b"x"

    def test_falls_silent_when_paused_and_answers_when_resumed(self, private_node: Broker):
        private_node.pause()
        try:
            assert not speaks_amqp(private_node.port)
        finally:
            private_node.resume()
        assert wait_for(lambda: speaks_amqp(private_node.port))

    def test_shows_what_rabbitmqctl_prints(self, private_node: Broker):
        assert "/" in private_node.ctl("list_vhosts").splitlines()

    def test_says_why_rabbitmqctl_failed(self, private_node: Broker):
        # Since RabbitMQ 4.0 to delete a user that does not exist is no failure.
        with pytest.raises(BrokerError, match='User "no_such_user" does not exist'):
            private_node.ctl("set_user_tags", "no_such_user", "x")

    def test_survives_a_stop_and_takes_its_configuration(self, installed_server: None):
        with Node("heartbeat = 7\n") as node:
            node.ctl("add_vhost", "kept")
            node.stop()
            assert not speaks_amqp(node.port)
            node.start()
            assert "kept" in node.ctl("list_vhosts").splitlines()
            assert "{ok,7}" in node.ctl("eval", "application:get_env(rabbit, heartbeat).")
            folder = node.folder
        assert not folder.exists()

    def test_shows_the_log_when_it_cannot_start(self, installed_server: None):
        node = Node("heartbeat = often\n")
        folder = node.folder
        with pytest.raises(BrokerError, match='"often" cannot be converted'), node:
            pass
        assert not folder.exists()

    def test_is_gone_when_its_owner_is_killed(self, installed_server: None):
        owner = (
            "from scripts.rabbitmq.node import Node\n"
            "node = Node()\n"
            "node.start()\n"
            "print(node.folder, flush=True)\n"
            "input()\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", owner],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            folder = Path(process.stdout.readline().strip())
            pids = children(process.pid)
            process.kill()
        assert len(pids) >= 3
        assert all_end(pids)
        assert wait_for(lambda: not folder.exists(), deadline=10)


@pytest.fixture
def installed_server() -> None:
    if private.find_server() is None:
        pytest.skip("rabbitmq-server is not installed: the private broker is a container")


class TestPrivateBroker:
    def test_is_there_for_as_long_as_it_is_used_and_leaves_nothing(self):
        with subprocess.Popen(
            COMMAND,
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            port = int(process.stdout.readline().strip().rstrip("/").rpartition(":")[2])
            assert speaks_amqp(port)
            pids = children(process.pid)
            _, err = process.communicate("\n")

        assert f"starting a private RabbitMQ on 127.0.0.1:{port} ..." in err
        assert not any(map(is_running, pids))
        assert not speaks_amqp(port)

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
    @pytest.mark.parametrize("moment", moments())
    def test_leaves_nothing_whenever_a_start_is_interrupted(
        self, moment: float, number: signal.Signals, installed_server: None, tmp_path: Path
    ):
        with subprocess.Popen(
            COMMAND,
            cwd=ROOT,
            env=environment(TMPDIR=str(tmp_path)),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            lines_until(process.stderr, "starting")
            # No condition to wait for: any moment will do, and the next run has others.
            time.sleep(moment)
            process.send_signal(number)
            process.communicate()
        assert wait_for(lambda: not users_of(tmp_path), deadline=10), users_of(tmp_path)
        assert wait_for(lambda: not [*tmp_path.iterdir()], deadline=10)

    def test_is_the_one_that_the_environment_names(self, monkeypatch: pytest.MonkeyPatch):
        url = "amqp://someone:secret@broker.invalid:5673/"
        monkeypatch.setenv(private.VARIABLE, url)
        with private.broker() as found:
            assert url == found

    def test_says_in_one_line_what_to_install_when_there_is_no_way(
        self, commands: "Commands", bare_machine: Path
    ):
        with pytest.raises(BrokerError) as caught:
            private.private_broker()
        assert str(caught.value) == private.MISSING


class Commands:
    """A PATH that holds nothing but fake commands, which note how they were called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "calls"

    def add(self, name: str, script: str = "") -> None:
        file = self.folder / name
        file.write_text(f'#!/bin/sh\necho "{name} $*" >> "{self.log}"\n{script}\n')
        file.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return Commands(folder)


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root's machine without the server, and the file whose presence stands for it."""
    server = tmp_path / "rabbitmq-server"
    monkeypatch.setattr(private, "find_server", lambda: server if server.exists() else None)
    monkeypatch.setattr(apt, "POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return server


class TestInstall:
    def test_installs_the_server_without_starting_a_service(
        self, commands: Commands, bare_machine: Path, capfd: pytest.CaptureFixture[str]
    ):
        policy = apt.POLICY
        commands.add(
            "apt-get",
            f'[ "$DEBIAN_FRONTEND" = noninteractive ] && [ -x "{policy}" ] || exit 9\n'
            f'[ "$1" = update ] || : > "{bare_machine}"',
        )
        assert isinstance(private.private_broker(), Node)
        assert commands.calls == [
            "apt-get update",
            "apt-get install -y --no-install-recommends rabbitmq-server",
        ]
        assert not policy.exists()
        assert capfd.readouterr().err == "broker: installing rabbitmq-server with apt-get ...\n"

    def test_keeps_a_service_policy_that_is_there(self, commands: Commands, bare_machine: Path):
        apt.POLICY.write_text("mine")
        commands.add("apt-get", f': > "{bare_machine}"')
        private.private_broker()
        assert apt.POLICY.read_text() == "mine"

    def test_takes_a_container_when_the_installation_fails(
        self, commands: Commands, bare_machine: Path
    ):
        commands.add("apt-get", "exit 100")
        commands.add("docker")
        assert isinstance(private.private_broker(), Container)
        assert [call.split()[:2] for call in commands.calls] == [
            ["apt-get", "update"],
            ["apt-get", "install"],
            ["docker", "info"],
        ]

    def test_leaves_apt_get_alone_when_not_root(
        self, commands: Commands, bare_machine: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        commands.add("apt-get")
        with pytest.raises(BrokerError, match="install rabbitmq-server"):
            private.private_broker()
        assert commands.calls == []


class TestContainer:
    @pytest.fixture
    def answers(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setattr(container, "speaks_amqp", lambda port: True)

    def test_prefers_the_engine_that_answers(self, commands: Commands, bare_machine: Path):
        commands.add("docker", "exit 1")
        commands.add("podman")
        private.private_broker()
        assert commands.calls == ["docker info", "podman info"]

    def test_drives_the_engine(self, commands: Commands, answers: None):
        commands.add("docker", '[ "$1" != exec ] || echo said')
        with Container("docker") as container:
            container.stop()
            container.start()
            container.kill()
            container.start()
            container.pause()
            container.resume()
            assert container.ctl("list_vhosts") == "said\n"
        container.close()

        name = commands.calls[-1].split()[-1]
        assert commands.calls == [
            f"docker run --detach --name {name} --publish 127.0.0.1:{container.port}:5672 {IMAGE}",
            f"docker stop {name}",
            f"docker start {name}",
            f"docker kill {name}",
            f"docker start {name}",
            f"docker pause {name}",
            f"docker unpause {name}",
            f"docker exec {name} rabbitmqctl -s list_vhosts",
            f"docker rm -f -v {name}",
        ]

    def test_mounts_its_configuration(self, commands: Commands, answers: None):
        commands.add(
            "docker", 'for word; do [ -f "${word%%:*}" ] && /bin/cat "${word%%:*}"; done; :'
        )
        with Container("docker", "heartbeat = 7"):
            (words,) = [call.split() for call in commands.calls]
            mounted, target, mode = words[words.index("--volume") + 1].split(":")
            assert Path(mounted).read_text() == "heartbeat = 7"
            assert (target, mode) == ("/etc/rabbitmq/conf.d/90-private.conf", "ro")
        assert not Path(mounted).exists()

    def test_shows_the_log_and_goes_away_when_it_does_not_answer(self, commands: Commands):
        commands.add("docker", '[ "$1" != logs ] || echo "out of memory"')
        with pytest.raises(BrokerError, match="out of memory"), Container("docker", deadline=0):
            pass
        assert commands.calls[-1].startswith("docker rm -f -v ")

    def test_says_what_the_engine_refused(self, commands: Commands):
        commands.add("docker", 'echo "no space left" >&2; exit 125')
        with pytest.raises(BrokerError, match="no space left"), Container("docker"):
            pass


class TestPorts:
    def test_are_distinct_and_not_those_of_outgoing_connections(self):
        ports = free_ports(20)
        assert len(set(ports)) == 20
        assert max(ports) < 32768
