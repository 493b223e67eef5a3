"""A refresh: load, build, fit, answer metrics, audit, publish. Readers see all of it or nothing."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import yaml

from evergreen.errors import (
    BuildFailed,
    EvergreenError,
    InputRefused,
    Locked,
    PublishFailed,
    machine_error,
)
from evergreen.files import write_whole
from evergreen.locking import lock
from evergreen.paths import Warehouse
from evergreen.publish import PublishReport, publish
from evergreen.resume import Resumed, find_resumed, options_of
from evergreen.run_log import Finished, RefreshLog
from evergreen.versions import check_kept

if TYPE_CHECKING:
    from evergreen.baseline import Baseline
    from evergreen.build import BuildReport

Progress = Callable[[str, str], None]
"""Called with the step (load, build, fit, score, baseline, metrics, audit, publish) and a line."""

Listener = Callable[[dict], None]
"""Called with an event: refresh_id, event (started, recovered, step_started, step_skipped,
progress, step_ended, warning), step, message, seconds."""

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


@dataclass
class Run:
    """One refresh: what it was asked for, and what its steps leave for later ones."""

    warehouse: Warehouse
    landing: Path
    mapping: Path | None
    as_of: date | None
    target: str | None
    variables: dict
    is_loading: bool
    keep_versions: int
    baseline_day: date | None
    log: RefreshLog
    tell: "Teller"
    resumed: Resumed | None = None
    load_lines: list[str] = field(default_factory=list)
    fit_lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    is_fitted: bool = False
    fit_message: str | None = None
    check_count: int = 0
    expectation_count: int = 0
    baseline: "Baseline | None" = None
    totals: dict = field(default_factory=dict)
    published: PublishReport | None = None

    def line(self, step: str) -> Callable[[str], None]:
        """Progress of a step."""
        return partial(self.tell, step)

    def warn(self, warnings: list[str]) -> str | None:
        """Tell of warnings that are new, and give them as the message of the step."""
        new = [warning for warning in warnings if warning not in self.warnings]
        self.warnings += new
        for warning in new:
            self.tell.event("warning", message=warning)
        return "\n".join(new) or None


@dataclass
class Teller:
    """Tells whoever listens what happens."""

    progress: Progress | None
    listener: Listener | None
    refresh_id: str | None = None

    def __call__(self, step: str, line: str) -> None:
        if self.progress:
            self.progress(step, line)
        self.event("progress", step, line)

    def event(self, event: str, step: str | None = None, message: str | None = None, **more):
        if self.listener:
            told = {"event": event, "step": step, "message": message, **more}
            self.listener({"refresh_id": self.refresh_id} | told)


def refresh(
    warehouse: Warehouse,
    landing: Path,
    mapping: Path | None = None,
    as_of: date | None = None,
    target: str | None = None,
    variables: dict | None = None,
    progress: Progress | None = None,
    resume: bool = False,
    listener: Listener | None = None,
) -> RefreshReport:
    """Load what landed, build and audit the marts, and swap them in.

    `resume`: go on where the last run failed, where inputs, options and code are the same.
    Raises InputRefused, BuildFailed, AuditFailed, PublishFailed, MachineFailed, WorkFileDamaged,
    NothingToDo or Locked; in each case the published version is as it was, and `raw.refreshes`
    says what happened.
    """
    tell = Teller(progress, listener)
    try:
        with lock(warehouse) as held:
            if held.recovered:
                tell.event("recovered", message=held.recovered)
            if held.before:  # a refresh that is refused before it begins works on nothing
                held.note(refresh_id=held.before.refresh_id)
            given = variables or {}
            options = options_of(landing, mapping, as_of, target, given)
            resumed = (
                find_resumed(warehouse, held.before, landing, mapping, options) if resume else None
            )
            log = RefreshLog(
                warehouse, landing.name, options, resumed.refresh_id if resumed else None
            )
            held.note(refresh_id=log.refresh_id)
            tell.refresh_id = log.refresh_id
            tell.event("started")
            asked = (warehouse, landing, mapping, as_of, target, given)
            return _recorded(log, lambda: _refresh(*asked, log, tell, resumed))
    except (EvergreenError, OSError, MemoryError, duckdb.Error) as error:
        raise _explained(error, warehouse) from error


def rebuild_locked(
    warehouse: Warehouse,
    landing: Path,
    as_of: date | None,
    target: str | None,
    variables: dict,
    progress: Progress | None = None,
) -> RefreshReport:
    """A refresh of what has landed, for who holds the lock: all steps but load. Raises as it."""
    log = RefreshLog(warehouse, landing.name)
    tell = Teller(progress, None, log.refresh_id)
    asked = (warehouse, landing, None, as_of, target, variables)
    return _recorded(log, lambda: _refresh(*asked, log, tell, None, is_loading=False))


def _recorded(log: RefreshLog, work: Callable[[], RefreshReport]) -> RefreshReport:
    """Do the work; on any error the ledger says which before it goes on its way."""
    try:
        return work()
    except (EvergreenError, OSError, MemoryError, duckdb.Error) as error:
        known = _explained(error, log.warehouse)
        status = known.status if isinstance(known, EvergreenError) else "interrupted"
        log.end(status=status, message=str(known))
        raise known from error
    except BaseException as error:
        log.end(status="interrupted", message=f"{type(error).__name__}: {error}")
        raise


def _explained(error: Exception, warehouse: Warehouse) -> Exception:
    """The error, or the one that says what to do about the machine behind it."""
    behind = (OSError, MemoryError, duckdb.Error, BuildFailed, PublishFailed, Locked)
    if not isinstance(error, behind):
        return error
    return machine_error(error, warehouse.folder, warehouse.work_file) or error


def _refresh(
    warehouse: Warehouse,
    landing: Path,
    mapping: Path | None,
    as_of: date | None,
    target: str | None,
    variables: dict,
    log: RefreshLog,
    tell: Teller,
    resumed: Resumed | None,
    is_loading: bool = True,
) -> RefreshReport:
    from evergreen.baseline import baseline_date  # these import dbt and Great Expectations: seconds
    from evergreen.build import project_variables

    variables = read_variables(mapping) | variables
    settings = project_variables() | variables
    run = Run(
        warehouse,
        landing,
        mapping,
        as_of,
        target,
        variables,
        is_loading,
        check_kept(settings["keep_versions"]),
        baseline_date(settings),
        log,
        tell,
        resumed,
    )
    done = resumed.steps if resumed else {}
    for name, step in STEPS.items():
        if name in done:
            _skip(run, done[name])
        elif _is_due(run, name):
            _do(run, name, step)
    if is_loading:
        remember(warehouse, landing, as_of, target, variables)
    return RefreshReport(
        refresh_id=log.refresh_id,
        as_of_date=run.totals["as_of_date"],
        published_file=run.published.file,
        data_docs=warehouse.data_docs / "index.html",
        rows=run.published.rows,
        landed_count=run.totals["landed_count"],
        quarantined_count=run.totals["quarantined_count"],
        duplicate_count=run.totals["duplicate_count"],
        check_count=run.check_count,
        expectation_count=run.expectation_count,
        load_lines=run.load_lines,
        fit_lines=run.fit_lines,
        warnings=run.warnings,
    )


def _is_due(run: Run, step: str) -> bool:
    """Scoring follows a new fit, and a baseline is asked for by a var; all else is always due,
    but loading where only what has landed counts."""
    due = {"load": run.is_loading, "score": run.is_fitted, "baseline": bool(run.baseline_day)}
    return due.get(step, True)


def _do(run: Run, name: str, step: "Step") -> None:
    """Run a step, time it and note it as done."""
    run.tell.event("step_started", name)
    with run.log.step(name):
        finished = step(run)
    if finished is None:
        run.log.not_due(name)
        run.tell.event("step_ended", name, "not due")
    elif name != "publish":  # it has noted itself, together with the end of the run
        seconds = run.log.finish(finished)
        run.tell.event("step_ended", name, seconds=seconds)
    else:
        run.tell.event("step_ended", name, seconds=run.published.run["publish_seconds"])


def _skip(run: Run, finished: Finished) -> None:
    """Take over what an earlier run has done, with its warnings."""
    run.log.skip(finished)
    run.tell.event("step_skipped", finished.step, f"done by {run.resumed.refresh_id}")
    if finished.message:
        run.warn([finished.message])
    match finished.step:
        case "load":
            run.load_lines = [f"resumed: what landed was loaded by {run.resumed.refresh_id}"]
        case "build":
            run.check_count = run.log.take_over(run.resumed.refresh_id, "dbt_check_count")
        case "fit":
            run.is_fitted, run.fit_message = finished.outcome == "new", finished.message
        case "audit":
            run.log.take_over(run.resumed.refresh_id, "failed_check_count")
            run.expectation_count = run.log.take_over(run.resumed.refresh_id, "expectation_count")


def _load(run: Run) -> Finished:
    from evergreen.load import load

    run.tell("load", f"reading {run.landing}")
    report = load(run.warehouse, run.landing, run.mapping, run.line("load"))
    run.load_lines = report.lines()
    return Finished("load")


def _build(run: Run) -> Finished:
    """All models and their tests; where dbt stopped at an error before, only what is missing."""
    from evergreen import incremental

    retry_from = run.resumed.retry_from if run.resumed else None
    changes_only = incremental.plan(run.warehouse, run.variables)
    built = _run_dbt(run, "build", retry_from=retry_from, changes_only=changes_only)
    incremental.settle(run.warehouse, run.variables)
    run.check_count = built.check_count
    run.log.note(dbt_check_count=built.check_count)
    return Finished("build", message=run.warn(built.warnings))


def _fit(run: Run) -> Finished | None:
    fitted = fit_if_due(run.warehouse, run.variables, run.line("fit"))
    if not fitted.is_due:
        return None
    run.is_fitted, run.fit_lines = fitted.is_new, fitted.lines
    run.fit_message = run.warn(fitted.warnings)
    return Finished("fit", "new" if fitted.is_new else "kept", run.fit_message)


def _score(run: Run) -> Finished:
    """What depends on the parameters of a new fit. Nothing of it is incremental, and what the build
    has settled stands."""
    scored = _run_dbt(run, "score", FITTED_MODELS, changes_only=True)
    return Finished("score", message=run.warn(scored.warnings))


def _run_dbt(
    run: Run,
    step: str,
    select: str | None = None,
    retry_from: Path | None = None,
    changes_only: bool = False,
) -> "BuildReport":
    """dbt's part of a step. What it said of each model and test is kept, however it ends."""
    from evergreen.build import build

    try:
        return build(
            run.warehouse,
            run.as_of,
            run.target,
            run.variables,
            run.line(step),
            select,
            retry_from=retry_from,
            changes_only=changes_only,
        )
    finally:
        run.log.keep_results(step, retry_from)


def _baseline(run: Run) -> Finished:
    from evergreen.baseline import rebuild

    run.baseline = rebuild(
        run.warehouse, run.baseline_day, run.target, run.variables, run.line("baseline")
    )
    return Finished("baseline")


def _metrics(run: Run) -> Finished:
    from evergreen.metrics import write_metrics

    run.tell("metrics", "answering each definition")
    write_metrics(run.warehouse, run.baseline)
    return Finished("metrics")


def _audit(run: Run) -> Finished:
    from evergreen.audit import audit

    run.tell("audit", "checking arrival and drift")
    warnings: list[str] = []
    previous = read_published(run.warehouse, warnings)
    is_past = bool(run.as_of and previous and previous > run.as_of)
    if is_past:
        warnings.append(
            f"warning: {run.as_of} is before the published {previous}: drift is not compared"
        )
    audited = audit(run.warehouse, compare=not is_past)
    message = run.warn(warnings + [failure.message() for failure in audited.warnings])
    run.expectation_count = audited.expectation_count
    run.log.note(
        expectation_count=audited.expectation_count,
        failed_check_count=len(run.warnings) + len(audited.criticals),
    )
    audited.raise_for_critical()
    return Finished("audit", message=message)


def _publish(run: Run) -> Finished:
    """Swap the new version in, and note in one go that the run has ended."""
    run.tell("publish", f"swapping in {run.warehouse.published_file}")
    run.totals = run.log.totals()
    message = {"message": run.fit_message} if run.fit_message else {}
    run.published = publish(
        run.warehouse,
        lambda count: run.log.published_line(run.totals, count) | message,
        run.keep_versions,
    )
    run.warn(run.published.warnings)
    try:
        run.log.keep_changes(run.published.changes)
        run.log.finish(Finished("publish"))
        run.log.end(**run.published.run)
    except (EvergreenError, duckdb.Error) as error:
        run.warn(
            [
                f"warning: published, but not noted in {run.warehouse.work_file}: {error} The next "
                "refresh learns it from the published file."
            ]
        )
    return Finished("publish")


Step = Callable[[Run], Finished | None]
STEPS: dict[str, Step] = {
    "load": _load,
    "build": _build,
    "fit": _fit,
    "score": _score,
    "baseline": _baseline,
    "metrics": _metrics,
    "audit": _audit,
    "publish": _publish,
}
"""In this order. Each gives what whoever resumes must know of it, or None where it was not due."""


@dataclass(frozen=True)
class FitStep:
    """What the step fit did. `lines` are for people; `warnings` say what was refused or failed."""

    is_new: bool = False
    is_due: bool = True
    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


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
            return FitStep(is_due=False)
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
