"""A search that finds pages in the language of the page it is asked on."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

INDEX: Final = Path("search", "search_index.json")
BASE: Final = re.compile(r'"base": "\.\.(?:/([^"]*))?"')
"""Where a page tells the theme's script where the site begins, if that is above it."""


def split_index(site: Path, language: str) -> None:
    """Move what the index has of one language into an index of its own, in that one's folder."""
    index = json.loads((site / INDEX).read_text())
    prefix = f"{language}/"
    others = [one for one in index["docs"] if not one["location"].startswith(prefix)]
    own = [
        {**one, "location": one["location"].removeprefix(prefix)}
        for one in index["docs"]
        if one not in others
    ]
    stems = {"en": others, language.partition("-")[0]: own}
    for (stem, docs), folder in zip(stems.items(), (site, site / language), strict=True):
        config = {**index["config"], "lang": [stem]}
        (folder / INDEX).parent.mkdir(exist_ok=True)
        (folder / INDEX).write_text(json.dumps({**index, "config": config, "docs": docs}))


def rebased(html: str) -> str:
    """Return a page that takes the folder of its language for the site, one folder below it."""
    return BASE.sub(lambda base: f'"base": "{base[1] or "."}"', html, count=1)
