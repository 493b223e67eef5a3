"""Measure loading: `evergreen load` against DuckDB's own reader on the same files, in one run.

Each measurement runs in a process of its own, the two in turn, so that a busy machine hurts both.
Prints medians of wall and CPU seconds, rows a second, peak memory and the ratio of the two.
"""

import argparse
import tempfile
from pathlib import Path

import duckdb

from measuring import Measurement, measure, median_of

BARE = """
import duckdb, sys
con = duckdb.connect(sys.argv[2])
con.execute("set enable_progress_bar = false")
con.execute("create table orders as from read_csv(?, header = true, all_varchar = true)",
            [sys.argv[1] + "/orders.csv"])
con.close()
"""
LOAD = """
import sys
from pathlib import Path
from evergreen.load import load
from evergreen.paths import Warehouse
load(Warehouse(Path(sys.argv[2])), Path(sys.argv[1]))
"""


def write_orders(folder: Path, rows: int) -> None:
    """Orders in CSV with the columns that most shops have, and the two other required tables."""
    with duckdb.connect() as con:
        con.execute("select setseed(0.42)")
        con.execute(
            f"""copy (
                select 'O' || range as order_id,
                    'C' || cast(random() * {rows} / 5 as bigint) as customer_id,
                    strftime(
                        timestamp '2022-01-01'
                        + to_seconds(cast(random() * 94608000 as bigint)),
                        '%Y-%m-%dT%H:%M:%SZ') as ordered_at,
                    printf('%.2f', 5 + random() * 200) as amount, 'fulfilled' as status,
                    'web' as channel, 'USD' as currency
                from range({rows})
            ) to '{folder}/orders.csv' (header true)"""
        )
    (folder / "logins.csv").write_text("login_id,customer_id,logged_in_at\n")
    (folder / "surveys.csv").write_text("response_id,customer_id,survey\n")


def main() -> None:
    """Write the orders, measure both in turn, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        landing = Path(folder) / "landing"
        landing.mkdir()
        write_orders(landing, options.rows)
        size_mb = (landing / "orders.csv").stat().st_size / 2**20
        found: dict[str, list[Measurement]] = {"read_csv": [], "evergreen load": []}
        for run in range(options.runs):
            for name, code in (("read_csv", BARE), ("evergreen load", LOAD)):
                target = Path(folder) / f"{name.replace(' ', '_')}{run}.duckdb"
                found[name].append(measure("-c", code, str(landing), str(target)))
        report(found, options.rows, size_mb)


def report(found: dict[str, list[Measurement]], rows: int, size_mb: float) -> None:
    """Medians, and the ratio of load to bare reading."""
    print(f"{rows:,} orders, {size_mb:,.0f} MB of CSV, median of {len(found['read_csv'])} runs")
    medians = {name: median_of(runs) for name, runs in found.items()}
    for name, median in medians.items():
        print(
            f"{name:15} {median.wall_s:7.2f} s wall {median.cpu_s:7.2f} s CPU "
            f"{rows / median.wall_s:12,.0f} rows/s {median.peak_mb:7,.0f} MB peak"
        )
    bare, load = medians["read_csv"], medians["evergreen load"]
    print(
        f"ratio           {load.wall_s / bare.wall_s:7.2f}   wall "
        f"{load.cpu_s / bare.cpu_s:7.2f}   CPU"
    )


if __name__ == "__main__":
    main()
