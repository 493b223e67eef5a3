"""Evergreen's Python glue: load, audit, publish. The warehouse is the dbt project around it."""

import os
from importlib.metadata import PackageNotFoundError, version

# Read when numpy and scipy are loaded. The matrices of the fits are small: a second thread of the
# linear algebra waits more than it works, and on a busy machine a fit took six times as long.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

try:
    __version__ = version("evergreen-warehouse")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0.0.0"
