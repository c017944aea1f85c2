"""The guide shows what is written."""

import re
from pathlib import Path

import pytest

from tests.manifests.tools import passes, tool

PAGE = Path(__file__).parent.parent.parent / "docs" / "guides" / "deploying.md"


def block(title):
    """What stands in the block of the page that has this title."""
    [found] = re.findall(
        rf'^```\w+ title="{re.escape(title)}"\n(.*?)^```$',
        PAGE.read_text(),
        re.DOTALL | re.MULTILINE,
    )
    return found


@pytest.mark.parametrize("title", ["shop.yaml", "shop-keda.yaml", "shop.service"])
def test_a_file_is_as_the_guide_shows_it(tmp_path, monkeypatch, title):
    monkeypatch.setenv("ASYNCWORKER_AMQP_URL", "memory://")
    # In processes of their own, as the metric of the app can be made but once in each.
    (tmp_path / "shop.py").write_text(block("shop.py"))
    [command] = re.findall(
        rf"^\$ asyncworker (manifest shop .+ -o {re.escape(title)})$",
        PAGE.read_text(),
        re.MULTILINE,
    )
    said = passes(tool("asyncworker"), *command.split(), cwd=tmp_path)
    assert said == f"wrote {title}\n"
    assert (tmp_path / title).read_text() == block(title)
