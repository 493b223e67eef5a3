"""Demo data."""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from evergreen.demo import vocabulary as v
from evergreen.demo.base import Behaviour, Block, first_second
from evergreen.demo.dirt import KINDS, Dirt
from evergreen.demo.simulate import simulate
from evergreen.demo.truths import PLANTED, Truth
from evergreen.demo.write import TableFile, frame, to_text

__all__ = ["KINDS", "PLANTED", "Behaviour", "DemoReport", "Truth", "generate"]

BLOCK_SIZE = 25_000
