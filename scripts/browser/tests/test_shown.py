"""What is wrong with a page as it is shown is told."""

import base64

import pytest
import pytest_asyncio

from scripts.browser import shown
from scripts.browser.site import pages
from scripts.browser.visit import survey

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
HEAD = """<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,"><title>A page</title>
<body data-md-color-scheme="default"><h1>A page</h1>
<script>
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.body.dataset.mdColorScheme = dark.matches ? "slate" : "default";
dark.addEventListener("change", follow);
follow();
function draw(picture) {
  const source = document.querySelector("pre.mermaid"), host = document.createElement("div");
  host.className = "mermaid";
  host.attachShadow({ mode: "closed" }).innerHTML = picture;
  source.replaceWith(host);
}
</script>"""
DIAGRAM = '<pre class="mermaid">a --> b</pre><script>draw(`{}`)</script>'
WELL = """<img src="pixel.png"><table style="display: block; overflow: auto">
<td style="min-width: 2000px">wide</table>""" + DIAGRAM.format('<svg width="50" height="50"></svg>')

BROKEN = {
    "console": "<script>console.error('an error')</script>",
    "warning": "<script>console.warn('a warning')</script>",
    "exception": "<script>throw new Error('thrown')</script>",
    "late": "<script>Promise.reject(new Error('late'))</script>",
    "request": "<script src='gone.js'></script>",
    "host": "<script>fetch('http://localhost:9/x').catch(() => 0)</script>",
    "wide": "<div style='width: 2000px'>wide</div>",
    "cut": "<div style='overflow: hidden'><p style='width: 2000px'>cut</p></div>",
    "image": "<img src='index.html'>",
    "undrawn": "<pre class='mermaid'>a</pre><script>draw('')</script>",
    "never": "<pre class='mermaid'>a</pre>",
    "empty": DIAGRAM.format('<svg width="0" height="0"></svg>'),
    "mistake": DIAGRAM.format('<svg aria-roledescription="error" width="9" height="9"></svg>'),
    "scheme": "<script>document.body.dataset.mdColorScheme = 'default';"
    " dark.removeEventListener('change', follow)</script>",
}
MISTAKES = {
    ("console", "console"): "error: an error",
    ("console", "warning"): "warning: a warning",
    ("console", "exception"): "exception: thrown",
    ("console", "late"): "exception: late",
    ("console", "never"): "not ready after 2 seconds",
    ("requests", "request"): "gone.js: 404",
    ("hosts", "host"): "asks for http://localhost:9/x",
    ("scrolling", "wide"): "pixels wide",
    ("cuts", "cut"): "'cut' is cut off",
    ("images", "image"): "no image at",
    ("diagrams", "undrawn"): "0 of 1 diagrams are drawn",
    ("diagrams", "empty"): "0 of 1 diagrams are drawn",
    ("diagrams", "mistake"): "0 of 1 diagrams are drawn",
    ("schemes", "scheme"): "dark: shown as 'default'",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def visits(browser, tmp_path_factory):
    """What happened on each page, by its name."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "pixel.png").write_bytes(PIXEL)
    for name, text in {"index": WELL, **BROKEN}.items():
        (folder / f"{name}.html").write_text(HEAD + text)
    visits = await survey(browser, pages(folder), patience=2)
    return {
        name: [visit for visit in visits if visit.page.path == f"{name}.html"]
        for name in ("index", *BROKEN)
    }


@pytest.mark.parametrize("check", shown.CHECKS)
def test_nothing_is_told_of_a_page_that_is_well(check, visits):
    assert [text for visit in visits["index"] for text in shown.CHECKS[check](visit)] == []


@pytest.mark.parametrize(("check", "name"), MISTAKES)
def test_a_mistake_is_told_on_both_screens(check, name, visits):
    told = [list(shown.CHECKS[check](visit)) for visit in visits[name]]
    assert len(told) == 2
    assert all(any(MISTAKES[check, name] in text for text in texts) for texts in told)


def test_each_check_is_seen_to_fail():
    assert {check for check, _ in MISTAKES} == set(shown.CHECKS)
    assert {name for _, name in MISTAKES} == set(BROKEN)
