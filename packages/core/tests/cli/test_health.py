"""`asyncworker health`, asked of servers that answer one way or the other."""

import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from asyncworker.cli import monitor
from packages.core.tests.cli.shop import invoke


class Server:
    """What it answers, and what it was asked for."""

    def __init__(self):
        self.status = 200
        self.body = b"{}"
        self.paths = []
        self.port = 0

    @contextmanager
    def serving(self, host="127.0.0.1"):
        ours = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                ours.paths.append(self.path)
                self.send_response(ours.status)
                self.end_headers()
                self.wfile.write(ours.body)

            def log_message(self, *_):
                pass

        with ThreadingHTTPServer((host, 0), Handler) as server:
            self.port = server.server_port
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()


@pytest.fixture
def server():
    with Server().serving() as server:
        yield server


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("ASYNCWORKER_MONITOR_HOST", "ASYNCWORKER_MONITOR_PORT"):
        monkeypatch.delenv(name, raising=False)


def health(*arguments):
    result = invoke("health", *arguments)
    return result.exit_code, result.output


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", None])
def test_the_environment_tells_where_to_ask(server, monkeypatch, host):
    monkeypatch.setenv("asyncworker_monitor_port", str(server.port))
    if host is not None:
        monkeypatch.setenv("ASYNCWORKER_MONITOR_HOST", host)
    assert health() == (0, "ready\n")
    assert server.paths == ["/health/ready"]


def test_a_url_may_have_a_prefix(server):
    assert health(f"http://127.0.0.1:{server.port}/-/") == (0, "ready\n")
    assert server.paths == ["/-/health/ready"]


def test_it_may_ask_for_life_alone(server):
    assert health(f"http://127.0.0.1:{server.port}", "--live") == (0, "live\n")
    assert server.paths == ["/health/live"]


def test_what_is_wrong_is_one_line(server):
    server.status = 503
    server.body = json.dumps({"problems": ["a, b: waiting: no\nqueue", "the app is late"]}).encode()
    url = f"http://127.0.0.1:{server.port}"
    line = "a, b: waiting: no queue; the app is late\n"
    assert health(url) == (1, f"not ready: {line}")
    assert health(url, "--live") == (1, f"not live: {line}")


@pytest.mark.parametrize("body", [b"not found", b"[]", b"{}", b'{"problems": 1}', b"\xff"])
def test_another_server_is_not_taken_for_a_monitor(server, body):
    server.status, server.body = 404, body
    url = f"http://127.0.0.1:{server.port}"
    assert health(url) == (1, f"not ready: {url}/health/ready answers with status 404\n")


def test_a_proxy_of_the_environment_is_passed_by(server, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert health(f"http://127.0.0.1:{server.port}") == (0, "ready\n")


def test_where_nobody_listens_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    expected = f"no answer from {url}/health/ready: Connection refused\n"
    assert health(url) == (1, expected)


def test_whoever_does_not_answer_is_not_waited_for_long(monkeypatch):
    monkeypatch.setattr(monitor, "TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        code, output = health(f"http://127.0.0.1:{deaf.getsockname()[1]}")
    assert code == 1
    assert output.startswith("no answer from http://127.0.0.1:")
    assert output.count("\n") == 1


@pytest.mark.parametrize("port", [None, "", "0"])
def test_without_a_port_it_says_what_to_do(monkeypatch, port):
    if port is not None:
        monkeypatch.setenv("ASYNCWORKER_MONITOR_PORT", port)
    reason = "give the URL of the monitor, or set ASYNCWORKER_MONITOR_PORT to its port"
    assert health() == (1, f"Error: {reason}\n")


@pytest.mark.parametrize("url", ["127.0.0.1:80", "ftp://a", "http://", "http://a:b", "http://[a"])
def test_what_is_no_url_is_one_line(url):
    reason = "the URL is none of a monitor: write it as http://127.0.0.1:9000"
    assert health(url) == (1, f"Error: {reason}\n")


def test_no_password_of_a_url_is_shown():
    code, output = health("http://me:s3cret@127.0.0.1:1")
    assert (code, "s3cret" in output) == (1, False)
