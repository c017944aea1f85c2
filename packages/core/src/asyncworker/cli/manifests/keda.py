"""How many replicas of a worker there are, by KEDA: a trigger for each queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncworker.cli.manifests.texts import filled, quoted
from asyncworker.errors import AsyncWorkerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncworker.backend import Backlog, Trigger
    from asyncworker.cli.manifests.pace import Pace, PaceOf
    from asyncworker.cli.manifests.worker import Worker


def keda(
    worker: Worker,
    backlogs: Sequence[Backlog],
    fixed: Sequence[str],
    pace_of: PaceOf,
    within: float,
    most: int,
) -> dict[str, str]:
    """Return a ScaledObject, and what its triggers log in by.

    fixed: what else the app has, a line each. within: seconds in which a replica is to have worked
    off its part of what waits. most: replicas.
    Raises: AsyncWorkerError, where there is nothing to scale by, or a pace is not known
    """
    counted = [(one, one.trigger) for one in backlogs if one.trigger is not None]
    if not counted:
        raise AsyncWorkerError(f"nothing that KEDA could scale by: {'; '.join(fixed)}")
    variables = {trigger.variable: trigger.url for _, trigger in counted}
    logins = [
        filled("trigger_authentication.txt", name=worker.name, login=login, key=key, url=url)
        for key, url in variables.items()
        for login in [_login(worker, key)]
    ]
    triggers = [
        _trigger(worker, backlog, trigger, _share(backlog, backlogs), pace_of(backlog), within)
        for backlog, trigger in counted
    ]
    scaled = filled(
        "scaled_object.txt",
        name=worker.name,
        words=worker.words,
        fixed="".join(f"#   {_one_line(line)}\n" for line in fixed) or "#   nothing\n",
        within=f"{within:g}",
        replicas=worker.replicas,
        most=most,
        triggers="".join(triggers).rstrip(),
    )
    return {f"{worker.name}-keda.yaml": scaled + "".join(logins)}


def _trigger(
    worker: Worker, backlog: Backlog, trigger: Trigger, share: int, pace: Pace, within: float
) -> str:
    """Return a trigger whose target is what one replica works off within some seconds."""
    rate = pace.per_second(backlog.batches)
    if backlog.per_second is not None:
        rate = min(rate, backlog.per_second)
    target = max(1, int(rate / share * within))
    metadata = {**trigger.metadata, trigger.target: str(target)}
    return filled(
        "trigger.txt",
        about=_one_line(f"{backlog.source}, handler {backlog.route.handler_name}"),
        batches=backlog.batches,
        items=f"{pace.items:.4g}",
        seconds=f"{pace.seconds:.4g}",
        limit="" if backlog.per_second is None else f", at most {backlog.per_second:g} a second",
        share="" if share == 1 else f" / {share} queues of the handler",
        within=f"{within:g}",
        target=target,
        type=trigger.type,
        metadata="".join(f"        {key}: {quoted(text)}\n" for key, text in metadata.items()),
        login=_login(worker, trigger.variable),
    )


def _share(backlog: Backlog, backlogs: Sequence[Backlog]) -> int:
    """Return for how many queues the handlers of a route are there."""
    return sum(one.route is backlog.route for one in backlogs)


def _login(worker: Worker, variable: str) -> str:
    short = variable.removeprefix("ASYNCWORKER_").lower().replace("_", "-")
    return f"{worker.name}-{short}"


def _one_line(text: str) -> str:
    return " ".join(quoted(text)[1:-1].split())
