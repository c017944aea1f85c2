"""SSEEvent: what a handler is given."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import Any, Final, Generic, cast

from pydantic_core import from_json

from asyncworker.sse.address import shown
from asyncworker.sse.errors import NotJSON

if sys.version_info >= (3, 13):
    from typing import TypeVar
else:
    from typing_extensions import TypeVar

Body = TypeVar("Body", default=Any)

UNDECODED: Final = object()


@dataclass(slots=True, eq=False)
class SSEEvent(Generic[Body]):
    """Hold one event. `SSEEvent[Order]` has a body of that type.

    name: its type, "message" when the stream names none. data: its text. id: the last event id of
    the stream, "" when it has none. route: the route it came by, as the app declares it.
    """

    name: str
    data: str
    id: str = ""
    route: str = ""
    _body: Any = field(default=UNDECODED, init=False, repr=False)

    @property
    def body(self) -> Body:
        """Return the JSON value of `data`, decoded once.

        Raises: NotJSON
        """
        if self._body is UNDECODED:
            self._body = self._decode()
        return cast("Body", self._body)

    @body.setter
    def body(self, body: Body) -> None:
        self._body = body

    def _decode(self) -> Any:
        try:
            return from_json(self.data)
        except ValueError:
            # The slower decoder takes some valid JSON that the fast one refuses: deep nesting and
            # lone surrogates.
            try:
                return json.loads(self.data)
            except (ValueError, RecursionError) as error:
                raise NotJSON(
                    f"event {self.name!r} (id {self.id!r}, route {shown(self.route)!r}) "
                    f"has data that is no JSON: {error}"
                ) from None
