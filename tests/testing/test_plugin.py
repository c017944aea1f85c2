"""The pytest plugin."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTEST = [
    sys.executable,
    "-m",
    "pytest",
    "-q",
    "-p",
    "no:cacheprovider",
    "-p",
    "pytest_asyncworker",
]
CONFIGURATION = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
"""


def run_pytest(folder, *arguments):
    done = subprocess.run(
        [*PYTEST, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_the_example_passes():
    assert run_pytest(ROOT / "examples" / "testing")[0] == 0


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("", "which app? Set asyncworker_app = module:app"),
        ("asyncworker_app = nothing:app", "asyncworker_app: there is no module 'nothing'"),
    ],
)
def test_the_plugin_says_which_app_is_missing(tmp_path, setting, said):
    (tmp_path / "pytest.ini").write_text(CONFIGURATION + setting)
    (tmp_path / "test_it.py").write_text("async def test_it(worker): ...\n")
    code, output = run_pytest(tmp_path)
    assert code != 0
    assert said in output


def test_the_plugin_takes_the_app_of_a_fixture(tmp_path):
    (tmp_path / "pytest.ini").write_text(CONFIGURATION)
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "from asyncworker import App\n"
        "@pytest.fixture\n"
        "def asyncworker_app():\n"
        "    return App()\n"
        "async def test_it(worker):\n"
        "    await worker.idle()\n"
    )
    code, output = run_pytest(tmp_path)
    assert code == 0, output


def test_the_plugin_fails_a_test_that_does_not_look_at_what_handlers_raised(tmp_path):
    (tmp_path / "pytest.ini").write_text(CONFIGURATION + "asyncworker_app = test_it:app")
    (tmp_path / "test_it.py").write_text(
        "from asyncworker import App\n"
        "app = App()\n"
        "@app.run_every(60)\n"
        "async def fail():\n"
        "    raise ValueError('unseen')\n"
        "async def test_it(worker): ...\n"
        "async def test_looking(worker):\n"
        "    assert len(worker.errors) == 1\n"
    )
    code, output = run_pytest(tmp_path)
    assert code == 1
    assert "ValueError: unseen" in output
    assert "2 passed, 1 error" in output


def test_the_plugin_says_what_it_needs(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_it.py").write_text("def test_it(worker): ...\n")
    (tmp_path / "pytest_asyncio.py").write_text("raise ImportError('not here')\n")
    done = subprocess.run(
        [*PYTEST, "-p", "no:asyncio"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "install asyncworker-core[testing]" in done.stdout


def test_the_plugin_imports_nothing_of_asyncworker(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_it():\n"
        "    assert 'pytest_asyncworker' in sys.modules\n"
        "    assert 'asyncworker' not in sys.modules\n"
    )
    code, output = run_pytest(tmp_path)
    assert code == 0, output
