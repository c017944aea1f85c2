import copy
import pickle

import pytest

import asyncworker
import asyncworker.models
import asyncworker.options
from asyncworker import RouteType, RouteTypes
from asyncworker.errors import ConfigurationError


def test_the_three_import_paths_offer_one_object():
    assert asyncworker.RouteTypes is asyncworker.options.RouteTypes
    assert asyncworker.RouteTypes is asyncworker.models.RouteTypes


def test_the_members_of_this_project_are_known_whatever_is_installed(no_backends):
    assert list(RouteTypes) == [RouteTypes.AMQP_RABBITMQ, RouteTypes.HTTP, RouteTypes.SSE]
    assert len(RouteTypes) == 3


@pytest.mark.usefixtures("kafka")
def test_a_third_party_adds_a_member_without_a_change_in_core():
    assert RouteTypes.KAFKA == RouteType("KAFKA")
    assert RouteTypes.KAFKA in RouteTypes
    assert RouteTypes.KAFKA in list(RouteTypes)
    assert RouteTypes("kafka") == RouteTypes.KAFKA


@pytest.mark.usefixtures("kafka")
def test_each_member_is_listed_once():
    members = list(RouteTypes)
    assert len(members) == len(set(members)) == len(RouteTypes)


@pytest.mark.parametrize("item", [RouteTypes.SSE, "sse"], ids=repr)
def test_membership_by_member_and_by_value(item):
    assert item in RouteTypes


@pytest.mark.parametrize("item", [RouteType("PIGEON"), "pigeon", "SSE", 3, None], ids=repr)
def test_what_is_no_member_is_not_in_it(item):
    assert item not in RouteTypes


def test_what_cannot_be_hashed_is_no_member():
    assert [] not in RouteTypes


@pytest.mark.parametrize("value", ["amqp_rabbitmq", RouteTypes.AMQP_RABBITMQ], ids=repr)
def test_a_call_with_a_value_returns_the_member(value):
    assert RouteTypes(value) is RouteTypes.AMQP_RABBITMQ


@pytest.mark.parametrize("value", ["pigeon", 3, RouteType("PIGEON"), None], ids=repr)
def test_a_call_with_another_value_is_an_error_that_lists_the_choices(no_backends, value):
    with pytest.raises(ConfigurationError) as caught:
        RouteTypes(value)
    assert str(caught.value) == (
        f"unknown route type {value!r}: "
        "choose from RouteTypes.AMQP_RABBITMQ, RouteTypes.HTTP, RouteTypes.SSE"
    )


def test_a_call_with_what_cannot_be_hashed_is_the_same_error():
    with pytest.raises(ConfigurationError, match="unknown route type"):
        RouteTypes(["sse"])


def test_a_call_with_a_misspelt_value_names_the_nearest():
    with pytest.raises(ConfigurationError, match=r"did you mean RouteTypes\.AMQP_RABBITMQ\?"):
        RouteTypes("amqp_rabitmq")


def test_a_misspelt_attribute_names_the_nearest():
    with pytest.raises(
        AttributeError,
        match=r"RouteTypes has no member 'AMQP_RABITMQ': did you mean AMQP_RABBITMQ\? choose from ",
    ):
        _ = RouteTypes.AMQP_RABITMQ


def test_an_attribute_like_nothing_lists_the_choices(no_backends):
    with pytest.raises(AttributeError, match=r"choose from AMQP_RABBITMQ, HTTP, SSE$"):
        _ = RouteTypes.PIGEON


def test_hasattr_works():
    assert hasattr(RouteTypes, "SSE")
    assert not hasattr(RouteTypes, "PIGEON")


def test_members_are_keys_of_dicts():
    assert {RouteTypes.SSE: 1, RouteTypes.HTTP: 2}[RouteTypes("sse")] == 1


def test_a_member_has_a_name_and_a_value():
    assert (RouteTypes.AMQP_RABBITMQ.name, RouteTypes.AMQP_RABBITMQ.value) == (
        "AMQP_RABBITMQ",
        "amqp_rabbitmq",
    )


def test_reprs_are_what_a_user_writes(no_backends):
    assert repr(RouteTypes.SSE) == "RouteTypes.SSE"
    assert repr(RouteTypes) == "RouteTypes(AMQP_RABBITMQ, HTTP, SSE)"


def test_the_registry_is_hashable_and_truthy():
    assert hash(RouteTypes) == hash(asyncworker.models.RouteTypes)
    assert RouteTypes


def test_members_stay_equal_through_copies_and_pickles():
    assert copy.deepcopy(RouteTypes.SSE) == RouteTypes.SSE
    assert pickle.loads(pickle.dumps(RouteTypes.SSE)) == RouteTypes.SSE


def test_members_are_frozen():
    with pytest.raises(AttributeError):
        RouteTypes.SSE.name = "HTTP"


def test_our_own_are_known_without_a_look_at_what_is_installed(monkeypatch):
    def look():
        raise AssertionError("looked")

    monkeypatch.setattr("asyncworker.route_types.backend_entry_points", look)
    assert RouteTypes(RouteTypes.SSE) is RouteTypes("sse") is RouteTypes.SSE
    assert "http" in RouteTypes
    with pytest.raises(AssertionError, match="looked"):
        RouteTypes("kafka")
