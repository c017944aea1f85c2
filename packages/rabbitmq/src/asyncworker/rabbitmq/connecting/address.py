"""Where a broker is and how to log in, out of what a user wrote."""

from __future__ import annotations

import re
import ssl as tls
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from asyncworker.errors import ConfigurationError, suggestion
from asyncworker.provided import check_provider
from asyncworker.rabbitmq.amqp.schemes import MEMORY, PORTS
from asyncworker.rabbitmq.checks import checked_short
from asyncworker.rabbitmq.connecting.broker import Broker
from asyncworker.rabbitmq.connecting.hosts import hosts_of
from asyncworker.rabbitmq.connecting.login import (
    EXTERNAL,
    GUEST,
    check_certificate,
    check_certificate_in_url,
    check_login,
    check_names_user_alone,
    checked_auth,
)
from asyncworker.rabbitmq.settings import AMQPSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from asyncworker.rabbitmq.connecting.broker import Password
    from asyncworker.rabbitmq.connecting.login import Auth

FILES: Final = ("cafile", "certfile", "keyfile")
QUERY: Final = ("auth", "cafile", "certfile", "heartbeat", "keyfile")
HEARTBEAT: Final = 60
NAME: Final = re.compile("[a-z0-9_-]+")
"""What a broker in memory may be called."""
DEFAULT_NAME: Final = "default"
PORT_IN_MEMORY: Final = 1
"""What stands where the library wants a port."""
_SLASH: Final = "%2F"


def address_of(
    url: str | None, keywords: dict[str, Any], heartbeat: int | None, name: str
) -> tuple[Broker, str]:
    """Return the broker that AMQPConnection was given, else that of the environment, and its vhost.

    keywords: what says it piece by piece.
    Raises: ConfigurationError, which never shows the password.
    """
    if url is not None:
        password = keywords["password"] if callable(keywords["password"]) else None
        _check_none_beside_url(keywords if password is None else keywords | {"password": None})
        return _address_from_url(url, heartbeat, name, password)
    if keywords["hostname"] is not None:
        return _address_from_keywords(**keywords, heartbeat=heartbeat, name=name)
    own = AMQPSettings.load().url
    if own is None:
        reason = "needs hostname= or url=, or set ASYNCWORKER_AMQP_URL"
        raise ConfigurationError(f"AMQPConnection {reason}")
    with AMQPSettings.named("url"):
        return address_of(own, keywords, heartbeat, name)


def _check_none_beside_url(keywords: Mapping[str, Any]) -> None:
    for name, value in keywords.items():
        if value is not None:
            raise ConfigurationError(f"url and {name}= are both given: say it in url alone")


def _address_from_keywords(
    hostname: str | Iterable[str],
    port: int | None,
    username: str | None,
    password: Password | None,
    ssl: bool | tls.SSLContext | None,
    auth: Auth | None,
    heartbeat: int | None,
    name: str,
) -> tuple[Broker, str]:
    """Return the broker that AMQPConnection was given piece by piece, and its default vhost."""
    chosen = checked_auth(auth)
    if chosen == EXTERNAL:
        check_certificate(username, password, ssl)
    else:
        check_login(username, password)
    default = "" if chosen == EXTERNAL else GUEST
    if not isinstance(ssl, bool | tls.SSLContext | None):
        raise ConfigurationError(f"ssl must be True, False or an SSLContext, got {ssl!r}")
    context = tls.create_default_context() if ssl is True else ssl or None
    default_port = PORTS["amqps" if context else "amqp"]
    broker = Broker(
        hosts=hosts_of(hostname, checked_short("port", default_port if port is None else port, 1)),
        username=default if username is None else username,
        password=default if password is None else password,
        auth=chosen,
        tls=context,
        heartbeat=checked_short("heartbeat", HEARTBEAT if heartbeat is None else heartbeat, 0),
        name=name,
    )
    return broker, "/"


def _address_from_url(
    url: str, heartbeat: int | None, name: str, password: Callable[[], Any] | None
) -> tuple[Broker, str]:
    """Return the broker and the vhost of a URL (https://www.rabbitmq.com/docs/uri-spec).

    Several hosts are separated by commas: `amqp://user:password@first:5672,second:5673/vhost`.
    `memory://name/vhost` is a broker in this process. password: a function that returns that of
    the URL's user.
    """
    if not isinstance(url, str):
        raise ConfigurationError(f"url must be a string, got {type(url).__name__}")
    parts = _parts(url)
    if password is not None:
        check_provider("password", password)
    if parts.scheme == MEMORY:
        return _address_in_memory(url, parts, heartbeat, name)
    login, _, hosts = parts.netloc.rpartition("@")
    username, _, in_url = login.partition(":")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    for key in query:
        if key not in QUERY:
            raise ConfigurationError(f"url takes no {key!r}: {suggestion(key, QUERY)}")
    chosen = checked_auth(query.get("auth"))
    if chosen == EXTERNAL:
        check_certificate_in_url(parts.scheme, bool(login) or password is not None, query)
    elif password is not None:
        check_names_user_alone(username, in_url)
    default = "" if chosen == EXTERNAL else GUEST
    seconds = _seconds(query.get("heartbeat", str(HEARTBEAT))) if heartbeat is None else heartbeat
    broker = Broker(
        hosts=hosts_of(unquote(hosts), PORTS[parts.scheme]),
        username=unquote(username) or default,
        password=password or unquote(in_url) or default,
        auth=chosen,
        tls=_context(query) if parts.scheme == "amqps" else None,
        heartbeat=checked_short("heartbeat", seconds, 0),
        name=name,
    )
    return broker, _vhost(parts)


def _address_in_memory(
    url: str, parts: SplitResult, heartbeat: int | None, name: str
) -> tuple[Broker, str]:
    host = parts.netloc or DEFAULT_NAME
    if not url.lower().startswith(f"{MEMORY}://") or parts.query or parts.fragment:
        raise ConfigurationError("url of a broker in memory must be memory://name/vhost, no more")
    if "@" in host or ":" in host:
        raise ConfigurationError("memory:// takes no user, password or port: it needs no login")
    if not NAME.fullmatch(host):
        raise ConfigurationError(f"memory:// takes a name of a-z, 0-9, - and _, got {host!r}")
    if heartbeat is not None:
        # Of no use here, and allowed, for the URL may be that of a real broker tomorrow.
        checked_short("heartbeat", heartbeat, 0)
    broker = Broker(
        hosts=((host, PORT_IN_MEMORY),),
        username=GUEST,
        password=GUEST,  # Nobody asks for it.
        tls=None,
        heartbeat=0,
        name=name,
        in_memory=True,
    )
    return broker, _vhost(parts)


def checked_vhost(vhost: Any) -> str:
    """Return a vhost's name.

    Raises: ConfigurationError
    """
    if not isinstance(vhost, str) or not vhost:
        raise ConfigurationError(f"vhost must be a non-empty string, got {vhost!r}")
    if _SLASH in vhost:
        reason = f"vhost holds {_SLASH}, which the library takes for a slash: write /"
        raise ConfigurationError(f"{reason}, got {vhost!r}")
    return vhost


def _vhost(parts: SplitResult) -> str:
    return checked_vhost(unquote(parts.path.removeprefix("/")) or "/")


def _parts(url: str) -> SplitResult:
    # The parser would judge login and hosts as those of a single host, newer Pythons more strictly.
    scheme, mark, rest = url.partition("://")
    netloc = re.split("[/?#]", rest, maxsplit=1)[0]
    parts = urlsplit(f"{scheme}{mark}{rest.removeprefix(netloc)}")._replace(netloc=netloc)
    if parts.scheme not in (*PORTS, MEMORY):
        raise ConfigurationError("url must start with amqp://, amqps:// or memory://")
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":
        # The end of a login that a slash cut in two, most likely: it must not pass for a vhost.
        raise ConfigurationError(
            "url has an @ behind its hosts: write each of /?#@ as %2F %3F %23 %40 "
            "in user, password and vhost"
        )
    return parts


def _seconds(text: str) -> int:
    if not text.isdecimal():
        raise ConfigurationError(f"heartbeat in url must be a number of seconds, got {text!r}")
    return int(text)


def _context(query: Mapping[str, str]) -> tls.SSLContext:
    try:
        context = tls.create_default_context(cafile=query.get("cafile"))
        if "certfile" in query:
            context.load_cert_chain(query["certfile"], query.get("keyfile"))
    except OSError as error:
        files = ", ".join(f"{key}={query[key]}" for key in FILES if key in query)
        reason = f"cannot read the certificates in url ({files}): {error}"
        raise ConfigurationError(reason) from None
    return context
