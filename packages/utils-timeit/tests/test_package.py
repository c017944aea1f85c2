import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import asyncworker.utils
import asyncworker.utils.timeit

PACKAGE = Path(__file__).parents[1]

ALONE = """
import sys
sys.path.insert(0, sys.argv[1])
from asyncworker.utils import Timeit
with Timeit(name="block") as timeit:
    pass
assert list(timeit.transactions) == ["block"]
foreign = {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names
print(*sorted(foreign))
print(*sorted(name for name in sys.modules if name.startswith("asyncworker")))
"""


def test_the_public_names_are_these():
    assert asyncworker.utils.__all__ == ["Timeit", "__version__"]
    assert asyncworker.utils.Timeit is asyncworker.utils.timeit.Timeit


def test_it_works_with_nothing_else_installed(tmp_path):
    folder = tmp_path / "asyncworker" / "utils"
    shutil.copytree(Path(asyncworker.utils.__file__).parent, folder)
    # -S and -I leave out every installed distribution.
    command = [sys.executable, "-I", "-S", "-W", "error", "-c", ALONE, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "__main__ asyncworker",
        (
            "asyncworker asyncworker.utils asyncworker.utils.callback "
            "asyncworker.utils.run asyncworker.utils.timeit asyncworker.utils.version"
        ),
    ]


def test_the_distribution_has_no_dependencies():
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    assert project["dependencies"] == []


def test_the_package_is_marked_as_typed():
    assert (Path(asyncworker.utils.__file__).parent / "py.typed").exists()
