"""What may import what, and how much is in one folder."""

import ast
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

import asyncworker

ROOT = Path(__file__).parent.parent
BACKENDS = {f"asyncworker.{name}" for name in ("http", "rabbitmq", "sse", "utils")}
WINGS = {
    ".".join(folder.relative_to(source).parts): folder
    for source in sorted(ROOT.glob("packages/*/src"))
    for folder in sorted({file.parent for file in source.glob("asyncworker/**/*.py")})
    if ".".join(folder.relative_to(source).parts) not in {"asyncworker", *BACKENDS}
}
MOST = 10
"""Modules of a wing, its `__init__` aside."""
LARGER = {
    # A broker has as many nouns as RabbitMQ: queues, streams, exchanges, channels, ...
    "asyncworker.rabbitmq.memory": 18,
}
LATE = [
    # The one offers the other's names once they are asked for, as importlinter.ini says.
    ["handler_options", "options"],
]
"""Modules that import each other."""
TYPED = [
    # A run, its backends and its schedules are given the app, which has them; so is what stands
    # around handlers, by the call that it is given, and what tells of the run.
    [
        "app",
        "backend",
        "blueprint",
        "call",
        "health",
        "metrics",
        "metrics.text",
        "middleware.chain",
        "middleware.checks",
        "middleware.error_hook",
        "parameters.shared",
        "resources",
        "running.lifecycle",
        "running.monitoring",
        "running.nothing_to_do",
        "running.report",
        "schedules.schedule",
        "status",
        "status.snapshots",
        "stopping",
    ],
    # An activity tells events, which say whose they are.
    ["feed.activity", "feed.events"],
    *LATE,
    # An error holds the event that has it, and an event raises it.
    ["sse.errors", "sse.event"],
]
"""Modules that import each other where what is imported for type checkers alone counts too."""
LINT = """
import sys
import asyncworker
from importlinter.cli import lint_imports
asyncworker.__spec__.submodule_search_locations = list(asyncworker.__path__)
sys.exit(lint_imports(sys.argv[1], no_cache=True))
"""


@pytest.fixture
def one_package(monkeypatch):
    """Let the tools see all packages: they look at the folders of core alone."""
    folders = list(asyncworker.__path__)
    monkeypatch.setattr(asyncworker.__spec__, "submodule_search_locations", folders)


def test_imports_lead_downwards():
    # In a process of its own, as it configures logging, and so silences other tests.
    command = [sys.executable, "-c", LINT, ROOT / "importlinter.ini"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.usefixtures("one_package")
@pytest.mark.parametrize(("for_types", "expected"), [(False, LATE), (True, TYPED)])
def test_modules_import_each_other_only_for_a_reason(for_types, expected):
    graph = grimp.build_graph(
        "asyncworker", exclude_type_checking_imports=not for_types, cache_dir=None
    )
    # Core tells type checkers what backends add to it; it imports none.
    for importer in sorted(graph.modules):
        for imported in graph.find_modules_directly_imported_by(importer):
            if _package(importer) == "asyncworker" != _package(imported):
                graph.remove_import(importer=importer, imported=imported)
    circles = {
        frozenset({module, *around})
        for module in graph.modules
        if (around := graph.find_upstream_modules(module) & graph.find_downstream_modules(module))
    }
    names = [[each.removeprefix("asyncworker.") for each in sorted(one)] for one in circles]
    assert sorted(names) == expected


def _package(module):
    return next((one for one in BACKENDS if f"{module}.".startswith(f"{one}.")), "asyncworker")


@pytest.mark.parametrize("wing", WINGS)
def test_a_wing_is_one_idea_in_one_sentence(wing):
    modules = {file.stem for file in WINGS[wing].glob("*.py")}
    assert "__init__" in modules
    text = (WINGS[wing] / "__init__.py").read_text()
    sentence, *more = ast.get_docstring(ast.parse(text)).splitlines()
    assert more[:1] in ([], [""])
    assert sentence.endswith(".")
    assert ". " not in sentence
    assert len(modules) - 1 <= LARGER.get(wing, MOST)
