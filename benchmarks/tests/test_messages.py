import json
import time

import pytest

from asyncworker.codecs.declared import declared_type
from benchmarks import models
from benchmarks.cases import MODELS
from benchmarks.messages import LARGE, SMALL, USUAL, body, changed, encode, stamped


@pytest.mark.parametrize("size", [SMALL, USUAL, LARGE])
def test_a_message_has_exactly_its_size(size):
    assert len(encode(body(size))) == size


def test_a_message_that_is_forwarded_is_another_of_the_same_size():
    order = body(USUAL)
    assert changed(order) != order == body(USUAL)
    assert len(encode(changed(order))) == USUAL


def test_a_stamped_message_is_as_long_as_any_other_and_says_when_it_was_sent():
    sent = time.monotonic_ns()
    message = stamped(sent, USUAL)
    assert len(message) == USUAL
    assert json.loads(message)["sent"] == sent


@pytest.mark.parametrize("model", MODELS)
def test_the_usual_message_fits_each_model(model):
    value = body(USUAL)
    order = declared_type(models.order(model)).from_json(encode(value))
    assert (order.id, order.n) == (value["id"], value["n"])
    assert [item.price for item in order.items] == [item["price"] for item in value["items"]]
