"""A refresh: load, build, fit, answer metrics, audit, publish. Readers see all of it or nothing."""

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import duckdb
import yaml

from evergreen import __version__
from evergreen.contract import ledger_ddl, read_contract
from evergreen.errors import (
    AuditFailed,
    BuildFailed,
    EvergreenError,
    InputRefused,
    Locked,
    PublishFailed,
)
from evergreen.files import private_files, write_whole
from evergreen.paths import Warehouse

Progress = Callable[[str, str], None]
"""Called with the step (load, build, fit, score, baseline, metrics, audit, publish) and a line."""

STATUS_OF = {
    InputRefused: "refused",
    BuildFailed: "build_failed",
    AuditFailed: "audit_failed",
    PublishFailed: "publish_failed",
}


FITTED_MODELS = "source:ledger.model_parameters+ source:ledger.model_nodes+"
"""What dbt builds again after a fit: whatever depends on parameters."""


@dataclass(frozen=True)
class RefreshReport:
    """What one refresh published."""

    refresh_id: str
    as_of_date: date | None
    published_file: Path
    data_docs: Path
    rows: dict[str, int]
    landed_count: int
    quarantined_count: int
    duplicate_count: int
    check_count: int
    expectation_count: int
    load_lines: list[str]
    fit_lines: list[str]
    warnings: list[str]


def refresh(
    warehouse: Warehouse,
    landing: Path,
    mapping: Path | None = None,
    as_of: date | None = None,
    target: str | None = None,
    variables: dict | None = None,
    progress: Progress | None = None,
) -> RefreshReport:
    """Load what landed, build and audit the marts, and swap them in.

    Raises InputRefused, BuildFailed, AuditFailed, PublishFailed or Locked; in each case the
    published version is as it was, and `raw.refreshes` says what happened.
    """
    with lock(warehouse):
        return refresh_locked(warehouse, landing, mapping, as_of, target, variables, progress)


def refresh_locked(
    warehouse: Warehouse,
    landing: Path,
    mapping: Path | None,
    as_of: date | None,
    target: str | None,
    variables: dict | None,
    progress: Progress | None = None,
    is_loading: bool = True,
) -> RefreshReport:
    """The same for who holds the lock. Without loading, marts are made of what has landed."""
    tell = progress or (lambda step, line: None)
    log = RefreshLog(warehouse, landing.name)
    source = (landing, mapping) if is_loading else None
    try:
        variables = read_variables(mapping) | (variables or {})
        report = _refresh(warehouse, source, as_of, target, variables, tell, log)
    except EvergreenError as error:
        log.end(status=STATUS_OF.get(type(error), "refused"), message=str(error))
        raise
    except BaseException as error:
        log.end(status="interrupted", message=f"{type(error).__name__}: {error}")
        raise
    if is_loading:
        remember(warehouse, landing, as_of, target, variables)
    return report


def _refresh(
    warehouse: Warehouse,
    source: tuple[Path, Path | None] | None,
    as_of: date | None,
    target: str | None,
    variables: dict,
    tell: Progress,
    log: "RefreshLog",
) -> RefreshReport:
    from evergreen import incremental
    from evergreen.audit import audit  # these import dbt and Great Expectations: seconds
    from evergreen.baseline import baseline_date, rebuild
    from evergreen.build import build, project_variables
    from evergreen.load import LoadReport, load
    from evergreen.metrics import write_metrics
    from evergreen.publish import publish

    then = baseline_date(project_variables() | variables)
    loaded = LoadReport()
    if source:
        tell("load", f"reading {source[0]}")
        loaded = load(warehouse, *source, lambda line: tell("load", line))
    changes_only = incremental.plan(warehouse, variables)
    built = build(
        warehouse,
        as_of,
        target,
        variables,
        lambda line: tell("build", line),
        changes_only=changes_only,
    )
    warnings = list(built.warnings)
    fitted = fit_if_due(warehouse, variables, lambda line: tell("fit", line))
    if fitted.is_new:
        scored = build(
            warehouse,
            as_of,
            target,
            variables,
            lambda line: tell("score", line),
            FITTED_MODELS,
            changes_only=changes_only,
        )
        warnings += [warning for warning in scored.warnings if warning not in warnings]
    warnings += fitted.warnings
    incremental.settle(warehouse, variables)
    baseline = None
    if then:
        baseline = rebuild(warehouse, then, target, variables, lambda line: tell("baseline", line))
    tell("metrics", "answering each definition")
    write_metrics(warehouse, baseline)
    tell("audit", "checking arrival and drift")
    previous = read_published(warehouse, warnings)
    is_past = bool(as_of and previous and previous > as_of)
    if is_past:
        warnings.append(
            f"warning: {as_of} is before the published {previous}: drift is not compared"
        )
    audited = audit(warehouse, compare=not is_past)
    warnings += [failure.message() for failure in audited.warnings]
    log.checked(
        built.check_count, audited.expectation_count, len(warnings) + len(audited.criticals)
    )
    audited.raise_for_critical()
    tell("publish", f"swapping in {warehouse.published_file}")
    totals = log.totals()
    run = log.published_line(totals) | fitted.log_line()
    published = publish(warehouse, run)
    log.end(**run)
    return RefreshReport(
        refresh_id=log.refresh_id,
        as_of_date=totals["as_of_date"],
        published_file=published.file,
        data_docs=audited.data_docs,
        rows=published.rows,
        landed_count=totals["landed_count"],
        quarantined_count=totals["quarantined_count"],
        duplicate_count=totals["duplicate_count"],
        check_count=built.check_count,
        expectation_count=audited.expectation_count,
        load_lines=loaded.lines(),
        fit_lines=fitted.lines,
        warnings=warnings,
    )


@dataclass(frozen=True)
class FitStep:
    """What the step fit did. `lines` are for people; `warnings` say what was refused or failed."""

    is_new: bool = False
    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def log_line(self) -> dict:
        """Columns of the run in `raw.refreshes`."""
        return {"message": "\n".join(self.warnings)} if self.warnings else {}


def fit_if_due(warehouse: Warehouse, variables: dict, progress: Callable[[str], None]) -> FitStep:
    """Fit where parameters are missing or older than the var `refit_after_days`.

    Never fails the refresh: scores go on with the last good parameters, and the report says so.
    """
    from evergreen.build import project_variables
    from evergreen.fit import fit, is_due

    days = (project_variables() | variables)["refit_after_days"]
    if not isinstance(days, int) or days < 0:
        raise InputRefused(f"refit_after_days: {days} is no number of days such as 30.")
    try:
        if not is_due(warehouse, days):
            return FitStep()
        report = fit(warehouse, progress)
    except Exception as error:  # whatever it is, the marts are built and stand without it
        message = f"warning: the fit failed: {type(error).__name__}: {error}"
        return FitStep(warnings=[message])
    return FitStep(
        is_new=report.fit_id is not None,
        lines=report.lines(),
        warnings=[f"warning: {refusal}" for refusal in report.refusals],
    )


def read_variables(mapping: Path | None) -> dict:
    """dbt vars that belong to a source, such as its time zone: `vars.yml` of the mapping."""
    file = mapping / "vars.yml" if mapping else None
    if not file or not file.exists():
        return {}
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputRefused(f"{file} is no YAML in UTF-8: {error}") from error
    if not isinstance(found, dict):
        raise InputRefused(f"{file} must hold lines such as `source_timezone: Europe/Berlin`.")
    return found


def remember(
    warehouse: Warehouse,
    landing: Path,
    as_of: date | None,
    target: str | None,
    variables: dict,
) -> None:
    """What this refresh was told, with the vars of its mapping: an erasure makes the same marts."""
    told = {
        "landing": str(landing.absolute()),
        "as_of": as_of and as_of.isoformat(),
        "target": target,
        "variables": variables,
    }
    write_whole(warehouse.last_refresh_file, json.dumps(told, indent=1, default=str) + "\n")


def read_published(warehouse: Warehouse, warnings: list[str]) -> date | None:
    """Date of the published marts; None where nothing is published or no row is dated.

    A damaged file is moved aside, so that this refresh heals it. Raises PublishFailed when another
    program has the file open for writing.
    """
    file = warehouse.published_file
    if not file.exists():
        return None
    try:
        with duckdb.connect(str(file), read_only=True) as con:
            found = con.execute("select max(as_of_date) from marts.customers").fetchone()
        return found[0] if found else None
    except duckdb.Error as error:
        if "lock" in str(error).lower():
            raise PublishFailed(
                f"{file} is open for writing in another program: {str(error).splitlines()[0]} "
                "Close it, and let readers open the file read-only."
            ) from error
        aside = file.with_suffix(".damaged")
        file.replace(aside)
        warnings.append(f"warning: {file} could not be read ({error}); it was moved to {aside}")
        return None


class RefreshLog:
    """The line of one run in `raw.refreshes`. The only place where a refresh reads the clock."""

    def __init__(self, warehouse: Warehouse, landing: str) -> None:
        self.warehouse = warehouse
        now = _now()
        self.refresh_id = now.strftime("%Y%m%dT%H%M%S.%fZ")
        published = self._published_ids()
        with self._connect() as con:
            con.execute("create schema if not exists raw")
            for statement in ledger_ddl(read_contract()):
                con.execute(statement)
            con.execute(
                "update raw.refreshes set status = 'interrupted', ended_at = $1, "
                "message = 'it never ended: killed, or the machine stopped' "
                "where status = 'running' and not list_contains($2, refresh_id)",
                [now, published],
            )
            con.execute(
                "update raw.refreshes set status = 'published', is_published = true "
                "where status = 'running'"
            )
            con.execute(
                "insert into raw.refreshes by name select $1 as refresh_id, $2 as started_at, "
                "'running' as status, $3 as landing, false as is_published, $4 as code_version",
                [self.refresh_id, now, landing, __version__],
            )

    def checked(self, dbt_checks: int, expectations: int, failed: int) -> None:
        """Note how many checks ran and how many did not hold."""
        self._set(
            dbt_check_count=dbt_checks, expectation_count=expectations, failed_check_count=failed
        )

    def published_line(self, totals: dict) -> dict:
        """Columns of this run once it is published."""
        return {
            "refresh_id": self.refresh_id,
            "status": "published",
            "is_published": True,
            "ended_at": _now(),
            "as_of_date": totals["as_of_date"],
            "landed_count": totals["landed_count"],
            "quarantined_count": totals["quarantined_count"],
        }

    def end(self, status: str, **values: object) -> None:
        """Note how the run ended. Never hides the error that it is told about."""
        with contextlib.suppress(duckdb.Error, Locked):
            self._set(**({"ended_at": _now(), "status": status} | values))

    def _published_ids(self) -> list[str]:
        """Runs that readers see. A run killed right after its swap never noted that it ended."""
        try:
            with duckdb.connect(str(self.warehouse.published_file), read_only=True) as con:
                found = con.execute("select refresh_id from marts.refreshes where is_published")
                return [refresh_id for (refresh_id,) in found.fetchall()]
        except duckdb.Error:
            return []

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

    def _set(self, **values: object) -> None:
        names = list(values)
        assignments = ", ".join(f"{name} = ${place + 2}" for place, name in enumerate(names))
        with self._connect() as con:
            con.execute(
                f"update raw.refreshes set {assignments} where refresh_id = $1",
                [self.refresh_id, *values.values()],
            )

    def _connect(self) -> duckdb.DuckDBPyConnection:
        try:
            return duckdb.connect(str(self.warehouse.work_file))
        except duckdb.IOException as error:
            raise Locked(
                f"{self.warehouse.work_file} cannot be opened: {error}. If another program has it "
                "open (BI should read the published file, never this one), close it. If the file "
                "is damaged, move it away: the next refresh builds it anew from what landed."
            ) from error


@contextlib.contextmanager
def lock(warehouse: Warehouse) -> Iterator[None]:
    """Hold the warehouse: one load or refresh at a time. A lock ends with its process."""
    warehouse.folder.mkdir(parents=True, exist_ok=True)
    with open(warehouse.lock_file, "a+", opener=partial(os.open, mode=0o600)) as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            raise Locked(
                f"another refresh holds {warehouse.folder}: {handle.read().strip() or 'unknown'}. "
                "Wait for it to end; the lock goes with its process, also when that is killed."
            ) from None
        handle.truncate(0)
        handle.write(f"process {os.getpid()}, since {_now():%Y-%m-%d %H:%M:%S} UTC")
        handle.flush()
        with contextlib.suppress(OSError):  # dbt by itself makes it as the umask says
            warehouse.work_file.chmod(0o600)
        with private_files():
            yield


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
