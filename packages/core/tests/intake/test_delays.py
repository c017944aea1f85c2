"""The clock of a route."""

from asyncworker.intake.delays import Delays


async def test_what_is_due_is_called_as_time_passes(clock):
    delays, called = Delays(), []
    delays.later(2, lambda: called.append("late"))
    delays.later(1, lambda: called.append("soon"))
    never = delays.later(1, lambda: called.append("never"))
    never.cancel()
    await clock.advance(1.5)
    assert called == ["soon"]
    await clock.advance(1)
    assert called == ["soon", "late"]


async def test_a_test_turns_it(still_clock):
    delays, called = Delays(), []
    begin = delays.time()

    def again():
        called.append(delays.time() - begin)
        if len(called) < 3:
            delays.later(10, again)

    delays.later(10, again)
    delays.later(100, lambda: called.append("far"))
    delays.advance(25)
    assert called == [10, 20]
    assert delays.time() - begin == 25
    delays.advance(75)
    assert called == [10, 20, 30, "far"]


async def test_after_that_it_goes_on_as_ever(clock):
    delays, called = Delays(), []
    delays.later(100, lambda: called.append("far"))
    delays.advance(99)
    assert called == []
    await clock.advance(1.5)
    assert called == ["far"]
