"""What tests of pages share: the packages as griffe reads them, and a program that pages call."""

import shutil

import griffe
import pytest

from scripts import ROOT, apt
from scripts.pages.reference import Reference


@pytest.fixture(scope="session")
def loader():
    return griffe.GriffeLoader(
        extensions=griffe.load_extensions(Reference()),
        search_paths=sorted(ROOT.glob("packages/*/src")),
        docstring_parser="google",
    )


@pytest.fixture(scope="session")
def curl():
    """What pages ask servers by, which not every system brings."""
    if shutil.which("curl") is None and apt.is_at_hand():
        apt.install("curl")


@pytest.fixture(scope="session")
def package(loader):
    loaded = loader.load("asyncworker", try_relative_path=False)
    loader.resolve_aliases()
    return loaded
