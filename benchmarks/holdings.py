"""What each library takes in memory by being imported."""

from collections import defaultdict
from collections.abc import Callable
from importlib.machinery import ExtensionFileLoader, SourceFileLoader
from types import ModuleType
from typing import Any

from benchmarks.window import memory


def weigh_imports() -> dict[str, float]:
    """Weigh all that is imported from now on: megabytes by the name of the top package.

    What a module imports itself counts for that, not for the module.
    """
    taken: defaultdict[str, float] = defaultdict(float)
    # What was imported within each import that is under way.
    inner: list[float] = []

    def weighing(execute: Callable[[Any, ModuleType], None]) -> Callable[[Any, ModuleType], None]:
        def exec_module(loader: Any, module: ModuleType) -> None:
            before = memory()
            inner.append(0.0)
            try:
                execute(loader, module)
            finally:
                grown = memory() - before
                taken[module.__name__.partition(".")[0]] += grown - inner.pop()
                if inner:
                    inner[-1] += grown

        return exec_module

    for kind in (SourceFileLoader, ExtensionFileLoader):
        kind.exec_module = weighing(kind.exec_module)  # type: ignore[assignment, method-assign]
    return taken
