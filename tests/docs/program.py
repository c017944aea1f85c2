"""The Python of a page, run in this process as one program and the modules beside it."""

import ast
import asyncio
import builtins
import importlib
import io
import linecache
import os
import symtable
import sys
import traceback
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
            stack.enter_context(chdir(folder))
            stack.enter_context(patch.object(sys, "path", [str(folder), *sys.path]))
            stack.enter_context(patch.object(App, "run", lambda app: program.keep(app)))
            stack.enter_context(patch.dict(os.environ))
            for variable in [one for one in os.environ if one.startswith("ASYNCWORKER_")]:
                del os.environ[variable]
            main = sys.modules["__main__"]
            stack.callback(sys.modules.__setitem__, "__main__", main)
            stack.callback(program.forget_modules)
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
        """Import a file of the folder, as it is now.

        Raises: Failed
        """
        self.forget_modules()
        name = ".".join(file.relative_to(self.folder).with_suffix("").parts)
        with self._failures(str(file)), redirect_stdout(io.StringIO()):
            return importlib.import_module(name)

    def forget_modules(self) -> None:
        """Have the folder's modules imported again."""
        importlib.invalidate_caches()
        for name, module in list(sys.modules.items()):
            # A package without an __init__.py has folders alone.
            places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
            if any(str(one).startswith(f"{self.folder}{os.sep}") for one in places):
                del sys.modules[name]

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


def _forget_brokers() -> None:
    """End what `memory://` made in this process."""
    for name in list(broker._brokers):
        forget(name)
