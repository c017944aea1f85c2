import asyncio
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncworker import App
from asyncworker.errors import ConfigurationError
from asyncworker.schedules.cron import Cron
from packages.core.tests.waiting import turns

BERLIN = ZoneInfo("Europe/Berlin")
SPRING = "2024-03-31"
"""At 02:00 the clocks in Berlin go to 03:00."""
AUTUMN = "2024-10-27"
"""At 03:00 the clocks in Berlin go back to 02:00."""


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def matches(cron, after):
    while (after := cron.next(after)) is not None:
        yield after


def of_day(expression, day, zone="Europe/Berlin"):
    """Return the matches of a day in Berlin, as they are on its clocks."""
    cron = Cron.parse(expression, zone)
    midnight = datetime.fromisoformat(day).replace(tzinfo=BERLIN)
    local = []
    for match in matches(cron, midnight.astimezone(UTC) - timedelta(seconds=1)):
        on_the_wall = match.astimezone(BERLIN)
        if on_the_wall.date() > midnight.date():
            return local
        local.append(on_the_wall.strftime("%H:%M%z"))
    return local


# Matches


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("*/20 * * * *", ["2024-05-01 12:20", "2024-05-01 12:40", "2024-05-01 13:00"]),
        ("30 2 * * *", ["2024-05-02 02:30", "2024-05-03 02:30", "2024-05-04 02:30"]),
        ("0 9 * * MON-FRI", ["2024-05-02 09:00", "2024-05-03 09:00", "2024-05-06 09:00"]),
        ("0 0 L * *", ["2024-05-31 00:00", "2024-06-30 00:00", "2024-07-31 00:00"]),
        ("0 0 29 2 *", ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"]),
        ("*/30 * * * * *", ["2024-05-01 12:00:30", "2024-05-01 12:01", "2024-05-01 12:01:30"]),
    ],
)
def test_the_matches_of_an_expression(expression, expected):
    cron = Cron.parse(expression, "UTC")
    found = islice(matches(cron, utc("2024-05-01 12:00")), 3)
    assert list(found) == [utc(each) for each in expected]


def test_a_match_is_later_than_the_moment_itself():
    cron = Cron.parse("0 * * * *", "UTC")
    noon = utc("2024-05-01 12:00")
    assert cron.next(noon) == utc("2024-05-01 13:00")
    assert cron.next(noon - timedelta(microseconds=1)) == noon


@pytest.mark.parametrize("zone", ["America/Sao_Paulo", timezone(timedelta(hours=-3))])
def test_the_time_zone_is_a_name_or_an_object(zone):
    cron = Cron.parse("0 9 * * *", zone)
    assert cron.next(utc("2024-05-01 00:00")) == utc("2024-05-01 12:00")


# Summer time


@pytest.mark.parametrize(
    ("expression", "spring", "autumn"),
    [
        # At a time of day: once on each day.
        ("30 2 * * *", ["03:00+0200"], ["02:30+0200"]),
        ("0,30 2 * * *", ["03:00+0200"], ["02:00+0200", "02:30+0200"]),
        ("0 3 * * *", ["03:00+0200"], ["03:00+0100"]),
        ("30 1 * * *", ["01:30+0100"], ["01:30+0200"]),
        # Every so often: at the same distance as ever.
        ("0 * * * *", 23, 25),
        ("*/15 * * * *", 23 * 4, 25 * 4),
        ("*/30 2 * * *", [], ["02:00+0200", "02:30+0200", "02:00+0100", "02:30+0100"]),
    ],
)
def test_the_days_on_which_the_clocks_change(expression, spring, autumn):
    for day, expected in ((SPRING, spring), (AUTUMN, autumn)):
        found = of_day(expression, day)
        assert expected == (len(found) if isinstance(expected, int) else found)


def test_utc_knows_no_summer_time():
    assert of_day("0 1 * * *", SPRING, zone="UTC") == ["03:00+0200"]
    assert of_day("0 1 * * *", AUTUMN, zone="UTC") == ["02:00+0100"]


@pytest.mark.parametrize("minute", [0, 15, 29, 31, 45])
def test_an_app_that_starts_in_the_repeated_hour_repeats_nothing(minute):
    cron = Cron.parse("30 2 * * *", "Europe/Berlin")
    second_time = utc(f"{AUTUMN} 01:{minute:02}")
    assert second_time.astimezone(BERLIN).fold == 1
    assert cron.next(second_time) == utc("2024-10-28 01:30")


@given(
    st.sampled_from(["* * * * *", "*/7 */3 * * *", "30 2 * * *", "0,30 0-3 * * *", "5 0 * * SUN"]),
    st.sampled_from(["Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "UTC"]),
    st.integers(0, 3 * 365 * 24 * 3600),
)
def test_time_goes_on_whatever_the_clocks_do(expression, zone, second):
    cron = Cron(expression, ZoneInfo(zone))
    after = utc("2017-01-01") + timedelta(seconds=second)
    for match in islice(matches(cron, after), 5):
        assert after < match < after + timedelta(days=8)
        assert match.second == match.microsecond == 0
        after = match


# Ticks


class Wall:
    """A clock on the wall, which goes as the loop's does, and may be set."""

    def __init__(self, start, clock):
        self._time = asyncio.get_running_loop().time
        self._clock = clock
        self._zero = self._time()
        self._start = start

    def __call__(self):
        return self._start + timedelta(seconds=round(self._time() - self._zero))

    def set(self, **step):
        self._start += timedelta(**step)

    async def go(self, **duration):
        """Let time pass, minute by minute."""
        for _ in range(int(timedelta(**duration).total_seconds()) // 60):
            await self._clock.advance(60)


@pytest.fixture
async def wall(clock, monkeypatch):
    wall = Wall(utc("2024-05-01 12:10"), clock)
    monkeypatch.setattr("asyncworker.schedules.cron._now", wall)
    return wall


@pytest.fixture
async def runs(wall):
    """When the job ran that runs every hour, in minutes on the wall."""
    app = App()
    runs = []

    @app.run_at("0 * * * *")
    async def job():
        runs.append(wall().strftime("%H:%M"))

    async with app.started():
        await turns()
        yield runs


async def test_a_job_runs_at_the_matches_and_not_at_the_start(wall, runs):
    assert runs == []
    await wall.go(hours=3)
    assert runs == ["13:00", "14:00", "15:00"]


async def test_a_job_that_raises_is_logged_with_its_expression_and_runs_again(wall, caplog):
    app = App()

    @app.run_at("0 * * * *", timezone="Europe/Berlin")
    async def job():
        raise ValueError

    async with app.started():
        await wall.go(hours=2)
    lines = [each for each in caplog.messages if "raised" in each]
    assert len(lines) == 2
    assert lines[0].endswith("job, at '0 * * * *' Europe/Berlin: raised ValueError()")


async def test_a_clock_that_is_set_forward_is_noticed_within_a_minute(wall, runs):
    wall.set(minutes=49)
    await wall.go(minutes=1)
    assert runs == ["13:00"]


async def test_a_clock_that_is_set_back_moves_what_is_to_come(wall, runs):
    wall.set(minutes=-5)
    await wall.go(minutes=54)
    assert runs == []
    await wall.go(minutes=1)
    assert runs == ["13:00"]


async def test_a_clock_that_is_set_back_repeats_nothing(wall, runs):
    await wall.go(hours=2)
    assert runs == ["13:00", "14:00"]
    wall.set(hours=-2)
    await wall.go(minutes=170)
    assert runs == ["13:00", "14:00", "15:00"]


async def test_a_clock_that_jumps_over_several_matches_runs_the_job_once(wall, runs):
    wall.set(hours=2, minutes=30)
    await wall.go(minutes=1)
    assert runs == ["14:41"]
    await wall.go(minutes=19)
    assert runs == ["14:41", "15:00"]


@pytest.mark.parametrize("hours", [-5, 5, 24 * 365 * 50])
async def test_a_clock_that_was_altogether_wrong_counts_as_it_is_now(wall, runs, hours):
    await wall.go(hours=1)
    wall.set(hours=hours)
    await wall.go(minutes=49)
    assert runs == ["13:00"]
    await wall.go(minutes=1)
    assert len(runs) == 2
    assert runs[1].endswith(":00")


async def test_nobody_sleeps_longer_than_a_minute(wall, runs, monkeypatch):
    naps = []
    sleep = asyncio.sleep

    async def nap(seconds):
        naps.append(seconds)
        await sleep(seconds)

    monkeypatch.setattr("asyncworker.schedules.cron.asyncio.sleep", nap)
    await wall.go(minutes=50)
    assert max(naps) == 60


async def test_an_expression_that_matches_no_more_ends_quietly(wall, monkeypatch):
    app = App()
    app.run_at("0 * * * *")(_nothing)
    monkeypatch.setattr(Cron, "next", lambda *_: None)
    async with app.started():
        await wall.go(minutes=120)


async def _nothing(): ...


# What is wrong


@pytest.mark.parametrize(
    "expression",
    ["", "nonsense", "* * * *", "60 * * * *", "* * 0 * *", "@daily", "* * * * * * *", "9" * 5000],
)
def test_a_wrong_expression_is_one_line_that_shows_it(expression):
    with pytest.raises(ConfigurationError) as caught:
        App().run_at(expression)
    message = str(caught.value)
    assert message.startswith(f"the cron expression {expression!r} cannot be read (")
    assert message.endswith(
        "): write minute, hour, day of month, month, day of week, as '30 2 * * MON-FRI'"
    )
    assert "\n" not in message


@pytest.mark.parametrize("expression", [None, 5, b"* * * * *", ["* * * * *"]], ids=repr)
def test_what_is_no_text_is_an_error(expression):
    with pytest.raises(ConfigurationError) as caught:
        App().run_at(expression)
    assert str(caught.value) == (
        f"run_at() takes a cron expression, got {expression!r}: run_every() takes seconds"
    )


@pytest.mark.parametrize("expression", ["* * */20 * 1L", "0 0 30 2 *"])
def test_an_expression_that_never_matches_is_an_error(expression):
    with pytest.raises(ConfigurationError, match=r"never matches$|cannot be read"):
        App().run_at(expression)


@pytest.mark.parametrize(
    "zone", ["Mars/Olympus", "", "../etc/passwd", "Europe", "/etc", None, 5, b"UTC", ["UTC"]]
)
def test_an_unknown_time_zone_is_an_error_that_shows_it(zone):
    with pytest.raises(ConfigurationError) as caught:
        App().run_at("* * * * *", timezone=zone)
    assert str(caught.value) == (
        f"unknown time zone {zone!r}: write one as 'Europe/Berlin' "
        "(where the system has none: pip install tzdata)"
    )


def test_utc_needs_no_time_zones_to_be_installed(monkeypatch):
    def none(name):
        raise AssertionError(name)

    monkeypatch.setattr("asyncworker.schedules.cron.ZoneInfo", none)
    Cron.parse("* * * * *", "UTC")
