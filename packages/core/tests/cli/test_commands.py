"""Commands that installed distributions bring."""

import pytest

from packages.core.tests.cli.shop import APP, invoke

ENTRY_POINTS = """
[asyncworker.commands]
lag = asyncworker_lag:lag
gone = asyncworker_lag:gone
text = asyncworker_lag:text
run = asyncworker_lag:lag
"""
MODULE = """
import click
from asyncworker.cli.commands import target_argument
from asyncworker.cli.target import parse_target
from asyncworker.errors import AsyncWorkerError

text = "lag"

@click.command()
@target_argument
@click.option("--fail", is_flag=True)
def lag(target, fail):
    '''Tell how far a worker is behind.'''
    app = parse_target(target).load()
    if fail:
        raise AsyncWorkerError("the broker does not say")
    click.echo(f"{len(app.routes)} routes")
"""


@pytest.fixture(autouse=True)
def lag(install):
    install("asyncworker_lag", MODULE, ENTRY_POINTS)


def test_a_command_of_another_distribution_runs(module):
    module(APP)
    result = invoke("lag", "shop")
    assert (result.stdout, result.exit_code) == ("2 routes\n", 0)


def test_its_failures_are_one_line_as_ours_are(module):
    module(APP)
    result = invoke("lag", "shop", "--fail")
    assert (result.stderr, result.exit_code) == ("Error: the broker does not say\n", 1)
    result = invoke("lag", "shop:nothing")
    assert result.stderr.startswith("Error: module 'shop' has no 'nothing'")
    assert result.exit_code == 2


def test_help_lists_all_and_a_broken_one_keeps_none_from_it():
    result = invoke("--help")
    # How far they are apart depends on the longest name.
    told = " ".join(result.stdout.split())
    assert "lag Tell how far a worker is behind." in told
    assert "run Run an app until SIGINT or SIGTERM." in told
    assert "gone (cannot be loaded: AttributeError:" in told
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gone", "AttributeError: module 'asyncworker_lag' has no attribute 'gone'"),
        ("text", "'lag' is no command of click"),
    ],
)
def test_a_broken_command_is_one_line_whatever_it_is_given(name, reason):
    result = invoke(name, "shop", "--fail")
    expected = f"Error: command {name!r} of asyncworker_lag cannot be loaded: {reason}\n"
    assert (result.stderr, result.exit_code) == (expected, 1)


def test_our_own_commands_come_first(module):
    result = invoke("run", "--help")
    assert "Run an app until SIGINT or SIGTERM." in result.stdout


def test_an_unknown_command_is_a_usage_error():
    result = invoke("lags")
    assert "No such command 'lags'" in result.stderr
    assert result.exit_code == 2
