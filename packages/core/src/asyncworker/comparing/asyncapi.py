"""Two documents of AsyncAPI: what is received may only become more, what is sent not less."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from asyncworker.comparing.changes import Change, is_gone, is_new
from asyncworker.comparing.reading import followed, lists, objects
from asyncworker.comparing.words import given, taken

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncworker.comparing.reading import Object

    Key = tuple[str, str, str, str]
    Operations = dict[Key, list[Object]]

QUEUE_TYPE: Final = "x-queue-type"
VERBS: Final = {"receive": "receive from", "send": "send to"}


def changes(old: Object, new: Object) -> Iterator[Change]:
    """Yield what became of each operation, by its channel."""
    before, now = _operations(old), _operations(new)
    for key, operations in before.items():
        subject = _subject(key)
        if key not in now:
            yield is_gone(subject)
            continue
        yield from _of_channel(subject, _channel(old, operations[0]), _channel(new, now[key][0]))
        pair = _messages(old, operations), _messages(new, now[key])
        compared = taken if key[0] == "receive" else given
        yield from _of_messages(subject, compared, (old, pair[0]), (new, pair[1]))
        yield from _of_replies(subject, (old, operations), (new, now[key]))
    for key in now:
        if key not in before:
            yield is_new(_subject(key))


def _operations(document: Object) -> Operations:
    """Return the operations by what they do with which channel, several that do the same."""
    found: Operations = {}
    for one in objects(document.get("operations")).values():
        operation = followed(document, one)
        channel = _channel(document, operation)
        amqp = objects(objects(channel.get("bindings")).get("amqp"))
        place = objects(amqp.get("queue")) or objects(amqp.get("exchange"))
        exchange = objects(amqp.get("exchange")).get("name", "")
        address = channel.get("address") or channel.get("title")
        parts = operation.get("action"), address, place.get("vhost", ""), exchange
        action, address, vhost, exchange = map(str, parts)
        found.setdefault((action, address, vhost, exchange), []).append(operation)
    return found


def _subject(key: Key) -> str:
    action, address, vhost, exchange = key
    more = [f"exchange {exchange!r}"] if exchange else []
    if vhost not in ("", "/"):
        more.append(f"vhost {vhost!r}")
    where = f" ({', '.join(more)})" if more else ""
    return f"{VERBS.get(action, action)} {address!r}{where}"


def _channel(document: Object, operation: Object) -> Object:
    return followed(document, operation.get("channel"))


def _of_channel(subject: str, old: Object, new: Object) -> Iterator[Change]:
    """Yield in what way a queue or an exchange is another one, as far as both documents say it."""
    before, now = _kind(old), _kind(new)
    for name, value in before.items():
        if name in now and now[name] != value:
            yield Change(subject, f"the {name} was {value!r}, and is {now[name]!r} now")


def _kind(channel: Object) -> Object:
    amqp = objects(objects(channel.get("bindings")).get("amqp"))
    found = {
        f"{place} {name}": value
        for place in ("queue", "exchange")
        for name, value in objects(amqp.get(place)).items()
        if name not in ("name", "vhost")
    }
    arguments = objects(objects(channel.get("x-rabbitmq")).get("arguments"))
    if QUEUE_TYPE in arguments:
        found["queue type"] = arguments[QUEUE_TYPE]
    return found


def _messages(document: Object, operations: list[Object]) -> list[Object]:
    references = (one for operation in operations for one in lists(operation.get("messages")))
    return [followed(document, one) for one in references]


def _of_messages(
    subject: str, compared: Any, old: tuple[Object, list[Object]], new: tuple[Object, list[Object]]
) -> Iterator[Change]:
    """Yield what became of messages. compared: `taken` or `given`."""
    cover, covered = (new, old) if compared is taken else (old, new)
    for one in covered[1]:
        any_of = {"anyOf": [_parts(each) for each in _alike(cover[1], one)]}
        if not any_of["anyOf"]:
            kind = one.get("contentType", "any content type")
            words = "no longer takes bodies of" if compared is taken else "may send bodies of"
            yield Change(subject, f"{words} {kind}")
            continue
        pair = (cover[0], any_of), (covered[0], _parts(one))
        yield from compared(subject, "", *(reversed(pair) if compared is taken else pair))


def _alike(cover: list[Object], covered: Object) -> list[Object]:
    """Return those whose content type is any, or the same."""
    said = covered.get("contentType")
    return [one for one in cover if one.get("contentType") in (None, said)]


def _parts(message: Object) -> Object:
    """Return the schema of a message as a whole."""
    headers = {"type": "object", **objects(message.get("headers"))}
    return {
        "type": "object",
        "properties": {"body": message.get("payload", {}), "headers": headers},
        "required": ["body", "headers"],
    }


def _of_replies(
    subject: str, old: tuple[Object, list[Object]], new: tuple[Object, list[Object]]
) -> Iterator[Change]:
    before, now = _replies(*old), _replies(*new)
    if before and not now:
        yield Change(subject, "is no longer answered")
    elif before:
        yield from _of_messages(
            f"answer to {subject.partition(' from ')[2]}", given, (old[0], before), (new[0], now)
        )


def _replies(document: Object, operations: list[Object]) -> list[Object]:
    return _messages(document, [followed(document, one.get("reply")) for one in operations])
