"""The process of one subject: python -m benchmarks.subject MODULE JOB.

Prints what it measured as one line of JSON, the last one of its stdout.
"""

import json
import sys
from importlib import import_module

from benchmarks import jobs
from benchmarks.window import peak_memory


def main(module: str, text: str) -> None:
    """Do the job, and print the result."""
    job = jobs.load(text)
    do = getattr(import_module(f"benchmarks.subjects.{module}"), jobs.name(job))
    result = do(job)
    print(json.dumps({"peak_mb": peak_memory()} | (result or {})), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
