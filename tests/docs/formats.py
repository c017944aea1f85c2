"""Blocks that configure something: whether they can be read."""

import configparser
import json
import re
import tomllib
from collections.abc import Callable

import yaml

from tests.docs.settings import values_in, wrong_values

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
        documents = list(yaml.safe_load_all(content))
    except yaml.YAMLError as error:
        raise ValueError(f"no YAML: {error}") from None
    for problem in wrong_values(values_in(documents)):
        raise ValueError(problem)


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
