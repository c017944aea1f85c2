"""A Markdown page: its code blocks with what directs them, and its headings."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]

CONTAINER = re.compile(r'(!!!|\?\?\?\+?) \w|===[!+]? "')
"""What begins an admonition or a tab: its content is indented, and is Markdown as well."""
DIRECTIVE = re.compile(r"<!--\s*run:\s*(.*?)\s*-->\s*", re.DOTALL)
FORMS = re.compile(
    r'exit (?P<code>\d+)|until "(?P<until>.+)"|no, because (?P<reason>\S.*)', re.DOTALL
)
HEADING_ID = re.compile(r"\s*\{\s*#([\w-]+)\s*\}$")


class Wrong(AssertionError):
    """Report what is wrong on a page, and where."""

    def __init__(self, page: str, line: int, what: str) -> None:
        super().__init__(f"{page}:{line}: {what}")


@dataclass(frozen=True, slots=True)
class Directive:
    """Hold what a comment before a block says of its run.

    code: the exit code of its last command. until: what its command prints once it works; it goes
    on then. reason: why it is not run.
    """

    code: int = 0
    until: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Hold a code block. line: of the page, counted from 1, where its fence begins."""

    language: str
    title: str | None
    content: str
    line: int
    directive: Directive


@dataclass(frozen=True, slots=True)
class Heading:
    """Hold a heading. id: the one that it is given explicitly."""

    level: int
    text: str
    id: str | None
    line: int


@dataclass(frozen=True, slots=True)
class Span:
    """Hold code in a line of text. line: where its paragraph begins."""

    content: str
    line: int


@dataclass(frozen=True, slots=True)
class Page:
    """Hold what is read from a page. name: its path, as it is reported.

    links: those within the documentation.
    """

    name: str
    text: str
    blocks: list[Block]
    headings: list[Heading]
    spans: list[Span]
    links: list[str]

    @classmethod
    def read(cls, path: Path) -> "Page":
        """Read a file.

        Raises: Wrong
        """
        name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        return cls.parse(str(name), path.read_text())

    @classmethod
    def parse(cls, name: str, text: str) -> "Page":
        """Read a text.

        Raises: Wrong
        """
        tokens = MarkdownIt("commonmark").enable("table").parse(_without_containers(text))
        return cls(
            name,
            text,
            blocks=list(_blocks(name, tokens)),
            headings=list(_headings(tokens)),
            spans=[Span(one.content, line) for line, one in _inline(tokens, "code_inline")],
            links=[
                str(one.attrs["href"])
                for _, one in _inline(tokens, "link_open")
                if ":" not in str(one.attrs["href"])
            ],
        )

    def wrong(self, line: int, what: str) -> Wrong:
        """Return what reports a line."""
        return Wrong(self.name, line, what)


def _without_containers(text: str) -> str:
    """Take admonitions and tabs off what they hold; all stays on its line."""
    lines = text.splitlines()
    start = 0
    while start < len(lines):
        if CONTAINER.match(lines[start]):
            lines[start] = ""
            end = start + 1
            while end < len(lines) and (lines[end][:4].isspace() or not lines[end].strip()):
                lines[end] = lines[end][4:]
                end += 1
        start += 1
    return "\n".join(lines) + "\n"


def _blocks(page: str, tokens: list[Token]) -> Iterator[Block]:
    directive: tuple[int, int, Directive] | None = None
    for token in tokens:
        if token.map is None:
            continue
        start, end = token.map
        if token.type == "html_block" and (found := DIRECTIVE.fullmatch(token.content)):
            _check_used(page, directive)
            directive = start, end, _directive(page, start + 1, found[1])
        if token.type == "code_block":
            raise Wrong(page, start + 1, "an indented code block: put it between fences")
        if token.type == "fence":
            said = None
            if directive is not None and directive[1] == start:
                said, directive = directive[2], None
            yield _block(page, token, start + 1, said or Directive())
    _check_used(page, directive)


def _check_used(page: str, directive: tuple[int, int, Directive] | None) -> None:
    if directive is not None:
        raise Wrong(page, directive[0] + 1, "this comment is not on the line before a block")


def _directive(page: str, line: int, text: str) -> Directive:
    found = FORMS.fullmatch(text)
    if found is None:
        raise Wrong(
            page, line, f'run: {text!r} is none of: exit N, until "TEXT", no, because REASON'
        )
    return Directive(int(found["code"] or 0), found["until"], found["reason"])


def _block(page: str, token: Token, line: int, directive: Directive) -> Block:
    try:
        language, *attributes = shlex.split(token.info)
    except ValueError as error:
        what = "a block of no language" if not token.info.strip() else f"{token.info!r}: {error}"
        raise Wrong(page, line, what) from None
    titles = [one.removeprefix("title=") for one in attributes if one.startswith("title=")]
    title = titles[0] if titles else None
    return Block(language, title, token.content, line, directive)


def _headings(tokens: list[Token]) -> Iterator[Heading]:
    for token, inline in pairwise(tokens):
        if token.type == "heading_open" and token.map is not None:
            explicit = HEADING_ID.search(inline.content)
            text = HEADING_ID.sub("", inline.content)
            level = int(token.tag[1:])
            yield Heading(level, text, explicit and explicit[1], token.map[0] + 1)


def _inline(tokens: list[Token], kind: str) -> Iterator[tuple[int, Token]]:
    """Return what is inside of paragraphs, each with the line where its paragraph begins."""
    line = 0
    for token in tokens:
        line = token.map[0] + 1 if token.map else line
        yield from ((line, child) for child in token.children or () if child.type == kind)
