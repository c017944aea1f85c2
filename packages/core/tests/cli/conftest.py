"""The module that commands are given."""

import sys
from textwrap import dedent

import pytest


@pytest.fixture
def module(tmp_path, monkeypatch, kafka):
    """Write the module `shop` into the current directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    # What the command sets is put back.
    for name in ("LOOP", "LOGLEVEL", "HTTP_HOST", "HTTP_PORT"):
        monkeypatch.setenv(f"ASYNCWORKER_{name}", "")
        monkeypatch.delenv(f"ASYNCWORKER_{name}")
    known = set(sys.modules)

    def write(text, name="shop.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text))

    yield write
    for name in set(sys.modules) - known:
        del sys.modules[name]
