"""The page is one document, and its policy allows nothing but itself."""

import base64
import hashlib
import re

from asyncworker.status import page, policy


def test_the_page_brings_all_that_it_needs():
    assert page().startswith("<!doctype html>")
    assert not re.search(r"\b(src|href)=", page())


def test_the_policy_allows_its_own_style_and_script_alone():
    for kind in ("style", "script"):
        [text] = re.findall(rf"<{kind}[^>]*>(.*?)</{kind}>", page(), re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}';" in policy()
    assert policy().startswith("default-src 'none'; connect-src 'self';")
