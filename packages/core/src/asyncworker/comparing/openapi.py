"""Two documents of OpenAPI: requests may only be made of more, answers of nothing less."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from asyncworker.comparing.changes import Change, is_gone, is_new
from asyncworker.comparing.reading import followed, lists, objects
from asyncworker.comparing.words import given, taken

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncworker.comparing.reading import Object

    Operations = dict[tuple[str, str], tuple[str, Object]]
    Parameters = dict[tuple[str, str], Object]

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
PARAMETER: Final = re.compile(r"\{([^{}]*)\}")


def changes(old: Object, new: Object) -> Iterator[Change]:
    """Yield what became of each method of each path."""
    before, now = _operations(old), _operations(new)
    for key, (path, operation) in before.items():
        subject = f"{key[0].upper()} {path}"
        if key not in now:
            yield is_gone(subject)
            continue
        other_path, other = now[key]
        pair = _parameters(old, path, operation), _parameters(new, other_path, other)
        yield from _of_parameters(subject, (old, pair[0]), (new, pair[1]))
        yield from _of_body(subject, (old, operation), (new, other))
        yield from _of_answers(subject, (old, operation), (new, other))
    for key, (path, _) in now.items():
        if key not in before:
            yield is_new(f"{key[0].upper()} {path}")


def _operations(document: Object) -> Operations:
    """Return the operations by method and path, whatever the parameters of that are called."""
    found: Operations = {}
    for path, one in objects(document.get("paths")).items():
        item = followed(document, one)
        for method in METHODS:
            if method in item:
                own = objects(item[method])
                shared = [*lists(item.get("parameters")), *lists(own.get("parameters"))]
                operation = {**own, "parameters": shared}
                found[method, PARAMETER.sub("{}", path)] = path, operation
    return found


def _parameters(document: Object, path: str, operation: Object) -> Parameters:
    """Return the parameters by place and name, those of the path by their order."""
    order = PARAMETER.findall(path)
    found: Parameters = {}
    for one in lists(operation.get("parameters")):
        parameter = followed(document, one)
        place, name = str(parameter.get("in")), str(parameter.get("name"))
        if place == "path":
            name = str(order.index(name)) if name in order else name
        if place == "header":
            name = name.lower()
        found[place, name] = parameter
    return found


def _of_parameters(
    subject: str, old: tuple[Object, Parameters], new: tuple[Object, Parameters]
) -> Iterator[Change]:
    for key, parameter in new[1].items():
        before = old[1].get(key, {})
        label = f"{parameter.get('in')} parameter {parameter.get('name')!r}"
        if parameter.get("required") is True and before.get("required") is not True:
            yield Change(subject, f"{label} is required now")
        if before:
            schemas = before.get("schema", {}), parameter.get("schema", {})
            yield from taken(subject, label, (old[0], schemas[0]), (new[0], schemas[1]))


def _of_body(
    subject: str, old: tuple[Object, Object], new: tuple[Object, Object]
) -> Iterator[Change]:
    before, now = (followed(root, one.get("requestBody")) for root, one in (old, new))
    if now.get("required") is True and before.get("required") is not True:
        yield Change(subject, "a body is required now")
    if not now:
        # One that is sent all the same is not looked at.
        return
    contents = objects(now.get("content"))
    for kind, media in objects(before.get("content")).items():
        if kind not in contents:
            yield Change(subject, f"a body of {kind} is no longer taken")
            continue
        schemas = _schema(media), _schema(contents[kind])
        yield from taken(subject, "body", (old[0], schemas[0]), (new[0], schemas[1]))


def _of_answers(
    subject: str, old: tuple[Object, Object], new: tuple[Object, Object]
) -> Iterator[Change]:
    before, now = (objects(one.get("responses")) for _, one in (old, new))
    for status, answer in before.items():
        if status not in now:
            yield Change(subject, f"answer {status} is gone", breaks=_is_promise(status))
            continue
        contents = objects(followed(new[0], now[status]).get("content"))
        for kind, media in objects(followed(old[0], answer).get("content")).items():
            if kind not in contents:
                yield Change(subject, f"answer {status} is no longer {kind}")
                continue
            schemas = _schema(media), _schema(contents[kind])
            pair = (old[0], schemas[0]), (new[0], schemas[1])
            yield from given(subject, f"answer {status}", *pair)


def _is_promise(status: str) -> bool:
    """Tell a status that clients wait for from errors, and from `default`, which is any status."""
    return status[:1] in ("1", "2", "3")


def _schema(media: Any) -> Any:
    return objects(media).get("schema", {})
