"""AMQP URIs, as https://www.rabbitmq.com/docs/uri-spec and its query parameters describe them."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from asyncworker.errors import ConfigurationError, suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping

PORTS: Final = {"amqp": 5672, "amqps": 5671}
QUERY: Final = ("cafile", "certfile", "heartbeat", "keyfile")


def parse_url(url: str) -> dict[str, Any]:
    """Return the arguments of AMQPConnection that a URL stands for.

    Several hosts are separated by commas: `amqp://user:password@first:5672,second:5673/vhost`.
    Raises: ConfigurationError, which never shows the password.
    """
    parts = urlsplit(url)
    if parts.scheme not in PORTS:
        raise ConfigurationError(f"url must start with amqp:// or amqps://, not {parts.scheme!r}")
    login, _, hosts = parts.netloc.rpartition("@")
    username, _, password = login.partition(":")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name in query:
        if name not in QUERY:
            raise ConfigurationError(f"url takes no {name!r}: {suggestion(name, QUERY)}")
    return {
        "hostname": [unquote(host) for host in hosts.split(",")],
        "port": PORTS[parts.scheme],
        "username": unquote(username) or "guest",
        "password": unquote(password) or "guest",
        "vhost": unquote(parts.path.removeprefix("/")) or "/",
        "heartbeat": _seconds(query.get("heartbeat")),
        "tls": _tls(query) if parts.scheme == "amqps" else None,
    }


def parse_host(host: str, port: int) -> tuple[str, int]:
    """Return host and port of `host`, `host:port`, `[v6]` or `[v6]:port`.

    Raises: ConfigurationError
    """
    try:
        parts = urlsplit(f"//{host}" if host.count(":") < 2 or "[" in host else f"//[{host}]")
        if not parts.hostname:
            raise ValueError("no host")
        return parts.hostname, parts.port or port
    except ValueError as error:
        raise ConfigurationError(f"hostname {host!r} is no host or host:port: {error}") from None


def _seconds(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal():
        raise ConfigurationError(f"heartbeat in url must be a number of seconds, got {text!r}")
    return int(text)


def _tls(query: Mapping[str, str]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=query.get("cafile"))
        if "certfile" in query:
            context.load_cert_chain(query["certfile"], query.get("keyfile"))
    except OSError as error:
        files = ", ".join(f"{name}={query[name]}" for name in QUERY if name in query)
        raise ConfigurationError(
            f"cannot read the certificates in url ({files}): {error}"
        ) from None
    return context
