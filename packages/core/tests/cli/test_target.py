"""Which app is meant by what the command line names."""

import pytest

from packages.core.tests.cli.shop import APP, invoke, table


@pytest.mark.parametrize("target", ["shop:app", "shop", "shop.py", "shop.py:app", "shop:"])
def test_a_target_is_a_module_or_a_file_with_an_attribute(module, target):
    module(APP)
    assert table(invoke("routes", target))[1][0] == "KAFKA"


def test_a_target_is_in_a_package(module):
    module("", "stock/__init__.py")
    module(APP, "stock/worker.py")
    assert len(table(invoke("routes", "stock.worker:app"))) == 3


def test_a_file_in_a_package_may_import_its_neighbours(module):
    module("", "stock/__init__.py")
    module("names = ['a']", "stock/names.py")
    module(f"from .names import names\n{APP}", "stock/worker.py")
    assert len(table(invoke("routes", "stock/worker.py"))) == 3


def test_a_factory_is_called(module):
    module(f"{APP}\nmade, app = app, None\ndef make(): return made")
    assert len(table(invoke("routes", "shop:make"))) == 3


def test_a_module_that_ends_with_a_run_is_only_looked_at(module):
    module(f"{APP}\napp.run()\n")
    assert len(table(invoke("routes", "shop"))) == 3


@pytest.mark.parametrize("command", ["run", "routes", "check"])
@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("shop:ap", "module 'shop' has no 'ap': did you mean app? choose from app"),
        ("sho", "there is no module 'sho': did you mean shop? choose from shop, stock"),
        ("sho:app", "there is no module 'sho': did you mean shop? choose from shop, stock"),
        (
            "stock.names",
            (
                "there is no module 'stock.names': did you mean stock.name? "
                "choose from stock.app, stock.depot, stock.name"
            ),
        ),
        ("shop.app", "there is no module 'shop.app': write shop:app"),
        (
            "sho.py",
            "there is no module 'sho': did you mean shop? choose from shop, stock",
        ),
        ("stock", "stock:app is a module: write stock.app:app"),
        ("stock:depot", "stock:depot is a module: write stock.depot:worker"),
        (":app", "':app' names no module: write module:app"),
        ("a..b", "there is no module 'a..b': choose from shop, stock"),
        ("shop:number", "shop:number is no App, and no function that makes one: 1"),
        ("shop:later", "shop:later is async: a function that makes an App must not be"),
        (
            "shop:needy",
            "shop:needy cannot be called without arguments: missing a required argument: 'name'",
        ),
        ("shop:wrong", "shop:wrong was called for an App, and returned 'nothing'"),
    ],
)
def test_a_wrong_target_is_one_line_with_the_nearest_name(module, command, target, reason):
    module("from . import depot", "stock/__init__.py")
    module("", "stock/name.py")
    module("", "stock/app.py")
    module("from asyncworker import App\nworker = App()", "stock/depot.py")
    module(
        f"""{APP}
number = 1
async def later(): ...
def needy(name): ...
def wrong(): return "nothing"
"""
    )
    result = invoke(command, target)
    assert (result.stderr, result.exit_code) == (f"Error: {reason}\n", 2)
    assert result.stdout == ""


def test_without_an_app_the_functions_of_a_module_are_offered(module):
    module("from os import path\nfrom json import loads\ndef make(): ...\n")
    reason = "module 'shop' has no 'app': choose from make"
    assert invoke("routes", "shop").stderr == f"Error: {reason}\n"


def test_of_many_modules_only_near_ones_are_offered(module):
    for number in range(20):
        module("", f"module{number}.py")
    module("", "shop.py")
    reason = "there is no module 'shopp': did you mean shop? choose from shop"
    assert invoke("routes", "shopp").stderr == f"Error: {reason}\n"
    assert invoke("routes", "xyz").stderr == "Error: there is no module 'xyz'\n"


@pytest.mark.parametrize("command", ["run", "routes"])
def test_what_an_import_raises_is_shown_as_the_users_own_traceback(module, command):
    module("def first():\n    return 1 / 0\n\nfirst()\n")
    result = invoke(command, "shop")
    lines = result.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].endswith('shop.py", line 4, in <module>')
    assert lines[-1] == "ZeroDivisionError: division by zero"
    assert "asyncworker" not in result.stderr
    assert "importlib" not in result.stderr
    assert result.exit_code == 1


def test_what_a_factory_raises_is_shown_as_the_users_own_traceback(module):
    module("def make():\n    raise ValueError('no config')\n")
    result = invoke("run", "shop:make")
    lines = result.stderr.splitlines()
    assert lines[1].endswith('shop.py", line 2, in make')
    assert lines[-1] == "ValueError: no config"
    assert "asyncworker" not in result.stderr
    assert result.exit_code == 1


def test_a_wrong_option_of_a_route_points_to_the_users_line(module):
    module(APP.replace("BULK_SIZE: 10", "BULK_SIZE: 0"))
    lines = invoke("run", "shop").stderr.splitlines()
    assert 'shop.py", line 7, in <module>' in lines[1]
    assert lines[-1].endswith(
        "Options.BULK_SIZE: input should be greater than or equal to 1, got 0"
    )
    assert not [line for line in lines if "asyncworker/" in line]


def test_a_module_that_misses_another_one_is_not_taken_for_missing_itself(module):
    module("import nowhere_to_be_found")
    result = invoke("run", "shop")
    assert result.stderr.splitlines()[-1].endswith("No module named 'nowhere_to_be_found'")
    assert result.exit_code == 1


def test_a_syntax_error_is_shown_where_it_is(module):
    module("def broken(:\n")
    result = invoke("run", "shop")
    assert 'shop.py", line 1' in result.stderr
    assert result.stderr.splitlines()[-1] == "SyntaxError: invalid syntax"
    assert "asyncworker" not in result.stderr
