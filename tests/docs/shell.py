"""The console blocks of a page, run as its reader would run them, one after another."""

import subprocess
from contextlib import ExitStack
from dataclasses import dataclass, field

from tests.docs.blocks import Block, Directive, Page
from tests.docs.console import ANYTHING, Command, Line, commands_of, difference
from tests.docs.installing import installs
from tests.docs.names import wrong_usage
from tests.docs.terminal import INSTALLING, Job, Terminal, TookTooLong


@dataclass
class Started:
    """Hold a command that goes on. line: of its block. expected: what it should have printed."""

    line: int
    job: Job
    expected: tuple[Line, ...]


@dataclass
class Shell:
    """Run the console blocks of a page, in one terminal.

    stack: holds what is ended with the run. installing: whether what installs something is run.
    started: the commands that go on.
    """

    page: Page
    terminal: Terminal
    stack: ExitStack
    installing: bool = False
    started: list[Started] = field(default_factory=list)

    def run(self, block: Block) -> None:
        """Run the commands of a block, or look at those that are not to be run.

        Raises: Wrong
        """
        commands = commands_of(block.content, block.line)
        for command in commands:
            directive = block.directive if command is commands[-1] else Directive()
            if block.directive.reason is not None:
                self._check(command)
            elif not command.text:
                self._go_on(command)
            elif self.installing or not installs(command.text):
                self._run(block, command, directive)

    def end(self) -> None:
        """Interrupt the commands that go on; they end with 0.

        Raises: Wrong
        """
        while self.started:
            self._interrupt(self.started.pop(), 0)

    def _check(self, command: Command) -> None:
        done = subprocess.run(
            ["bash", "-n", "-c", command.text], capture_output=True, text=True, check=False
        )
        problem = done.stderr if done.returncode else wrong_usage(command.text)
        if problem:
            raise self.page.wrong(command.line, problem)

    def _run(self, block: Block, command: Command, directive: Directive) -> None:
        if command.text.startswith("hatch "):
            what = "commands of hatch are not run here: say <!-- run: no, because ... -->"
            raise self.page.wrong(command.line, what)
        if directive.until is not None or command.is_interrupted:
            self._start(block, command, directive)
        else:
            self._finish(command, directive.code)

    def _finish(self, command: Command, code: int) -> None:
        limit = INSTALLING if installs(command.text) else None
        with self.terminal.started(command.text) as job:
            self._check_code(job, code, command.line, f"of: {command.text}", limit)
        self._check_output(command.expected, job)

    def _start(self, block: Block, command: Command, directive: Directive) -> None:
        job = self.stack.enter_context(self.terminal.kept_running(command.text))
        started = Started(block.line, job, command.before)
        self._wait(started, directive.until or "", command.line)
        if command.is_interrupted:
            self._interrupt(started, directive.code, command.in_all)
        else:
            self.started.append(started)

    def _go_on(self, command: Command) -> None:
        """See what the command prints that was started last, and interrupt it where that shows."""
        if not self.started:
            raise self.page.wrong(command.line + 1, "this is neither '$ command' nor its output")
        started = self.started[-1]
        above = (*started.expected, Line(ANYTHING, started.line))
        started.expected = (*above, *command.before)
        self._wait(started, "", command.line)
        if command.is_interrupted:
            self._interrupt(self.started.pop(), 0, (*above, *command.in_all))

    def _wait(self, started: Started, text: str, line: int) -> None:
        def is_there(output: str) -> bool:
            return text in output and difference(started.expected, output, so_far=True) is None

        try:
            works = started.job.wait(is_there)
        except TookTooLong:
            works = False
        if not works:
            output = started.job.output
            wrong = difference(started.expected, output, so_far=True)
            where, what = wrong or (line, f"expected {text!r}")
            raise self.page.wrong(where, f"{what}; it printed:\n{output}")

    def _interrupt(self, started: Started, code: int, expected: tuple[Line, ...] = ()) -> None:
        if not started.job.interrupt():
            what = f"it ended before it was interrupted\n{started.job.output}"
            raise self.page.wrong(started.line, what)
        self._check_code(started.job, code, started.line, "after SIGINT")
        self._check_output(expected, started.job)

    def _check_code(
        self, job: Job, expected: int, line: int, of: str, limit: float | None = None
    ) -> None:
        try:
            code = job.end(limit)
        except TookTooLong as error:
            raise self.page.wrong(line, f"{error}; it printed:\n{job.output}") from None
        if code != expected:
            raise self.page.wrong(line, f"exit code {code}, not {expected}, {of}\n{job.output}")

    def _check_output(self, expected: tuple[Line, ...], job: Job) -> None:
        wrong = difference(expected, job.output)
        if wrong is not None:
            line, what = wrong
            raise self.page.wrong(line, f"{what}; it printed:\n{job.output}")
