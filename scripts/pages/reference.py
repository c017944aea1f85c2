"""What griffe is told about this project: its packages, and the way its docstrings are written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import griffe

from scripts.pages.catalogue import ENGLISH, translated
from scripts.pages.prose import read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PACKAGE: Final = "asyncworker"
RAISES: Final = {"en": "Raises", "pt-BR": "Lança"}
CLASS: Final = re.compile(r"\b[A-Z]\w+\b")
NUMBER: Final = re.compile(r"[\d.][\d.\s*_]*")
LABELS: Final = {"async", "property"}
"""What is said of an object beside its name."""


class Reference(griffe.Extension):
    """Join the packages, and show what they hold in the form of the site.

    language: that of the pages.
    """

    def __init__(self, language: str = ENGLISH) -> None:
        self._language = language

    def on_package(self, *, pkg: griffe.Module, loader: griffe.GriffeLoader, **_: Any) -> None:
        """Add what other distributions have of the package: griffe does not see `extend_path`."""
        if pkg.name == PACKAGE:
            for path in loader.finder.search_paths:
                for init in sorted(path.glob(f"{PACKAGE}/*/__init__.py")):
                    if init.parent.name not in pkg.members:
                        _add(pkg, init.parent, loader)

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Show less of how it is made, and its docstring."""
        obj.labels &= LABELS
        if isinstance(obj, griffe.Function):
            _show_defaults(obj)
            _show_context(obj)
        if isinstance(obj, griffe.Attribute) and str(obj.value) == "auto()":
            obj.value = repr(obj.name.lower())
        if obj.docstring is not None:
            obj.docstring = Shown(obj, obj.docstring, self._language)


class Shown(griffe.Docstring):
    """Be a docstring that takes the form of Google's, in a language, when a page shows it."""

    def __init__(self, of: griffe.Object, docstring: griffe.Docstring, language: str) -> None:
        super().__init__(
            docstring.value,
            parent=of,
            parser=docstring.parser,
            parser_options=docstring.parser_options,
        )
        self._of = of
        self._language = language

    def parse(self, *args: Any, **options: Any) -> list[griffe.DocstringSection]:
        """Return its sections."""
        text = translated(self._of.path, self.value, self._language)
        prose = read(text, _names(self._of))
        parts = [prose.text]
        if prose.about:
            title = "Parameters" if _is_called(self._of) else "Attributes"
            lines = [f"    {name}: {about}" for name, about in prose.about.items()]
            parts.append("\n".join([f"{title}:", *lines]))
        if prose.raises:
            parts.append(f"**{RAISES[self._language]}:** {self._linked(prose.raises)}")
        formed = griffe.Docstring(
            "\n\n".join(parts),
            parent=self._of,
            parser=self.parser,
            parser_options=self.parser_options,
        )
        return formed.parse(*args, **options)

    def _linked(self, text: str) -> str:
        """Return a text in which exceptions lead to their place in the reference."""
        errors = dict(_errors(self._of.modules_collection[PACKAGE]))

        def link(word: re.Match[str]) -> str:
            shown = f"`{word[0]}`"
            return f"[{shown}][{errors[word[0]]}]" if word[0] in errors else shown

        return CLASS.sub(link, text)


def _add(package: griffe.Module, folder: Path, loader: griffe.GriffeLoader) -> None:
    """Load a package that lies in another folder, and give it its place."""
    own = griffe.GriffeLoader(
        search_paths=[folder.parent],
        modules_collection=loader.modules_collection,
        lines_collection=loader.lines_collection,
        docstring_parser=loader.docstring_parser,
        docstring_options=loader.docstring_options,
        allow_inspection=False,
    )
    package.set_member(folder.name, own.load(folder.name))
    del loader.modules_collection.members[folder.name]


def _errors(package: griffe.Module) -> Iterator[tuple[str, str]]:
    """Return the exceptions that have a place in the reference, by name."""
    for module in map(package.__getitem__, ("errors", "testing", "rabbitmq", "sse", "http")):
        for name, member in module.members.items():
            is_public = name in module.exports if module.exports else not member.is_alias
            if is_public and CLASS.fullmatch(name):
                yield name, f"{module.path}.{name}"


def _names(obj: griffe.Object) -> list[str]:
    """Return what its docstring may tell about: parameters, or else attributes."""
    if isinstance(obj, griffe.Function | griffe.Class) and _is_called(obj):
        return [parameter.name for parameter in obj.parameters]
    members: Mapping[str, Any] = obj.all_members if isinstance(obj, griffe.Class) else {}
    return [name for name, one in members.items() if one.is_attribute]


def _is_called(obj: griffe.Object) -> bool:
    """Return whether users call it. What they are given, like a message, has attributes."""
    if isinstance(obj, griffe.Class):
        init = obj.members.get("__init__")
        is_written = init is not None and bool(init.lineno)
        return is_written or any("frozen=True" in str(one.value) for one in obj.decorators)
    return isinstance(obj, griffe.Function)


def _show_defaults(function: griffe.Function) -> None:
    """Show defaults as they are written, and numbers in place of their names."""
    for parameter in function.parameters:
        if parameter.default is not None:
            parameter.default = str(parameter.default)
            constant = function.module.members.get(parameter.default)
            target = constant.final_target if isinstance(constant, griffe.Alias) else constant
            if isinstance(target, griffe.Attribute) and NUMBER.fullmatch(str(target.value)):
                parameter.default = str(target.value)


def _show_context(function: griffe.Function) -> None:
    """Show what callers get of a function that is made a context manager."""
    if any(str(one.value) == "asynccontextmanager" for one in function.decorators):
        function.labels.discard("async")
        returns = str(function.returns)
        function.returns = f"AbstractAsyncContextManager[{returns.partition('[')[2]}"
