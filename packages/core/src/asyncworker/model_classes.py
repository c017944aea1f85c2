"""Models of pydantic, told without importing it, which is slow and large."""

from __future__ import annotations

import sys


def is_model(one: type) -> bool:
    """Tell whether a class is a model: where nothing has imported pydantic, none is."""
    # Another thread may be just about to import it.
    base = getattr(sys.modules.get("pydantic.main"), "BaseModel", None)
    return base is not None and issubclass(one, base)
