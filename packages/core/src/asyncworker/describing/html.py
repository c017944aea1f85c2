"""The documents of an app as one page for people, which asks nobody for more."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from asyncworker.comparing.reading import followed, lists, objects
from asyncworker.describing.shown import paragraphs, properties_of, rules_of, table, type_of
from asyncworker.pages import policy_of, styled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asyncworker.comparing.reading import Object

PAGE: Final = files(__package__) / "page"
DOES: Final = {"receive": "receives from", "send": "sends to"}
NOTHING: Final = "<p>Nothing is taken, and nothing is given.</p>"
OF_HTTP: Final = "http-type-"
OF_MESSAGES: Final = "message-type-"
"""What links to classes begin with."""


class Part(NamedTuple):
    """Hold what is told of one thing. title, body: in HTML."""

    anchor: str
    title: str
    body: str

    @property
    def article(self) -> str:
        """Return it as a part of the page."""
        anchor = escape(self.anchor)
        return f'<article id="{anchor}"><h3>{self.title}</h3>{self.body}</article>'

    @property
    def link(self) -> str:
        """Return a line of the contents."""
        return f'<li><a href="#{escape(self.anchor)}">{self.title}</a></li>'


def page(openapi: Object, asyncapi: Object, links: Mapping[str, str]) -> str:
    """Return a page that shows two documents of one app.

    links: where these are, by what they are called.
    """
    info = objects(openapi.get("info"))
    told = {
        "HTTP": (list(_endpoints(openapi)), list(_types(openapi, OF_HTTP))),
        "Messages": (list(_operations(asyncapi)), list(_types(asyncapi, OF_MESSAGES))),
    }
    contents = "".join(part.link for parts, _ in told.values() for part in parts)
    sections = "".join(_section(title, *parts) for title, parts in told.items())
    return (
        (PAGE / "page.html")
        .read_text("utf-8")
        .format(
            title=escape(str(info.get("title", ""))),
            version=escape(str(info.get("version", ""))),
            description=paragraphs(info.get("description")),
            style=_style(),
            contents=f"<ul>{contents}</ul>" if contents else "",
            sections=sections or NOTHING,
            links=", ".join(f'<a href="{to}">{name}</a>' for name, to in links.items()),
        )
    )


@cache
def policy() -> str:
    """Return the Content-Security-Policy of the page: its own style, and nothing else."""
    return policy_of(_style())


def _style() -> str:
    return styled((PAGE / "page.css").read_text("utf-8"))


def _section(title: str, parts: list[Part], types: list[Part]) -> str:
    if not parts:
        return ""
    told = "".join(part.article for part in parts)
    classes = "".join(part.article for part in types)
    more = f"<section><h2>{title}: types</h2>{classes}</section>" if classes else ""
    return f"<section><h2>{title}</h2>{told}</section>{more}"


def _endpoints(document: Object) -> Iterator[Part]:
    for path, methods in objects(document.get("paths")).items():
        for method, operation in objects(methods).items():
            title = f"<code>{escape(method.upper())}</code> <code>{escape(path)}</code>"
            parts = (_about(operation), _parameters(operation), _body(operation))
            body = "".join((*parts, _answers(operation)))
            yield Part(f"http-{operation.get('operationId')}", title, body)


def _about(operation: Object) -> str:
    return paragraphs(operation.get("summary")) + paragraphs(operation.get("description"))


def _parameters(operation: Object) -> str:
    rows = [
        (
            f"<code>{escape(str(one.get('name')))}</code>",
            escape(str(one.get("in"))),
            type_of(one.get("schema"), OF_HTTP),
            "yes" if one.get("required") else "",
            rules_of(one.get("schema")),
        )
        for one in lists(operation.get("parameters"))
    ]
    heads = ("Name", "In", "Type", "Required", "About")
    return f"<h4>Parameters</h4>{table(heads, rows)}" if rows else ""


def _body(operation: Object) -> str:
    told = objects(operation.get("requestBody"))
    contents = objects(told.get("content"))
    if not contents:
        return ""
    kinds = " or ".join(f"<code>{escape(kind)}</code>" for kind in contents)
    schema = next(iter(contents.values())).get("schema")
    optional = "" if told.get("required") else ", may be left out"
    return f"<h4>Body: {kinds}{optional}</h4>{properties_of(schema, OF_HTTP)}"


def _answers(operation: Object) -> str:
    rows = []
    for status, answer in objects(operation.get("responses")).items():
        contents = objects(answer.get("content")) or {"": {}}
        for kind, media in contents.items():
            shown = type_of(media["schema"], OF_HTTP) if "schema" in media else ""
            told = escape(str(answer.get("description")))
            rows.append((escape("other" if status == "default" else status), told, kind, shown))
    return f"<h4>Answers</h4>{table(('Status', 'When', 'Content type', 'Type'), rows)}"


def _operations(document: Object) -> Iterator[Part]:
    for name, operation in objects(document.get("operations")).items():
        channel = followed(document, operation.get("channel"))
        does = DOES.get(str(operation.get("action")), "")
        address = escape(str(channel.get("address") or channel.get("title")))
        title = f"{escape(str(operation.get('title')))} {does} <code>{address}</code>"
        parts = (
            _about(operation),
            _servers(document, channel),
            *_messages(document, operation, "Message"),
            *_messages(document, objects(operation.get("reply")), "Answer"),
        )
        yield Part(f"message-{name}", title, "".join(parts))


def _servers(document: Object, channel: Object) -> str:
    servers = [followed(document, one) for one in lists(channel.get("servers"))]
    shown = [
        f"<code>{escape(str(one.get('protocol')))}://{escape(str(one.get('host')))}"
        f"{escape(str(one.get('pathname', '')))}</code>"
        for one in servers
    ]
    return f'<p class="quiet">At {" or ".join(shown)}</p>' if shown else ""


def _messages(document: Object, operation: Object, heading: str) -> Iterator[str]:
    for one in lists(operation.get("messages")):
        message = followed(document, one)
        kind = message.get("contentType")
        shown = f": <code>{escape(str(kind))}</code>" if kind else ""
        yield f"<h4>{heading}{shown}</h4><p>{type_of(message.get('payload'), OF_MESSAGES)}</p>"
        if headers := message.get("headers"):
            yield f"<h4>Headers</h4>{properties_of(headers, OF_MESSAGES)}"


def _types(document: Object, anchor: str) -> Iterator[Part]:
    schemas: Any = objects(document.get("components")).get("schemas")
    for name, schema in objects(schemas).items():
        about = paragraphs(objects(schema).get("description"))
        yield Part(f"{anchor}{name}", escape(name), about + properties_of(schema, anchor))
