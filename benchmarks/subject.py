"""The process of one subject: python -m benchmarks.subject MODULE JOB.

Prints what it measured as one line of JSON, the last one of its stdout.
"""

import json
import os
import sys
from collections.abc import Callable
from importlib import import_module

from benchmarks import jobs
from benchmarks.window import Result, peak_memory

PROFILE = "ASYNCWORKER_BENCH_PROFILE"


def main(module: str, text: str) -> None:
    """Do the job, and print the result."""
    job = jobs.load(text)
    do = getattr(import_module(f"benchmarks.subjects.{module}"), jobs.name(job))
    path = os.environ.get(PROFILE)
    result = profiled(do, job, path) if path else do(job)
    print(json.dumps({"peak_mb": peak_memory()} | (result or {})), flush=True)


def profiled(do: Callable[[jobs.Job], Result], job: jobs.Job, path: str) -> Result:
    """Do the job under a profiler, and keep what it saw in a file."""
    # Only those who are profiled pay for its import.
    from cProfile import Profile

    profiler = Profile()
    result: Result = profiler.runcall(do, job)
    profiler.dump_stats(path)
    return result


if __name__ == "__main__":
    main(*sys.argv[1:])
