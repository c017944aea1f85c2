"""An error as logs may show it: bounded, and without the data that it was raised about."""

from __future__ import annotations

import sys
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from asyncworker.handling.exception_groups import leaves
from asyncworker.plural import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic_core import ValidationError

LONGEST: Final = 1000
"""The most characters of what one error says."""
MOST: Final = 20
"""The most errors of a group and of a chain of causes, and problems of a validation."""
DEEPEST: Final = 50
"""The most frames of one traceback."""

WITH_DATA: Final = (UnicodeDecodeError, UnicodeEncodeError, UnicodeTranslateError)
"""Errors that hold what they were raised about, as validation errors do: a body, with the passwords
in it."""


def brief(error: BaseException) -> str:
    """Return what `repr()` does, bounded and without data."""
    if isinstance(error, BaseExceptionGroup):
        found = list(leaves(error))
        texts = [_own(leaf) for leaf in found[:MOST]]
        if len(found) > MOST:
            texts.append(f"{len(found) - MOST} more")
        return _cut(f"{type(error).__name__}({_message(error)!r}, [{', '.join(texts)}])")
    return _own(error)


def told(error: BaseException) -> str:
    """Return `Type: message`, bounded and without data; of a group what is in it too."""
    message = _message(error)
    if isinstance(error, BaseExceptionGroup):
        found = [told(leaf) for leaf in islice(leaves(error), MOST)]
        message = f"{message} [{'; '.join(found)}]"
    return _cut(f"{type(error).__name__}: {message}" if message else type(error).__name__)


def redacted(error: BaseException) -> BaseException:
    """Return the error; or, where it holds data or says too much, what looks like it otherwise.

    For whatever writes its traceback: that of the copy has the same types, lines and causes.
    """
    errors = list(islice(linked(error), MOST + 1))
    if len(errors) <= MOST and not any(map(_is_unfit, errors)):
        return error
    return _Copies().of(error) or error


def shortened(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback without its middle, where it is too deep."""
    found = list(links(trace))
    if len(found) <= DEEPEST:
        return trace
    short: TracebackType | None = None
    for link in reversed(found[: DEEPEST // 2] + found[-DEEPEST // 2 :]):
        short = TracebackType(short, link.tb_frame, link.tb_lasti, link.tb_lineno)
    return short


class _Copies:
    """Copies of an error and of those that belong to it: the first of them."""

    def __init__(self) -> None:
        self._made: dict[int, BaseException | None] = {}

    def of(self, error: BaseException | None) -> BaseException | None:
        """Return the copy of one; None for one too many."""
        if error is None or id(error) in self._made or len(self._made) >= MOST:
            return self._made.get(id(error))
        self._made[id(error)] = None
        copy = self._made[id(error)] = self._copy(error)
        copy.__traceback__ = shortened(error.__traceback__)
        copy.__context__ = self.of(error.__context__)
        copy.__cause__ = self.of(error.__cause__)
        copy.__suppress_context__ = error.__suppress_context__
        for note in _notes(error)[:MOST]:
            copy.add_note(_cut(note))
        return copy

    def _copy(self, error: BaseException) -> BaseException:
        kind, message = type(error), _message(error)
        names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
        if isinstance(error, BaseExceptionGroup):
            copies = [copy for each in error.exceptions if (copy := self.of(each)) is not None]
            if left_out := len(error.exceptions) - len(copies):
                message = f"{message}; not shown: {left_out}"
            if copies:
                group: Any = type(kind.__name__, (BaseExceptionGroup,), names)
                made: BaseException = group(message, copies)
                return made
        alike: BaseException = type(kind.__name__, (Exception,), names)(message)
        return alike


def _is_unfit(error: BaseException) -> bool:
    if isinstance(error, WITH_DATA) or _is_of_validation(error):
        return True
    is_deep = next(islice(links(error.__traceback__), DEEPEST, None), None) is not None
    return is_deep or len(_text(str, error)) + sum(map(len, _notes(error))) > LONGEST


def _is_of_validation(error: BaseException) -> TypeGuard[ValidationError]:
    # Where nothing has imported the library, which takes longer than all of core, it is none.
    library = sys.modules.get("pydantic_core")
    return library is not None and isinstance(error, library.ValidationError)


def _own(error: BaseException) -> str:
    """Return the same for an error that is no group."""
    if isinstance(error, WITH_DATA) or _is_of_validation(error):
        return f"{type(error).__name__}({_message(error)!r})"
    return _cut(_text(repr, error))


def _message(error: BaseException) -> str:
    """Return what an error says."""
    if _is_of_validation(error):
        return _cut(_problems(error))
    return _cut(error.message if isinstance(error, BaseExceptionGroup) else _text(str, error))


def _problems(error: ValidationError) -> str:
    number = counted(error.error_count(), "validation error")
    text = f"{number} for {error.title}"
    # A list of them all takes any amount of time and memory.
    if error.error_count() > MOST:
        return text
    found = error.errors(include_url=False, include_context=False, include_input=False)
    problems = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in found]
    return "; ".join([text, *problems])


def _notes(error: BaseException) -> list[str]:
    """Return what `add_note()` was given."""
    return [note for note in getattr(error, "__notes__", ()) if isinstance(note, str)]


def _text(show: Callable[[BaseException], str], error: BaseException) -> str:
    try:
        return show(error)
    except Exception:  # noqa: BLE001 - the user's own __str__ and __repr__
        return f"<{type(error).__name__} that cannot be shown>"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)"


def linked(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, its causes, and what is in it."""
    known: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in known:
            continue
        known.add(id(each))
        yield each
        waiting += [each.__context__, each.__cause__]
        if isinstance(each, BaseExceptionGroup):
            waiting += each.exceptions[: MOST + 1]


def links(trace: TracebackType | None) -> Iterator[TracebackType]:
    """Yield the parts of a traceback, the outermost first."""
    while trace is not None:
        yield trace
        trace = trace.tb_next
