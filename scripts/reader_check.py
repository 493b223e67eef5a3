"""Read the published file every 50 ms while it is refreshed, as BI does.

    python scripts/reader_check.py --customers 300 --refreshes 20 --folder /data/reader-check

No read may fail, and each must be of exactly one version. Ends with 1 where one is not.
"""

import argparse
import multiprocessing
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from evergreen.demo import generate
from evergreen.paths import Warehouse
from version_marks import read_mark

PAUSE_S = 0.05


@dataclass
class Reads:
    """What the reader saw. `versions`: reads of each; `mixed`: reads of two versions at once."""

    versions: dict[str, int] = field(default_factory=dict)
    mixed: list[tuple] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    slowest_s: float = 0.0

    @property
    def count(self) -> int:
        """Reads that were answered."""
        return sum(self.versions.values()) + len(self.mixed)


def read_while(file: Path, work: Callable[[], object]) -> Reads:
    """Do the work while another process reads the file again and again, on new connections."""
    context = multiprocessing.get_context("spawn")
    stop, ready, results = context.Event(), context.Event(), context.Queue()
    reader = context.Process(target=_poll, args=(str(file), stop, ready, results))
    reader.start()
    try:
        if not ready.wait(timeout=60):
            raise RuntimeError("the reader did not start")
        work()
    finally:
        stop.set()
        found = results.get(timeout=60)
        reader.join(timeout=60)
    return found


def _poll(file: str, stop, ready, results) -> None:
    reads = Reads()
    while not stop.is_set():
        start = time.monotonic()
        try:
            with duckdb.connect(file, read_only=True) as con:
                run, change = read_mark(con)
            if run == change:
                reads.versions[run] = reads.versions.get(run, 0) + 1
            else:
                reads.mixed.append((run, change))
        except duckdb.Error as error:
            reads.errors.append(str(error))
        reads.slowest_s = max(reads.slowest_s, time.monotonic() - start)
        ready.set()
        time.sleep(PAUSE_S)
    time.sleep(PAUSE_S)
    results.put(reads)


def main() -> int:
    """Refresh a demo so many times, and print what the reader saw."""
    from evergreen.refresh import refresh

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=300)
    parser.add_argument("--refreshes", type=int, default=20)
    parser.add_argument("--folder", type=Path, default=Path("warehouse/reader-check"))
    given = parser.parse_args()
    folder = given.folder.absolute()
    warehouse, landing = Warehouse(folder / "warehouse"), folder / "landing"
    if not warehouse.published_file.exists():
        generate(given.customers, 12, 1, landing)
        refresh(warehouse, landing)

    def work() -> None:
        for number in range(1, given.refreshes + 1):
            refresh(warehouse, landing)
            print(f"refresh {number} of {given.refreshes}", flush=True)

    reads = read_while(warehouse.published_file, work)
    print(
        f"{reads.count:,} reads of {len(reads.versions)} versions during {given.refreshes} "
        f"refreshes: {len(reads.errors)} errors, {len(reads.mixed)} of two versions; the slowest "
        f"took {reads.slowest_s * 1000:.0f} ms"
    )
    for problem in [*reads.errors, *map(str, reads.mixed)][:10]:
        print(problem)
    return int(bool(reads.errors or reads.mixed))


if __name__ == "__main__":
    sys.exit(main())
