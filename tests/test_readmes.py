"""What READMEs say of packages and settings is what these say of themselves."""

import importlib
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("package", sorted(path.name for path in (ROOT / "packages").iterdir()))
def test_every_package_says_the_same_of_itself_everywhere(package):
    folder = ROOT / "packages" / package
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    name = project["project"]["name"]
    scope = {}
    exec((folder / project["tool"]["hatch"]["version"]["path"]).read_text(), scope)
    assert (folder / "README.md").read_text().startswith(f"# {name}\n")
    assert f"## [{scope['__version__']}]" in (folder / "CHANGELOG.md").read_text()
    assert (folder / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert f"(packages/{package}/README.md) | `{name}`" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("package", ["core", "http"])
def test_every_setting_is_in_the_readme(package):
    module = "asyncworker.settings" if package == "core" else f"asyncworker.{package}.settings"
    settings = importlib.import_module(module)
    readme = (ROOT / "packages" / package / "README.md").read_text()
    for field in fields(settings.Settings):
        assert f"| `{settings.PREFIX}{field.name.upper()}` |" in readme


def test_the_page_on_reliability_tells_the_defaults():
    page = (ROOT / "docs" / "reliability.md").read_text()
    told = dict(re.findall(r"^\| `(ASYNCWORKER_\w+)` \|.*\| (\S+) \|$", page, re.MULTILINE))
    modules = ["asyncworker.settings", "asyncworker.http.settings"]
    defaults = {
        f"{module.PREFIX}{field.name.upper()}": field.default
        for module in map(importlib.import_module, modules)
        for field in fields(module.Settings)
    }
    assert told
    assert {name: float(text) for name, text in told.items()} == {
        name: defaults[name] for name in told
    }
