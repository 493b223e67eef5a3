"""What changed since the last whole build, so that a refresh builds no more than that anew.

The loader notes rows that came or went in `raw.changed_rows`; the end of a whole build is noted in
`raw.builds`, with what later builds compare themselves with. dbt uses it in macros/incremental.sql.
"""

import hashlib
import json
from importlib.metadata import version

import duckdb

from evergreen import __version__
from evergreen.contract import Table
from evergreen.files import hash_files
from evergreen.paths import PROJECT_DIR, Warehouse

KINDS = ("sql", "yml", "csv")
CODE = (
    "dbt_project.yml",
    *(f"{folder}/**/*.{kind}" for folder in ("models", "macros", "seeds") for kind in KINDS),
)
"""What a build depends on beside landed rows and vars."""

LARGEST_SHARE = 0.3
"""Of the landed rows: where more changed, building everything costs less."""

COPIES = {
    "built_customer_ids": "select source_customer_id, customer_id, is_test "
    "from intermediate.int_customer_ids",
    "built_population_rhythm": "select day, typical_gap_days "
    "from intermediate.int_population_rhythm",
}
CUSTOMER_COLUMNS = ("customer_id", "merged_into", "referrer_id", "referred_customer_id")
STATE = ("builds", "changed_rows", *COPIES)
"""Tables of `raw` with what is known of the last whole build."""


def plan(warehouse: Warehouse, variables: dict) -> bool:
    """Whether a build of what changed gives the marts of a whole one. Else the state is dropped.

    False where there is no finished build to go on from, where the project, its vars, dbt or DuckDB
    are not those of that build, where most rows changed, and where another build began to go on
    from it and did not end: its tables are of two builds.
    """
    with duckdb.connect(str(warehouse.work_file)) as con:
        built = con.execute("select fingerprint, is_continued from raw.builds").fetchall()
        is_whole = built == [(_fingerprint(variables), False)]
        if is_whole and _changed_share(con) <= LARGEST_SHARE:
            con.execute("update raw.builds set is_continued = true")
            return True
        forget(con)
        return False


def forget(con: duckdb.DuckDBPyConnection) -> None:
    """Drop what is known of the last build: the next one builds everything."""
    for table in STATE:
        con.execute(f"delete from raw.{table}")


def settle(warehouse: Warehouse, variables: dict) -> None:
    """Note that the work file holds a whole build of what is landed, tested, with these vars."""
    with duckdb.connect(str(warehouse.work_file)) as con:
        con.begin()
        forget(con)
        for table, sql in COPIES.items():
            con.execute(f"insert into raw.{table} by name {sql}")
        con.execute(
            "insert into raw.builds by name select $1 as fingerprint, as_of_date, "
            "last_plausible_date, false as is_continued "
            "from staging.stg_calendar where as_of_date is not null",
            [_fingerprint(variables)],
        )
        con.commit()


def _fingerprint(variables: dict) -> str:
    """Of everything but the rows and the as-of date, which a build can go on from another of."""
    others = {name: value for name, value in variables.items() if name != "as_of_date"}
    told = (
        json.dumps(others, default=str, sort_keys=True),
        *(__version__, version("dbt-core"), duckdb.__version__),
        hash_files(PROJECT_DIR, CODE),
    )
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _changed_share(con: duckdb.DuckDBPyConnection) -> float:
    changed, landed = con.execute(
        "select (select count(*) from raw.changed_rows),"
        " (select coalesce(sum(landed_count), 0) from raw.files)"
    ).fetchone()
    return changed / max(landed, 1)


def note_changes(con: duckdb.DuckDBPyConnection, table: Table, new: str, old: str | None) -> None:
    """Note the keys and customers of rows that stand in one of two relations only.

    `new`, `old`: SQL after FROM, of relations with the columns of the raw table. Nothing is noted
    where there is no whole build to go on from.
    """
    if not con.execute("select 1 from raw.builds").fetchall():
        return
    changed = f"from (from {new})"
    if old:
        rows = "select * exclude (_loaded_at) from ({})".format
        new_rows, old_rows = rows(f"from {new}"), rows(f"from {old}")
        changed = (
            f"from (({new_rows} except all {old_rows}) union all"
            f" ({old_rows} except all {new_rows}))"
        )
    named = [name for name in CUSTOMER_COLUMNS if name in table.column_names] or ["null"]
    con.execute(
        "insert into raw.changed_rows by name select distinct $1 as input,"
        f" {table.column_names[0]} as row_key, unnest([{', '.join(named)}]) as customer_id"
        f" {changed}",
        [table.name],
    )
