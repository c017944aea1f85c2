import json
import time

import pytest

from benchmarks.messages import LARGE, SMALL, USUAL, body, encode, stamped


@pytest.mark.parametrize("size", [SMALL, USUAL, LARGE])
def test_a_message_has_exactly_its_size(size):
    assert len(encode(body(size))) == size


def test_a_stamped_message_is_as_long_as_any_other_and_says_when_it_was_sent():
    sent = time.monotonic_ns()
    message = stamped(sent, USUAL)
    assert len(message) == USUAL
    assert json.loads(message)["sent"] == sent
