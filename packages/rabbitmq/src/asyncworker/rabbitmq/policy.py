"""What `Events.ON_EXCEPTION` says of each exception."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from asyncworker.errors import ConfigurationError
from asyncworker.handling.exception_groups import leaves
from asyncworker.options import Actions
from asyncworker.pausing.pause import Pause
from asyncworker.rabbitmq.retry import Retry, is_exception
from asyncworker.rabbitmq.split import Split

if TYPE_CHECKING:
    from collections.abc import Iterable

Outcome: TypeAlias = Actions | Retry | Split | Pause
Policy: TypeAlias = Outcome | Mapping[type[Exception], Outcome]


def outcome_of(policy: Policy, raised: Exception, default: Actions) -> Outcome:
    """Return what is done with messages whose handler raised.

    Of a mapping the class that is nearest to the exception's own counts.
    """
    if isinstance(policy, Mapping):
        said = _said(policy, raised)
        policy = default if said is None else said
    return policy.outcome(raised) if isinstance(policy, Retry) else policy


def _said(policy: Mapping[type[Exception], Outcome], raised: BaseException) -> Outcome | None:
    """Return what a mapping says of an exception, None for nothing.

    A group that is not named itself counts as what all its leaves are: by what is said of each,
    where that is the same, and else by the nearest class that they share.
    """
    kinds = type(raised).__mro__
    if not isinstance(raised, BaseExceptionGroup):
        return _nearest(policy, kinds)
    of_groups = (one for one in kinds if issubclass(one, BaseExceptionGroup))
    if (of_group := _nearest(policy, of_groups)) is not None:
        return of_group
    found = list(leaves(raised))
    of_each = {_nearest(policy, type(leaf).__mro__) for leaf in found}
    if len(of_each) == 1:
        return of_each.pop()
    shared = (one for one in type(found[0]).__mro__ if all(isinstance(leaf, one) for leaf in found))
    return _nearest(policy, shared)


def _nearest(policy: Mapping[type[Exception], Outcome], kinds: Iterable[type]) -> Outcome | None:
    return next((policy[one] for one in kinds if one in policy), None)


def can_come_to(policy: Policy, action: Actions) -> bool:
    """Tell whether a policy says of any exception that this is done in the end."""
    if isinstance(policy, Mapping):
        return any(can_come_to(one, action) for one in policy.values())
    if isinstance(policy, Retry | Split):
        return can_come_to(policy.then, action)
    return policy is action


def checked_policy(value: Any) -> Policy:
    """Return a policy that holds nothing else than it should.

    Raises: ConfigurationError
    """
    if isinstance(value, Outcome):
        return value
    if not isinstance(value, Mapping) or not value:
        raise ConfigurationError(
            "must be one of Actions, a Retry, a Split, a Pause, or a dict from exceptions to these"
        )
    for key, one in value.items():
        if not is_exception(key):
            raise ConfigurationError(f"must be keyed by classes of Exception, not {key!r}")
        if not isinstance(one, Outcome):
            wanted = f"one of Actions, a Retry, a Split or a Pause for {key.__name__}"
            raise ConfigurationError(f"must be {wanted}, not {one!r}")
    return dict(value)
