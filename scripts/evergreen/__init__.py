"""Evergreen's Python glue: load, audit, publish. The warehouse is the dbt project around it."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("evergreen-warehouse")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0.0.0"
