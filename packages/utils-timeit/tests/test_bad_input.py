import functools
import threading

import pytest

from asyncworker.utils import Timeit


def callback(transactions, dog=None):
    pass


@pytest.mark.parametrize("name", [None, 1, b"name", ["name"]])
def test_a_name_that_is_no_string_is_refused(name):
    with pytest.raises(TypeError, match=r"name must be a string, not .*: write Timeit\(name="):
        Timeit(name=name)


@pytest.mark.parametrize("name", ["", "  "])
def test_an_empty_name_is_refused(name):
    with pytest.raises(ValueError, match="name must not be empty"):
        Timeit(name=name)


def test_a_missing_name_is_refused():
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'name'"):
        Timeit()


def test_a_decorator_without_its_call_is_refused():
    with pytest.raises(TypeError, match=r"name must be a string, not <function .*: write Timeit"):

        @Timeit
        async def work():
            pass


@pytest.mark.parametrize("wrong", ["log", 0, False, object()])
def test_a_callback_that_cannot_be_called_is_refused(wrong):
    with pytest.raises(TypeError, match="callback must be a function, not "):
        Timeit(name="block", callback=wrong)


def test_a_keyword_that_the_callback_does_not_take_is_refused():
    with pytest.raises(TypeError, match="callback callback does not take the keyword 'cat'"):
        Timeit(name="block", callback=callback, cat="Felix")


def test_a_keyword_that_no_callback_takes_is_refused():
    with pytest.raises(TypeError, match="no callback takes the keyword 'calback'"):
        Timeit(name="block", calback=callback)


@pytest.mark.parametrize("keyword", ["transactions", "exc_type", "exc_val", "exc_tb", "time_delta"])
def test_a_keyword_that_timeit_gives_itself_is_refused(keyword):
    with pytest.raises(TypeError, match=f"Timeit itself gives '{keyword}' to the callback"):
        Timeit(name="block", callback=lambda **_: None, **{keyword: "mine"})


def test_a_callback_that_needs_a_keyword_nobody_gives_is_refused():
    def needs_a_dog(transactions, dog):
        pass

    with pytest.raises(TypeError, match=r"needs the keyword 'dog': pass it as Timeit\(..., dog="):
        Timeit(name="block", callback=needs_a_dog)
    Timeit(name="block", callback=needs_a_dog, dog="Xablau")


def test_a_callback_that_takes_its_arguments_by_position_only_is_refused():
    def by_position(transactions, /):
        pass

    def with_a_default(unused=None, /, **keywords):
        pass

    with pytest.raises(TypeError, match="takes 'transactions' by position only"):
        Timeit(name="block", callback=by_position)
    Timeit(name="block", callback=with_a_default)


def test_a_callback_refused_once_is_refused_again():
    for _ in range(2):
        with pytest.raises(TypeError, match="does not take the keyword 'cat'"):
            Timeit(name="block", callback=callback, cat="Felix")


@pytest.mark.parametrize("wrong", [None, 1, "b", property(), dict])
def test_decorating_what_is_no_function_is_refused(wrong):
    with pytest.raises(TypeError, match="Timeit decorates a function, not "):
        Timeit(name="call")(wrong)


def test_calling_an_instance_with_nothing_is_refused():
    with pytest.raises(TypeError, match=r"a transaction is timeit\(name='...'\)"):
        Timeit(name="call")()


@pytest.mark.parametrize("kind", [staticmethod, classmethod])
def test_decorating_above_a_static_or_class_method_is_refused(kind):
    with pytest.raises(TypeError, match=rf"put @Timeit\(...\) under @{kind.__name__}"):
        Timeit(name="call")(kind(callback))


def test_decorating_a_generator_is_refused():
    def generator():
        yield

    async def async_generator():
        yield

    for function in (generator, async_generator):
        with pytest.raises(TypeError, match=r"cannot decorate the generator .*generator: write"):
            Timeit(name="call")(function)


def test_a_function_and_a_name_together_are_refused():
    with Timeit(name="a") as timeit, pytest.raises(TypeError, match="not both"):
        timeit(callback, name="b")


@pytest.mark.parametrize(("name", "error"), [("", ValueError), (1, TypeError)])
def test_a_transaction_needs_a_name(name, error):
    with Timeit(name="a") as timeit, pytest.raises(error, match="name must"):
        timeit(name=name)


def test_a_transaction_has_no_callback_of_its_own():
    with Timeit(name="a") as timeit, pytest.raises(TypeError, match="'callback'"):
        timeit(name="b", callback=callback)


def test_a_transaction_is_refused_where_its_root_does_not_run():
    timeit = Timeit(name="a")
    message = "Timeit 'a' is not running: make its transaction 'b' in its block"
    with pytest.raises(RuntimeError, match=message):
        timeit(name="b")
    with timeit:
        timeit(name="b")
    with pytest.raises(RuntimeError, match=message):
        timeit(name="b")


async def test_entering_an_instance_twice_at_once_is_refused(clock, reports):
    timeit = Timeit(name="block", callback=reports.callback)
    async with timeit:
        clock.advance(1)
        with pytest.raises(RuntimeError, match="Timeit 'block' is running already: make one for"):
            async with timeit:
                pass
        clock.advance(1)
    assert reports.transactions == [{"block": 2}]


def test_entering_a_transaction_twice_at_once_is_refused():
    with (
        Timeit(name="a") as timeit,
        timeit(name="b") as b,
        pytest.raises(RuntimeError, match="Timeit 'b' is running already"),
        b,
    ):
        pass


def test_only_one_of_many_threads_enters_an_instance():
    timeit = Timeit(name="block")
    start, entered_or_refused = threading.Barrier(8), threading.Barrier(8)
    refused = []

    def work():
        start.wait()
        try:
            with timeit:
                entered_or_refused.wait()
        except RuntimeError as error:
            refused.append(error)
            entered_or_refused.wait()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 7


def test_the_error_names_a_callback_that_has_no_name():
    with pytest.raises(TypeError, match=r"callback functools.partial\(.*\) does not take"):
        Timeit(name="block", callback=functools.partial(callback), cat="Felix")
