"""What is wrong with a body, in words that tell fields and reasons, and never a value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, get_args

from pydantic_core.core_schema import ErrorType

from asyncworker.errors import Invalid
from asyncworker.plural import counted

if TYPE_CHECKING:
    from pydantic import PydanticUserError, ValidationError

MOST: Final = 5
"""The most problems that are told of one body."""
FEW: Final = 100
"""So many problems of any body are affordable to look at."""
AFFORDABLE: Final = 2**26
"""Bytes that a list of problems may take: each of them can hold a key as long as the body."""
LONGEST: Final = 200
"""The most characters of a field, and of a reason: a publisher's own keys are in them."""
WITH_VALUE: Final = frozenset(
    {
        "assertion_error",
        "bytes_invalid_encoding",
        "datetime_object_invalid",
        "get_attribute_error",
        "iteration_error",
        "mapping_type",
        "union_tag_invalid",
        "url_parsing",
        "url_syntax_violation",
        "uuid_parsing",
        "value_error",
    }
)
"""Kinds of problem of which pydantic, or a validator of the user's, tells with the value."""
WITHOUT_VALUE: Final = frozenset(get_args(ErrorType)) - WITH_VALUE
OF_MSGSPEC: Final = re.compile(
    r"(?P<reason>(?P<value>Invalid [\w ]*'.*')|(Expected|Object) .*?|Invalid [\w -]+?"
    r"|(JSON|MessagePack data) is malformed: [\w ]+|Input data was truncated)"
    r"( \(byte \d+\)| - at `\$\.?(?P<field>.*)`)?"
)
"""Its reasons; those with a value are told apart."""


def no_data(error: PydanticUserError) -> str:
    """Return why pydantic makes no values of a type, in a line."""
    if error.code == "schema-for-unknown-type":
        return "it is no type of data, and no resource declared before provides it"
    (reason, *_) = error.message.splitlines() or [type(error).__name__]
    return reason


def misfit(error: ValidationError, size: int = 0, what: str = "body") -> Invalid:
    """Return what to raise for what pydantic found.

    size: of what was validated, in bytes; too many problems of something large are but counted.
    what: does not fit.
    """
    count = error.error_count()
    if count > FEW and count * size > AFFORDABLE:
        return Invalid(f"{what} does not fit: it has {counted(count, 'problem')}")
    found = error.errors(include_url=False, include_input=False, include_context=False)
    if found[0]["type"] == "json_invalid":
        return Invalid(f"body is no JSON: {_cut(found[0]['msg'].removeprefix('Invalid JSON: '))}")
    problems = [_told(".".join(map(str, each["loc"])), _reason(each)) for each in found[:MOST]]
    if count > MOST:
        problems.append(f"{count - MOST} more")
    return Invalid(f"{what} does not fit: {'; '.join(problems)}")


def misfit_of_struct(error: Exception) -> Invalid:
    """Return what to raise for what msgspec found: the first problem."""
    if isinstance(error, UnicodeDecodeError):
        # Some of its versions raise this one, others say so.
        return Invalid("body does not fit: invalid UTF-8 encoded string")
    # The words of a user's `__post_init__`, which are the cause too, may tell the value.
    told = None if error.__cause__ else OF_MSGSPEC.fullmatch(str(error))
    if told is None:
        return Invalid("body does not fit: it is refused")
    reason = "it is refused" if told["value"] else _lowered(told["reason"])
    return Invalid(f"body does not fit: {_told(told['field'] or '', reason)}")


def no_text(error: UnicodeDecodeError) -> str:
    """Return where bytes are none of a charset."""
    return f"byte {error.start} is no {error.encoding.replace('_', '-')}"


def raised(error: Exception) -> Invalid:
    """Return what to raise for what users' code raised: the kind alone, and where."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = ""
    if trace is not None:
        _, _, file = trace.tb_frame.f_code.co_filename.rpartition("/")
        where = f" at {file}:{trace.tb_lineno}"
    return Invalid(f"body cannot be decoded: {type(error).__name__}{where}")


def _reason(details: Any) -> str:
    kind = details["type"]
    if kind in WITHOUT_VALUE:
        return _lowered(details["msg"])
    return f"it is refused ({kind})"


def _told(field: str, reason: str) -> str:
    return f"{_cut(field)}: {_cut(reason)}" if field else _cut(reason)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _lowered(reason: str) -> str:
    # But for abbreviations.
    return reason if reason[1:2].isupper() else f"{reason[:1].lower()}{reason[1:]}"
