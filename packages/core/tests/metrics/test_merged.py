"""Metrics of several processes as one text."""

from prometheus_client.parser import text_string_to_metric_families

from asyncworker.metrics import merged

ONE = b"""\
# HELP asyncworker_messages_total Messages, by what became of them.
# TYPE asyncworker_messages_total counter
asyncworker_messages_total{outcome="ack",queue="orders",route="store"} 3.0
# HELP asyncworker_handler_seconds How long handlers took.
# TYPE asyncworker_handler_seconds histogram
asyncworker_handler_seconds_bucket{le="0.1",route="store"} 1.0
asyncworker_handler_seconds_bucket{le="+Inf",route="store"} 2.0
asyncworker_handler_seconds_count{route="store"} 2.0
asyncworker_handler_seconds_sum{route="store"} 4.5
"""
OTHER = (
    ONE.replace(b"3.0", b"7.0")
    + b"""\
# HELP shop_orders Orders, "all" of them.
# TYPE shop_orders gauge
shop_orders{kind="a \\"b\\"\\n"} 1.0
"""
)


def test_each_series_says_of_which_worker_it_is():
    lines = merged({"1": ONE, "2": OTHER}).decode().splitlines()
    assert lines[:4] == [
        "# HELP asyncworker_messages_total Messages, by what became of them.",
        "# TYPE asyncworker_messages_total counter",
        'asyncworker_messages_total{outcome="ack",queue="orders",route="store",worker="1"} 3.0',
        'asyncworker_messages_total{outcome="ack",queue="orders",route="store",worker="2"} 7.0',
    ]


def test_families_are_kept_together():
    lines = merged({"1": ONE, "2": OTHER, "3": ONE}).decode().splitlines()
    types = [line.split()[2:] for line in lines if line.startswith("# TYPE")]
    assert types == [
        ["asyncworker_messages_total", "counter"],
        ["asyncworker_handler_seconds", "histogram"],
        ["shop_orders", "gauge"],
    ]


def test_text_survives():
    [family] = [
        one
        for one in text_string_to_metric_families(merged({"2": OTHER}).decode())
        if one.name == "shop_orders"
    ]
    assert family.documentation == 'Orders, "all" of them.'
    assert family.samples[0].labels == {"kind": 'a "b"\n', "worker": "2"}


def test_a_label_of_yours_is_kept():
    text = b"# TYPE shop_orders gauge\n"
    text += b'shop_orders{worker="ann"} 1.0\nshop_orders{worker="bob"} 2.0\n'
    lines = merged({"1": text}).decode().splitlines()
    assert lines[-2:] == [
        'shop_orders{exported_worker="ann",worker="1"} 1.0',
        'shop_orders{exported_worker="bob",worker="1"} 2.0',
    ]


def test_of_no_process_there_is_nothing():
    assert merged({}) == b""
