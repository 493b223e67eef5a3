"""How the warehouse is: what readers see, how the last refresh went, what was set aside."""

from dataclasses import dataclass, field

import duckdb

from evergreen.paths import Warehouse


@dataclass
class Status:
    """`problems` is empty when the last refresh was published and can be read."""

    problems: list[str] = field(default_factory=list)
    published: dict | None = None
    last_run: dict | None = None
    inputs: list[dict] = field(default_factory=list)
    reasons: list[dict] = field(default_factory=list)


def read_status(warehouse: Warehouse) -> Status:
    """Read the published file, and the run log of the work file where no refresh holds it."""
    status = Status()
    _read_published(warehouse, status)
    _read_last_run(warehouse, status)
    return status


def _read_published(warehouse: Warehouse, status: Status) -> None:
    file = warehouse.published_file
    if not file.exists():
        status.problems.append(
            f"nothing is published at {file}: run `evergreen refresh --landing DIR`"
        )
        return
    try:
        with duckdb.connect(str(file), read_only=True) as con:
            published = _rows(
                con, "from marts.refreshes where is_published order by refresh_id desc limit 1"
            )
            status.published = published[0] if published else None
            status.inputs = _rows(
                con,
                "select input, count(*) as files, sum(landed_count)::bigint as landed, "
                "sum(accepted_count)::bigint as accepted, "
                "sum(duplicate_count)::bigint as duplicate, "
                "sum(quarantined_count)::bigint as quarantined "
                "from marts.row_accounting group by input order by landed desc, input",
            )
            status.reasons = _rows(
                con,
                "select input, reasons, count(*) as rows, "
                "min(file || ':' || line_number) as example from marts.quarantined_rows "
                "group by input, reasons order by rows desc, input, reasons limit 10",
            )
    except duckdb.Error as error:
        status.problems.append(f"{file} cannot be read: {error}")


def _read_last_run(warehouse: Warehouse, status: Status) -> None:
    if not warehouse.work_file.exists():
        return
    try:
        with duckdb.connect(str(warehouse.work_file), read_only=True) as con:
            runs = _rows(con, "from raw.refreshes order by refresh_id desc limit 1")
    except duckdb.CatalogException:
        return  # built by a plain dbt build: there is no run to tell of
    except duckdb.Error as error:
        reason = "is in use: a refresh is running" if "lock" in str(error).lower() else str(error)
        status.problems.append(f"{warehouse.work_file} {reason}")
        return
    status.last_run = runs[0] if runs else None
    if status.last_run and not status.last_run["is_published"]:
        status.problems.append(
            f"the last refresh ({status.last_run['refresh_id']}) was not published: "
            f"{status.last_run['status']}: {status.last_run['message'] or 'no message'}"
        )


def _rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[dict]:
    found = con.execute(sql)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
