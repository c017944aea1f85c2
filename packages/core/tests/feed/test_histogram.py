from asyncworker.feed import Histogram


def test_counts_values_up_to_each_bound():
    histogram = Histogram((1, 10))

    histogram.add([0.5, 1, 5, 10, 11])
    histogram.add([2])

    assert histogram.buckets() == [(1, 2), (10, 5)]
    assert histogram.count == 6
    assert histogram.sum == 29.5
