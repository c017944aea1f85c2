import pytest

from asyncworker import errors


def test_every_error_is_an_asyncworker_error():
    kinds = [value for value in vars(errors).values() if isinstance(value, type)]
    own = [kind for kind in kinds if kind.__module__ == errors.__name__]
    assert own
    assert all(issubclass(kind, errors.AsyncWorkerError) for kind in own)


@pytest.mark.parametrize("kind", [errors.ConfigurationError, errors.BackendNotInstalled])
def test_what_the_user_wrote_wrongly_is_a_value_error_too(kind):
    assert issubclass(kind, ValueError)


def test_a_suggestion_names_the_nearest_choice_and_all_of_them():
    assert (
        errors.suggestion("ordrs", ["users", "orders"])
        == "did you mean orders? choose from orders, users"
    )


def test_a_suggestion_lists_the_choices_when_none_is_near():
    assert errors.suggestion("x", ["orders", "users"]) == "choose from orders, users"


def test_a_suggestion_says_when_there_is_no_choice():
    assert errors.suggestion("x", []) == "it takes none"


def test_a_suggestion_takes_what_is_no_string():
    assert errors.suggestion(3, ["orders"]) == "choose from orders"
