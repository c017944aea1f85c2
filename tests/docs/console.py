"""What a console block says: commands, and the output expected of each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """Hold a command and what it should print. line: of the block, counted from 1."""

    text: str
    expected: tuple[str, ...]
    line: int

    def difference(self, printed: str, *, so_far: bool = False) -> tuple[int, str] | None:
        """Return the line of the block where something else was printed, and what should stand.

        so_far: whether more may come.
        """
        found = difference(self.expected, printed, so_far=so_far)
        return found and (self.line + found[0], found[1])


def difference(
    expected: Sequence[str], printed: str, *, so_far: bool = False
) -> tuple[int, str] | None:
    """Return which line was not printed as expected, counted from 1, and what is.

    `...` stands for anything, and in a line of its own for any lines. so_far: whether more may
    come. Where nothing is expected anything fits.
    """
    if not expected:
        return None
    text = "".join(f"{line.rstrip()}\n" for line in printed.rstrip().splitlines())
    pattern = ""
    for number, line in enumerate(expected, start=1):
        pattern += _pattern(line)
        if not re.match(pattern, text):
            return number, f"expected {line!r}"
    if so_far or re.fullmatch(pattern, text):
        return None
    return len(expected), f"expected nothing after {expected[-1]!r}"


def _pattern(line: str) -> str:
    if line.strip() == "...":
        return r"(?:.*\n)*"
    return ".*".join(map(re.escape, line.rstrip().split("..."))) + "\n"


def commands_of(content: str) -> list[Command]:
    r"""Return the commands of a console block.

    A command goes on after a backslash at the end of its line, and on lines that begin with `> `.
    Raises: ValueError, when something else comes first.
    """
    found: list[tuple[int, list[str], list[str]]] = []
    for number, line in enumerate(content.splitlines(), start=1):
        if line.startswith("$ "):
            found.append((number, [line[2:]], []))
        elif not found:
            raise ValueError("a console block begins with '$ command'")
        elif not found[-1][2] and (found[-1][1][-1].endswith("\\") or line.startswith("> ")):
            found[-1][1].append(line.removeprefix("> "))
        else:
            found[-1][2].append(line)
    return [
        Command("\n".join(text), _trimmed(expected), number + len(text) - 1)
        for number, text, expected in found
    ]


def _trimmed(lines: list[str]) -> tuple[str, ...]:
    return tuple("\n".join(lines).rstrip().splitlines())
