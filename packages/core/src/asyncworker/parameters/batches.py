"""A handler of items that come in batches, and what it asks for of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from inspect import Parameter
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args, get_origin

from asyncworker.errors import ConfigurationError
from asyncworker.parameters.arguments import calling
from asyncworker.parameters.markers import Marker, marker_of
from asyncworker.parameters.signature import ANYTHING, parameters_of, shown
from asyncworker.routes import check_takes, name_of, standing_for

if TYPE_CHECKING:
    from asyncworker.app import App
    from asyncworker.routes import Handler

    Take = Callable[[list[Any]], Any]
    MarkerTake = Callable[[Parameter, Marker], Callable[[Any], Any]]

LISTS: Final = (list, Sequence, Collection, Iterable)


@dataclass(frozen=True, slots=True)
class Batches:
    """Say what a backend gives to handlers.

    item: the class of the items. noun: what one is called. bulk_size: the most in one batch.
    marked: returns what takes a marked parameter's value from an item; it raises
    ConfigurationError for a marker that means nothing here.
    """

    item: type
    noun: str
    bulk_size: int
    marked: MarkerTake


@dataclass(frozen=True, slots=True)
class Plan:
    """Hold a handler that takes the list of items, and what it asks for of each of them.

    body: the type of the bodies; ANYTHING, when it says nothing of them. marked: what it takes of
    an item beside the body, each of which may find that the item does not fit. fields: the
    parameters that those fill. is_single: whether it takes the only item alone, and no list.
    """

    handler: Handler
    body: Any = ANYTHING
    marked: tuple[Callable[[Any], Any], ...] = ()
    fields: tuple[Parameter, ...] = ()
    is_single: bool = False


@dataclass(frozen=True, slots=True)
class _Filling:
    """Say how one parameter is filled.

    body: the type of bodies that it asks for. is_single: whether it means the only item.
    is_of_items: whether it is anything of them. is_default: whether it keeps its default. marked:
    as in a Plan.
    """

    take: Take
    body: Any = ANYTHING
    is_single: bool = False
    is_of_items: bool = True
    is_default: bool = False
    marked: Callable[[Any], Any] | None = None


def plan(app: App, handler: Handler, batches: Batches) -> Plan:
    """Return how a handler is called with the batches of a route.

    One that takes the list of items, and nothing else, is called as it is.
    Raises: ConfigurationError, for a parameter that can never be filled.
    """
    parameters = parameters_of(handler, {"App": type(app), batches.item.__name__: batches.item})
    if not parameters:
        check_takes(handler, f"the list of {batches.noun}s")
        return Plan(handler)
    plain = next((each for each in parameters if each.annotation is Parameter.empty), None)
    fillings = [
        _Filling(_batch) if parameter is plain else _filling(app, parameter, batches)
        for parameter in parameters
    ]
    while fillings and fillings[-1].is_default:
        fillings.pop()
    filled = parameters[: len(fillings)]
    _check(handler, filled, fillings, batches)
    body = next((each.body for each in fillings if each.body is not ANYTHING), ANYTHING)
    of_marked = [(one, by.marked) for one, by in zip(filled, fillings, strict=True) if by.marked]
    return Plan(
        _called(handler, filled, [each.take for each in fillings]),
        body,
        tuple(take for _, take in of_marked),
        tuple(parameter for parameter, _ in of_marked),
        all(each.is_single for each in fillings if each.is_of_items),
    )


def _filling(app: App, parameter: Parameter, batches: Batches) -> _Filling:
    annotation, default = parameter.annotation, parameter.default
    if (marker := marker_of(parameter)) is not None:
        of_item = batches.marked(parameter, marker)
        return _Filling(lambda batch: of_item(batch[0]), is_single=True, marked=of_item)
    if (provide := app.provider(annotation)) is not None:
        return _Filling(lambda _: provide(), is_of_items=False)
    if default is not Parameter.empty:
        return _Filling(lambda _: default, is_of_items=False, is_default=True)
    if annotation is Parameter.empty:
        raise ConfigurationError(
            f"parameter {parameter.name!r} has no annotation: only the first one without is the "
            f"list of {batches.noun}s"
        )
    return _of_items(annotation, batches.item)


def _of_items(annotation: Any, item: type) -> _Filling:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if item in (annotation, origin):
        return _Filling(_first, _body(arguments), is_single=True)
    if annotation is Any:
        return _Filling(_batch)
    if annotation in LISTS or origin in LISTS:
        (inner,) = arguments or (Any,)
        if inner is Any or isinstance(inner, TypeVar):
            return _Filling(_batch)
        if item in (inner, get_origin(inner)):
            return _Filling(_batch, _body(get_args(inner)))
        return _Filling(_bodies, inner)
    return _Filling(_first_body, annotation, is_single=True)


def _body(arguments: tuple[Any, ...]) -> Any:
    """Return the type of bodies that `RabbitMQMessage[Order]` says."""
    (body,) = arguments or (Any,)
    return ANYTHING if body is Any or isinstance(body, TypeVar) else body


def _batch(batch: list[Any]) -> Any:
    return batch


def _first(batch: list[Any]) -> Any:
    return batch[0]


def _first_body(batch: list[Any]) -> Any:
    return batch[0].body


def _bodies(batch: list[Any]) -> Any:
    return [item.body for item in batch]


def _check(
    handler: Handler, parameters: list[Parameter], fillings: list[_Filling], batches: Batches
) -> None:
    """Accept what can be filled together.

    Raises: ConfigurationError
    """
    what = f"handler {name_of(handler)}"
    pairs = list(zip(parameters, fillings, strict=True))
    bodies = [parameter for parameter, each in pairs if each.body is not ANYTHING]
    if len(bodies) > 1:
        names = " and ".join(each.name for each in bodies)
        last = bodies[-1]
        raise ConfigurationError(
            f"{what}: {names} would both be the body: put them into one model, or declare what "
            f"provides {shown(last.annotation)} as a resource of the app before"
        )
    for parameter, each in pairs:
        if each.is_single and batches.bulk_size > 1:
            raise ConfigurationError(
                f"{what}: parameter {parameter.name!r} is of one {batches.noun}, and "
                f"Options.BULK_SIZE is {batches.bulk_size}: take a list, or one at a time"
            )
    if not any(each.is_of_items for each in fillings):
        raise ConfigurationError(
            f"{what} takes none of the {batches.noun}s: let its first parameter be the list of "
            "them, or a body, without a default"
        )


def _called(handler: Handler, parameters: Sequence[Parameter], takes: list[Take]) -> Handler:
    """Return what calls a handler with what is taken of a batch; the shorter way where it can."""
    first, call = takes[0], calling(handler, parameters)
    is_one = len(takes) == 1 and parameters[0].kind is not Parameter.KEYWORD_ONLY
    if is_one and first is _batch:
        return handler

    @standing_for(handler)
    def of_one(batch: list[Any]) -> Any:
        return handler(first(batch))

    @standing_for(handler)
    def of_several(batch: list[Any]) -> Any:
        return call([take(batch) for take in takes])

    return of_one if is_one else of_several
