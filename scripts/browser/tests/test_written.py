"""What is wrong with a page as it is written is told."""

import pytest

from scripts.browser import written
from scripts.browser.site import pages

SWITCH = '<a hreflang="en" href="{en}">English</a> <a hreflang="pt-BR" href="{pt}">Português</a>'
ENGLISH = '<html lang="en"><title>Home</title><h1 id="top">Home</h1>' + SWITCH.format(
    en="./", pt="pt-BR/"
)
PORTUGUESE = '<html lang="pt-BR"><title>Home</title><h1>Início</h1>' + SWITCH.format(
    en="../", pt="./"
)
GUIDE = '<html lang="en"><title>Guide</title><h1>Guide</h1>' + SWITCH.format(
    en="./", pt="../pt-BR/guide/"
)


@pytest.fixture
def problems(tmp_path):
    """Write a site and return what is wrong with it, by check. Each file ends as it is told."""

    def found(check, **endings):
        files = {
            "index.html": ENGLISH,
            "pt-BR/index.html": PORTUGUESE,
            "guide/index.html": GUIDE,
            "pt-BR/guide/index.html": GUIDE.replace('"en"><title>', '"pt-BR"><title>')
            .replace('"./"', '"../../guide/"')
            .replace('"../pt-BR/guide/"', '"./"'),
        } | {name: text for name, text in endings.items() if name.endswith("html")}
        files["index.html"] += endings.get("home", "")
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return list(written.CHECKS[check](pages(tmp_path)))

    return found


@pytest.mark.parametrize("check", written.CHECKS)
def test_nothing_is_told_of_a_site_that_is_well(check, problems):
    assert problems(check, home='<a href="guide/">x</a> <a href="pt-BR/#">x</a>') == []


def test_a_page_has_one_heading_of_level_1(problems):
    assert problems("headings", home="<h1>Another</h1>") == [
        "index.html: 2 headings of level 1",
    ]


def test_a_page_says_its_language(problems):
    text = PORTUGUESE.replace('lang="pt-BR"', 'lang="pt"')
    assert problems("languages", **{"pt-BR/index.html": text}) == [
        "pt-BR/index.html: its language is 'pt'",
    ]


def test_no_two_pages_of_a_language_have_the_same_title(problems):
    text = GUIDE.replace("<title>Guide", "<title>Home")
    assert problems("titles", **{"guide/index.html": text}) == [
        "guide/index.html, index.html: the title is 'Home'",
    ]


def test_the_title_of_a_picture_is_not_that_of_the_page(problems):
    assert problems("titles", home="<svg><title>Guide</title></svg>") == []


def test_a_page_has_a_title(problems):
    text = GUIDE.replace("<title>Guide</title>", "")
    assert problems("titles", **{"guide/index.html": text}) == [
        "guide/index.html: the title is ''",
    ]


def test_the_switch_leads_to_the_same_page(problems):
    text = GUIDE.replace("../pt-BR/guide/", "../pt-BR/")
    assert problems("switches", **{"guide/index.html": text}) == [
        "guide/index.html: its switch to pt-BR leads to pt-BR/index.html",
    ]


def test_a_page_has_a_switch(problems):
    assert problems("switches", **{"index.html": "<html>"}) == [
        "index.html: its switch to en leads to None",
        "index.html: its switch to pt-BR leads to None",
    ]


def test_the_page_of_a_404_switches_to_front_pages(problems):
    text = SWITCH.format(en="/", pt="/pt-BR/")
    assert problems("switches", **{"404.html": text}) == []


@pytest.mark.parametrize(
    "link",
    ['<a href="gone/">', '<a href="guide/#gone">', '<a href="#gone">', '<img src="gone.png">'],
)
def test_links_lead_somewhere(link, problems):
    (problem,) = problems("links", home=link)
    assert problem == f"index.html: nothing is at {link.split(chr(34))[1]}"


def test_links_to_other_hosts_are_left_alone(problems):
    assert problems("links", home='<a href="https://example.org/x">') == []


def test_links_do_not_begin_at_the_root_of_the_host(problems):
    assert problems("links", home='<a href="/guide/">') == [
        "index.html: /guide/ does not lead there from a folder of a host",
    ]


def test_links_of_the_page_of_a_404_begin_there(problems):
    assert problems("links", **{"404.html": '<a href="/guide/">x</a><a href="guide/">x</a>'}) == [
        "404.html: nothing is at guide/",
    ]
