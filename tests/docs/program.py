"""The Python of a page, run in this process as one program and the modules beside it."""

import ast
import asyncio
import builtins
import gc
import importlib
import io
import linecache
import os
import symtable
import sys
import traceback
import warnings
from collections.abc import Collection, Iterator
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

from asyncworker import App
from asyncworker.rabbitmq.memory import broker, forget
from asyncworker.testing import TestApp

LIMIT = 60.0
"""Seconds that an app may take to start, and to drain."""
SETTLED = 10.0
"""Seconds until an app that started has no problems."""


class Failed(Exception):
    """Report what the code raised. line: of its source, 0 if it is not known."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


@dataclass
class Program:
    """Run Python as `python -i` would, but for `app.run()`: it keeps the app.

    name: what tracebacks call the source. apps: those that would run, each with the line of the
    source that says so, 0 if that is in another file.
    """

    name: str
    folder: Path
    apps: list[tuple[int, App]] = field(default_factory=list)
    module: ModuleType = field(default_factory=lambda: ModuleType("__main__"))

    @classmethod
    @contextmanager
    def started(cls, name: str, text: str, folder: Path) -> Iterator["Program"]:
        """Make room for a program, and put back what it changed in this process.

        text: of the page that its source is taken from. folder: where it runs.
        """
        program = cls(name, folder)
        linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name
        with ExitStack() as stack:
            # What forgets the program collects what is new, not what all tests are made of.
            gc.freeze()
            stack.callback(gc.unfreeze)
            stack.enter_context(chdir(folder))
            stack.enter_context(patch.object(sys, "path", [str(folder), *sys.path]))
            stack.enter_context(patch.object(App, "run", lambda app: program.keep(app)))
            stack.enter_context(patch.dict(os.environ))
            for variable in [one for one in os.environ if one.startswith("ASYNCWORKER_")]:
                del os.environ[variable]
            main = sys.modules["__main__"]
            stack.callback(sys.modules.__setitem__, "__main__", main)
            stack.callback(program.forget)
            stack.callback(_forget_brokers)
            sys.modules["__main__"] = program.module
            yield program

    def keep(self, app: App) -> None:
        """Keep an app that would run, once."""
        caller = sys._getframe(2)
        line = caller.f_lineno if caller.f_code.co_filename == self.name else 0
        if all(app is not kept for _, kept in self.apps):
            self.apps.append((line, app))

    def execute(self, source: str, line: int) -> str:
        """Run source that stands below a line of the page; return what it printed.

        Raises: Failed
        """
        importlib.invalidate_caches()
        output = io.StringIO()
        with self._failures(self.name), redirect_stdout(output), redirect_stderr(output):
            code = compile("\n" * line + source, self.name, "exec", dont_inherit=True)
            exec(code, vars(self.module))
        return output.getvalue()

    def check(self, source: str) -> None:
        """Tell whether source could be run.

        Raises: Failed
        """
        with self._failures(self.name):
            compile(source, self.name, "exec", dont_inherit=True)

    def load(self, file: Path) -> ModuleType:
        """Import a file of the folder.

        Raises: Failed
        """
        importlib.invalidate_caches()
        name = ".".join(file.relative_to(self.folder).with_suffix("").parts)
        with self._failures(str(file)), redirect_stdout(io.StringIO()):
            return importlib.import_module(name)

    def forget_modules(self) -> None:
        """Have the folder's modules imported again, after a file was changed."""
        with _collected():
            for name in [name for name, one in list(sys.modules.items()) if self._holds(one)]:
                del sys.modules[name]

    def _holds(self, module: ModuleType) -> bool:
        """Tell whether a module is of the folder; a package without a file has a path alone."""
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
        return any(str(one).startswith(f"{self.folder}{os.sep}") for one in places)

    def forget(self) -> None:
        """Forget all that the program has made."""
        with _collected():
            vars(self.module).clear()
            self.apps.clear()
        self.forget_modules()

    def try_apps(self) -> None:
        """Start and drain each app that would run, without servers.

        Raises: Failed
        """
        for line, app in self.apps:
            with self._failures(self.name, line):
                asyncio.run(_try(app))

    @contextmanager
    def _failures(self, name: str, line: int = 0) -> Iterator[None]:
        """Report what code raises. line: where it is, if the traceback does not tell."""
        try:
            yield
        except (Exception, SystemExit) as error:
            frames = traceback.extract_tb(error.__traceback__)
            lines = [frame.lineno or 0 for frame in frames if frame.filename == name]
            what = f"{type(error).__name__}: {error}"
            if isinstance(error, SyntaxError) and error.filename == name:
                lines, what = [error.lineno or 0], f"SyntaxError: {error.msg}"
            raise Failed(lines[-1] if lines else line, what) from error


async def _try(app: App) -> None:
    async with asyncio.timeout(LIMIT), TestApp(app) as worker:
        await worker.idle()
        # A route says that it consumes a moment after the broker does, and tells nobody.
        end = asyncio.get_running_loop().time() + SETTLED
        while app.problems:
            if asyncio.get_running_loop().time() > end:
                raise AssertionError(f"app.problems: {app.problems}")
            await asyncio.sleep(0)


def undefined_names(source: str, names: Collection[str]) -> list[tuple[int, str]]:
    """Return what functions and classes use that is not among the names, each with its line."""
    known = {*names, *vars(builtins)}
    missing = set(_globals(symtable.symtable(source, "page", "exec"))) - known
    first: dict[str, int] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and node.id in missing:
            first[node.id] = min(node.lineno, first.get(node.id, node.lineno))
    return [(line, name) for name, line in first.items()]


def _globals(table: symtable.SymbolTable) -> Iterator[str]:
    for child in table.get_children():
        for symbol in child.get_symbols():
            if symbol.is_global() and symbol.is_referenced():
                yield symbol.get_name()
        yield from _globals(child)


@contextmanager
def _collected() -> Iterator[None]:
    """Collect what is left open, as the end of a process does: without a word."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


def _forget_brokers() -> None:
    """End what `memory://` made in this process."""
    for name in list(broker._brokers):
        forget(name)
