"""The books of refreshes: one line per run in `raw.refreshes`, one per step in `raw.refresh_steps`.

The clock is read for the books only, never for a mart's rows: here, by the lock, by the loader for
`_loaded_at` and by receipts of erasures."""

import contextlib
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from evergreen import __version__
from evergreen.contract import ledger_ddl, read_contract
from evergreen.errors import Locked, machine_error
from evergreen.files import quoted
from evergreen.paths import Warehouse

KEPT_RUNS = 30
"""Runs whose run_results.json is kept."""
KEPT_CHANGES = 90
"""Refreshes whose changes of the marts are kept."""
NEVER_ENDED = "it never ended: killed, or the machine stopped"


@dataclass(frozen=True)
class Finished:
    """A step that is done. `outcome` is for who resumes, `message` holds its warnings."""

    step: str
    outcome: str | None = None
    message: str | None = None


class RefreshLog:
    """The lines of one run."""

    def __init__(
        self,
        warehouse: Warehouse,
        landing: str,
        options: dict | None = None,
        resumed_from: str | None = None,
    ) -> None:
        self.warehouse = warehouse
        self.refresh_id, now = new_id()
        self._start = time.monotonic()
        self._step_start = self._start
        with self._connect() as con:
            con.execute("create schema if not exists raw")
            for statement in ledger_ddl(read_contract()):
                con.execute(statement)
            self._learn_from_published(con)
            self._close_killed(con, now)
            con.execute(
                "insert into raw.refreshes by name select $1 as refresh_id, $2 as started_at, "
                "'running' as status, $3 as landing, false as is_published, $4 as code_version, "
                "$5 as options, $6 as resumed_from",
                [
                    self.refresh_id,
                    now,
                    landing,
                    __version__,
                    json.dumps(options or {}, sort_keys=True, default=str),
                    resumed_from,
                ],
            )

    def _learn_from_published(self, con: duckdb.DuckDBPyConnection) -> None:
        """A run killed right after its swap never noted that it ended, but its file knows.

        A new working file gets the whole history back that way.
        """
        try:
            con.execute(f"attach {quoted(self.warehouse.published_file)} as seen (read_only)")
        except duckdb.Error:
            return  # nothing is published, or nothing that can be read
        try:
            for table in ("refreshes", "refresh_changes"):
                if shared := _shared_columns(con, table):
                    names = ", ".join(map(_name, shared))
                    con.execute(
                        f"insert into raw.{table} ({names}) select {names} from seen.marts.{table} "
                        f"where refresh_id not in (select refresh_id from raw.{table})"
                    )
            if shared := _shared_columns(con, "refreshes"):
                names = ", ".join(f"{_name(name)} = seen_runs.{_name(name)}" for name in shared)
                con.execute(
                    f"update raw.refreshes set {names} from seen.marts.refreshes as seen_runs "
                    "where refreshes.refresh_id = seen_runs.refresh_id "
                    "and not refreshes.is_published and seen_runs.is_published"
                )
                con.execute(
                    "update raw.refresh_steps set status = 'done' where status = 'running' and "
                    "refresh_id in (select refresh_id from raw.refreshes where is_published)"
                )
        finally:
            con.execute("detach seen")

    def _close_killed(self, con: duckdb.DuckDBPyConnection, now: datetime) -> None:
        con.execute(
            "update raw.refreshes set status = 'interrupted', ended_at = $1, message = $2 "
            "where status = 'running'",
            [now, NEVER_ENDED],
        )
        con.execute("update raw.refresh_steps set status = 'interrupted' where status = 'running'")

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step. It counts as done when `finish` says so, and as failed on any error."""
        self._step_start = time.monotonic()
        with self._connect() as con:
            con.execute(
                "insert into raw.refresh_steps by name select $1 as refresh_id, $2 as step, "
                "'running' as status, $3 as started_at",
                [self.refresh_id, name, _now()],
            )
        try:
            yield
        except BaseException:
            with contextlib.suppress(Exception):
                self._end_step(name, "failed")
            raise

    def step_seconds(self) -> float:
        """Seconds since the step began."""
        return round(time.monotonic() - self._step_start, 3)

    def finish(self, finished: Finished) -> float:
        """Note a step as done, and give its seconds."""
        return self._end_step(
            finished.step, "done", outcome=finished.outcome, message=finished.message
        )

    def not_due(self, step: str) -> None:
        """A step that turned out not to be due is done, and has no seconds."""
        with self._connect() as con:
            con.execute(
                "update raw.refresh_steps set status = 'done', outcome = 'not_due', ended_at = $3 "
                "where refresh_id = $1 and step = $2",
                [self.refresh_id, step, _now()],
            )

    def skip(self, finished: Finished) -> None:
        """Note a step that an earlier run has done."""
        with self._connect() as con:
            con.execute(
                "insert into raw.refresh_steps by name select $1 as refresh_id, $2 as step, "
                "'skipped' as status, $3 as outcome, $4 as message",
                [self.refresh_id, finished.step, finished.outcome, finished.message],
            )

    def note(self, **values: object) -> None:
        """Columns of this run in `raw.refreshes`."""
        names = list(values)
        assignments = ", ".join(f"{name} = ${place + 2}" for place, name in enumerate(names))
        with self._connect() as con:
            con.execute(
                f"update raw.refreshes set {assignments} where refresh_id = $1",
                [self.refresh_id, *values.values()],
            )

    def end(self, status: str, **values: object) -> None:
        """Note how the run ended. Never hides the error that it is told about."""
        with contextlib.suppress(Exception):
            self.note(
                **(
                    {"ended_at": _now(), "duration_seconds": self.seconds(), "status": status}
                    | values
                )
            )

    def seconds(self) -> float:
        """Seconds since the run began."""
        return round(time.monotonic() - self._start, 3)

    def published_line(self, totals: dict, published_count: int) -> dict:
        """Columns of `marts.refreshes` for this run, as the published file tells of itself."""
        return {
            "refresh_id": self.refresh_id,
            "status": "published",
            "is_published": True,
            "ended_at": _now(),
            "duration_seconds": self.seconds(),
            "publish_seconds": self.step_seconds(),
            "published_count": published_count,
            "as_of_date": totals["as_of_date"],
            "landed_count": totals["landed_count"],
            "quarantined_count": totals["quarantined_count"],
        }

    def totals(self) -> dict:
        """Rows by verdict over all inputs, and the date of the marts."""
        with self._connect() as con:
            found = con.execute(
                "select coalesce(sum(landed_count), 0)::bigint as landed_count, "
                "coalesce(sum(quarantined_count), 0)::bigint as quarantined_count, "
                "coalesce(sum(duplicate_count), 0)::bigint as duplicate_count, "
                "(select as_of_date from staging.stg_calendar) as as_of_date "
                "from marts.row_accounting"
            )
            names = [column[0] for column in found.description]
            return dict(zip(names, found.fetchone(), strict=True))

    def keep_changes(self, changes: list[tuple]) -> None:
        """Write what the new version changed, rows of `raw.refresh_changes`; drop old ones."""
        with self._connect() as con:
            con.begin()
            if changes:
                places = ", ".join("?" for _ in changes[0])
                con.executemany(f"insert into raw.refresh_changes values ({places})", changes)
            con.execute(
                "delete from raw.refresh_changes where refresh_id not in (select distinct "
                "refresh_id from raw.refresh_changes order by refresh_id desc limit $1)",
                [KEPT_CHANGES],
            )
            con.commit()

    def take_over(self, refresh_id: str, column: str) -> object:
        """Copy a column of the run that this one goes on with, and give its value."""
        with self._connect() as con:
            value = con.execute(
                f"select {column} from raw.refreshes where refresh_id = $1", [refresh_id]
            ).fetchone()[0]
        self.note(**{column: value})
        return value

    def keep_results(self, step: str, retried: Path | None = None) -> None:
        """Move dbt's run_results.json of a step to `runs/<refresh_id>`; drop those of old runs.

        `retried`: the folder of the results that this step went on with; they are one then.
        """
        written = self.warehouse.folder / "target" / "run_results.json"
        try:
            results = json.loads(written.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return  # dbt did not come to an end
        if retried:
            before = json.loads((retried / "run_results.json").read_text(encoding="utf-8"))
            new = {result["unique_id"] for result in results["results"]}
            kept = [r for r in before["results"] if r["unique_id"] not in new]
            results = before | {"results": kept + results["results"]}
        kept_file = results_folder(self.warehouse, self.refresh_id, step) / "run_results.json"
        kept_file.parent.mkdir(parents=True, exist_ok=True)
        aside = kept_file.with_suffix(".new")  # half a file would stop who goes on with it
        aside.write_text(json.dumps(results), encoding="utf-8")
        aside.replace(kept_file)
        runs = sorted(path for path in self.warehouse.runs_folder.iterdir() if path.is_dir())
        for old in runs[:-KEPT_RUNS]:
            shutil.rmtree(old, ignore_errors=True)

    def _end_step(self, step: str, status: str, **values: object) -> float:
        seconds = self.step_seconds()
        values = {"status": status, "ended_at": _now()} | values
        assignments = ", ".join(f"{name} = ${place + 3}" for place, name in enumerate(values))
        with self._connect() as con:
            con.execute(
                f"update raw.refresh_steps set {assignments} where refresh_id = $1 and step = $2",
                [self.refresh_id, step, *values.values()],
            )
            con.execute(
                f"update raw.refreshes set {step}_seconds = $2 where refresh_id = $1",
                [self.refresh_id, seconds],
            )
        return seconds

    def _connect(self) -> duckdb.DuckDBPyConnection:
        return connect(self.warehouse)


def connect(warehouse: Warehouse, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """The working file. Raises Locked, WorkFileDamaged or MachineFailed."""
    try:
        return duckdb.connect(str(warehouse.work_file), read_only=read_only)
    except duckdb.Error as error:
        known = machine_error(error, warehouse.folder, warehouse.work_file)
        raise known or Locked(
            f"{warehouse.work_file} cannot be opened: {str(error).splitlines()[0]} If another "
            "program has it open (BI should read the published file, never this one), close it."
        ) from error


def results_folder(warehouse: Warehouse, refresh_id: str, step: str = "build") -> Path:
    """Where dbt's run_results.json of a run is kept; those of scoring lie in a folder below."""
    folder = warehouse.runs_folder / refresh_id
    return folder if step == "build" else folder / step


def new_id() -> tuple[str, datetime]:
    """An id that sorts by time, and that time (UTC)."""
    now = _now()
    return now.strftime("%Y%m%dT%H%M%S.%fZ"), now


def _shared_columns(con: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    """Columns that the published mart and the ledger table of the same name both have."""
    found = con.execute(
        "select column_name from duckdb_columns() where table_name = $1 and ("
        "(database_name = 'seen' and schema_name = 'marts') or "
        "(database_name <> 'seen' and schema_name = 'raw')) "
        "group by column_name having count(*) = 2 order by column_name",
        [table],
    )
    return [name for (name,) in found.fetchall()]


def _name(column: str) -> str:
    return f'"{column}"'


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
