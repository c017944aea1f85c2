"""What a user gets: the wheels, and what they do in an environment that holds nothing else."""

import json
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from mypy import api as mypy

from tests.wheels import Environment, Wheel, build

# Where each distribution's files live. Core has the import name, less the folders of the others.
HOMES = {
    "asyncworker-core": "asyncworker/",
    "asyncworker-http": "asyncworker/http/",
    "asyncworker-rabbitmq": "asyncworker/rabbitmq/",
    "asyncworker-sse": "asyncworker/sse/",
    "asyncworker-timeit": "asyncworker/utils/",
}
TYPING_USAGE = Path(__file__).with_name("typing_usage.py")
PLUGIN = "pytest_asyncworker/"
"""What core has beside its own folder, for pytest to load without loading that."""
NAMES = sorted(HOMES)
IMPORTS = {
    "asyncworker-core": "from asyncworker import App, Options, RouteTypes",
    "asyncworker-http": "from asyncworker import App; App().http.get",
    "asyncworker-sse": "from asyncworker.connections import SSEConnection",
    "asyncworker-rabbitmq": "from asyncworker.connections import AMQPConnection",
    "asyncworker-timeit": "from asyncworker.utils import Timeit",
}
ROUTE = """
from asyncworker import App, RouteTypes

app = App(connections=[])

@app.route(["q"], type=RouteTypes.AMQP_RABBITMQ)
async def handler(messages):
    pass
"""


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path / "environment")


class TestContents:
    def test_every_distribution_is_checked_here(self, wheels):
        assert sorted(wheels) == NAMES

    def test_no_file_is_in_two_wheels(self, wheels):
        owners = Counter(name for wheel in wheels.values() for name in wheel.files)
        assert [name for name, count in owners.items() if count > 1] == []

    def test_core_alone_has_the_file_that_makes_the_import_name(self, wheels):
        assert [
            name for name, wheel in wheels.items() if "asyncworker/__init__.py" in wheel.files
        ] == ["asyncworker-core"]

    @pytest.mark.parametrize("name", NAMES)
    def test_holds_its_own_folder_and_nothing_else(self, wheels, name):
        own = (HOMES[name], *([PLUGIN] if name == "asyncworker-core" else []))
        foreign = tuple(home for other, home in HOMES.items() if len(home) > len(HOMES[name]))
        assert [
            file
            for file in wheels[name].modules
            if not file.startswith(own) or (foreign and file.startswith(foreign))
        ] == []

    @pytest.mark.parametrize("name", NAMES)
    def test_holds_no_tests(self, wheels, name):
        parts = {part for file in wheels[name].files for part in Path(file).parts}
        assert not {
            part for part in parts if part in {"tests", "conftest.py"} or part[:5] == "test_"
        }

    @pytest.mark.parametrize("name", NAMES)
    def test_is_marked_as_typed(self, wheels, name):
        marks = [file for file in wheels[name].files if file.endswith("py.typed")]
        assert [HOMES[name] + "py.typed"] == marks

    @pytest.mark.parametrize("name", NAMES)
    def test_carries_its_licence(self, wheels, name):
        wheel = wheels[name]
        assert wheel.texts["LICENSE"] == (wheel.source / "LICENSE").read_bytes()
        assert wheel.metadata["License-Expression"] == "MIT"

    @pytest.mark.parametrize("name", NAMES)
    def test_describes_itself_by_its_readme(self, wheels, name):
        wheel = wheels[name]
        assert wheel.metadata["Description-Content-Type"] == "text/markdown"
        assert (wheel.source / "README.md").read_text() == wheel.metadata.get_payload()

    @pytest.mark.parametrize("name", NAMES)
    def test_asks_for_a_python_that_is_supported(self, wheels, name):
        assert wheels[name].metadata["Requires-Python"] == ">=3.11"

    def test_timeit_needs_nothing(self, wheels):
        assert wheels["asyncworker-timeit"].metadata.get_all("Requires-Dist") is None

    def test_core_offers_an_extra_for_every_part(self, wheels):
        extras = wheels["asyncworker-core"].metadata.get_all("Provides-Extra")
        backends = {"rabbitmq", "http", "sse", "timeit"}
        names = {*backends, "cli", "cron", "metrics", "msgpack", "otel"}
        names |= {"testing", "uvloop", "zstd", "all"}
        assert names == set(extras)

    def test_rabbitmq_announces_itself_to_core(self, wheels):
        entry_points = wheels["asyncworker-rabbitmq"].texts["entry_points.txt"].decode()
        assert entry_points.splitlines() == [
            "[asyncworker.backends]",
            "AMQP_RABBITMQ = asyncworker.rabbitmq.backend:backend",
            "",
            "[asyncworker.commands]",
            "dead = asyncworker.rabbitmq.dead.cli.command:dead",
            "",
            "[asyncworker.connections]",
            "AMQPConnection = asyncworker.rabbitmq.connection:AMQPConnection",
        ]

    def test_core_has_the_command_and_the_plugin(self, wheels):
        entry_points = wheels["asyncworker-core"].texts["entry_points.txt"].decode()
        assert entry_points.splitlines() == [
            "[console_scripts]",
            "asyncworker = asyncworker.cli.command:main",
            "",
            "[pytest11]",
            "pytest_asyncworker = pytest_asyncworker",
        ]

    def test_the_version_is_the_one_that_the_package_says(self, wheels):
        for wheel in wheels.values():
            pyproject = tomllib.loads((wheel.source / "pyproject.toml").read_text())
            file = wheel.source / pyproject["tool"]["hatch"]["version"]["path"]
            assert f'__version__ = "{wheel.metadata["Version"]}"' in file.read_text()


@pytest.fixture(scope="module")
def sdists(tmp_path_factory, wheels):
    """The archives of the source that are published beside the wheels."""
    folder = tmp_path_factory.mktemp("sdists")
    return {name: build("sdist", wheel.source, folder / name) for name, wheel in wheels.items()}


class TestSourceDistributions:
    @pytest.mark.slow
    @pytest.mark.parametrize("name", NAMES)
    def test_builds_the_same_wheel_as_the_source_does(self, sdists, wheels, name, tmp_path):
        wheel = wheels[name]
        rebuilt = Wheel(build("wheel", sdists[name], tmp_path), wheel.source)
        assert rebuilt.path.name == wheel.path.name
        assert rebuilt.contents == wheel.contents

    @pytest.mark.parametrize("name", NAMES)
    def test_holds_what_whoever_packages_it_needs(self, sdists, name):
        root = sdists[name].name.removesuffix(".tar.gz")
        with tarfile.open(sdists[name]) as archive:
            files = set(archive.getnames())
        needed = ["CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml", "tests/conftest.py"]
        assert [file for file in needed if f"{root}/{file}" not in files] == []

    def test_an_index_would_show_all_that_is_published(self, sdists, wheels):
        files = [*sdists.values(), *(wheel.path for wheel in wheels.values())]
        command = [sys.executable, "-m", "twine", "--no-color", "check", "--strict", *files]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
        assert done.stdout.count("PASSED") == len(files) == 10


@pytest.fixture(scope="module")
def timeit_alone(wheels, tmp_path_factory):
    environment = Environment(tmp_path_factory.mktemp("timeit"))
    environment.install([wheels["asyncworker-timeit"]])
    return environment


class TestTimeitAlone:
    def test_works_and_brings_nothing_along(self, timeit_alone):
        assert {"asyncworker-timeit"} == timeit_alone.distributions()
        timeit_alone.run("from asyncworker.utils import Timeit")
        assert "No module named 'asyncworker.rabbitmq'" in timeit_alone.error(
            "import asyncworker.rabbitmq"
        )


@pytest.fixture(scope="module")
def core_alone(wheels, tmp_path_factory):
    environment = Environment(tmp_path_factory.mktemp("core"))
    environment.install([wheels["asyncworker-core"]])
    return environment


class TestCoreAlone:
    def test_brings_no_backend(self, core_alone):
        core_alone.run(IMPORTS["asyncworker-core"])
        assert "No module named 'aio_pika'" in core_alone.error("import aio_pika")
        assert "No module named 'aiohttp'" in core_alone.error("import aiohttp")

    def test_says_what_to_install_for_a_route_type(self, core_alone):
        line = core_alone.error(ROUTE)
        assert (
            "RouteTypes.AMQP_RABBITMQ is provided by asyncworker-rabbitmq: "
            "pip install asyncworker-rabbitmq"
        ) in line

    def test_the_missing_backend_is_a_configuration_error(self, core_alone):
        body = "\n".join(f"    {line}" for line in ROUTE.splitlines())
        core_alone.run(
            "from asyncworker.errors import ConfigurationError\n"
            f"try:\n{body}\nexcept ConfigurationError: pass\nelse: raise SystemExit(1)"
        )

    def test_says_what_to_install_for_a_connection(self, core_alone):
        line = core_alone.error(IMPORTS["asyncworker-rabbitmq"])
        assert "pip install asyncworker-rabbitmq" in line


class TestOneBackend:
    """Whoever wants one backend is not given the others."""

    @pytest.mark.parametrize(
        ("name", "absent"),
        [
            ("asyncworker-http", ["aio_pika", "asyncworker.sse", "asyncworker.rabbitmq"]),
            ("asyncworker-sse", ["aio_pika", "asyncworker.http", "asyncworker.rabbitmq"]),
            ("asyncworker-rabbitmq", ["aiohttp", "asyncworker.http", "asyncworker.sse"]),
        ],
    )
    def test_brings_core_and_nothing_of_the_others(self, environment, wheels, name, absent):
        environment.install([wheels["asyncworker-core"], wheels[name]])
        environment.run(IMPORTS[name])
        for module in absent:
            assert f"No module named '{module}'" in environment.error(f"import {module}")


class TestCommand:
    def test_works_without_any_extra(self, core_alone, wheels):
        version = f"{wheels['asyncworker-core'].metadata['Version']}\n"
        assert core_alone.command("asyncworker", "--version") == version
        assert core_alone.command("python", "-I", "-m", "asyncworker", "--version") == version

    def test_says_what_reload_needs(self, core_alone):
        code = "from asyncworker.cli.command import main; main(['run', 'json', '--reload'])"
        assert "pip install 'asyncworker-core[cli]'" in core_alone.command(
            "python", "-I", "-c", code, code=2
        )

    def test_a_new_project_works(self, environment, wheels, tmp_path):
        environment.install(
            [wheels["asyncworker-core"], wheels["asyncworker-rabbitmq"]], "pytest-asyncio"
        )
        environment.command("asyncworker", "new", str(tmp_path / "parcels"))
        tested = environment.command("pytest", "-q", cwd=tmp_path / "parcels")
        assert "2 passed" in tested
        table = environment.command("asyncworker", "routes", "worker", cwd=tmp_path / "parcels")
        assert "parcels" in table


@pytest.mark.slow
class TestTogether:
    def test_a_strict_type_checker_knows_them(self, environment, wheels, tmp_path):
        environment.install(wheels.values())
        # Ignored errors that do not occur are errors, so the wrong uses are checked too.
        output, errors, status = mypy.run(
            [
                "--strict",
                "--config-file=",
                f"--cache-dir={tmp_path / 'cache'}",
                f"--python-executable={environment.python}",
                str(TYPING_USAGE),
            ]
        )
        assert (errors, status) == ("", 0), output

    def test_pyright_knows_them_as_well(self, environment, wheels, tmp_path):
        environment.install(wheels.values())
        project = tmp_path / "project"
        project.mkdir()
        shutil.copy(TYPING_USAGE, project)
        strict = {"typeCheckingMode": "strict", "reportUnnecessaryTypeIgnoreComment": "error"}
        (project / "pyrightconfig.json").write_text(json.dumps(strict))
        command = [sys.executable, "-m", "pyright", "--outputjson", "--project", str(project)]
        done = subprocess.run(
            [*command, "--pythonpath", str(environment.python)],
            capture_output=True,
            text=True,
            check=False,
        )
        told = json.loads(done.stdout)
        assert told["generalDiagnostics"] == []
        assert told["summary"]["filesAnalyzed"] == 1

    def test_core_finds_the_installed_backend(self, environment, wheels):
        environment.install([wheels["asyncworker-core"], wheels["asyncworker-rabbitmq"]])
        environment.run(IMPORTS["asyncworker-rabbitmq"])
        code = f"{IMPORTS['asyncworker-rabbitmq']}\n{ROUTE}\nprint(len(app.routes))"
        broker = "AMQPConnection(hostname='127.0.0.1', username='guest', password='guest')"
        code = code.replace("connections=[]", f"connections=[{broker}]")
        assert environment.run(code) == "1\n"

    def test_an_extra_of_core_brings_the_backend(self, environment, wheels):
        links = wheels["asyncworker-rabbitmq"].path.parent
        core = f"asyncworker-core[rabbitmq] @ {wheels['asyncworker-core'].path.as_uri()}"
        environment.install([], "--find-links", str(links), core)
        environment.run(IMPORTS["asyncworker-rabbitmq"])

    @pytest.mark.parametrize(
        ("gone", "left"),
        [
            ("asyncworker-core", ["asyncworker-timeit"]),
            ("asyncworker-http", ["asyncworker-core", "asyncworker-rabbitmq", "asyncworker-sse"]),
            ("asyncworker-sse", ["asyncworker-core", "asyncworker-http"]),
            ("asyncworker-rabbitmq", ["asyncworker-core", "asyncworker-timeit"]),
            ("asyncworker-timeit", ["asyncworker-core", "asyncworker-rabbitmq"]),
        ],
    )
    def test_uninstalling_one_leaves_the_others_whole(self, environment, wheels, gone, left):
        environment.install(wheels.values())
        for statement in IMPORTS.values():
            environment.run(statement)
        environment.uninstall(gone)
        for name in left:
            environment.run(IMPORTS[name])
        assert environment.error(IMPORTS[gone])
