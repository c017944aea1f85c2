"""The run of a page: its blocks, in order, in a folder of their own."""

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from scripts.rabbitmq.probe import free_ports
from tests.docs import formats
from tests.docs.blocks import Block, Directive, Page
from tests.docs.console import Line, difference
from tests.docs.names import wrong_names
from tests.docs.program import Failed, Program, undefined_names
from tests.docs.shell import Shell
from tests.docs.terminal import Terminal, usual_variables

PORTS = ("8080", "9000")
"""Those of HTTP, unless a setting says another, and of the monitors of pages: a page is run with
free ones in their places."""
PORT = re.compile(rf"(?<![\d.])({'|'.join(PORTS)})(?!\d)")
VARIABLE = "ASYNCWORKER_HTTP_PORT"
NOT_RUN = frozenset({"mermaid", "text"})
TEST = re.compile(r"^(async )?def test_", re.MULTILINE)
PYTEST = re.compile(r"^\$ (\w+=\S+ )*(python3? -m )?pytest\b", re.MULTILINE)
PRINTS = re.compile(r"# prints (.*)")


@dataclass
class Run:
    """Run the blocks of a page.

    folder: the reader's. ports: what the ports of the page are in this run. untested: blocks of
    tests that pytest has not run yet.
    """

    page: Page
    folder: Path
    program: Program
    shell: Shell
    ports: dict[str, str]
    untested: list[Block] = field(default_factory=list)

    @classmethod
    @contextmanager
    def started(
        cls, page: Page, folder: Path, variables: dict[str, str] | None = None
    ) -> Iterator["Run"]:
        """Prepare a run.

        folder: an empty one. variables: those of a reader who has yet to install everything.
        """
        reader = folder / "reader"
        reader.mkdir()
        with ExitStack() as stack:
            program = stack.enter_context(Program.started(page.name, page.text, reader))
            terminal = Terminal(reader, folder / "memory", variables or usual_variables())
            shell = Shell(page, terminal, stack, installing=variables is not None)
            ports = dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
            shell.terminal.variables[VARIABLE] = os.environ[VARIABLE] = ports["8080"]
            yield cls(page, reader, program, shell, ports)

    def block(self, block: Block) -> None:
        """Save, read or run a block, whatever it is for.

        Raises: Wrong
        """
        self._check(block)
        block = replace(block, content=PORT.sub(self._port, block.content))
        if block.title is not None:
            self._save(block, self.folder / block.title)
        if block.language == "python":
            self._python(block)
        elif block.language == "console":
            self._console(block)
        elif block.language in formats.READERS:
            self._configuration(block)

    def end(self) -> None:
        """Try the apps, end what goes on, and look for what was never defined or tested.

        Raises: Wrong
        """
        for block in self.page.blocks:
            if block.language == "python" and block.title is None and not block.directive.reason:
                self._check_defined(block, vars(self.program.module))
        try:
            self.program.try_apps()
        except Failed as error:
            line = error.line or self.page.blocks[-1].line
            raise self.page.wrong(line, f"under TestApp: {error}") from error.__cause__
        for block in self.untested:
            raise self.page.wrong(block.line, "no command below it runs pytest")
        self.shell.end()

    def _port(self, found: re.Match[str]) -> str:
        return self.ports[found[0]]

    def _check(self, block: Block) -> None:
        language, directive = block.language, block.directive
        if language not in {"console", "python", *formats.READERS, *NOT_RUN}:
            raise self.page.wrong(block.line, f"nothing is known of the language {language!r}")
        if language != "console" and directive != Directive(reason=directive.reason):
            raise self.page.wrong(block.line, "a console block alone has an exit code and goes on")
        if language != "text":
            # A command that fails may do so because of a value.
            for line, problem in wrong_names(block.content, values=directive.code == 0):
                raise self.page.wrong(block.line + line, problem)

    def _save(self, block: Block, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        before = file.stat().st_mtime if file.exists() else None
        file.write_text(block.content)
        if before is not None:
            # Python looks at whole seconds to tell whether a file has changed.
            os.utime(file, (before + 2, before + 2))
            self.program.forget_modules()

    def _python(self, block: Block) -> None:
        if block.directive.reason is not None:
            with self._reported(block.line):
                self.program.check(block.content)
        elif block.title is not None:
            self._file(block, self.folder / block.title)
        else:
            self._program(block)

    def _program(self, block: Block) -> None:
        if self.shell.installing:
            raise self.page.wrong(block.line, "Python needs a title where all is installed first")
        if TEST.search(block.content):
            raise self.page.wrong(block.line, "nobody runs this test: give the block a title")
        with self._reported():
            printed = self.program.execute(block.content, block.line)
        self._check_printed(block, printed)

    def _file(self, block: Block, file: Path) -> None:
        with self._reported(block.line):
            module = self.program.load(file)
        self._check_defined(block, vars(module))
        if file.name.startswith("test_"):
            self.untested.append(block)

    def _check_printed(self, block: Block, printed: str) -> None:
        lines = enumerate(block.content.splitlines(), start=block.line + 1)
        found = [(number, PRINTS.search(line)) for number, line in lines]
        wrong = difference([Line(prints[1], number) for number, prints in found if prints], printed)
        if wrong is not None:
            line, what = wrong
            raise self.page.wrong(line, f"{what}; it printed:\n{printed}")

    def _check_defined(self, block: Block, names: dict[str, object]) -> None:
        for line, name in undefined_names(block.content, names):
            raise self.page.wrong(block.line + line, f"{name!r} is not defined")

    def _console(self, block: Block) -> None:
        self.shell.run(block)
        if PYTEST.search(block.content) and block.directive.reason is None:
            self.untested.clear()

    def _configuration(self, block: Block) -> None:
        try:
            formats.parse(block.language, block.content)
        except ValueError as error:
            raise self.page.wrong(block.line, str(error)) from error

    @contextmanager
    def _reported(self, offset: int = 0) -> Iterator[None]:
        """Report what code raises. offset: the line of the page before the first of the code."""
        try:
            yield
        except Failed as error:
            raise self.page.wrong(offset + error.line, str(error)) from error.__cause__


def check_text(page: Page) -> None:
    """Look for what the text of a page names.

    Raises: Wrong
    """
    for span in page.spans:
        for _, problem in wrong_names(span.content):
            raise page.wrong(span.line, problem)


def run_page(page: Page, folder: Path) -> None:
    """Run a page in an empty folder.

    Raises: Wrong
    """
    check_text(page)
    with Run.started(page, folder) as run:
        for block in page.blocks:
            run.block(block)
        run.end()
