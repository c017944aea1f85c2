"""Tracebacks begin where users' code does."""

import asyncio
import traceback

from asyncworker import App
from asyncworker.errors import HandlerTimeout
from asyncworker.handling.time_limit import limited
from asyncworker.handling.user_errors import caused_by_users, raised_by_users
from asyncworker.routes import check_names


async def raised_by(handler):
    """What a handler raises, called by nobody but what it is wrapped in."""
    task = asyncio.ensure_future(handler())
    await asyncio.wait([task])
    return task.exception()


async def test_a_handler_with_a_limit_is_shown_without_it():
    async def handler():
        raise ValueError("no")

    error = await raised_by(limited(handler, 5))
    kind, raised, trace = raised_by_users(error)
    assert (kind, raised) == (ValueError, error)
    assert trace.tb_frame.f_code is handler.__code__


async def test_a_handler_that_took_too_long_is_shown_where_it_was():
    async def handler():
        await asyncio.sleep(5)

    error = await raised_by(limited(handler, 0.01))
    assert isinstance(error, HandlerTimeout)
    lines = "".join(traceback.format_exception(*raised_by_users(error))).splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert __file__ in lines[1]
    assert "time_limit.py" not in str(lines)
    assert lines[-1].startswith("asyncworker.errors.HandlerTimeout: it took longer")


def test_what_users_call_of_ours_is_shown_too():
    try:
        check_names([""])
    except ValueError as error:
        frames = traceback.extract_tb(raised_by_users(error)[2])
    assert frames[0].filename == __file__
    assert frames[-1].name == "check_names"


def test_a_mistake_of_ours_is_shown_whole():
    try:
        App().connections[""]
    except KeyError as error:
        ours = error.with_traceback(error.__traceback__.tb_next)
    assert raised_by_users(ours)[2] is ours.__traceback__


def test_a_cause_is_shown_the_same_way():
    error, cause = ValueError(), OSError("refused")
    assert caused_by_users(error) is None
    error.__cause__ = cause
    assert caused_by_users(error) == (OSError, cause, None)
