"""What a console block says: commands, and the output expected of each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

ANYTHING = "..."
LOG = '{"logged_at": '
"""How a line of the log begins: other tasks write it, and it may come amid what is expected."""
INTERRUPT = "^C"
"""What a terminal shows when its user interrupts a command."""


@dataclass(frozen=True, slots=True)
class Line:
    """Hold a line of expected output. `...` stands for anything, alone for any lines."""

    text: str
    number: int

    @property
    def is_anything(self) -> bool:
        """Tell whether it stands for any lines."""
        return self.text.strip() == ANYTHING

    def fits(self, printed: str) -> bool:
        """Tell whether this may have been printed in its place."""
        parts = map(re.escape, self.text.rstrip().split(ANYTHING))
        return self.is_anything or re.fullmatch(".*".join(parts), printed.rstrip()) is not None


@dataclass(frozen=True, slots=True)
class Command:
    """Hold a command and what it should print. line: the last one of the command.

    A command without text goes on with what was started before it.
    """

    text: str
    expected: tuple[Line, ...]
    line: int

    @property
    def is_interrupted(self) -> bool:
        """Tell whether it goes on until its user interrupts it."""
        return any(line.text == INTERRUPT for line in self.expected)

    @property
    def before(self) -> tuple[Line, ...]:
        """Return what it should print before it is interrupted, if it is."""
        numbers = [line.number for line in self.expected if line.text == INTERRUPT]
        return tuple(line for line in self.expected if not numbers or line.number < numbers[0])

    @property
    def in_all(self) -> tuple[Line, ...]:
        """Return what it should print to its end: where nothing stands after `^C`, anything."""
        if self.expected and self.expected[-1].text == INTERRUPT:
            return (*self.before, Line(ANYTHING, self.expected[-1].number))
        return tuple(line for line in self.expected if line.text != INTERRUPT)


def commands_of(content: str, start: int) -> list[Command]:
    r"""Return the commands of a console block.

    A command goes on after a backslash at the end of its line, and on lines that begin with `> `.
    start: the line of the page before the content.
    """
    found: list[tuple[list[Line], list[Line]]] = []
    for number, text in enumerate(content.splitlines(), start=start + 1):
        line = Line(text, number)
        if text.startswith("$ "):
            found.append(([Line(text[2:], number)], []))
        elif not found:
            found.append(([Line("", start)], [line]))
        elif not found[-1][1] and (found[-1][0][-1].text.endswith("\\") or text.startswith("> ")):
            found[-1][0].append(Line(text.removeprefix("> "), number))
        else:
            found[-1][1].append(line)
    return [
        Command("\n".join(line.text for line in lines), _trimmed(expected), lines[-1].number)
        for lines, expected in found
    ]


def difference(
    expected: Sequence[Line], printed: str, *, so_far: bool = False
) -> tuple[int, str] | None:
    """Return the line that was not printed as expected, and what is wrong.

    so_far: whether more may come. Where nothing is expected anything fits. A line of the log may
    come anywhere.
    """
    if not expected:
        return None
    places = _passed(expected, {0})
    furthest = max(places)
    for line in printed.rstrip().splitlines():
        if so_far and len(expected) in places:
            return None
        stay = {one for one in places if _may_stay(expected[one : one + 1], line)}
        move = {one + 1 for one in places if one < len(expected) and expected[one].fits(line)}
        places = _passed(expected, stay | move)
        furthest = max(furthest, *places, 0)
    if len(expected) in places:
        return None
    if furthest == len(expected):
        return expected[-1].number, f"expected nothing after {expected[-1].text!r}"
    return expected[furthest].number, f"expected {expected[furthest].text!r}"


def _may_stay(awaited: Sequence[Line], printed: str) -> bool:
    """Tell whether a line may be printed before what is awaited."""
    return printed.startswith(LOG) or any(line.is_anything for line in awaited)


def _passed(expected: Sequence[Line], places: set[int]) -> set[int]:
    """Add the places that are reached without a line: what stands for any lines fits none too."""
    passed = set(places)
    for place in sorted(places):
        end = place
        while end < len(expected) and expected[end].is_anything:
            end += 1
            passed.add(end)
    return passed


def _trimmed(lines: list[Line]) -> tuple[Line, ...]:
    """Leave out what is empty at the end."""
    filled = [index for index, line in enumerate(lines, start=1) if line.text.strip()]
    return tuple(lines[: filled[-1]]) if filled else ()
