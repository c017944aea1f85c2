"""Hosts and ports, out of what a user wrote."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Address
from typing import Any
from urllib.parse import urlsplit

from yarl import URL

from asyncworker.errors import ConfigurationError


def hosts_of(hostname: Any, port: int) -> tuple[tuple[str, int], ...]:
    """Return hosts, each with its port, of a text or a list. port: that of those which say none.

    Raises: ConfigurationError
    """
    hosts = hostname.split(",") if isinstance(hostname, str) else hostname
    if not isinstance(hosts, Iterable) or not all(isinstance(host, str) for host in hosts):
        kind = type(hostname).__name__
        raise ConfigurationError(f"hostname must be a string or a list of strings, got {kind}")
    if not hosts:
        raise ConfigurationError(f"hostname names no host: {hostname!r}")
    return tuple(_host(host, port) for host in hosts)


def _host(host: str, port: int) -> tuple[str, int]:
    """Return host and port of `host`, `host:port`, `v6`, `[v6]` or `[v6]:port`."""
    if "@" in host or "/" in host:
        raise ConfigurationError("hostname holds more than a host and a port: give a URL as url=")
    text = f"[{host}]" if host.count(":") > 1 and "[" not in host else host
    try:
        parts = urlsplit(f"//{text}")
        found, own_port = parts.hostname, parts.port
        if "[" in text:
            _check_v6(text)
        if found:
            URL.build(scheme="amqp", host=found)
    except ValueError as error:
        raise ConfigurationError(f"hostname {host!r} is no host or host:port: {error}") from None
    if not found:
        raise ConfigurationError(f"hostname {host!r} is no host or host:port")
    return found, port if own_port is None else own_port


def _check_v6(text: str) -> None:
    """Accept `[v6]` and `[v6]:port`. What else the parser lets pass depends on Python's version.

    Raises: ValueError
    """
    address, _, port = text.removeprefix("[").partition("]")
    IPv6Address(address)
    if port and not port.startswith(":"):
        raise ValueError(f"{port!r} stands behind the address")
