"""Every ASYNCWORKER_* variable of core, in one place."""

from __future__ import annotations

import os
import re
import sys
from contextlib import contextmanager, suppress
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self, get_args

from asyncworker.errors import ConfigurationError
from asyncworker.options import DefaultValues
from asyncworker.record import (
    SECONDS,
    Record,
    Schema,
    checked_field,
    complaint,
    fields_of,
    one_of,
    optional,
)
from asyncworker.route_types import backend_entry_points
from asyncworker.variables import PREFIX, LogFormat, Loop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import EntryPoint

    from pydantic_core import CoreConfig, ErrorDetails

__all__ = ["Environment", "Settings"]

BACKENDS: Final = tuple(f"{PREFIX}{name}_" for name in ("AMQP", "HTTP", "RABBITMQ", "SSE"))
"""What settings of our backends begin with, which may be set where those are not installed."""
SERVICE: Final = re.compile(
    rf"{PREFIX}(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
"""What Kubernetes sets in each container for a service that is called `asyncworker-something`."""

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
# Each pattern of the other engine takes half a megabyte, for as long as the worker lives.
LAX: Final[CoreConfig] = {"allow_inf_nan": False, "regex_engine": "python-re"}
FROM_ZERO: Final[Schema] = {"type": "float", "ge": 0}
TEXT: Final[Schema] = {"type": "str", "min_length": 1}
PORT: Final[Schema] = {"type": "int", "ge": 0, "le": 65535}
SOCKETS: Final[Schema] = {"type": "str", "pattern": r"^(\d+(,\d+)*)?$"}


class Environment(Record):
    """Read variables of one prefix; a backend extends it with its own."""

    config = LAX
    env_prefix: ClassVar[str]
    """What the names of its variables begin with, such as `ASYNCWORKER_KAFKA_`."""

    @classmethod
    def load(cls) -> Self:
        """Read the environment.

        Raises: ConfigurationError, naming the variable and its value, or the one that is misspelt.
        """
        cls._check_names()
        return cls(**cls._set())

    @classmethod
    @contextmanager
    def named(cls, field: str) -> Iterator[None]:
        """Name the variable of a field in what somebody else says of its value.

        Raises: ConfigurationError
        """
        try:
            yield
        except ConfigurationError as error:
            raise ConfigurationError(f"{cls.env_prefix}{field.upper()}: {error}") from None

    @classmethod
    def _explain(cls, name: str, details: ErrorDetails) -> str:
        variable = f"{cls.env_prefix}{name.upper()}"
        return f"{variable}: {complaint(details, os.environ.get(variable, details['input']))}"

    @classmethod
    def _set(cls) -> dict[str, str]:
        """Return the fields whose variables are set; these may be in lower case too."""
        given = {name.upper(): value for name, value in os.environ.items()}
        variables = zip(fields_of(cls), _names_of(cls), strict=True)
        return {field.name: given[name] for field, name in variables if name in given}

    @classmethod
    def _check_names(cls) -> None:
        names = _names_of(cls)
        for variable in _unknown(cls.env_prefix, names):
            raise _misspelt(variable, names)


class Settings(Environment):
    """Hold what the environment says.

    loglevel: the lowest level that is logged.
    log_format: json, text for people, or auto, which is text where lines go to a terminal.
    flush_timeout: seconds; a batch goes out when its oldest item is that old. A route may say
    otherwise by `Options.BULK_FLUSH_INTERVAL`.
    shutdown_timeout: seconds that a drain may take before handlers are cancelled.
    blocked_after: seconds; what keeps the event loop from turning for longer is logged, with the
    line where it stands. 0 turns that off.
    loop: the event loop that `app.run()` makes; uvloop needs `asyncworker-core[uvloop]`.
    monitor_host: the address that the monitor listens on. monitor_port: its port; 0 stands for a
    free one. There is no such server where it is not set.
    monitor_sockets: descriptors, separated by commas, of sockets that listen already, as a parent
    shares them between several processes; they take the place of host and port.
    """

    env_prefix: ClassVar[str] = PREFIX

    loglevel: LogLevel = checked_field(
        default="INFO", schema=one_of(*get_args(LogLevel), case=str.upper)
    )
    log_format: LogFormat = checked_field(
        default="auto", schema=one_of(*get_args(LogFormat), case=str.lower)
    )
    flush_timeout: float = checked_field(default=DefaultValues.BULK_FLUSH_INTERVAL, schema=SECONDS)
    shutdown_timeout: float = checked_field(default=20.0, schema=FROM_ZERO)
    blocked_after: float = checked_field(default=1.0, schema=FROM_ZERO)
    loop: Loop = checked_field(default="asyncio", schema=one_of(*get_args(Loop)))
    monitor_host: str = checked_field(default="127.0.0.1", schema=TEXT)
    monitor_port: int | None = checked_field(default=None, schema=optional(PORT))
    monitor_sockets: str = checked_field(default="", schema=SOCKETS)

    @classmethod
    def _check_names(cls) -> None:
        # What backends are there is asked only when it matters, and of those that are not in use.
        complete = [one for one in Environment.__subclasses__() if hasattr(one, "env_prefix")]
        imported = [name for one in complete for name in _names_of(one)]
        if not (unknown := _unknown(PREFIX, imported)):
            return
        names, others = _names_of(cls), []
        for entry_point in backend_entry_points():
            settings = _settings_of(entry_point)
            names += [name for one in settings for name in _names_of(one)]
            if not settings:
                others.append(f"{PREFIX}{entry_point.name}_")
        others += [one for one in BACKENDS if not any(name.startswith(one) for name in names)]
        for variable in unknown:
            if variable.upper() not in names and not variable.upper().startswith(tuple(others)):
                raise _misspelt(variable, names)


def _names_of(settings: type[Environment]) -> list[str]:
    """Return the variables that settings are read from."""
    return [f"{settings.env_prefix}{one.name.upper()}" for one in fields_of(settings)]


def _unknown(prefix: str, names: list[str]) -> list[str]:
    """Return the variables of a prefix that are none of these names, nor of others for sure."""
    return [
        variable
        for variable, value in os.environ.items()
        if (name := variable.upper()).startswith(prefix)
        and name not in names
        and not SERVICE.fullmatch(name)
        and not (name.endswith("PORT") and "://" in value)
    ]


def _misspelt(variable: str, names: list[str]) -> ConfigurationError:
    # A worker without mistakes does without it.
    from difflib import get_close_matches

    (nearest,) = get_close_matches(variable.upper(), names, n=1, cutoff=0)
    return ConfigurationError(f"{variable} is no setting: did you mean {nearest}?")


def _settings_of(entry_point: EntryPoint) -> list[type[Environment]]:
    """Return the settings of a backend: those of the module `settings` beside its own."""
    package, _, _ = entry_point.module.rpartition(".")
    found = _run_alone(package, "settings") if package else {}
    return [
        one
        for one in found.values()
        if isinstance(one, type) and issubclass(one, Environment) and one is not Environment
    ]


def _run_alone(package: str, module: str) -> dict[str, Any]:
    """Return what a module of a package defines, or nothing where there is none.

    Imported in the usual way it would bring its package, with all that a backend needs, into a
    process which may never use it.
    """
    name = f"{package}.{module}"
    if name in sys.modules:
        return vars(sys.modules[name])
    with suppress(ImportError):
        found = find_spec(package)
        places = None if found is None else found.submodule_search_locations
        spec = None if places is None else PathFinder.find_spec(name, places)
        if spec is not None and spec.loader is not None:
            alone = sys.modules[name] = module_from_spec(spec)
            try:
                spec.loader.exec_module(alone)
            finally:
                del sys.modules[name]
            return vars(alone)
    return {}
