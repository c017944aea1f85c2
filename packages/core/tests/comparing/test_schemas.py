"""What one schema allows and another one does not, in either direction."""

import pytest

from asyncworker.comparing.words import given, taken

INTEGER = {"type": "integer"}
TEXT = {"type": "string"}


def an_object(*required, **properties):
    return {"type": "object", "properties": properties, "required": list(required)}


def closed(**properties):
    return {**an_object(**properties), "additionalProperties": False}


def lines(compared, old, new, components=()):
    roots = [{"components": {"schemas": dict(one)}} for one in (components or ((), ()))]
    return [each.what for each in compared("it", "body", (roots[0], old), (roots[1], new))]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (an_object(a=TEXT), an_object("a", a=TEXT), ["body.a is required now"]),
        (an_object(a=TEXT), an_object("b", a=TEXT, b=TEXT), ["body.b is required now"]),
        (an_object(a=TEXT), an_object(a=INTEGER), ["body.a no longer takes string"]),
        (
            an_object(a={"anyOf": [TEXT, {"type": "null"}]}),
            an_object(a=TEXT),
            ["body.a no longer takes null"],
        ),
        ({"enum": ["a", "b"]}, {"enum": ["b"]}, ['body no longer takes "a"']),
        ({"enum": [1, True]}, {"enum": [1]}, ["body no longer takes true"]),
        ({"enum": ["a", 1]}, INTEGER, ['body no longer takes "a"']),
        (TEXT, {"type": "string", "enum": ["a"]}, ['body takes only "a" now']),
        ({}, an_object(), ["body takes only object now"]),
        (
            {"type": "number"},
            {"type": "number", "minimum": 0},
            ["body takes only what keeps to minimum 0 now"],
        ),
        (
            {"type": "integer", "minimum": 1},
            {"type": "integer", "exclusiveMinimum": 1},
            ["body takes only what keeps to exclusiveMinimum 1 now"],
        ),
        (TEXT, {**TEXT, "maxLength": 5}, ["body takes only what keeps to maxLength 5 now"]),
        (TEXT, {**TEXT, "format": "uuid"}, ["body takes only what keeps to format uuid now"]),
        (
            an_object(a=TEXT),
            closed(),
            ["body.a is refused now", "body no longer takes other properties"],
        ),
        (
            {"type": "array", "items": {}},
            {"type": "array", "items": TEXT},
            ["body.[] takes only string now"],
        ),
        (
            {"type": "array", "prefixItems": [TEXT, TEXT]},
            {"type": "array", "items": [TEXT, INTEGER]},
            ["body.1 no longer takes string"],
        ),
        (
            {"type": "object", "additionalProperties": {"type": "number"}},
            {"type": "object", "additionalProperties": INTEGER},
            ["body.* no longer takes number"],
        ),
        ({"type": ["string", "null"]}, TEXT, ["body no longer takes null"]),
        (TEXT, False, ["body no longer takes string"]),
    ],
)
def test_what_is_taken_may_not_become_less(old, new, expected):
    assert lines(taken, old, new) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (an_object("a", a=TEXT), an_object(a=TEXT), ["body.a is no longer promised"]),
        (an_object("a", a=TEXT), an_object(), ["body.a is gone"]),
        (an_object(a=TEXT), an_object(), ["body.a is gone"]),
        (an_object("a", a=TEXT), an_object("a", a=INTEGER), ["body.a may be integer now"]),
        (
            an_object("a", a=TEXT),
            an_object("a", a={"anyOf": [TEXT, {"type": "null"}]}),
            ["body.a may be null now"],
        ),
        ({"enum": ["a"]}, {"enum": ["a", "b"]}, ['body may be "b" now']),
        ({"enum": ["a"]}, TEXT, ['body is no longer only "a"']),
        (TEXT, {}, ["body is no longer only string"]),
        ({**TEXT, "format": "uuid"}, TEXT, ["body no longer keeps to format uuid"]),
    ],
)
def test_what_is_given_may_not_promise_less(old, new, expected):
    assert lines(given, old, new) == expected


@pytest.mark.parametrize(
    ("compared", "old", "new"),
    [
        (taken, an_object("a", a=TEXT), an_object(a=TEXT, b=TEXT)),
        (taken, an_object(a=TEXT), an_object(a={})),
        (taken, an_object(a=TEXT), an_object()),
        (taken, INTEGER, {"type": "number"}),
        (taken, INTEGER, {"anyOf": [TEXT, INTEGER]}),
        (taken, {"const": "a"}, {"enum": ["a", "b"]}),
        (taken, {"type": "integer", "exclusiveMinimum": 1}, {"type": "integer", "minimum": 1}),
        (taken, {"type": "string", "minLength": 2}, {"type": "string", "minLength": 1}),
        (taken, an_object(a=TEXT), {"allOf": [an_object(a=TEXT)], "title": "Other"}),
        (taken, False, TEXT),
        (given, an_object("a", a=TEXT), an_object("a", "b", a=TEXT, b=TEXT)),
        (given, closed(a=TEXT), closed(a=TEXT, b=TEXT)),
        (given, {"type": "number"}, INTEGER),
        (given, {"enum": ["a", "b"]}, {"enum": ["a"]}),
        (given, an_object(a=TEXT), an_object("a", a=TEXT)),
    ],
)
def test_what_is_as_good_as_before_passes(compared, old, new):
    assert lines(compared, old, new) == []


def test_references_are_followed():
    order, other = an_object("id", id=TEXT), an_object("id", id=INTEGER)
    reference = {"$ref": "#/components/schemas/Order"}
    components = [{"Order": order}, {"Order": other}]
    assert lines(taken, reference, reference, components) == ["body.id no longer takes string"]


def test_a_class_that_refers_to_itself_has_an_end():
    reference = {"$ref": "#/components/schemas/Tree"}
    old, new = (
        an_object(name=kind, children={"type": "array", "items": reference})
        for kind in (TEXT, INTEGER)
    )
    assert lines(taken, reference, reference, [{"Tree": old}, {"Tree": new}]) == [
        "body.name no longer takes string"
    ]


@pytest.mark.parametrize(
    "loop",
    [
        {"$ref": "#/components/schemas/Loop"},
        {"anyOf": [{"$ref": "#/components/schemas/Loop"}] * 3},
        {"allOf": [{"$ref": "#/components/schemas/Loop"}] * 3},
        {"type": "object", "properties": {"a": {"$ref": "#/components/schemas/Missing"}}},
        {"$ref": "elsewhere.json#/a"},
        {"$ref": 5, "type": 5, "enum": 5, "required": 5, "properties": [], "anyOf": {}},
        [],
        None,
    ],
)
def test_nonsense_has_an_end(loop):
    components = [{"Loop": loop}, {"Loop": loop}]
    assert lines(taken, loop, loop, components) == []


def test_of_alternatives_the_nearest_is_told():
    cat = an_object("kind", kind={"const": "cat"}, lives=INTEGER)
    dog = an_object("kind", kind={"const": "dog"}, name=TEXT)
    strict = an_object("kind", "name", kind={"const": "dog"}, name=TEXT)
    old, new = {"oneOf": [cat, dog]}, {"oneOf": [cat, strict]}
    assert lines(taken, old, new) == ["body.name is required now"]


def test_long_lists_of_values_are_cut():
    [line] = lines(taken, {"enum": [str(number) for number in range(100)]}, INTEGER)
    assert len(line) < 100
