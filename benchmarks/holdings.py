"""What each library takes in memory by being imported."""

import sys
from collections import defaultdict
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from benchmarks.window import memory


class Weighed(Loader):
    """Load a module by its own loader, and note how much larger the process is then."""

    def __init__(self, loader: Loader, scales: "Scales") -> None:
        self._loader = loader
        self._scales = scales

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Return what its own loader makes."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module; what it imports itself counts for that."""
        module.__loader__ = self._loader
        scales, before = self._scales, memory()
        scales.inner.append(0.0)
        try:
            self._loader.exec_module(module)
        finally:
            grown = memory() - before
            scales.taken[module.__name__.partition(".")[0]] += grown - scales.inner.pop()
            if scales.inner:
                scales.inner[-1] += grown


class Scales(MetaPathFinder):
    """Weigh every module that is imported while it stands in `sys.meta_path`.

    taken: megabytes by the name of the top package. inner: what the imports within each import
    that is under way took.
    """

    def __init__(self) -> None:
        self.taken: defaultdict[str, float] = defaultdict(float)
        self.inner: list[float] = []

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Return what the other finders find, with a loader that weighs."""
        for finder in sys.meta_path:
            if finder is not self and (spec := finder.find_spec(name, path, target)):
                if spec.loader is not None:
                    spec.loader = Weighed(spec.loader, self)
                return spec
        return None
