"""The processes of one parent, which tell each other how they do.

Whichever of them a client reaches asks the others, each by a Unix socket in a folder of the parent
that nobody else may enter: a question is a line, its answer a line with a size and so many bytes.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from asyncworker.errors import AsyncWorkerError
from asyncworker.handling.redaction import brief

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

T = TypeVar("T")

log = logging.getLogger(__name__)

LONGEST: Final = 64
"""The most bytes of a question, and of a size."""
GRACE: Final = 5.0
"""Seconds that whoever asks has for a question, and to take its answer."""
LONGEST_FOLDER: Final = 90
"""Bytes of a folder's path, in which every system takes a socket's."""
AWAY: Final = "is not there now"


@contextmanager
def shared_folder() -> Iterator[str]:
    """Make a folder that nobody else may enter, as long as the context lasts.

    Yield "" where that cannot be: not every app is monitored.
    """
    # Here, as it takes memory that processes need not have, but their parent alone.
    from tempfile import TemporaryDirectory

    with ExitStack() as stack:
        folder = ""
        with suppress(OSError):
            folder = stack.enter_context(
                TemporaryDirectory(prefix="asyncworker-", ignore_cleanup_errors=True)
            )
        yield folder if len(os.fsencode(folder)) <= LONGEST_FOLDER else ""


@dataclass(frozen=True, slots=True)
class Heard:
    """Hold what processes answered, by their numbers, and why others did not."""

    answers: dict[str, bytes] = field(default_factory=dict)
    silent: dict[str, str] = field(default_factory=dict)


class Siblings:
    """Ask the other processes of the same parent, and answer them.

    number: of this one, from 1; one that takes the place of another has the same. count: of all.
    folder: of their sockets, "" when there is none.
    """

    def __init__(self, number: int, count: int, folder: str) -> None:
        self.number = number
        self._count = count
        self._folder = folder

    @asynccontextmanager
    async def answering(self, answer: Callable[[Any], bytes]) -> AsyncIterator[None]:
        """Answer questions while the context lasts.

        Raises: AsyncWorkerError
        """
        if not self._folder:
            raise AsyncWorkerError(
                "processes that are monitored together need a folder for their sockets: set TMPDIR "
                "to one that can be written to and has a short name"
            )

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with closing(writer), suppress(OSError, TimeoutError):
                async with asyncio.timeout(GRACE):
                    await _answer(answer, reader, writer)

        server = await asyncio.start_unix_server(take, self._path(self.number), limit=LONGEST)
        async with server:
            yield

    async def ask(self, question: str, own: bytes, limit: float) -> Heard:
        """Return what all answer, this one as `own`.

        limit: seconds that each of the others has.
        """
        heard = Heard({str(self.number): own})
        async with asyncio.TaskGroup() as group:
            for number in range(1, self._count + 1):
                if number != self.number:
                    group.create_task(self._ask(number, question, limit, heard))
        return Heard(_in_order(heard.answers), _in_order(heard.silent))

    async def _ask(self, number: int, question: str, limit: float, heard: Heard) -> None:
        try:
            async with asyncio.timeout(limit):
                heard.answers[str(number)] = await self._answer_of(number, question)
        except TimeoutError:
            heard.silent[str(number)] = f"does not answer within {limit:g} s"
        except (OSError, EOFError, ValueError):
            # It has ended, or is about to take the place of one that has.
            heard.silent[str(number)] = AWAY

    async def _answer_of(self, number: int, question: str) -> bytes:
        reader, writer = await asyncio.open_unix_connection(self._path(number), limit=LONGEST)
        with closing(writer):
            writer.write(f"{question}\n".encode())
            size = int(await reader.readline())
            return await reader.readexactly(size)

    def _path(self, number: int) -> str:
        return str(Path(self._folder, str(number)))


def _in_order(by_number: dict[str, T]) -> dict[str, T]:
    return {number: by_number[number] for number in sorted(by_number, key=int)}


async def _answer(
    answer: Callable[[Any], bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    question = (await reader.readline()).decode().strip()
    try:
        said = answer(question)
    except Exception as error:  # noqa: BLE001 (users' collectors may raise anything)
        log.error("cannot tell of %s: %s", question, brief(error))  # noqa: TRY400 (its words suffice)
        return
    writer.write(b"%d\n%b" % (len(said), said))
    await writer.drain()
