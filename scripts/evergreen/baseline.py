"""Then and now: the same warehouse as of an earlier day. Time is data, so it can be rebuilt."""

import shutil
from collections.abc import Callable
from datetime import date, datetime

import duckdb

from evergreen.build import build
from evergreen.errors import InputRefused
from evergreen.files import quoted
from evergreen.metrics import Baseline, read_values, write_metrics
from evergreen.paths import Warehouse


def baseline_date(variables: dict) -> date | None:
    """The var baseline_date; None without one. Raises InputRefused where it is no day."""
    given = variables.get("baseline_date")
    if given is None:
        return None
    try:
        return given if type(given) is date else datetime.strptime(str(given), "%Y-%m-%d").date()
    except ValueError as error:
        raise InputRefused(f"baseline_date: {given} is no day such as 2024-06-30.") from error


def rebuild(
    warehouse: Warehouse,
    day: date,
    target: str | None,
    variables: dict,
    progress: Callable[[str], None] | None = None,
) -> Baseline:
    """Metric values as they stood on `day`, with models fitted on what was known then.

    What landed is copied aside, built as of the day, fitted, answered and removed again; the
    warehouse is left alone. Raises InputRefused where the day is not before the as-of date.
    """
    from evergreen.refresh import FITTED_MODELS, fit_if_due

    _refuse_late(warehouse, day)
    past = Warehouse(warehouse.folder / "baseline")
    variables = {name: value for name, value in variables.items() if name != "baseline_date"}
    _remove(past)
    try:
        _copy_raw(warehouse, past)
        build(past, day, target, variables, progress, with_tests=False)
        if fit_if_due(past, variables, progress or (lambda line: None)).is_new:
            build(past, day, target, variables, progress, FITTED_MODELS, with_tests=False)
        write_metrics(past)
        return Baseline(day, read_values(past))
    finally:
        _remove(past)


def _refuse_late(warehouse: Warehouse, day: date) -> None:
    with duckdb.connect(str(warehouse.work_file), read_only=True) as con:
        as_of = con.execute("select as_of_date from staging.stg_calendar").fetchone()[0]
    if as_of is not None and day >= as_of:
        raise InputRefused(f"baseline_date: {day} is not before the as-of date {as_of}.")


def _copy_raw(warehouse: Warehouse, past: Warehouse) -> None:
    past.folder.mkdir(parents=True)
    with duckdb.connect(str(past.work_file)) as con:
        con.execute("set enable_progress_bar = false")
        con.execute(f"attach {quoted(warehouse.work_file)} as now (read_only)")
        con.execute("create schema raw")
        tables = con.execute(
            "select table_name from duckdb_tables() where database_name = 'now' "
            "and schema_name = 'raw' order by table_name"
        ).fetchall()
        for (table,) in tables:
            con.execute(f'create table raw."{table}" as from now.raw."{table}"')


def _remove(past: Warehouse) -> None:
    shutil.rmtree(past.folder, ignore_errors=True)
