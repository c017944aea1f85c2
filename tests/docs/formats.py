"""Blocks that configure something: whether they can be read, and whether their names exist."""

import configparser
import importlib
import json
import re
import tomllib
from collections.abc import Callable
from functools import cache

import yaml

VARIABLE = re.compile(r"\bASYNCWORKER_[A-Z][A-Z_]*[A-Z]\b")
SETTINGS = {
    "asyncworker.settings": "Settings",
    "asyncworker.http.settings": "Settings",
    "asyncworker.rabbitmq.settings": "RabbitMQSettings",
}
INSTRUCTIONS = (
    *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL"),
    *("ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
)


def parse(language: str, content: str) -> None:
    """Read a block of configuration.

    Raises: ValueError
    """
    READERS[language](content)


def _yaml(content: str) -> None:
    try:
        list(yaml.safe_load_all(content))
    except yaml.YAMLError as error:
        raise ValueError(f"no YAML: {error}") from None


def _ini(content: str) -> None:
    # A file of variables has no section.
    text = content if re.search(r"^\[", content, re.MULTILINE) else f"[variables]\n{content}"
    try:
        configparser.ConfigParser(strict=False, interpolation=None).read_string(text)
    except configparser.Error as error:
        raise ValueError(f"no INI: {error}") from None


def _dockerfile(content: str) -> None:
    text = re.sub(r"^\s*(#.*)?\n", "", content, flags=re.MULTILINE)
    lines = re.sub(r"\\\n", " ", text).splitlines()
    if not lines or lines[0].split()[0] not in ("ARG", "FROM"):
        raise ValueError("a Dockerfile begins with FROM")
    for line in lines:
        instruction, _, rest = line.strip().partition(" ")
        if instruction not in INSTRUCTIONS:
            raise ValueError(f"no instruction of a Dockerfile: {instruction!r}")
        if rest.lstrip().startswith("["):
            json.loads(rest)


READERS: dict[str, Callable[[str], object]] = {
    "dockerfile": _dockerfile,
    "ini": _ini,
    "json": json.loads,
    "toml": tomllib.loads,
    "yaml": _yaml,
}


@cache
def variables() -> frozenset[str]:
    """Return the ASYNCWORKER_* variables that there are."""
    classes = (getattr(importlib.import_module(module), name) for module, name in SETTINGS.items())
    return frozenset(
        f"{one.model_config['env_prefix']}{field.upper()}"
        for one in classes
        for field in one.model_fields
    )


def unknown_variables(content: str) -> list[tuple[int, str]]:
    """Return the ASYNCWORKER_* names that mean nothing, with their lines, counted from 1."""
    return [
        (number, name)
        for number, line in enumerate(content.splitlines(), start=1)
        for name in VARIABLE.findall(line)
        if name not in variables()
    ]
