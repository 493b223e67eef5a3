"""Measure a night: one new day on a history of orders and logins, beside building all of it anew.

    python scripts/bench_nightly.py --orders 10000000 --customers 1000000

simulates so many orders and five times as many logins of two years, loads and builds them, lands
one more day, and builds that as a refresh does: only what it changed. Then everything is built once
more, and the two must have given the same marts. Each step is a process of its own. Tests of dbt
are left out of both.
"""

import argparse
import shutil
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

import duckdb

from measuring import Measurement, measure
from version_marks import differing_tables

FIRST_DAY, DAY_COUNT = date(2023, 1, 1), 730
LOGINS_PER_ORDER = 5
STEP = """
import json, sys
from pathlib import Path
from evergreen import incremental
from evergreen.build import build
from evergreen.load import load
from evergreen.paths import Warehouse
warehouse, step = Warehouse(Path(sys.argv[1])), sys.argv[2]
if step == "load":
    load(warehouse, Path(sys.argv[3]))
else:
    changes_only = step == "changes" and incremental.plan(warehouse, {})
    report = build(warehouse, with_tests=False, changes_only=changes_only)
    incremental.settle(warehouse, {})
    size_mb = warehouse.work_file.stat().st_size / 2**20
    print(json.dumps({"changes_only": changes_only, "size_mb": size_mb}))
"""


def write_rows(
    folder: Path, table: str, name: str, count: int, customers: int, days: range
) -> None:
    """Rows of one input, evenly over the days; of the customers, the early ones do the most."""
    (folder / table).mkdir(parents=True, exist_ok=True)
    first = FIRST_DAY + timedelta(days=days.start)
    second = f"to_seconds(cast(random() * {86400 * len(days)} as bigint))"
    at = f"strftime(timestamp '{first}' + {second}, '%Y-%m-%dT%H:%M:%SZ')"
    customer = f"'C' || cast(floor(power(random(), 1.5) * {customers}) as bigint)"
    columns = {
        "orders": f"'{name}O' || range as order_id, {customer} as customer_id,"
        f" {at} as ordered_at, printf('%.2f', 5 + random() * 200) as amount",
        "logins": f"'{name}L' || range as login_id, {customer} as customer_id,"
        f" {at} as logged_in_at,"
        " case when random() < 0.05 then 'failure' else 'success' end as outcome",
    }[table]
    with duckdb.connect() as con:
        con.execute("set enable_progress_bar = false")
        con.execute("select setseed(0.42)")
        target = folder / table / f"{name}.csv"
        con.execute(f"copy (select {columns} from range({count})) to '{target}' (header true)")


def land(folder: Path, name: str, orders: int, customers: int, days: range) -> None:
    """A file of orders and one of logins."""
    write_rows(folder, "orders", name, orders, customers, days)
    write_rows(folder, "logins", name, LOGINS_PER_ORDER * orders, customers, days)
    (folder / "surveys.csv").write_text("response_id,customer_id,survey\n")


def main() -> None:
    """Simulate, measure each step, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000_000)
    parser.add_argument("--customers", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        landing, folder = Path(temporary) / "landing", Path(temporary) / "warehouse"
        land(landing, "history", options.orders, options.customers, range(DAY_COUNT))
        found = {
            "load of all": measure("-c", STEP, str(folder), "load", str(landing)),
            "build of all": measure("-c", STEP, str(folder), "all"),
        }
        day = range(DAY_COUNT, DAY_COUNT + 1)
        land(landing, "day", round(options.orders / DAY_COUNT), options.customers, day)
        found["load of a day"] = measure("-c", STEP, str(folder), "load", str(landing))
        found["build of a day"] = measure("-c", STEP, str(folder), "changes")
        if not found["build of a day"].told["changes_only"]:
            sys.exit("The day was built as a whole: nothing was measured.")
        shutil.copy(folder / "work.duckdb", Path(temporary) / "continued.duckdb")
        found["all once more"] = measure("-c", STEP, str(folder), "all")
        report(found, options.orders, options.customers)
        differing = differing_tables(folder / "work.duckdb", Path(temporary) / "continued.duckdb")
        print(f"marts that differ: {', '.join(differing) or 'none'}")


def report(found: dict[str, Measurement], orders: int, customers: int) -> None:
    """Seconds, memory, and the share that a day costs."""
    print(f"{orders:,} orders, {LOGINS_PER_ORDER * orders:,} logins, {customers:,} customers")
    for name, step in found.items():
        size = f"{step.told['size_mb']:8,.0f} MB file" if step.told else ""
        print(
            f"{name:16} {step.wall_s:8.1f} s wall {step.cpu_s:8.1f} s CPU "
            f"{step.peak_mb:8,.0f} MB peak {size}"
        )
    day, whole = found["build of a day"], found["all once more"]
    print(
        f"a day of all     {100 * day.wall_s / whole.wall_s:8.1f} % wall "
        f"{100 * day.cpu_s / whole.cpu_s:8.1f} % CPU"
    )


if __name__ == "__main__":
    main()
