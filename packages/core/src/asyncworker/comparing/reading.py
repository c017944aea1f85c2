"""Parts of documents that somebody else may have written: what is not as it should be is empty."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote

MOST_HOPS: Final = 20
"""References that may lead to one another."""

Object = dict[str, Any]


def objects(value: Any) -> Object:
    """Return an object of JSON, an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def lists(value: Any) -> list[Any]:
    """Return a list of JSON, an empty one in place of anything else."""
    return value if isinstance(value, list) else []


def followed(root: Object, value: Any) -> Object:
    """Return what a part is, with references within the document followed (RFC 6901)."""
    for _ in range(MOST_HOPS):
        reference = objects(value).get("$ref")
        if not isinstance(reference, str):
            return objects(value)
        value = root
        for name in reference.removeprefix("#").split("/")[1:]:
            value = objects(value).get(unquote(name).replace("~1", "/").replace("~0", "~"))
    return {}
