"""Docstrings are read the way this project writes them."""

from scripts.pages.prose import read


def test_the_names_of_a_docstring_are_told_apart_wherever_a_sentence_begins():
    prose = read(
        """Do it.

        It takes a while. seconds: how long,
        at most. first, last: names.
        other: no name of its own.
        """,
        ["seconds", "first", "last"],
    )
    assert prose.text == "Do it.\n\nIt takes a while."
    assert prose.about == {
        "seconds": "how long, at most.",
        "first": "names. other: no name of its own.",
        "last": "names. other: no name of its own.",
    }
    assert prose.raises == ""


def test_errors_are_told_apart():
    prose = read("Do it. Now.\n\nname: whose. Raises: Oops, when it is late.", ["name"])
    assert prose.text == "Do it. Now."
    assert prose.about == {"name": "whose."}
    assert prose.raises == "Oops, when it is late."


def test_paragraphs_without_names_keep_their_lines():
    assert read("Do:\n\n- one\n- two", ["one"]).text == "Do:\n\n- one\n- two"


def test_a_name_within_a_sentence_is_no_name():
    assert read("Take what has a name: this.", ["name"]).about == {}
