"""What a page has its reader install, and the commands of Hatch: whether there are such."""

import re
import shlex
import tomllib
from functools import cache
from importlib.metadata import distributions
from typing import Any

from tests.docs.blocks import ROOT

INSTALL = re.compile(r"\bpip3? install (?P<what>(\\\n|[^;&|\n])*)")
ENVIRONMENT = re.compile(r"^(python3? -m venv\b|(source|\.) \S+/activate\b)")
REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(\[(?P<extras>[\w,-]+)\])?(?P<version>[<>=!~].*)?")
TOOLS = frozenset({"hatch", "opentelemetry-distro", "opentelemetry-exporter-otlp"})
SCRIPT = re.compile(r"\bhatch run (?:(?P<env>[\w-]+):)?(?P<name>[\w-]+)")


def installs(command: str) -> bool:
    """Tell whether a command installs something, or makes an environment to install it in."""
    return INSTALL.search(command) is not None or ENVIRONMENT.match(command) is not None


def unknown_requirements(text: str) -> list[tuple[int, str]]:
    """Return which distributions and extras of `pip install` lines there are none of.

    Each with its line, counted from 1.
    """
    return [
        (text.count("\n", 0, found.start()) + 1, problem)
        for found in INSTALL.finditer(text)
        for word in _requirements(_words(found["what"]))
        for problem in _problems(word)
    ]


def unknown_scripts(text: str) -> list[tuple[int, str]]:
    """Return which `hatch run` lines name no script, each with its line, counted from 1."""
    return [
        (text.count("\n", 0, found.start()) + 1, f"there is no script for: {found[0]}")
        for found in SCRIPT.finditer(text)
        if found["name"] not in scripts().get(found["env"] or "default", ())
    ]


def _words(line: str) -> list[str]:
    return shlex.split(line.replace("\\\n", " "), comments=True)


def _requirements(words: list[str]) -> list[str]:
    """Leave out options, and the file of `-r`."""
    files = {index + 1 for index, word in enumerate(words) if word in ("-r", "--requirement")}
    return [
        word for index, word in enumerate(words) if index not in files and word[:1] not in ("-", "")
    ]


def _problems(word: str) -> list[str]:
    found = REQUIREMENT.fullmatch(word)
    if found is None:
        return [f"{word!r} is no requirement"]
    name = _normal(found["name"])
    if name in ours():
        extras = set((found["extras"] or "").split(",")) - {""}
        return [f"{name} has no extra {extra!r}" for extra in sorted(extras - ours()[name])]
    return [] if name in _others() else [f"there is no distribution {name!r}"]


@cache
def ours() -> dict[str, frozenset[str]]:
    """Return the extras of each distribution of this project."""
    files = ROOT.glob("packages/*/pyproject.toml")
    projects = [tomllib.loads(file.read_text())["project"] for file in files]
    return {one["name"]: frozenset(one.get("optional-dependencies", {})) for one in projects}


@cache
def _environments() -> dict[str, dict[str, Any]]:
    environments: dict[str, dict[str, Any]] = tomllib.loads((ROOT / "hatch.toml").read_text())[
        "envs"
    ]
    return environments


@cache
def scripts() -> dict[str, frozenset[str]]:
    """Return the scripts of each environment of Hatch; all have those of the default one."""
    own = {name: one.get("scripts", {}) for name, one in _environments().items()}
    return {name: frozenset(one) | frozenset(own["default"]) for name, one in own.items()}


@cache
def _others() -> frozenset[str]:
    """Return what else is known to exist: it is installed here, or for some environment."""
    named = [
        REQUIREMENT.match(line)
        for one in _environments().values()
        for line in one.get("dependencies", [])
    ]
    return frozenset(
        {_normal(one.name) for one in distributions()}
        | {_normal(one["name"]) for one in named if one}
        | TOOLS
    )


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
