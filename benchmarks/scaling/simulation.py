"""A day, second by second: what comes is added, what can be is taken, and the scaler has a look.

A model, not a measurement: messages of a second come together, all take the same time, no replica
fails, no node has to be started for a pod, and the broker answers at once.
"""

from collections.abc import Iterable

from benchmarks.scaling.backlog import Backlog
from benchmarks.scaling.course import Course
from benchmarks.scaling.deployment import Deployment
from benchmarks.scaling.hpa import SYNC
from benchmarks.scaling.keda import Scaler, Seen
from benchmarks.scaling.worker import Worker


def simulate(
    arrivals: Iterable[int], worker: Worker, scaler: Scaler, *, ceiling: float, replicas: int = 0
) -> Course:
    """Return how it went.

    arrivals: messages of each second. ceiling: messages a second that the queues carry, however
    many replicas there are. replicas: how many there are at the beginning.
    """
    course = Course()
    backlog = Backlog()
    deployment = Deployment(worker, replicas)
    for second, count in enumerate(arrivals):
        deployment.advance(second)
        backlog.put(second, count)
        handled = 0
        for wait, taken in backlog.take(second, int(min(deployment.ready * worker.rate, ceiling))):
            course.waits[wait] += taken
            handled += taken
        if second % SYNC == 0:
            # By Little's law, what is handled now and not acknowledged yet.
            seen = Seen(backlog.length, round(handled * worker.service), count)
            deployment.scale(second, scaler.replicas(second, deployment.replicas, seen))
        course.backlog.append(backlog.length)
        course.age.append(backlog.age(second))
        course.pods.append(deployment.pods)
    return course
