"""A search that finds pages in the language of the page it is asked on."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

INDEX: Final = Path("search", "search_index.json")
BASE: Final = re.compile(r'"base": "\.\.(?:/([^"]*))?"')
"""Where a page tells the theme's script where the site begins, if that is above it."""
TITLE: Final = 10.0
"""How much more a word of a title counts than one of a text: the theme's 1000 hides all texts."""
WEIGHTS: Final = {
    "guides/backend/": 0.5,
    "guides/bulk/": 4.0,
    "guides/describing/": 1.0,
    "guides/": 3.0,
    "reference/settings/": 3.0,
    "reference/testing/": 3.0,
    "reference/options/": 2.0,
    "migration/": 0.2,
    "changelog/": 0.2,
    "contributing/": 0.2,
}
"""How much pages count, by their place, of which the first one that fits: guides come before what
they rest on, what every worker needs before what few do."""
MEMBER: Final = "#asyncworker."
MEMBER_WEIGHT: Final = 0.3
"""How much one name of the code counts, among hundreds."""


def split_index(site: Path, language: str) -> None:
    """Move what the index has of one language into an index of its own, in that one's folder.

    Weigh what they hold, so that what readers look for comes first.
    """
    index = json.loads((site / INDEX).read_text())
    prefix = f"{language}/"
    others = [one for one in index["docs"] if not one["location"].startswith(prefix)]
    own = [
        one | {"location": one["location"].removeprefix(prefix)}
        for one in index["docs"]
        if one not in others
    ]
    stems = {"en": others, language.partition("-")[0]: own}
    for (stem, docs), folder in zip(stems.items(), (site, site / language), strict=True):
        fields = index["config"]["fields"] | {"title": {"boost": TITLE}}
        config = index["config"] | {"lang": [stem], "fields": fields}
        weighed = [one | {"boost": _weight(one["location"])} for one in docs]
        (folder / INDEX).parent.mkdir(exist_ok=True)
        (folder / INDEX).write_text(json.dumps(index | {"config": config, "docs": weighed}))


def rebased(html: str) -> str:
    """Return a page that takes the folder of its language for the site, one folder below it."""
    return BASE.sub(lambda base: f'"base": "{base[1] or "."}"', html, count=1)


def _weight(location: str) -> float:
    if MEMBER in location:
        return MEMBER_WEIGHT
    weights = (weight for place, weight in WEIGHTS.items() if location.startswith(place))
    return next(weights, 1.0)
