"""What the tests of the reference share: the packages as griffe reads them."""

import griffe
import pytest

from scripts import ROOT
from scripts.pages.reference import Reference


@pytest.fixture(scope="session")
def loader():
    return griffe.GriffeLoader(
        extensions=griffe.load_extensions(Reference()),
        search_paths=sorted(ROOT.glob("packages/*/src")),
        docstring_parser="google",
    )


@pytest.fixture(scope="session")
def package(loader):
    loaded = loader.load("asyncworker", try_relative_path=False)
    loader.resolve_aliases()
    return loaded
