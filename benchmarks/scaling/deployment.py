"""The pods of a deployment: those that start, those that work, those that end."""

from collections import deque

from benchmarks.scaling.worker import Worker


class Deployment:
    """Own the pods. replicas: how many are wanted."""

    def __init__(self, worker: Worker, replicas: int = 0) -> None:
        self._worker = worker
        self.replicas = self.ready = replicas
        # When a pod is ready, and when it is gone.
        self._starting: deque[int] = deque()
        self._ending: deque[int] = deque()

    @property
    def pods(self) -> int:
        """Return how many there are, whatever they do: that is what is paid for."""
        return len(self._starting) + self.ready + len(self._ending)

    def advance(self, second: int) -> None:
        """Let those be ready or gone that should be by now."""
        while self._starting and self._starting[0] <= second:
            self._starting.popleft()
            self.ready += 1
        while self._ending and self._ending[0] <= second:
            self._ending.popleft()

    def scale(self, second: int, replicas: int) -> None:
        """Start pods, or end some: those that are not ready go first, as Kubernetes has it."""
        for _ in range(self.replicas, replicas):
            self._starting.append(second + self._worker.startup)
        for _ in range(replicas, self.replicas):
            if self._starting:
                self._starting.pop()
            else:
                self.ready -= 1
                self._ending.append(second + self._worker.drain)
        self.replicas = replicas
