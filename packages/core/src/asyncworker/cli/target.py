"""From `module:app` on a command line to the App that it means."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from asyncworker.app import App
from asyncworker.errors import AsyncWorkerError, suggestion
from asyncworker.signatures import signature_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

DEFAULT: Final = "app"
"""The attribute that is meant when none is named."""

MANY: Final = 10
"""Names beyond which a hint does not list them all."""


class TargetNotFound(AsyncWorkerError):
    """Report a target that names no App."""


class TargetFailed(AsyncWorkerError):
    """Report users' code that raised while it was imported or called; `__cause__` is what."""


@dataclass(frozen=True, slots=True)
class Target:
    """Name an App, or a function that makes one.

    folder: where its module is looked for first.
    """

    module: str
    attribute: str
    folder: Path

    def load(self) -> App:
        """Import the module, and return the App; a factory is called.

        Calls of `app.run()` meanwhile do nothing, so that a module may end with one.
        Raises: TargetNotFound, TargetFailed
        """
        if str(self.folder) not in sys.path:
            sys.path.insert(0, str(self.folder))
        with _runs_ignored():
            return self._app(_attribute(self._import(), self.attribute))

    def _import(self) -> ModuleType:
        self._check_module()
        with _users_code(f"importing {self.module}"):
            return importlib.import_module(self.module)

    def _check_module(self) -> None:
        """Tell a module that does not exist from one that fails."""
        parent, _, _ = self.module.rpartition(".")
        with _users_code(f"importing {parent}"):
            try:
                found = importlib.util.find_spec(self.module)
            except ModuleNotFoundError as error:
                if not self._is_own(error.name):
                    raise
                found = None
            except ValueError:
                # Names such as "a..b", and modules of no file.
                found = None
        if found is None:
            raise TargetNotFound(f"there is no module {self.module!r}{self._module_hint()}")

    def _module_hint(self) -> str:
        parent, _, name = self.module.rpartition(".")
        package = sys.modules.get(parent)
        if package is None:
            return _hint(self.module, modules_in([str(self.folder)]))
        if not hasattr(package, "__path__"):
            return f": write {parent}:{name}"
        return _hint(self.module, [f"{parent}.{one}" for one in modules_in(package.__path__)])

    def _is_own(self, name: str | None) -> bool:
        """Tell whether a missing module is the target itself, or what it is said to be in."""
        return name is not None and f"{self.module}.".startswith(f"{name}.")

    def _app(self, found: Any) -> App:
        name = f"{self.module}:{self.attribute}"
        if isinstance(found, App):
            return found
        if inspect.ismodule(found):
            raise TargetNotFound(f"{name} is a module: write {_written(found)}")
        if not callable(found):
            raise TargetNotFound(f"{name} is no App, and no function that makes one: {found!r}")
        if inspect.iscoroutinefunction(found):
            raise TargetNotFound(f"{name} is async: a function that makes an App must not be")
        _check_needs_nothing(name, found)
        with _users_code(f"calling {name}"):
            made = found()
        if not isinstance(made, App):
            raise TargetNotFound(f"{name} was called for an App, and returned {made!r}")
        return made


def parse_target(text: str) -> Target:
    """Return the target that `module:app`, `module` or `path/to/file.py:app` stands for.

    Raises: TargetNotFound
    """
    place, _, attribute = text.partition(":")
    attribute = attribute or DEFAULT
    if not place:
        raise TargetNotFound(f"{text!r} names no module: write module:{attribute}")
    if not place.endswith(".py"):
        return Target(place, attribute, Path.cwd())
    path = Path(place).absolute()
    module, folder = path.stem, path.parent
    while (folder / "__init__.py").exists():
        module, folder = f"{folder.name}.{module}", folder.parent
    return Target(module, attribute, folder)


def modules_in(folders: Iterable[str]) -> list[str]:
    """Return the names of the modules that lie in folders."""
    return [module.name for module in pkgutil.iter_modules(list(folders))]


def _attribute(module: ModuleType, name: str) -> Any:
    try:
        return getattr(module, name)
    except AttributeError:
        if name in modules_in(getattr(module, "__path__", ())):
            place = f"{module.__name__}.{name}"
            reason = f"{module.__name__}:{name} is a module: write {place}:{DEFAULT}"
            raise TargetNotFound(reason) from None
        hint = _hint(name, _candidates(module))
        raise TargetNotFound(f"module {module.__name__!r} has no {name!r}{hint}") from None


def _written(module: ModuleType) -> str:
    """Return how the first App of a module is written, or the one that it would have."""
    return f"{module.__name__}:{next(iter(_candidates(module)), DEFAULT)}"


def _candidates(module: ModuleType) -> list[str]:
    """Return the names of the Apps of a module, or else those of its functions."""
    names = vars(module)
    apps = [name for name, value in names.items() if isinstance(value, App)]
    return apps or [
        name
        for name, value in names.items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
    ]


def _check_needs_nothing(name: str, factory: Any) -> None:
    try:
        signature_of(factory).bind()
    except TypeError as error:
        raise TargetNotFound(f"{name} cannot be called without arguments: {error}") from None
    except ValueError:
        # Some built-in functions have no signature to look at.
        return


def _hint(wrong: str, choices: list[str]) -> str:
    """Return what to write instead, of many choices the nearest only."""
    near = choices if len(choices) <= MANY else get_close_matches(wrong, choices)
    return f": {suggestion(wrong, near)}" if near else ""


@contextmanager
def _users_code(doing: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # Users' code may raise anything.
        raise TargetFailed(f"{doing} failed") from error


def _ignored(self: App) -> None:
    """Stand in for `App.run`."""


@contextmanager
def _runs_ignored() -> Iterator[None]:
    run = App.run
    App.run = _ignored  # type: ignore[method-assign]
    try:
        yield
    finally:
        App.run = run  # type: ignore[method-assign]
