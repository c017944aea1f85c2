"""Tools that read what is written, and must find nothing."""

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

from jsonschema.validators import validator_for
from ruamel.yaml import YAML

SCHEMAS = files("check_jsonschema") / "builtin_schemas" / "vendor"


def passes(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a tool that must find nothing; return what it says all the same."""
    run = subprocess.run(
        list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False
    )
    said = run.stdout + run.stderr
    assert run.returncode == 0, said
    return said


def tool(name: str) -> Path:
    """Return where a tool is that pip installed."""
    return Path(sys.executable).with_name(name)


def problems_of(schema: str, text: str) -> list[str]:
    """Return what a schema that check-jsonschema brings along has against a text."""
    known = json.loads((SCHEMAS / f"{schema}.json").read_text("utf-8"))
    # It reads YAML 1.2, in which `on` is no boolean.
    given = YAML(typ="safe").load(text)
    return [one.message for one in validator_for(known)(known).iter_errors(given)]
