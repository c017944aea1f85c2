"""Models of pydantic, told without importing it, which is slow and large."""

from __future__ import annotations

import sys


def is_model(one: type) -> bool:
    """Tell whether a class is a model: where nothing has imported pydantic, none is."""
    library = sys.modules.get("pydantic.main")
    return library is not None and issubclass(one, library.BaseModel)
