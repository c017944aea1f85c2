"""Keys: what items are told apart by, where a user's function tells it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from asyncworker.errors import Invalid
from asyncworker.handling.redaction import brief

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Iterator

T = TypeVar("T")


class Keys(Generic[T]):
    """Tell the keys of items.

    key_of: tells it, or raises. option: which one says so. refuse: takes what has no key for that.
    """

    def __init__(
        self,
        key_of: Callable[[T], Hashable],
        option: str,
        refuse: Callable[[T, Invalid], None],
    ) -> None:
        self._key_of = key_of
        self._option = option
        self._refuse = refuse

    def pairs(self, items: Iterable[T]) -> Iterator[tuple[Hashable, T]]:
        """Yield each item behind its key, but for those that are refused."""
        key_of = self._key_of
        for item in items:
            try:
                key = key_of(item)
                hash(key)
            except BaseException as error:  # noqa: BLE001
                # Users' code: even its SystemExit must stop nothing.
                self._refuse_for(error, item)
            else:
                yield key, item

    def distinct(self, items: list[T]) -> tuple[list[T], Collection[Hashable]]:
        """Return items without those that are refused, and their keys, each once; None is none."""
        if len(items) == 1:
            # The hot path: the general way takes twice as long.
            try:
                key = self._key_of(items[0])
                hash(key)
            except BaseException as error:  # noqa: BLE001
                self._refuse_for(error, items[0])
                return [], ()
            return items, () if key is None else (key,)
        pairs = list(self.pairs(items))
        kept = items if len(pairs) == len(items) else [item for _, item in pairs]
        return kept, dict.fromkeys(key for key, _ in pairs if key is not None)

    def known(self, items: list[T]) -> set[Hashable]:
        """Return the keys of items that were not refused before."""
        found: set[Hashable] = set()
        for item in items:
            with suppress(BaseException):
                found.add(self._key_of(item))
        found.discard(None)
        return found

    def _refuse_for(self, error: BaseException, item: T) -> None:
        self._refuse(item, Invalid(f"key cannot be told by {self._option}: {brief(error)}"))
