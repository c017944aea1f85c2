"""Use the public API as a type checker sees it; read by test_typing.py, never run."""

from typing import TYPE_CHECKING, Any, assert_type

from asyncworker.utils import Timeit

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


async def log(**keywords: object) -> None: ...


async def older_log(
    name: str,
    time_delta: float,
    exc_type: type[BaseException] | None = None,
    exc_val: BaseException | None = None,
    exc_tb: object = None,
    dog: str | None = None,
) -> None: ...


def count(transactions: dict[str, float]) -> int:
    return len(transactions)


@Timeit(name="work", callback=log)
async def work(a: int, *, b: str = "b") -> bytes:
    return b.encode() * a


@Timeit(name="plain", callback=count)
def plain(a: int, *, b: str = "b") -> bytes:
    return b""


class Worker:
    @Timeit(name="method", callback=older_log, dog="Xablau")
    async def method(self, a: int) -> str:
        return str(a)


async def decorated_functions_keep_their_signatures() -> None:
    assert_type(await work(1, b="b"), bytes)
    assert_type(plain(1, b="b"), bytes)
    assert_type(await Worker().method(1), str)
    handler: Callable[[int], Coroutine[Any, Any, bytes]] = work
    await handler(1)


async def wrong_calls_are_seen() -> None:
    await work("1")  # type: ignore[arg-type]
    await work(1, c="c")  # type: ignore[call-arg]
    plain()  # type: ignore[call-arg]
    plain(1, b=2)  # type: ignore[arg-type]
    await Worker().method("1")  # type: ignore[arg-type]


async def blocks_and_transactions_are_timeits() -> None:
    async with Timeit(name="a", callback=log) as timeit:
        assert_type(timeit, Timeit)
        async with timeit(name="b") as b:
            assert_type(b, Timeit)
        with timeit(name="c") as c:
            assert_type(c, Timeit)

        @timeit(name="d")
        async def part(a: int) -> str:
            return str(a)

        assert_type(await part(1), str)
    assert_type(timeit.transactions, dict[str, float])


def a_plain_block_swallows_no_exception() -> float:
    # If it could, the type checker would miss a return here.
    with Timeit(name="a"):
        return 1.0


async def an_async_block_swallows_no_exception() -> float:
    async with Timeit(name="a"):
        return 1.0


Timeit()  # type: ignore[call-arg]
Timeit(name=1)  # type: ignore[arg-type]
Timeit(name="a", callback="log")  # type: ignore[arg-type]
Timeit(name="a")(1)  # type: ignore[call-overload]
Timeit(name="a")(name=1)  # type: ignore[call-overload]
