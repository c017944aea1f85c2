"""The public API changes knowingly: its record changes with it, and so does the changelog."""

import importlib
from difflib import unified_diff
from pathlib import Path

import pytest

from scripts.packages import api
from scripts.packages.package import Package, read_packages

PACKAGES = read_packages()

MODULE = '''
"""A module with much in it."""

from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Final, overload

from asyncworker.example.inner import Inner

__all__ = ["LIMIT", "Inner", "Level", "Made", "Outer", "convert"]

LIMIT: Final = 3
hidden = 1


class Level(StrEnum):
    HIGH = auto()


@dataclass(frozen=True)
class Made:
    name: str
    size: int = 1


class _Base:
    def inherited(self) -> int: ...


class Outer(_Base):
    kind: str = "outer"

    def __init__(self, name: str) -> None:
        self.name: str = name
        self._secret = name

    @property
    def size(self) -> int: ...

    @size.setter
    def size(self, size: int) -> None: ...

    @property
    def length(self) -> int: ...

    async def work(self, *, times: int = 1) -> list[str]: ...

    def _hide(self) -> None: ...

    def __repr__(self) -> str: ...


@overload
def convert(value: int) -> str: ...
@overload
def convert(value: str) -> int: ...
def convert(value: int | str) -> int | str: ...
'''
RECORD = """\
# asyncworker.example
asyncworker.example.Inner is asyncworker.example.inner.Inner
asyncworker.example.LIMIT: Final = 3
class asyncworker.example.Level(StrEnum)
asyncworker.example.Level.HIGH = auto()
@dataclass(frozen=True) class asyncworker.example.Made
def asyncworker.example.Made.__init__(name: str, size: int = 1) -> None
asyncworker.example.Made.name: str
asyncworker.example.Made.size: int = 1
class asyncworker.example.Outer(_Base)
def asyncworker.example.Outer.__init__(name: str) -> None
def asyncworker.example.Outer.inherited() -> int
asyncworker.example.Outer.kind: str = 'outer'
asyncworker.example.Outer.length: int, read only
asyncworker.example.Outer.name: str
asyncworker.example.Outer.size: int
async def asyncworker.example.Outer.work(*, times: int = 1) -> list[str]
@overload def asyncworker.example.convert(value: int) -> str
@overload def asyncworker.example.convert(value: str) -> int

# asyncworker.example.inner
class asyncworker.example.inner.Inner
"""


@pytest.mark.parametrize("name", PACKAGES)
def test_the_public_api_is_the_recorded_one(name):
    package = PACKAGES[name]
    file = api.path_of(package)
    recorded, now = file.read_text(), api.record(package)
    changes = unified_diff(recorded.splitlines(), now.splitlines(), "recorded", "now", "", "", 0)
    advice = (
        f"If that is meant, say so in packages/{package.folder.name}/CHANGELOG.md, "
        "and record it: hatch run api"
    )
    assert now == recorded, "\n".join(["the public API has changed:", *changes, advice])


def test_every_package_has_a_record_and_nothing_else_has():
    assert {file.stem for file in api.RECORDS.iterdir()} == set(PACKAGES)


@pytest.mark.parametrize("name", PACKAGES)
def test_what_is_public_can_be_imported(name):
    record = api.path_of(PACKAGES[name]).read_text().splitlines()
    for module in (line.removeprefix("# ") for line in record if line.startswith("# ")):
        found = importlib.import_module(module)
        assert [public for public in found.__all__ if not hasattr(found, public)] == []


@pytest.fixture
def example(tmp_path):
    folder = tmp_path / "src" / "asyncworker" / "example"
    folder.mkdir(parents=True)
    (folder / "inner.py").write_text('__all__ = ["Inner"]\n\n\nclass Inner: ...\n')
    (folder / "private.py").write_text("class Private: ...\n")
    (folder / "__init__.py").write_text(MODULE)
    return Package(tmp_path, "asyncworker-example", "1.0.0", (), ())


def test_a_record_has_a_line_for_each_public_name(example):
    assert RECORD == api.record(example)


@pytest.mark.parametrize(
    ("line", "untyped"),
    [
        ("LIMIT: Final = 3", "LIMIT = 3"),
        ("        self.name: str = name", "        self.name = name"),
    ],
)
def test_a_public_name_without_a_type_is_refused(example, line, untyped):
    module = Path(example.folder, "src", "asyncworker", "example", "__init__.py")
    module.write_text(MODULE.replace(line, untyped))
    with pytest.raises(api.Untyped, match="is public and has no type: annotate it"):
        api.record(example)
