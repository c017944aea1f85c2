"""Where streams are, out of what a user wrote."""

from __future__ import annotations

from typing import NamedTuple

from yarl import URL

from asyncworker.errors import ConfigurationError

Origin = tuple[str, str | None, int | None]


class Address(NamedTuple):
    """Hold a URL that shows no credentials, and the credentials that it held."""

    url: URL
    user: str | None
    password: str | None


def address_of(url: str) -> Address:
    """Return the address that a connection was given.

    Raises: ConfigurationError, which never shows the password.
    """
    if not isinstance(url, str):
        raise ConfigurationError(f"url must be a string, got {type(url).__name__}")
    try:
        parsed = URL(url)
    except ValueError:
        # The parser's own words may hold the password.
        raise ConfigurationError("url is not well formed") from None
    if parsed.scheme not in ("http", "https"):
        raise ConfigurationError("url must start with http:// or https://")
    authority, _, path = url.partition("://")[2].partition("/")
    if ":" in authority and "@" in path:
        # The end of a login that a slash cut in two, most likely: it must not pass for a path.
        raise ConfigurationError(
            "url has an @ in its path: write each of /?#@ as %2F %3F %23 %40 "
            "in user, password and path"
        )
    if not parsed.host or not parsed.host.isprintable() or " " in parsed.host:
        raise ConfigurationError("url names no host")
    if parsed.raw_query_string or parsed.raw_fragment:
        raise ConfigurationError("url takes neither query nor fragment: a query goes into a route")
    return Address(parsed.with_user(None), parsed.user, parsed.password)


def joined(base: URL, route: str) -> URL:
    """Return the URL of a route: its path and query behind the path of the base.

    Raises: ConfigurationError
    """
    if "://" in route.partition("?")[0]:
        raise ConfigurationError(f"each of routes must be a path, to be joined to {base}, no URL")
    try:
        return URL(f"{str(base).rstrip('/')}/{route.removeprefix('/')}").with_fragment(None)
    except ValueError:
        raise ConfigurationError(f"route {shown(route)!r} is no path of a URL") from None


def origin_of(url: URL) -> Origin:
    """Return what must be equal for two URLs to share credentials (RFC 6454, 4)."""
    return url.scheme, url.raw_host, url.port


def shown(address: str | URL) -> str:
    """Return a route or URL the way logs show it: a query may hold a secret."""
    path, query, _ = str(address).partition("?")
    return f"{path}?..." if query else path
