import pickle
from dataclasses import FrozenInstanceError, asdict

import pytest

import asyncworker
from asyncworker.errors import ConfigurationError
from asyncworker.options import Actions, DefaultValues, Events, Options, RouteOptions


class EventOptions(RouteOptions):
    on_success: Actions = DefaultValues.ON_SUCCESS


class OtherOptions(RouteOptions):
    cursor: str | None = None


def test_the_defaults():
    assert asdict(RouteOptions.parse(None)) == {
        "timeout": None,
        "bulk_size": 1,
        "bulk_flush_interval": None,
        "max_concurrency": None,
    }


@pytest.mark.parametrize("nothing", [None, {}, RouteOptions()], ids=repr)
def test_nothing_stands_for_the_defaults(nothing):
    assert RouteOptions.parse(nothing) == RouteOptions()


@pytest.mark.parametrize(
    "options",
    [
        {Options.BULK_SIZE: 100, Options.BULK_FLUSH_INTERVAL: 5, Options.MAX_CONCURRENCY: 2},
        {"bulk_size": 100, "bulk_flush_interval": 5.0, "max_concurrency": 2},
        RouteOptions(bulk_size=100, bulk_flush_interval=5.0, max_concurrency=2),
    ],
    ids=["enum", "strings", "typed"],
)
def test_options_come_keyed_by_enum_or_by_string_or_typed(options):
    parsed = RouteOptions.parse(options)
    assert (parsed.bulk_size, parsed.bulk_flush_interval, parsed.max_concurrency) == (100, 5.0, 2)


def test_typed_options_of_the_same_class_are_taken_as_they_are():
    options = EventOptions(bulk_size=3)
    assert EventOptions.parse(options) is options


def test_plain_typed_options_serve_every_backend():
    parsed = EventOptions.parse(RouteOptions(bulk_size=3))
    assert parsed == EventOptions(bulk_size=3)


def test_events_are_keys_of_a_backend_that_has_them():
    assert EventOptions.parse({Events.ON_SUCCESS: Actions.REJECT}).on_success is Actions.REJECT


def test_none_stands_for_the_default_where_an_option_may_be_left_out():
    parsed = RouteOptions.parse({Options.BULK_FLUSH_INTERVAL: None, Options.MAX_CONCURRENCY: None})
    assert parsed == RouteOptions()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *((Options.BULK_SIZE, value) for value in (0, -1, True, "2", 1.5, 2.0, None, [1])),
        *((Options.MAX_CONCURRENCY, value) for value in (0, -1, True, "2", 1.5)),
        *(
            (option, value)
            for option in (Options.BULK_FLUSH_INTERVAL, Options.TIMEOUT)
            for value in (0, -1, -0.5, float("nan"), float("inf"), "5", True)
        ),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_option_and_the_value(option, value):
    with pytest.raises(ConfigurationError) as caught:
        RouteOptions.parse({option: value})
    message = str(caught.value)
    assert message.startswith(f"Options.{option.name}: input should be ")
    assert message.endswith(f"got {value!r}")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("bulk_sise", "bulk_sise: did you mean Options.BULK_SIZE?"),
        ("BULK_SIZE", "BULK_SIZE: did you mean Options.BULK_SIZE?"),
        (Events.ON_SUCCESS, "Events.ON_SUCCESS: "),
        ("wholly different", "wholly different: "),
        (5, "5: "),
    ],
)
def test_an_unknown_option_is_answered_with_the_nearest_and_all_choices(key, reason):
    with pytest.raises(ConfigurationError) as caught:
        RouteOptions.parse({key: 1})
    message = str(caught.value)
    assert message.startswith(f"this route takes no option {reason}")
    assert message.endswith(
        "choose from Options.BULK_FLUSH_INTERVAL, Options.BULK_SIZE, Options.MAX_CONCURRENCY, "
        "Options.TIMEOUT"
    )


def test_a_typed_option_of_another_backend_is_an_error():
    with pytest.raises(ConfigurationError, match="this route takes no option cursor: "):
        EventOptions.parse(OtherOptions(cursor="latest"))


def test_an_action_has_to_be_one_of_the_actions():
    with pytest.raises(ConfigurationError, match=r"^Events\.ON_SUCCESS: .* got 'explode'$"):
        EventOptions.parse({Events.ON_SUCCESS: "explode"})


@pytest.mark.parametrize("wrong", ["bulk_size", 5, ["bulk_size"], {"bulk_size"}], ids=repr)
def test_what_is_no_dict_is_an_error_that_shows_it(wrong):
    with pytest.raises(ConfigurationError) as caught:
        RouteOptions.parse(wrong)
    assert str(caught.value) == f"options must be a dict keyed by Options, got {wrong!r}"


def test_wrong_typed_options_are_the_same_error_as_a_wrong_dict():
    with pytest.raises(ConfigurationError, match=r"Options\.BULK_SIZE: .* got 0$"):
        RouteOptions(bulk_size=0)


def test_options_are_frozen():
    with pytest.raises(FrozenInstanceError):
        RouteOptions().bulk_size = 2


def test_the_names_are_those_of_async_worker():
    assert [member.name for member in Events] == ["ON_SUCCESS", "ON_EXCEPTION", "ON_INVALID"]
    assert [member.name for member in Actions] == ["ACK", "REJECT", "REQUEUE"]
    assert DefaultValues.BULK_SIZE == 1
    assert DefaultValues.BULK_FLUSH_INTERVAL == 60
    assert DefaultValues.ON_SUCCESS is Actions.ACK
    assert DefaultValues.ON_EXCEPTION is Actions.REQUEUE


@pytest.mark.parametrize(
    "name", ["Actions", "DefaultValues", "Events", "Options", "RouteOptions", "RouteTypes"]
)
def test_the_names_are_offered_by_asyncworker_too(name):
    assert getattr(asyncworker, name) is getattr(asyncworker.options, name)


EVENTS = "ON_EXCEPTION, ON_INVALID, ON_SUCCESS"


@pytest.mark.parametrize(
    ("choices", "wrong", "told"),
    [
        (
            Options,
            "BULKSIZE",
            "did you mean BULK_SIZE? choose from BREAKER, BULK_",
        ),
        (Events, "ON_SUCESS", f"did you mean ON_SUCCESS? choose from {EVENTS}"),
        (Actions, "DROP", "choose from ACK, REJECT, REQUEUE"),
    ],
)
def test_a_misspelt_member_is_told_beside_those_there_are(choices, wrong, told):
    with pytest.raises(AttributeError) as raised:
        getattr(choices, wrong)
    assert str(raised.value).startswith(f"{choices.__name__} has no member {wrong!r}: {told}")


def test_a_private_name_that_is_missing_is_told_by_name_alone():
    with pytest.raises(AttributeError, match="has no attribute '_missing'"):
        _ = Options._missing
    assert not hasattr(Options, "__missing__")


def test_a_member_survives_a_pickle():
    assert pickle.loads(pickle.dumps(Options.BULK_SIZE)) is Options.BULK_SIZE
