import sys

import pytest

from asyncworker import App, RouteType, RouteTypes
from asyncworker.backend import load_backend
from asyncworker.errors import BackendNotInstalled


def test_an_installed_backend_is_found_by_its_entry_point(kafka):
    assert load_backend(RouteTypes.KAFKA) is kafka.kafka
    assert load_backend(RouteTypes.PULSAR) is kafka.pulsar


def test_a_backend_is_loaded_once(install):
    module = (
        "count = 0\ndef __getattr__(name):\n    global count\n    count += 1\n    return object()"
    )
    install("counting", module, "[asyncworker.backends]\nCOUNTING = counting:backend\n")
    first = load_backend(RouteTypes.COUNTING)
    assert load_backend(RouteTypes.COUNTING) is first
    assert sys.modules["counting"].count == 1


def test_a_backend_is_not_imported_before_it_is_asked_for(install):
    install("lazy", "backend = object()", "[asyncworker.backends]\nLAZY = lazy:backend\n")
    assert RouteTypes.LAZY in RouteTypes
    assert "lazy" not in sys.modules
    load_backend(RouteTypes.LAZY)
    assert "lazy" in sys.modules


@pytest.mark.parametrize(
    ("route_type", "distribution"),
    [
        (RouteTypes.AMQP_RABBITMQ, "asyncworker-rabbitmq"),
        (RouteTypes.HTTP, "asyncworker-http"),
        (RouteTypes.SSE, "asyncworker-sse"),
    ],
    ids=repr,
)
@pytest.mark.usefixtures("no_backends")
def test_a_backend_that_is_missing_says_what_to_install(route_type, distribution):
    with pytest.raises(BackendNotInstalled) as caught:
        App().route(["a"], type=route_type)(None)
    assert str(caught.value) == (
        f"{route_type!r} is provided by {distribution}: pip install {distribution}"
    )


@pytest.mark.usefixtures("no_backends")
def test_a_type_that_nobody_provides_is_no_advice_to_install_nonsense():
    with pytest.raises(BackendNotInstalled) as caught:
        load_backend(RouteType("PIGEON"))
    assert "pip install a distribution" not in str(caught.value)


def test_a_backend_installed_after_it_was_missed_is_found(install):
    with pytest.raises(BackendNotInstalled):
        load_backend(RouteType("LATE"))
    install("late", "backend = 'late'", "[asyncworker.backends]\nLATE = late:backend\n")
    assert load_backend(RouteTypes.LATE) == "late"
