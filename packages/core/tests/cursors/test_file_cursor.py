"""A place in a file."""

import pytest

from asyncworker import FileCursor
from asyncworker.errors import ConfigurationError


@pytest.mark.parametrize("place", [0, 2**62, "", 'é\n"x'])
async def test_keeps_a_place(tmp_path, place):
    path = tmp_path / "place"
    assert await FileCursor(path).load() is None
    await FileCursor(path).save(1)
    await FileCursor(str(path)).save(place)
    assert await FileCursor(path).load() == place
    assert [one.name for one in tmp_path.iterdir()] == ["place"]


@pytest.mark.parametrize("text", ["", "{", "[1]", "true", "1.5", "null"])
async def test_what_is_no_place_is_an_error(tmp_path, text):
    path = tmp_path / "place"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"holds no place|Expecting"):
        await FileCursor(path).load()


async def test_a_folder_that_is_not_there_is_told_before_anything_is_read(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        await FileCursor(tmp_path / "none" / "place").load()


@pytest.mark.parametrize("path", ["", None, 1])
def test_wants_a_path(path):
    with pytest.raises(ConfigurationError, match="path must be that of a file"):
        FileCursor(path)
