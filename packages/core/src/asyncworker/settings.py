"""Every ASYNCWORKER_* variable of core, in one place."""

from __future__ import annotations

import os
from difflib import get_close_matches
from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from asyncworker.errors import ConfigurationError, complaint, problem
from asyncworker.options import DefaultValues

__all__ = ["Settings"]

PREFIX = "ASYNCWORKER_"
ALIKE: Final = 0.8
"""How much of a name must be right for the rest to be a slip. Users have variables of their own."""

Loop = Literal["asyncio", "uvloop"]
LogLevel = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(str.upper)
]


class Environment(BaseSettings):
    """Read variables of one prefix; a backend extends it with its own."""

    model_config = SettingsConfigDict(frozen=True, allow_inf_nan=False)

    @classmethod
    def load(cls) -> Self:
        """Read the environment.

        Raises: ConfigurationError, naming the variable and its value, or the one that is misspelt.
        """
        cls._check_names()
        try:
            return cls()
        except ValidationError as error:
            name, details = problem(error)
            variable = f"{cls.model_config['env_prefix']}{name.upper()}"
            value = os.environ.get(variable, details["input"])
            raise ConfigurationError(f"{variable}: {complaint(details, value)}") from None

    @classmethod
    def _check_names(cls) -> None:
        prefix = cls.model_config["env_prefix"]
        settings = [name.upper() for name in cls.model_fields]
        for variable in os.environ:
            name = variable.upper().removeprefix(prefix)
            if name in settings or name == variable.upper():
                continue
            if near := get_close_matches(name, settings, n=1, cutoff=ALIKE):
                raise ConfigurationError(
                    f"{variable} is no setting: did you mean {prefix}{near[0]}?"
                )


class Settings(Environment):
    """Hold what the environment says.

    loglevel: the lowest level that is logged.
    flush_timeout: seconds; a batch goes out when its oldest item is that old. A route may say
    otherwise by `Options.BULK_FLUSH_INTERVAL`.
    shutdown_timeout: seconds that a drain may take before handlers are cancelled.
    loop: the event loop that `app.run()` makes; uvloop needs `asyncworker-core[uvloop]`.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX)

    loglevel: LogLevel = "INFO"
    flush_timeout: float = Field(default=DefaultValues.BULK_FLUSH_INTERVAL, gt=0)
    shutdown_timeout: float = Field(default=20.0, ge=0)
    loop: Loop = "asyncio"
