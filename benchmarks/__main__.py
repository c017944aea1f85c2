"""python -m benchmarks: the same as `hatch run bench`."""

import sys

from benchmarks.run import main

sys.exit(main(sys.argv[1:]))
