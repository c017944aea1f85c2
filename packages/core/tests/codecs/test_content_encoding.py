"""Content encodings, undone within a bound."""

import gzip
import sys
import tracemalloc
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from asyncworker.codecs import content_encoding
from asyncworker.codecs.content_encoding import undone
from asyncworker.errors import Invalid

LIMIT = 100_000


def raw_deflate(body):
    made = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return made.compress(body) + made.flush()


ENCODERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
    "zstd": zstandard.compress,
}


@pytest.fixture(params=["backports.zstd", "zstandard"])
def library(request, monkeypatch):
    """Each library that has zstd, as if it were the only one."""
    if request.param == "zstandard":
        monkeypatch.setitem(sys.modules, "compression.zstd", None)
        monkeypatch.setitem(sys.modules, "backports.zstd", None)
    content_encoding._zstd.cache_clear()
    yield request.param
    content_encoding._zstd.cache_clear()


@given(st.binary(), st.sampled_from(sorted(ENCODERS)))
def test_what_was_encoded_is_the_same_again(body, name):
    assert undone(ENCODERS[name](body), name, LIMIT) == body


@given(st.binary(), st.lists(st.sampled_from(sorted(ENCODERS)), max_size=3))
def test_encodings_upon_each_other_are_undone_from_the_last(body, names):
    encoded = body
    for name in names:
        encoded = ENCODERS[name](encoded)
    assert undone(encoded, ", ".join(names), LIMIT) == body


@given(st.binary(), st.sampled_from(sorted(ENCODERS)))
def test_whatever_comes_is_undone_or_invalid(body, name):
    try:
        undone(body, name, LIMIT)
    except Invalid:
        return


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_as_much_as_the_limit_is_undone_and_no_more(name):
    assert undone(ENCODERS[name](bytes(LIMIT)), name, LIMIT) == bytes(LIMIT)
    reason = f"^body comes to more than {LIMIT} bytes when {name.lower()} is undone$"
    with pytest.raises(Invalid, match=reason):
        undone(ENCODERS[name](bytes(LIMIT + 1)), name, LIMIT)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_a_bomb_takes_no_more_memory_than_the_limit(name, bombs):
    tracemalloc.start()
    try:
        with pytest.raises(Invalid, match=r"^body comes to more than"):
            undone(bombs[name], name, 2**20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**23


@pytest.fixture(scope="module")
def bombs():
    """A gigabyte of zeros, encoded."""
    makers = {
        "gzip": zlib.compressobj(level=1, wbits=31),
        "zstd": zstandard.ZstdCompressor().compressobj(),
    }
    zeros = bytes(2**20)
    return {
        name: b"".join([*(made.compress(zeros) for _ in range(2**10)), made.flush()])
        for name, made in makers.items()
    }


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_parts_follow_each_other_but_not_without_end(name):
    part = ENCODERS[name](b"abc")
    assert undone(part * 1000, name, LIMIT) == b"abc" * 1000
    with pytest.raises(Invalid, match=rf"^body has more than 1000 parts of {name}$"):
        undone(part * 1001, name, LIMIT)


def test_padding_after_a_gzip_is_none_of_it():
    assert undone(gzip.compress(b"a") + bytes(200_000), "gzip", LIMIT) == b"a"


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_what_ends_too_early_is_invalid(name):
    encoded = ENCODERS[name](b"abc" * 99)
    for end in (0, 1, len(encoded) - 1):
        with pytest.raises(Invalid, match=rf"^body is no (whole )?{name.lower()}: "):
            undone(encoded[:end], name, LIMIT)


@pytest.mark.parametrize(
    "none", ["", "identity", "binary", "8bit", "utf-8", "UTF-8", "iso-8859-1", " , ,"]
)
def test_what_some_publishers_write_for_no_encoding_is_none(none):
    assert undone(b"as it is", none, LIMIT) == b"as it is"


@pytest.mark.parametrize("unknown", ["br", "gzip, br", "é", "hex", "idna"])
def test_says_which_encoding_is_unknown(unknown):
    name = unknown.rpartition(" ")[2]
    reason = f"^content encoding {name!r} is unknown: gzip, deflate and zstd are undone$"
    with pytest.raises(Invalid, match=reason):
        undone(b"secret", unknown, LIMIT)


def test_more_than_three_are_too_many():
    with pytest.raises(
        Invalid, match=r"^content encodings are more than 3: 'gzip,gzip,gzip,gzip'$"
    ):
        undone(b"", "gzip,gzip,gzip,gzip", LIMIT)


def test_says_what_to_install_where_nothing_knows_zstd(monkeypatch):
    for name in ("compression.zstd", "backports.zstd", "zstandard"):
        monkeypatch.setitem(sys.modules, name, None)
    content_encoding._zstd.cache_clear()
    try:
        with pytest.raises(
            Invalid, match=r"needs a library: pip install 'asyncworker-core\[zstd\]"
        ):
            undone(b"", "zstd", LIMIT)
    finally:
        content_encoding._zstd.cache_clear()
