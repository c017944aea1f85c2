from dataclasses import FrozenInstanceError, field, replace
from enum import Enum
from typing import Annotated

import pytest
from pydantic import Field

from asyncworker.errors import ConfigurationError
from asyncworker.record import COUNT, Record, by, checked_field, one_of, optional


class Colour(Enum):
    RED = "red"


def even(value):
    if value % 2:
        raise ConfigurationError("must be even")
    return value


class Own(Record):
    """What we write: each field says by a schema what it takes."""

    count: int = checked_field(default=1, schema=COUNT)
    most: int | None = checked_field(default=None, schema=optional(COUNT))
    pair: int = checked_field(default=2, schema=by(even), shown=lambda value: f"{value}!")
    level: str = checked_field(default="low", schema=one_of("low", "high", case=str.lower))


class Theirs(Record):
    """What others may write: annotations alone."""

    name: str
    size: Annotated[int, Field(ge=1)] = 1
    colours: list[Colour] = field(default_factory=list)


def test_values_are_made_what_the_fields_are():
    record = Own(count="3", level="HIGH")
    assert (record.count, record.most, record.pair, record.level) == (3, None, 2, "high")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"count": 0}, "count: input should be greater than or equal to 1, got 0"),
        ({"pair": 3}, "pair: must be even, got 3"),
        ({"level": "middle"}, "level: input should be 'low' or 'high', got 'middle'"),
        ({"size": 1}, "size: extra inputs are not permitted, got 1"),
    ],
)
def test_what_does_not_fit_is_a_line(given, told):
    with pytest.raises(ConfigurationError) as caught:
        Own(**given)
    assert str(caught.value) == told


def test_what_was_said_is_told_apart_from_defaults_and_shown_in_its_way():
    record = Own(pair=2, most=None)
    assert record == Own()
    assert record.given == {"pair": 2, "most": None}
    assert record.shown == {"most": None, "pair": "2!"}


def test_a_changed_one_is_checked_again_and_the_first_stays():
    record = Own(count=3)
    assert (replace(record, count=4).count, record.count) == (4, 3)
    with pytest.raises(ConfigurationError, match=r"^count: "):
        replace(record, count=0)
    with pytest.raises(FrozenInstanceError):
        record.count = 4


def test_annotations_alone_say_it_too():
    record = Theirs(name="a", colours=["red"])
    assert (record.name, record.size, record.colours) == ("a", 1, [Colour.RED])
    assert Theirs(name="b").colours is not Theirs(name="b").colours


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "name: field required, got {}"),
        ({"name": "a", "size": 0}, "size: input should be greater than or equal to 1, got 0"),
        ({"name": "a", "colours": ["blue"]}, "colours: input should be 'red', got 'blue'"),
    ],
)
def test_annotations_alone_refuse_what_does_not_fit(given, told):
    with pytest.raises(ConfigurationError) as caught:
        Theirs(**given)
    assert str(caught.value) == told
