"""The reference shows all that is public, of all packages."""

import importlib

import pytest

from scripts import ROOT

PAGES = {
    "asyncworker": "core",
    "asyncworker.http": "http",
    "asyncworker.rabbitmq": "rabbitmq",
    "asyncworker.rabbitmq.dead": "rabbitmq",
    "asyncworker.sse": "sse",
    "asyncworker.utils": "timeit",
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_shows_every_public_name(name):
    page = (ROOT / "docs" / "reference" / f"{PAGES[name]}.md").read_text().splitlines()
    public = importlib.import_module(name).__all__
    assert [one for one in public if one != "__version__" and f"::: {name}.{one}" not in page] == []


def test_the_packages_are_one(package):
    assert package["rabbitmq.Retry"].canonical_path == "asyncworker.rabbitmq.retry.Retry"
    assert package["utils.Timeit"].canonical_path == "asyncworker.utils.timeit.Timeit"


def test_a_docstring_is_shown_with_its_parameters_and_linked_errors(package):
    text, parameters, errors = package["rabbitmq.AMQPConnection.channel"].docstring.parsed
    assert text.value.startswith("Offer an aio-pika channel")
    (vhost,) = parameters.value
    assert (vhost.name, str(vhost.annotation)) == ("vhost", "str | None")
    assert "[`ConfigurationError`][asyncworker.errors.ConfigurationError]" in errors.value


def test_defaults_are_shown_as_numbers(package):
    parameters = package["sse.SSEConnection"].parameters
    assert parameters["read_timeout"].default == "300.0"
    assert package["rabbitmq.Retry"].parameters["then"].default == "Actions.REJECT"


def test_a_context_manager_is_shown_as_one(package):
    started = package["App.started"]
    assert str(started.returns) == "AbstractAsyncContextManager[App]"
    assert "async" not in started.labels


def test_names_made_by_auto_are_shown_with_their_values(package):
    assert package["Options"].members["BULK_SIZE"].value == "'bulk_size'"
