"""Bodies that nobody should send, from a seeded generator, each in a request of its own."""

import gzip
import json
import random
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import brotli

from tests.faults.clients import CLOSE, request

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TARGETS = (
    ("POST", "/documents"),
    ("POST", "/models?limit=1.5"),
    ("PUT", "/models/7"),
    ("PATCH", "/numbers"),
    ("DELETE", "/models"),
    ("POST", "/ignored"),
    ("POST", "/raw"),
    ("GET", "/search?word=a&word=b&color=red&day=2026-11-28"),
    ("POST", "/nowhere"),
)
TYPES = (
    "application/json",
    "application/json; charset=utf-16",
    "application/json; charset=none-such",
    "application/problem+json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "text/plain",
    "/",
    "",
    "\xff",
    None,
)
CODINGS = {
    None: lambda body: body,
    "identity": lambda body: body,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda body: brotli.compress(body, quality=1),
    "zstd": zstd.compress,
    "gzip, br": gzip.compress,
    "compress": lambda body: body,
    "none-such": lambda body: body,
}
MEGABYTE = 1024**2
SCALARS = (
    *("null", "true", "-0", "1e999", "-1e-999", "9" * 5000, "NaN", "Infinity", '"\\ud800"'),
    *('"\\u0000"', '""', f'"{"x" * 100_000}"', "[]", "{}", "0.1", '"2026-11-28"'),
)


@dataclass(frozen=True)
class Hostile:
    """A request. is_cut: whether it ends before its body does."""

    data: bytes
    is_cut: bool


def hostile_requests(seed: int, count: int) -> Iterator[Hostile]:
    """Yield as many requests; a seed yields the same ones each time."""
    chance = random.Random(seed)
    for _ in range(count):
        yield _request(chance)


def _request(chance: random.Random) -> Hostile:
    method, target = chance.choice(TARGETS)
    coding = chance.choice(list(CODINGS))
    body = CODINGS[coding](_content(chance))
    if chance.random() < 0.2:
        body = _damaged(chance, body)
    kind = chance.choice(TYPES)
    headers = [CLOSE]
    headers += [] if kind is None else [f"Content-Type: {kind}"]
    headers += [] if coding is None else [f"Content-Encoding: {coding}"]
    is_cut = chance.random() < 0.1 and len(body) > 1
    if chance.random() < 0.3:
        headers.append("Transfer-Encoding: chunked")
        body = _chunked(chance, body)
    else:
        headers.append(f"Content-Length: {len(body)}")
    sent = body[: len(body) // 2] if is_cut else body
    return Hostile(request(target, *headers, method=method, body=sent), is_cut)


def _content(chance: random.Random) -> bytes:
    return chance.choice((_value, _value, _nested, _many, _noise, _large))(chance)


def _value(chance: random.Random, depth: int = 0) -> bytes:
    """JSON, much of it valid."""
    kind = chance.randrange(4) if depth < 4 else 0
    inner = [_value(chance, depth + 1) for _ in range(chance.randrange(4))] if kind else []
    if kind == 1:
        return b"[%s]" % b",".join(inner)
    if kind == 2:
        names = ("number", "names", "inner", "x" * 300, "\x00", "__proto__")
        pairs = [json.dumps(chance.choice(names)).encode() + b":" + each for each in inner]
        return b"{%s}" % b",".join(pairs)
    return chance.choice(SCALARS).encode()


def _nested(chance: random.Random) -> bytes:
    depth = chance.choice((100, 1000, 100_000))
    opening, closing = chance.choice(((b"[", b"]"), (b'{"inner":', b"}")))
    return opening * depth + b"1" + closing * depth * chance.randrange(2)


def _many(chance: random.Random) -> bytes:
    """Problems without end, as far as the limit goes."""
    each = chance.choice((b"{}", b"null", b'{"number":"x"}', b'"x"'))
    return b"[%s]" % b",".join([each] * (MEGABYTE // (len(each) + 1) - 1))


def _noise(chance: random.Random) -> bytes:
    return chance.randbytes(chance.choice((0, 1, 2, 100, 10_000)))


def _large(chance: random.Random) -> bytes:
    """More than the limit, at once or when it is inflated."""
    return chance.choice((b" ", b"[", b"\x00")) * chance.choice((MEGABYTE + 1, 20 * MEGABYTE))


def _damaged(chance: random.Random, body: bytes) -> bytes:
    at = chance.randrange(len(body) + 1)
    return body[:at] + chance.randbytes(chance.randrange(4)) + body[at + chance.randrange(4) :]


def _chunked(chance: random.Random, body: bytes) -> bytes:
    size = chance.choice((1000, 65_536, MEGABYTE))
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (*pieces, b""))
