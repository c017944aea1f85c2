"""Reads that wait for a batch, on real sockets."""

import asyncio
import socket
import sys
from contextlib import asynccontextmanager

import pytest

from asyncworker.rabbitmq.wire.coalescing import FEW, MOST, WAIT, Coalescing

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux waits for bytes")

SIZE = 300
"""Bytes of a message."""


class Reads(asyncio.Protocol):
    """Reads, and tells how much came each time."""

    def __init__(self):
        self.taken = asyncio.Queue()
        self.is_over = asyncio.Event()

    def data_received(self, data):
        self.taken.put_nowait(len(data))

    def connection_lost(self, _):
        self.is_over.set()

    async def total(self, least):
        """Return what came, once it is so much."""
        reads = []
        async with asyncio.timeout(30):
            while sum(reads) < least:
                reads.append(await self.taken.get())
        return reads


class Loop:
    """The running loop, but for its clock, which is set by hand."""

    def __init__(self):
        self.now = 0.0
        self.call_later = asyncio.get_running_loop().call_later

    def time(self):
        return self.now


@asynccontextmanager
async def connected(clock=None):
    """Offer a coalescing, what it reads, and a socket to write to it."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as server:
        transport, reads = await loop.create_connection(Reads, *server.getsockname())
        other, _ = server.accept()
        with other:
            coalescing = Coalescing.of(transport, clock or Loop())
            assert coalescing is not None
            yield coalescing, reads, other, transport
            transport.close()
            await reads.is_over.wait()


def least(transport):
    return transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)


def come_fast(coalescing, wanted, size=SIZE):
    """Note messages that came at once, of which so many more are wanted."""
    coalescing.read(size, 1, wanted)
    coalescing.read(100 * size, 100, wanted)


async def test_waits_for_what_a_batch_wants():
    async with connected() as (coalescing, _, _, transport):
        come_fast(coalescing, 20)
        assert least(transport) == 20 * SIZE


async def test_waits_for_no_more_than_comes_soon():
    async with connected() as (coalescing, _, _, transport):
        come_fast(coalescing, 10**9)
        assert 1 < least(transport) <= MOST


async def test_is_woken_once_for_all_that_it_waits_for():
    async with connected() as (coalescing, reads, other, _):
        come_fast(coalescing, 20)
        for _ in range(10):
            other.sendall(bytes(2 * SIZE))
        assert await reads.total(20 * SIZE) == [20 * SIZE]


async def test_reads_what_is_there_when_nothing_more_comes():
    async with connected() as (coalescing, reads, other, transport):
        come_fast(coalescing, 20)
        other.sendall(b"few")
        assert await reads.total(3) == [3]
        assert least(transport) == 1


async def test_waits_on_while_they_come():
    clock = Loop()
    async with connected(clock) as (coalescing, _, _, transport):
        come_fast(coalescing, 20)
        clock.now += 0.001
        coalescing.read(100 * SIZE, 100, 20)
        coalescing._look()
        assert least(transport) == 20 * SIZE
        coalescing._look()
        assert least(transport) == 1


@pytest.mark.parametrize("wanted", [1, FEW])
async def test_waits_for_no_few_messages(wanted):
    async with connected() as (coalescing, _, _, transport):
        come_fast(coalescing, wanted)
        assert least(transport) == 1


async def test_waits_no_more_when_the_next_one_is_of_use():
    async with connected() as (coalescing, _, _, transport):
        come_fast(coalescing, 20)
        come_fast(coalescing, 1)
        assert least(transport) == 1


async def test_waits_for_as_many_as_come_within_its_time():
    clock = Loop()
    async with connected(clock) as (coalescing, _, _, transport):
        for _ in range(2):
            clock.now += 2 * WAIT
            coalescing.read(20 * SIZE, 20, 100)
        assert least(transport) == 10 * SIZE


async def test_does_not_wait_where_messages_come_slowly():
    clock = Loop()
    async with connected(clock) as (coalescing, _, _, transport):
        for _ in range(2):
            clock.now += WAIT
            coalescing.read(FEW * SIZE, FEW, 100)
        assert least(transport) == 1


async def test_sees_the_end_of_a_connection_at_once():
    async with connected() as (coalescing, reads, other, _):
        come_fast(coalescing, 20)
        other.close()
        async with asyncio.timeout(30):
            await reads.is_over.wait()


async def test_a_closed_socket_is_no_error():
    async with connected() as (coalescing, reads, _, transport):
        come_fast(coalescing, 20)
        transport.abort()
        await reads.is_over.wait()
        come_fast(coalescing, 30)
        come_fast(coalescing, 1)


async def test_there_is_none_without_a_socket():
    assert Coalescing.of(asyncio.Transport(), asyncio.get_running_loop()) is None
