"""The process of one subject: python -m benchmarks.subject MODULE JOB.

Prints what it measured as one line of JSON, the last one of its stdout.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from inspect import iscoroutinefunction
from pathlib import Path

from benchmarks import jobs
from benchmarks.window import Result, peak_memory

PROFILE = "BENCHMARK_PROFILE"


def main(module: str, text: str) -> None:
    """Do the job, and print the result."""
    job = jobs.load(text)
    path = os.environ.get(PROFILE)
    if path and isinstance(job, jobs.Idle):
        result = weighed(module, job, path)
    elif path:
        result = profiled(work(module, job), path)
    else:
        result = work(module, job)()
    print(json.dumps({"peak_mb": peak_memory()} | (result or {})), flush=True)


def work(module: str, job: jobs.Job) -> Callable[[], Result]:
    """Return what does the job in the module of a subject."""
    function = getattr(import_module(f"benchmarks.subjects.{module}"), jobs.name(job))
    if iscoroutinefunction(function):
        return lambda: asyncio.run(function(job))
    return partial(function, job)


def profiled(do: Callable[[], Result], path: str) -> Result:
    """Do the job under a profiler, and keep what it saw in a file."""
    # Only those who are profiled pay for its import.
    from cProfile import Profile

    profiler = Profile()
    result: Result = profiler.runcall(do)
    profiler.dump_stats(path)
    return result


def weighed(module: str, job: jobs.Job, path: str) -> Result:
    """Do the job, and keep in a file how many megabytes each library took when imported."""
    from benchmarks.holdings import weigh_imports

    taken = weigh_imports()
    result = work(module, job)()
    Path(path).write_text(json.dumps(taken))
    return result


if __name__ == "__main__":
    main(*sys.argv[1:])
