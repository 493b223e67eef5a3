"""Measure what BI waits for: the SQL of each chart of the dashboard and of each saved query.

A demo is refreshed, and its published tables are made larger: each table with a customer in it is
repeated with new ids until it holds the customers asked for; tables of aggregates stay as they are.
So the number of groups is that of the demo and the number of rows is not. Cold is the first run on
a new connection (nothing in DuckDB's memory; files may be in that of the system), warm is the
median of the following ones on the same connection.
"""

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path
from statistics import median

import duckdb

from evergreen.demo import generate
from evergreen.metrics import Layer
from evergreen.paths import PROJECT_DIR, Warehouse
from evergreen.refresh import refresh

IDS = ("customer_id", "referrer_id", "referred_customer_id", "ticket_id", "order_id", "referral_id")
"""Columns that get new ids in each repetition."""
QUERIES = PROJECT_DIR / "dashboard" / "queries"


def main() -> None:
    """Refresh, enlarge, time every query, print a table of medians and the slowest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--demo-customers", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5, help="warm runs of each query")
    parser.add_argument("--quick", action="store_true", help="small sizes, one run: does it work?")
    options = parser.parse_args()
    if options.quick:
        options.customers, options.demo_customers, options.runs = 400, 200, 1
    print(f"load of the machine at the start: {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        warehouse = Warehouse(folder / "warehouse")
        generate(options.demo_customers, 24, 1, folder / "landing", dirt=0.01)
        refresh(warehouse, folder / "landing")
        # Saved queries name the database of the work file.
        large = folder / "work.duckdb"
        customers = enlarge(
            warehouse.published_file, large, -(-options.customers // options.demo_customers)
        )
        size_mb = large.stat().st_size / 2**20
        print(f"{customers:,} customers, a file of {size_mb:,.0f} MB", flush=True)
        layer = Layer.read(warehouse.folder / "target" / "semantic_manifest.json")
        saved = {q.name: layer.saved_query_sql(q.name) for q in layer.manifest.saved_queries}
        charts = {file.stem: file.read_text() for file in sorted(QUERIES.glob("*.sql"))}
        report("saved queries", time_all(large, saved, options.runs))
        report("charts of the dashboard", time_all(large, charts, options.runs))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"peak memory of all of it, the refresh included: {peak_mb:,.0f} MB")
    print(f"load of the machine at the end: {os.getloadavg()[0]:.1f}")


def enlarge(published: Path, large: Path, times: int) -> int:
    """Copy a published file with its customers repeated; the number of customers of the copy."""
    with duckdb.connect(str(large)) as con:
        con.execute("set enable_progress_bar = false")
        con.execute(f"attach '{published}' as small (read_only)")
        con.execute("create schema marts")
        con.execute("create schema metrics")
        con.execute("create schema intermediate")
        tables = con.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'small'"
        ).fetchall()
        for schema, table in tables:
            columns = con.execute(
                "select column_name from duckdb_columns() where database_name = 'small' "
                "and schema_name = $1 and table_name = $2 order by column_index",
                [schema, table],
            ).fetchall()
            ids = [column for (column,) in columns if column in IDS]
            new = ", ".join(f"{i} || '-' || copies.n as {i}" for i in ids)
            source = f'small.{schema}."{table}" as source'
            con.execute(
                f'create table {schema}."{table}" as select source.* replace ({new}) '
                f"from {source} cross join range({times}) as copies(n)"
                if ids
                else f'create table {schema}."{table}" as from {source}'
            )
        con.execute(
            "create table intermediate.time_spine_daily as select cast(range as date) as date_day "
            "from range((select min(month) from marts.customer_months), "
            "(select max(as_of_date) + 1 from marts.customers), interval 1 day)"
        )
        return con.execute("select count(*) from marts.customers").fetchone()[0]


def time_all(file: Path, queries: dict[str, str], runs: int) -> dict[str, tuple[float, float]]:
    """Cold and warm seconds of each query."""
    found = {}
    for name, sql in queries.items():
        with duckdb.connect(str(file), read_only=True) as con:
            seconds = []
            for _ in range(runs + 1):
                start = time.perf_counter()
                con.execute(sql).fetchall()
                seconds.append(time.perf_counter() - start)
        found[name] = (seconds[0], median(seconds[1:]))
    return found


def report(title: str, found: dict[str, tuple[float, float]]) -> None:
    """Medians over the queries, and the three slowest."""
    cold, warm = ([seconds[place] for seconds in found.values()] for place in (0, 1))
    print(
        f"{title}: {len(found)}; median {1000 * median(cold):,.0f} ms cold, "
        f"{1000 * median(warm):,.0f} ms warm; all of them {sum(cold):.2f} s and {sum(warm):.2f} s"
    )
    for name, seconds in sorted(found.items(), key=lambda item: -item[1][1])[:3]:
        print(f"  {name}: {1000 * seconds[0]:,.0f} ms cold, {1000 * seconds[1]:,.0f} ms warm")


if __name__ == "__main__":
    main()
