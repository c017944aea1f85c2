import pytest

from benchmarks import jobs
from benchmarks.jobs import Address


@pytest.mark.parametrize(
    "job",
    [
        jobs.Consume("amqp://h/", ("a", "b"), 1, 2, bulk=100, pause=0.01, latency=True),
        jobs.Consume("amqp://h/", ("a",), 1, 2, model="pydantic"),
        jobs.Forward("amqp://h/", ("a",), 1, 2, bulk=100, target="b"),
        jobs.Ask("amqp://h/", "q", 1, 2, size=200, in_flight=100),
        jobs.Publish("amqp://h/", "q", 1, 2, size=200, in_flight=100),
        jobs.Serve(8080, routes=3),
        jobs.Follow("http://h", "/10", 1, 2, bulk=100),
        jobs.Clock(1, 2),
        jobs.Idle("amqp://h/", "q", "http://h", 8080),
    ],
)
def test_a_job_arrives_as_it_was_sent(job):
    assert jobs.load(jobs.dump(job)) == job


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("amqp://host", Address("host", 5672, "guest", "guest", "/")),
        ("amqp://a%40b:p%2F@host:1/", Address("host", 1, "a@b", "p/", "/")),
        ("amqp://host/%2Fv", Address("host", 5672, "guest", "guest", "/v")),
    ],
)
def test_takes_an_address_apart(url, address):
    assert Address.of(url) == address
