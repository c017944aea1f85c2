"""The wheels of the packages, and environments that hold nothing but what is installed there."""

import email
import os
import subprocess
import sys
from collections.abc import Iterable
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

PACKAGES = Path(__file__).parent.parent / "packages"
UV = [sys.executable, "-m", "uv"]


class Wheel:
    def __init__(self, path: Path, source: Path) -> None:
        self.path = path
        self.source = source
        with ZipFile(path) as archive:
            self.files = archive.namelist()
            self.texts = {
                Path(name).name: archive.read(name) for name in self.files if ".dist-info/" in name
            }

    @property
    def contents(self) -> dict[str, bytes]:
        """Every file in it."""
        with ZipFile(self.path) as archive:
            return {name: archive.read(name) for name in self.files}

    @property
    def metadata(self) -> Message:
        return email.message_from_bytes(self.texts["METADATA"])

    @property
    def modules(self) -> list[str]:
        return [name for name in self.files if ".dist-info/" not in name]


class Environment:
    """A virtual environment with nothing in it but what a test installs."""

    def __init__(self, folder: Path) -> None:
        self.python = folder / "bin" / "python"
        self.variables = outer_variables()
        self._uv("venv", "--quiet", "--python", sys.executable, str(folder))

    def install(self, wheels: Iterable[Wheel], *options: str) -> None:
        paths = [str(wheel.path) for wheel in wheels]
        self._uv("pip", "install", "--quiet", "--python", str(self.python), *options, *paths)

    def uninstall(self, name: str) -> None:
        self._uv("pip", "uninstall", "--quiet", "--python", str(self.python), name)

    def distributions(self) -> set[str]:
        code = "from importlib.metadata import distributions as d; print(*[x.name for x in d()])"
        return set(self.run(code).split())

    def run(self, code: str) -> str:
        """Return what the code prints; fail with what it raises."""
        done = self._python(code)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def command(self, name: str, *arguments: str, cwd: Path | None = None, code: int = 0) -> str:
        """Return what an installed command prints, as it ends with this exit code."""
        command = [self.python.with_name(name), *arguments]
        done = subprocess.run(
            command, env=self.variables, cwd=cwd, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def error(self, code: str) -> str:
        """Return the last line of the code's traceback."""
        done = self._python(code)
        assert done.returncode == 1, done.stdout
        return done.stderr.splitlines()[-1]

    def _python(self, code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.python, "-I", "-c", code],
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def _uv(self, *args: str) -> None:
        done = subprocess.run(
            [*UV, *args], env=self.variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def outer_variables() -> dict[str, str]:
    """Return the variables of this process, less what leads to its own environment."""
    own = ("PYTHON", "VIRTUAL_ENV", "COVERAGE")
    return {name: value for name, value in os.environ.items() if not name.startswith(own)}


def build_wheels(folder: Path) -> dict[str, Wheel]:
    """Build the wheel of each package, in a folder of its own."""
    sources = sorted(path.parent for path in PACKAGES.glob("*/pyproject.toml"))
    built = [Wheel(build("wheel", source, folder / source.name), source) for source in sources]
    return {wheel.metadata["Name"]: wheel for wheel in built}


def build(kind: str, source: Path, out: Path) -> Path:
    """Build the sdist of a folder, or the wheel of a folder or of an sdist."""
    command = [*UV, "build", "--quiet", f"--{kind}", "--out-dir", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = out.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return path
