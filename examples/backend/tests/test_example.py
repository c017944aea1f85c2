"""The example is what it says: small, apart, and made of what is public."""

import ast
from pathlib import Path

import pytest

from tests.docs.blocks import Page
from tests.wheels import PACKAGES, Environment, Wheel, build

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "asyncworker_redis"
RECORD = ROOT.parents[1] / "tests" / "api" / "core.txt"
GUIDE = ROOT.parents[1] / "docs" / "guides" / "backend.md"
MOST = 400
"""Lines of a backend."""


def test_it_is_small():
    lines = [line for file in SOURCE.glob("*.py") for line in file.read_text().splitlines()]
    assert len([line for line in lines if line.strip()]) < MOST


def test_it_takes_of_core_what_is_public_alone():
    modules = RECORD.read_text().split("\n\n")
    public = {
        f"{lines[0].removeprefix('# ')}.{name}"
        for lines in map(str.splitlines, modules)
        for name in names_in(lines)
    }
    taken = {
        f"{node.module}.{alias.name}"
        for file in SOURCE.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("asyncworker.")
        for alias in node.names
    }
    assert len(taken) > 10
    assert sorted(taken - public) == []


def names_in(lines):
    """Yield the public names of one module, as the record of the API has them."""
    module = lines[0].removeprefix("# ")
    for line in lines[1:]:
        _, found, rest = line.partition(f"{module}.")
        if found:
            name = rest.split("(")[0].split(" ")[0].split(":")[0]
            yield name.split(".")[0]


def test_the_guide_shows_it_as_it_is():
    """Less the blanks that lines begin with: a part of a class stands there by itself."""
    own = "\n".join(unindented(file.read_text()) for file in sorted(ROOT.rglob("*.py")))
    shown = [
        block
        for block in Page.read(GUIDE).blocks
        if "a part of examples/backend" in (block.directive.reason or "")
    ]
    assert len(shown) > 5
    assert [block.line for block in shown if unindented(block.content) not in own] == []


def unindented(text):
    return "\n".join(line.strip() for line in text.splitlines())


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Nothing but core and the example, as pip installs them."""
    folder = tmp_path_factory.mktemp("example")
    environment = Environment(folder / "environment")
    sources = {"core": PACKAGES / "core", "redis": ROOT}
    core, redis = (
        Wheel(build("wheel", source, folder / name), source) for name, source in sources.items()
    )
    assert {Path(name).parts[0] for name in redis.modules} == {"asyncworker_redis"}
    environment.install([core, redis])
    return environment


def test_entry_points_alone_add_it(environment, tmp_path):
    (tmp_path / "shop.py").write_text(
        "from asyncworker import App, RouteTypes\n"
        "from asyncworker.connections import RedisConnection\n"
        'app = App(connections=[RedisConnection("redis://127.0.0.1:1")])\n'
        '@app.route(["orders"], type=RouteTypes.REDIS, group="billing")\n'
        "async def bill(messages): ...\n"
    )
    told = environment.command("asyncworker", "routes", "shop:app", cwd=tmp_path)
    assert "REDIS" in told
    assert "RedisConnection('127.0.0.1:1')" in told
    told = environment.command("asyncworker", "check", "shop:app", cwd=tmp_path, code=1)
    assert "RedisConnection('127.0.0.1:1'): Error" in told
