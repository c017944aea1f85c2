"""The run of a page: its blocks, in order, in a folder of their own."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs import formats
from tests.docs.blocks import Block, Page, Wrong
from tests.docs.console import Command, commands_of, difference
from tests.docs.installing import installs, unknown_requirements, unknown_scripts
from tests.docs.program import Failed, Program, undefined_names
from tests.docs.settings import wrong_settings
from tests.docs.terminal import Job, Terminal, TookTooLong

NOT_RUN = frozenset({"mermaid", "text"})
PRINTS = re.compile(r"# prints (.*)")


@dataclass
class Run:
    """Run the blocks of a page.

    stack: holds what is ended with the run. folder: the reader's.
    """

    page: Page
    folder: Path
    program: Program
    terminal: Terminal
    stack: ExitStack
    jobs: list[tuple[Block, Job]] = field(default_factory=list)

    @classmethod
    @contextmanager
    def started(cls, page: Page, folder: Path) -> Iterator["Run"]:
        """Prepare a run.

        folder: an empty one.
        """
        reader = folder / "reader"
        reader.mkdir()
        with ExitStack() as stack:
            program = stack.enter_context(Program.started(page.name, page.text, reader))
            yield cls(page, reader, program, Terminal(reader, folder / "memory"), stack)

    def block(self, block: Block) -> None:
        """Save, read or run a block, whatever it is for.

        Raises: Wrong
        """
        self._check_names(block)
        if block.title is not None:
            file = self.folder / block.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.content)
        if block.language == "python":
            self._python(block)
        elif block.language == "console":
            self._console(block)
        elif block.language in formats.READERS:
            self._configuration(block)
        elif block.language not in NOT_RUN:
            raise self.page.wrong(block, f"nothing is known of the language {block.language!r}")

    def end(self) -> None:
        """Try the apps, end what runs in the background, look for what was never defined.

        Raises: Wrong
        """
        self._check_defined()
        try:
            self.program.try_apps()
        except Failed as error:
            line = error.line or self.page.blocks[-1].line
            raise Wrong(self.page.name, line, f"under TestApp: {error}") from error.__cause__
        for block, job in self.jobs:
            job.interrupt()
            code = self._end(block, job)
            if code != 0:
                what = f"after SIGINT it exited with {code}\n{job.output}"
                raise self.page.wrong(block, what)

    def _check_names(self, block: Block) -> None:
        if block.language != "text":
            for line, problem in wrong_names(block.content):
                raise self.page.wrong(block, problem, line)

    def _python(self, block: Block) -> None:
        if block.directive.reason is not None:
            with self._reported(block):
                compile(block.content, self.page.name, "exec")
        elif block.title is not None:
            self._file(block, self.folder / block.title)
        else:
            with self._reported(block, offset=block.line):
                printed = self.program.execute(block.content, block.line)
            self._check_printed(block, printed)

    def _file(self, block: Block, file: Path) -> None:
        with self._reported(block):
            module = self.program.load(file)
        for line, name in undefined_names(block.content, module):
            raise self.page.wrong(block, f"{name!r} is not defined", line)
        tests = [name for name in vars(module) if name.lower().startswith("test")]
        if file.name.startswith("test_") and not tests:
            raise self.page.wrong(block, "there is no test in it")

    def _check_printed(self, block: Block, printed: str) -> None:
        lines = block.content.splitlines()
        expected = [
            (number, found[1])
            for number, line in enumerate(lines, start=1)
            if (found := PRINTS.search(line))
        ]
        wrong = difference([text for _, text in expected], printed)
        if wrong is not None:
            line = expected[wrong[0] - 1][0]
            raise self.page.wrong(block, f"{wrong[1]}; it printed:\n{printed}", line)

    def _check_defined(self) -> None:
        for block in self.page.blocks:
            program = block.language == "python" and block.title is None
            if program and block.directive.reason is None:
                for line, name in undefined_names(block.content, self.program.module):
                    raise self.page.wrong(block, f"{name!r} is not defined", line)

    def _configuration(self, block: Block) -> None:
        try:
            formats.parse(block.language, block.content)
        except ValueError as error:
            raise self.page.wrong(block, str(error)) from error

    def _console(self, block: Block) -> None:
        try:
            commands = commands_of(block.content)
        except ValueError as error:
            raise self.page.wrong(block, str(error)) from None
        for command in commands:
            self._command(block, command, is_last=command is commands[-1])

    def _command(self, block: Block, command: Command, *, is_last: bool) -> None:
        if block.directive.reason is not None:
            self._check_syntax(block, command)
        elif installs(command.text):
            return
        elif is_last and block.directive.until is not None:
            self._start(block, command, block.directive.until)
        else:
            self._run(block, command, block.directive.code if is_last else 0)

    def _check_syntax(self, block: Block, command: Command) -> None:
        done = subprocess.run(
            ["bash", "-n", "-c", command.text], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise self.page.wrong(block, done.stderr, command.line)

    def _run(self, block: Block, command: Command, expected: int) -> None:
        with self.terminal.started(command.text) as job:
            code = self._end(block, job)
        printed = job.output
        if code != expected:
            what = f"exit code {code}, not {expected}, of: {command.text}\n{printed}"
            raise self.page.wrong(block, what, command.line)
        wrong = command.difference(printed)
        if wrong is not None:
            raise self.page.wrong(block, f"{wrong[1]}; it printed:\n{printed}", wrong[0])

    def _end(self, block: Block, job: Job) -> int:
        try:
            return job.end()
        except TookTooLong as error:
            raise self.page.wrong(block, f"{error}; it printed:\n{job.output}") from None

    def _start(self, block: Block, command: Command, text: str) -> None:
        job = self.stack.enter_context(self.terminal.kept_running(command.text))
        self.jobs.append((block, job))

        def is_there(output: str) -> bool:
            return text in output and command.difference(output, so_far=True) is None

        try:
            works = job.wait(is_there)
        except TookTooLong:
            works = False
        if not works:
            _, what = command.difference(job.output, so_far=True) or (0, f"expected {text!r}")
            raise self.page.wrong(block, f"{what}; it printed:\n{job.output}", command.line)

    @contextmanager
    def _reported(self, block: Block, offset: int = 0) -> Iterator[None]:
        """Report what code raises. offset: what its line numbers begin after."""
        try:
            yield
        except Failed as error:
            line = max(error.line - offset, 0)
            raise self.page.wrong(block, str(error), line) from error.__cause__


def run_page(page: Page, folder: Path) -> None:
    """Run a page in an empty folder.

    Raises: Wrong
    """
    for span in page.spans:
        for _, problem in wrong_names(span.content):
            raise Wrong(page.name, span.line, problem)
    with Run.started(page, folder) as run:
        for block in page.blocks:
            run.block(block)
        run.end()


def wrong_names(text: str) -> Iterator[tuple[int, str]]:
    """Return what a text names that does not exist, each with its line, counted from 1."""
    yield from wrong_settings(text)
    yield from unknown_requirements(text)
    yield from unknown_scripts(text)
