"""Every exception of core that a user can meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "AsyncWorkerError",
    "BackendNotInstalled",
    "ConfigurationError",
    "DrainTimeout",
    "HandlerTimeout",
    "HookFailed",
    "Invalid",
    "ResourceNotOpen",
    "StartStopped",
]


class AsyncWorkerError(Exception):
    """Report a failure in words that a user can act upon."""


class ConfigurationError(AsyncWorkerError, ValueError):
    """Report something the user wrote that cannot work, where it was written."""


class BackendNotInstalled(ConfigurationError):
    """Report a route type whose distribution is missing."""


class HookFailed(AsyncWorkerError):
    """Report a startup or shutdown hook, or a resource, that raised; `__cause__` is what it did."""


class ResourceNotOpen(AsyncWorkerError, KeyError):
    """Report a resource that was asked for while the app does not run."""

    def __str__(self) -> str:
        # A KeyError shows its key, quoted; this is a sentence.
        return str(self.args[0])


class StartStopped(AsyncWorkerError):
    """Report a run that was told to stop before its start was complete."""


class HandlerTimeout(AsyncWorkerError, TimeoutError):
    """Report a handler that took longer than its `Options.TIMEOUT`, and was cancelled."""


class Invalid(AsyncWorkerError, ValueError):
    """Report a body that is not what it should be: which field, and why, but never its value."""


class DrainTimeout(AsyncWorkerError):
    """Report a drain that was cut short, so that what still ran was cancelled."""


def suggestion(wrong: object, choices: Iterable[str]) -> str:
    """Return what to write instead of `wrong`: the nearest of the choices, and all of them."""
    by_key = _by_key(choices)
    near = nearest(wrong, by_key.values())
    hint = "" if near is None else f"did you mean {near}? "
    return f"{hint}choose from {', '.join(by_key.values())}" if by_key else "it takes none"


def nearest(wrong: object, choices: Iterable[str]) -> str | None:
    """Return which of the choices was meant, if any is near."""
    # A worker without mistakes does without it.
    from difflib import get_close_matches

    by_key = _by_key(choices)
    found = get_close_matches(_key(str(wrong)), by_key, n=1)
    return by_key[found[0]] if found else None


def _by_key(choices: Iterable[str]) -> dict[str, str]:
    return {_key(choice): choice for choice in sorted(choices)}


def _key(choice: str) -> str:
    """Return what people get wrong about a choice: neither its case nor what is before a dot."""
    return choice.rpartition(".")[2].lower()
