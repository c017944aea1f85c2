"""Worker: what manifests are told of one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Final

from asyncworker.errors import AsyncWorkerError
from asyncworker.route_types import RouteTypes
from asyncworker.running.lifecycle import HOOK_GRACE
from asyncworker.running.monitoring import monitor
from asyncworker.running.serving import CANCEL_GRACE

if TYPE_CHECKING:
    from asyncworker.app import App

NAME: Final = re.compile(r"[a-z]([a-z0-9-]{0,48}[a-z0-9])?")
"""A label of RFC 1123, with room for what Kubernetes and KEDA put around it in names of theirs."""
TARGET: Final = re.compile(r"[\w./:-]+")
IMAGE: Final = re.compile(r"[\w.:/@-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Say what has to be known of a worker to run it.

    target: as `asyncworker run` takes it. image: None where it is built in place.
    drain: seconds that its drain may take. closing: seconds that it may need after that, until it
    has cancelled what is left and called its hooks.
    answers: whether it serves HTTP. consumes: whether it works with RabbitMQ.
    """

    name: str
    target: str
    image: str | None = None
    replicas: int = 1
    drain: float = 20.0
    closing: float = CANCEL_GRACE
    answers: bool = False
    consumes: bool = True

    @property
    def words(self) -> str:
        """Return what `asyncworker manifest` is given to write of it again."""
        named = "" if self.name == label_of(self.target) else f" --name {self.name}"
        return self.target + named

    @property
    def grace(self) -> int:
        """Return the seconds from SIGTERM to SIGKILL."""
        return ceil(self.drain + self.closing)


def worker_of(app: App, target: str, name: str | None, image: str | None, replicas: int) -> Worker:
    """Return what manifests are told of an app.

    Raises: AsyncWorkerError, for what cannot stand in one, or an app without a monitor.
    """
    # Whatever asks a worker how it is needs one.
    monitor()
    closes = len(app.shutdown_hooks) + len(app.resources)
    return Worker(
        name=checked_name(name or label_of(target)),
        target=_matching(TARGET, target, "the target", "letters, digits and . / : _ - alone"),
        image=None if image is None else _matching(IMAGE, image, "--image", "no spaces or quotes"),
        replicas=replicas,
        drain=app.settings.shutdown_timeout,
        closing=CANCEL_GRACE + HOOK_GRACE * closes,
        answers=any(route.type == RouteTypes.HTTP for route in app.routes),
        consumes=any(one.route_type == RouteTypes.AMQP_RABBITMQ for one in app.connections.all),
    )


def label_of(target: str) -> str:
    """Return the name of a worker after its module, or its file."""
    module = target.partition(":")[0].removesuffix(".py")
    return re.split(r"[./]", module)[-1].lower().replace("_", "-")


def checked_name(name: str) -> str:
    """Return a name that hosts, containers and units may have.

    Raises: AsyncWorkerError
    """
    wanted = "up to 50 small letters, digits and -, a letter first"
    return _matching(NAME, name, "--name", wanted)


def _matching(pattern: re.Pattern[str], text: str, subject: str, wanted: str) -> str:
    if not pattern.fullmatch(text):
        raise AsyncWorkerError(f"{subject} is {text!r}, and must be {wanted}")
    return text
