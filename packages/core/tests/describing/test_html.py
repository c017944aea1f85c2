"""The page for people: all that the documents say, and nothing that asks for more."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from asyncworker import description as told
from asyncworker.describing.about import About
from asyncworker.describing.asyncapi import asyncapi
from asyncworker.describing.html import page, policy
from asyncworker.describing.openapi import openapi

HOSTILE = "<script>alert(1)</script>\"'&"


class Order(BaseModel):
    """Be an order."""

    product: str = Field(min_length=1, description="What is ordered.")
    amount: Annotated[int, Field(gt=0)] = 1
    kind: Literal["tea", "milk"] = "tea"
    parts: list["Order"] = []


@dataclass
class Point:
    at: tuple[int, str]
    by_name: dict[str, int]


async def store(order):
    """Store an order.

    Twice is as good as once.
    """


def shown(title="shop", address="orders", about="Sells tea."):
    described = told.Description(
        operations=(
            told.Operation(
                action="receive",
                channel=told.Channel(
                    address=address,
                    servers=(told.Server(name="main", host="rabbit:5672", protocol="amqp"),),
                ),
                handler=store,
                message=told.Message(type=Order, headers=(told.Field(name="x-tenant", type=str),)),
                replies=(told.Message(type=Point, content_type="application/json"),),
            ),
        ),
        endpoints=(
            told.Endpoint(
                method="POST",
                path="/orders/{kind}",
                handler=store,
                parameters=(told.Field(name="kind", type=str, place="path"),),
                body=told.Body(content_types=("application/json",), type=Order),
                answers=(told.Answer(status=204, about="No Content"),),
            ),
        ),
    )
    own = About(title, "1", about)
    links = {"OpenAPI": "openapi.json"}
    return page(openapi(described, own), asyncapi(described, own), links)


class Outline(HTMLParser):
    """Reads the ids, the links and the headings of a page; fails where tags do not match."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.headings, self.tags = [], [], [], set()
        self._open = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.add(tag)
        self.ids += filter(None, [attributes.get("id")])
        self.links += filter(None, [attributes.get("href")])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag


def test_all_is_told():
    text = re.sub("<[^>]+>", " ", shown())
    for part in (
        *("shop", "Version 1", "Sells tea.", "Store an order.", "Twice is as good as once."),
        *("POST", "/orders/{kind}", "path", "204", "No Content", "application/json"),
        *("store receives from", "orders", "amqp://rabbit:5672", "x-tenant"),
        *("Be an order.", "What is ordered.; from 1 characters", "above 0", "tea", "milk"),
        *("list of", "object of", "list of integer, string"),
    ):
        assert " ".join(part.split()) in " ".join(text.split()), part


def test_every_link_leads_somewhere_on_the_page_or_to_a_document():
    outline = Outline(shown())
    assert len(set(outline.ids)) == len(outline.ids)
    inner = {link[1:] for link in outline.links if link.startswith("#")}
    assert inner <= set(outline.ids)
    assert {link for link in outline.links if not link.startswith("#")} == {"openapi.json"}


def test_headings_are_in_order_for_those_who_hear_the_page():
    headings = Outline(shown()).headings
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(deeper - higher <= 1 for higher, deeper in pairwise(headings))


def test_the_page_asks_nobody_for_anything():
    outline = Outline(shown())
    assert not outline.tags & {"script", "link", "img", "iframe", "object"}
    assert policy().startswith("default-src 'none'; style-src 'sha256-")
    assert "script-src" not in policy()


def test_what_users_wrote_is_text():
    text = shown(HOSTILE, HOSTILE, HOSTILE)
    assert "<script" not in text
    Outline(text)


def test_an_app_that_takes_nothing_has_a_page():
    own = About("idle", "1")
    nothing = told.Description()
    text = page(openapi(nothing, own), asyncapi(nothing, own), {})
    assert "Nothing is taken, and nothing is given." in text
    Outline(text)
