"""What is wrong on a page, told without the machinery that found it."""

import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.docs.blocks import ROOT, Wrong


@contextmanager
def reported() -> Iterator[None]:
    """Fail with what is wrong, and how the page's code came to raise."""
    try:
        yield
    except Wrong as wrong:
        failure = f"{wrong}\n{_trace(wrong.__cause__)}"
        raise pytest.fail.Exception(failure, pytrace=False) from None


def _trace(error: BaseException | None) -> str:
    if error is None:
        return ""
    frames = traceback.extract_tb(error.__traceback__)
    machinery = (sysconfig.get_path("stdlib"), str(ROOT / "tests"), "<frozen")
    kept = [frame for frame in frames if not frame.filename.startswith(machinery)]
    return _trace(error.__cause__) + "".join(traceback.format_list(kept))
