"""Addresses that nothing can have: no host is called so, and no static file."""

from __future__ import annotations

import errno
import re
from functools import lru_cache
from typing import Final

from aiohttp import web

HOST: Final = re.compile(
    r"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{0,5}))?"
)
"""What the header Host may hold (RFC 9110, 7.2; RFC 3986, 3.2.2)."""
MAX_PORT: Final = 65535


@lru_cache(maxsize=64)
def is_host(text: str) -> bool:
    """Tell whether a host can be called so; clients ask for few of them again and again."""
    found = HOST.fullmatch(text)
    return found is not None and int(found["port"] or 0) <= MAX_PORT


def is_no_file(error: BaseException | None, request: web.BaseRequest) -> bool:
    """Tell whether a static file was asked for whose name is too long for any file."""
    if not isinstance(error, OSError) or error.errno != errno.ENAMETOOLONG:
        return False
    route = request.match_info.route if isinstance(request, web.Request) else None
    return route is not None and isinstance(route.resource, web.StaticResource)
