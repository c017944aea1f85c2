"""In what way to log in, and whether all that it takes is there."""

from __future__ import annotations

import ssl as tls
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from asyncworker.errors import ConfigurationError
from asyncworker.provided import check_provider

if TYPE_CHECKING:
    from collections.abc import Mapping

Auth: TypeAlias = Literal["plain", "external"]
"""In what way to log in: by a password, or by the certificate of the client."""

EXTERNAL: Final = "external"
GUEST: Final = "guest"


def checked_auth(auth: Any) -> Auth:
    """Return in what way to log in. auth: None stands for a password."""
    if auth is None:
        return "plain"
    if auth not in get_args(Auth):
        raise ConfigurationError(f"auth must be 'plain' or 'external', got {auth!r}")
    chosen: Auth = auth
    return chosen


def check_login(username: Any, password: Any) -> None:
    """Accept a login that is whole, or none; never show it."""
    if callable(password):
        check_provider("password", password)
        password = ""
    for name, value in (("username", username), ("password", password)):
        if not isinstance(value, str | None):
            raise ConfigurationError(f"{name} must be a string, got {type(value).__name__}")
    if (username is None) != (password is None):
        missing = "username" if username is None else "password"
        raise ConfigurationError(f"{missing}= is missing: give both username and password")


def check_certificate(username: Any, password: Any, ssl: Any) -> None:
    """Accept what comes with `auth="external"`. No context tells whether it has a certificate."""
    if username is not None or password is not None:
        raise _takes_no_login("auth='external'")
    if not isinstance(ssl, tls.SSLContext):
        reason = "needs ssl=, an SSLContext that holds the worker's certificate"
        raise ConfigurationError(f"auth='external' {reason}, got {ssl!r}")


def check_certificate_in_url(scheme: str, has_login: bool, query: Mapping[str, str]) -> None:
    """Accept what comes with `auth=external` in a URL."""
    if scheme != "amqps":
        raise ConfigurationError("auth=external in url needs TLS: write amqps://")
    if has_login:
        raise _takes_no_login("auth=external in url")
    if not query.get("certfile"):
        reason = "needs certfile=, and keyfile= where the key is a file of its own"
        raise ConfigurationError(f"auth=external in url {reason}")


def check_names_user_alone(username: str, in_url: str) -> None:
    """Accept the login of a URL that names a user alone, as a function returns its password."""
    if in_url or not username:
        reason = "both hold a password" if in_url else "need a user in url"
        raise ConfigurationError(f"url and password= {reason}: write amqp://user@host")


def _takes_no_login(what: str) -> ConfigurationError:
    return ConfigurationError(f"{what} takes no user and no password: the certificate is the login")
