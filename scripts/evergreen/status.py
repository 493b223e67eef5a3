"""How the warehouse is: what readers see, how the last refresh went, what was set aside, and how
far to trust the scores."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import fmean

import duckdb

from evergreen.errors import machine_error
from evergreen.locking import Holder, looking
from evergreen.paths import Warehouse

RULES = {
    "recency_rule": "the rule of recency",
    "last_period_repeated": "a repeat of the last period",
    "popularity": "what most customers buy",
}
"""The rules of score_backtests that a score must beat, in words."""
SUGGESTION = "next_product_probability"
"""A score of suggestions: it ranks products for a customer, which hits tell, and not customers."""
ROUNDING = 1e-9
"""Sums differ in their last digits: a difference of less is a tie."""


REMEDIES = {
    "refused": "mend the file or the option that the message names, then refresh again.",
    "build_failed": "read the message and {folder}/logs/dbt.log. Where the cause has passed: "
    "`evergreen refresh --resume`. Where a file or a rule is wrong, mend it and refresh again.",
    "audit_failed": "look at {folder}/data_docs/index.html. Where the feed is wrong, get it again; "
    "where the change is real, change the threshold in gx/expectations/. Then refresh again.",
    "publish_failed": "mend what the message names, then `evergreen refresh --resume`.",
    "machine_failed": "do what the message says, then `evergreen refresh --resume`.",
    "damaged": "do what the message says: the working file is built anew from what landed.",
    "interrupted": "`evergreen refresh --resume` goes on where it stopped; if it says that there "
    "is nothing to resume, refresh again.",
}
"""What to do next, by how the last run ended. Readers are served by the last good version."""
REFRESH = "run `evergreen refresh --landing DIR`"


@dataclass
class Status:
    """`problems` is empty when the last refresh was published and can be read, and is young enough;
    `remedies` says for each what to do. `notices` are no problems.

    `age_hours`: hours since the version that readers see was published. `running`: who works on the
    warehouse now. `scores` is None where the published version has no backtests of scores.
    """

    problems: list[str] = field(default_factory=list)
    remedies: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    published: dict | None = None
    age_hours: float | None = None
    running: Holder | None = None
    last_run: dict | None = None
    inputs: list[dict] = field(default_factory=list)
    reasons: list[dict] = field(default_factory=list)
    scores: list[dict] | None = None
    doubts: list[str] = field(default_factory=list)

    def add(self, problem: str, remedy: str) -> None:
        """A problem and what to do."""
        self.problems.append(problem)
        self.remedies.append(remedy)


def read_status(warehouse: Warehouse, max_age_hours: float | None = None) -> Status:
    """Read the published file, and the run log of the work file where no command holds it.

    An older version than `max_age_hours` is a problem.
    """
    status = Status()
    _read_published(warehouse, status)
    _judge_age(status, max_age_hours)
    with looking(warehouse) as status.running:
        if not status.running:
            _read_last_run(warehouse, status)
    if status.running:
        status.notices.append(f"running now: {status.running.words()}")
    return status


def _judge_age(status: Status, max_age_hours: float | None) -> None:
    ended = (status.published or {}).get("ended_at")
    if ended is None:
        return
    now = datetime.now(UTC).replace(tzinfo=None)
    status.age_hours = round((now - ended).total_seconds() / 3600, 2)
    if max_age_hours is not None and status.age_hours > max_age_hours:
        status.add(
            f"what readers see was published {status.age_hours:,.1f} hours ago, more than "
            f"{max_age_hours:g}",
            f"look at what starts refreshes (cron, timer, Dagster) and its log, or {REFRESH} now.",
        )


def _read_published(warehouse: Warehouse, status: Status) -> None:
    file = warehouse.published_file
    if not file.exists():
        status.add(f"nothing is published at {file}", f"{REFRESH}.")
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
            _read_scores(con, status)
    except duckdb.Error as error:
        status.add(
            f"{file} cannot be read: {error}",
            "`evergreen rollback` gives readers the version before; the next refresh moves the "
            "file aside and publishes anew.",
        )


def _read_scores(con: duckdb.DuckDBPyConnection, status: Status) -> None:
    try:
        columns = [row["column_name"] for row in _rows(con, "(describe marts.score_backtests)")]
        # A version without suggestions has no hits of them.
        hits = "hit_rate_3" if "hit_rate_3" in columns else "null"
        # Who foretells the same of everybody ranks like chance, as in the mart.
        rows = _rows(
            con,
            f"""
            with figures as (
                select
                    *,
                    case when score = '{SUGGESTION}' then {hits} else coalesce(auc, spearman) end
                        as figure
                from marts.score_backtests
                where decile is null
            )
            select
                score,
                method,
                cutoff_date,
                rmse is null as is_event,
                coalesce(brier, rmse) as error,
                case
                    when max(figure) over (partition by score, cutoff_date) is not null
                        then coalesce(figure, 0)
                end as ranking
            from figures
            order by score, cutoff_date, method
            """,
        )
    except duckdb.CatalogException:
        return  # published by a version without backtests
    status.scores = []
    by_score: dict[str, list[dict]] = {}
    for row in rows:
        by_score.setdefault(row["score"], []).append(row)
    for score, found in by_score.items():
        error, ranking = _compare(found, "error", -1), _compare(found, "ranking", 1)
        status.scores.append(
            {
                "score": score,
                "dates": len({row["cutoff_date"] for row in found}),
                "error": error.model,
                "of rule": error.rule,
                "ranking": ranking.model,
                "by rule": ranking.rule,
            }
        )
        is_event = found[0]["is_event"]
        if not error.is_better:
            measure = "Brier score" if is_event else "root mean square error"
            status.doubts.append(f"{score} is no more accurate than {error.words(measure)}")
        if not ranking.is_better:
            measure = "AUC" if is_event else "Spearman correlation"
            measure = "hit rate of three suggestions" if score == SUGGESTION else measure
            status.doubts.append(f"{score} ranks no better than {ranking.words(measure)}")


@dataclass(frozen=True)
class Comparison:
    """Means of one figure over the cut-off dates: of the model, and of the rule that leads most.

    Only dates that both have are counted. `rule` is None where there is none: nothing is in doubt.
    """

    model: float | None = None
    rule: float | None = None
    rule_name: str = ""
    cutoff_count: int = 0
    lead: float = 0.0

    @property
    def is_better(self) -> bool:
        return self.rule is None or self.lead > ROUNDING * abs(self.rule)

    def words(self, measure: str) -> str:
        dates = "1 cut-off date" if self.cutoff_count == 1 else f"{self.cutoff_count} cut-off dates"
        name = RULES.get(self.rule_name, self.rule_name)
        return f"{name}: {measure} {rounded(self.model)} against {rounded(self.rule)} over {dates}."


def rounded(value: float) -> str:
    """Four digits that count; large numbers whole."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _compare(rows: list[dict], figure: str, sign: int) -> Comparison:
    """The model beside the rule that does best against it. `sign`: 1 where more is better."""
    found: dict[str, dict] = {}
    for row in rows:
        if row[figure] is not None:
            found.setdefault(row["method"], {})[row["cutoff_date"]] = row[figure]
    model = found.pop("model", {})
    comparisons = []
    for name, figures in found.items():
        if shared := sorted(model.keys() & figures.keys()):
            own, other = (fmean(values[day] for day in shared) for values in (model, figures))
            comparisons.append(Comparison(own, other, name, len(shared), sign * (own - other)))
    alone = Comparison(fmean(model.values()) if model else None)
    return min(comparisons, key=lambda comparison: comparison.lead, default=alone)


def _read_last_run(warehouse: Warehouse, status: Status) -> None:
    if not warehouse.work_file.exists():
        return
    try:
        with duckdb.connect(str(warehouse.work_file), read_only=True) as con:
            runs = _rows(
                con,
                "from raw.refreshes where status is distinct from 'rolled_back_to' "
                "order by refresh_id desc limit 1",
            )
            newest = con.execute(
                "select max(refresh_id) from raw.refreshes where is_published"
            ).fetchone()[0]
    except duckdb.CatalogException:
        return  # built by a plain dbt build: there is no run to tell of
    except duckdb.Error as error:
        _add_unreadable(warehouse, status, str(error))
        return
    status.last_run = runs[0] if runs else None
    seen = (status.published or {}).get("refresh_id")
    if seen and newest and seen < newest:
        status.notices.append(
            f"readers see an older version, {seen}, not the newest, {newest}, which `evergreen "
            f"rollback` took back. The next refresh publishes anew; `evergreen rollback {newest}` "
            "undoes it."
        )
    run = status.last_run
    if run and not run["is_published"] and run["refresh_id"] != seen:
        ended = "interrupted" if run["status"] == "running" else run["status"]
        status.add(
            f"the last refresh ({run['refresh_id']}) was not published: {ended}: "
            f"{run['message'] or 'it was killed, or the machine stopped'}",
            REMEDIES.get(ended, "refresh again.").format(folder=warehouse.folder),
        )


def _add_unreadable(warehouse: Warehouse, status: Status, error: str) -> None:
    if "lock" in error.lower():
        status.add(
            f"{warehouse.work_file} is open in another program: {error.splitlines()[0]}",
            "close it; BI reads the published file, never this one.",
        )
        return
    known = machine_error(duckdb.Error(error), warehouse.folder, warehouse.work_file)
    status.add(
        str(known) if known else f"{warehouse.work_file} cannot be read: {error}",
        "do what the message says; readers are served by the published file.",
    )


def _rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[dict]:
    found = con.execute(sql)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
