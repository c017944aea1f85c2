"""Texts that are shipped: those to be filled in, and those that are written as they are."""

from __future__ import annotations

import json
from importlib.resources import files
from string import Template
from typing import Final

TEMPLATES: Final = files(__package__) / "templates"


def filled(template: str, **values: object) -> str:
    """Return a template with values in the places of their names."""
    return Template((TEMPLATES / template).read_text("utf-8")).substitute(values)


def shipped(name: str) -> str:
    """Return a file of the wing `metrics`, whose import would need a library."""
    return (files("asyncworker") / "metrics" / name).read_text("utf-8")


def quoted(text: str) -> str:
    """Return a text in double quotes, as YAML 1.2.2, 7.3.1, reads it, whatever is in it."""
    return "".join(
        one if one.isprintable() else f"\\U{ord(one):08x}"
        for one in json.dumps(text, ensure_ascii=False)
    )
