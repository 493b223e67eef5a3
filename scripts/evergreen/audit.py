"""Audit a work file before it is published: what arrived, and how the marts drifted.

The checks are the Great Expectations suites in `gx/`; the thresholds stand there and nowhere else.
This module opens that context on one warehouse, hands the suites the figures of the last published
version, runs their checkpoint and reads the results. Great Expectations takes seconds to import,
so nothing here imports it before `audit` is called.
"""

import html
import logging
import os
import re
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from evergreen.contract import read_contract
from evergreen.errors import AuditFailed
from evergreen.paths import PROJECT_DIR, Warehouse

GX_FOLDER = PROJECT_DIR / "gx"
CHECKPOINT = "refresh"
SEVERITIES = ("critical", "warning", "info")
SHOWN_ROWS = 5
UNBOUNDED = 9 * 10**14
"""A bound beyond this is what a suite says when it has nothing to compare with."""

LAST_VIEWS = {
    "customers": {
        "state": "varchar",
        "stage": "varchar",
        "loyalty_rung": "varchar",
        "country": "varchar",
        "archetype": "varchar",
        "entry_source": "varchar",
        "first_order_date": "date",
        "net_revenue": "decimal(18,2)",
        "order_count": "bigint",
        "login_count": "bigint",
        "monthly_recurring_revenue": "decimal(18,2)",
        "as_of_date": "date",
    },
    "customer_lifecycle": {
        f"{stage}_at": "timestamp" for stage in ("like", "trust", "try", "buy", "repeat", "refer")
    },
    "customer_months": {
        "month": "date",
        "net_revenue": "decimal(18,2)",
        "login_count": "bigint",
    },
    "retention_cohorts": {
        "activity": "varchar",
        "cohort_month": "date",
        "age_months": "bigint",
        "cohort_size": "bigint",
        "retention_rate": "double",
        "is_mature": "boolean",
    },
    "customer_churn_risk": {
        "churn_basis": "varchar",
        "risk_level": "varchar",
    },
    "score_backtests": {
        "score": "varchar",
        "method": "varchar",
        "decile": "bigint",
        "customer_count": "bigint",
        "auc": "double",
    },
    "survey_scores": {
        "survey": "varchar",
        "period_start": "date",
        "segment": "varchar",
        "score": "double",
        "is_sufficient": "boolean",
    },
    "customer_advocacy": {"advocacy_tier": "varchar"},
    "contact_plan": {"action": "varchar"},
    "row_accounting": {
        "input": "varchar",
        "landed_count": "bigint",
        "accepted_count": "bigint",
        "duplicate_count": "bigint",
    },
}
"""Columns of the last published marts that suites compare with, as the views `last_<mart>`."""


@dataclass(frozen=True)
class Failure:
    """One expectation that was not met."""

    table: str
    column: str | None
    expectation: str
    severity: str
    observed: str
    expected: str
    rows: list[str] = field(default_factory=list)
    why: str = ""

    def message(self) -> str:
        """Several lines: where and what, the figure against its usual range, rows, the reason."""
        place = f"{self.table}.{self.column}" if self.column else self.table
        lines = [
            f"{self.severity}: {place}: {self.expectation}",
            f"  observed {self.observed}; expected {self.expected}",
        ]
        lines += [f"  row: {row}" for row in self.rows]
        if self.why:
            lines.append(f"  why it matters: {self.why}")
        return "\n".join(lines)


@dataclass(frozen=True)
class AuditReport:
    """What an audit found. `failures` are sorted, critical ones first."""

    expectation_count: int
    failures: list[Failure]
    data_docs: Path
    is_first_refresh: bool
    skipped_suites: list[str] = field(default_factory=list)

    @property
    def criticals(self) -> list[Failure]:
        """The failures that stop a publication."""
        return [failure for failure in self.failures if failure.severity == "critical"]

    @property
    def warnings(self) -> list[Failure]:
        """The failures that are told, and stop nothing."""
        return [failure for failure in self.failures if failure.severity != "critical"]

    def summary(self) -> str:
        """One line of figures."""
        return (
            f"{self.expectation_count} expectations, {len(self.criticals)} critical failures, "
            f"{len(self.warnings)} warnings"
        )

    def message(self) -> str:
        """The whole report as text."""
        lines = [self.summary()]
        if self.is_first_refresh:
            lines.append("first refresh: nothing to compare with")
        if self.skipped_suites:
            lines.append(f"not run, for the table is not there: {', '.join(self.skipped_suites)}")
        lines += [failure.message() for failure in self.failures]
        return "\n".join(lines)

    def raise_for_critical(self) -> None:
        """Raise AuditFailed with all critical failures, if there are any."""
        if not self.criticals:
            return
        details = "\n".join(failure.message() for failure in self.criticals)
        raise AuditFailed(
            f"{len(self.criticals)} critical expectations failed; nothing was published, and "
            f"readers still see the last version.\n{details}\n"
            f"All results: {self.data_docs}. If the change is real, change the threshold in "
            f"gx/expectations/ and refresh again."
        )


def audit(
    warehouse: Warehouse,
    previous: Path | None = None,
    gx_folder: Path = GX_FOLDER,
    compare: bool = True,
) -> AuditReport:
    """Run every suite of `gx_folder` against the warehouse's work file, which is only read.

    `previous` is the published DuckDB file to compare with, by default that of the warehouse.
    Without one, or when `compare` is false, bounds that need a comparison are open.
    Results go to `<warehouse>/gx`, pages to `<warehouse>/data_docs`; both hold the last audit only.
    """
    last_file = previous or warehouse.published_file
    compared = last_file if compare and last_file.exists() else None
    _clear_results(warehouse)
    with _quiet(), _context(warehouse, compared, gx_folder) as (context, engine):
        checkpoint = context.checkpoints.get(CHECKPOINT)
        parameters = _last_figures(engine)
        runnable, skipped, failures = _runnable(checkpoint, engine)
        results = _run(checkpoint, runnable, parameters)
        for definition, result in zip(runnable, results, strict=True):
            failures += _failures(definition, result, parameters)
        context.build_data_docs()
    _make_offline(warehouse.data_docs)
    report = AuditReport(
        expectation_count=sum(len(result.results) for result in results),
        failures=sorted(failures, key=lambda failure: SEVERITIES.index(failure.severity)),
        data_docs=warehouse.data_docs / "index.html",
        is_first_refresh=compared is None,
        skipped_suites=skipped,
    )
    _write_index(report, gx_folder)
    return report


def _clear_results(warehouse: Warehouse) -> None:
    """Remove the pages and results of the audit before, so that no page shows an old run."""
    for folder in (warehouse.folder / "gx", warehouse.data_docs):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """No telemetry, no log lines, no deprecation notes of the libraries below."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logger = logging.getLogger("great_expectations")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


@contextmanager
def _context(
    warehouse: Warehouse, previous: Path | None, gx_folder: Path
) -> Iterator[tuple[Any, Any]]:
    """The context of `gx_folder` on this warehouse, and its SQLAlchemy engine.

    Variables are handed over, not put into the environment: audits of two warehouses in one
    process do not disturb each other.
    """
    import great_expectations

    context = great_expectations.get_context(
        mode="file",
        context_root_dir=gx_folder,
        runtime_environment={
            "EVERGREEN_WORK_URL": f"duckdb:///{warehouse.work_file.resolve()}",
            "EVERGREEN_WAREHOUSE": str(warehouse.folder.resolve()),
        },
    )
    source = context.data_sources.get("work")
    engine = source.get_execution_engine().engine
    buffer_rows(engine)
    _limit_whole_queries(engine, {asset.query.strip() for asset in source.assets})
    _show_last_version(engine, previous)
    try:
        yield context, engine
    finally:
        engine.dispose()


def buffer_rows(engine: Any) -> None:
    """Keep the rows of each statement: Great Expectations reads them when the connection is closed.

    For SQLite and three others Great Expectations keeps one connection open; for DuckDB it does
    not, and every expectation ends with "list index out of range". SQLAlchemy's own hook mends it.
    """
    from sqlalchemy import event
    from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

    @event.listens_for(engine, "after_cursor_execute")
    def keep_rows(
        connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        if cursor.description:
            context.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
                cursor.description, initial_buffer=cursor.fetchall()
            )


def _limit_whole_queries(engine: Any, queries: set[str]) -> None:
    """Let a bare asset query give one row.

    To learn the names of its columns Great Expectations runs the query of an asset as it stands,
    which would bring a whole table into memory. Expectations never run it bare.
    """
    from sqlalchemy import event

    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def limit_rows(
        connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> tuple[str, Any]:
        if statement.strip() in queries:
            statement = f"select * from ({statement}) limit 1"
        return statement, parameters


def _show_last_version(engine: Any, previous: Path | None) -> None:
    """Give every connection the temporary views that the suites compare with."""
    from sqlalchemy import event

    @event.listens_for(engine, "connect")
    def add_views(connection: Any, record: Any) -> None:
        if previous:
            quoted = str(previous.resolve()).replace("'", "''")
            connection.execute(f"attach if not exists '{quoted}' as published (read_only)")
        marts = _marts(connection)
        for statement in _view_statements(marts):
            connection.execute(statement)


def _marts(connection: Any) -> dict[str, dict[str, set[str]]]:
    """Columns of each mart: {"work" or "published": {mart: {column, ...}}}."""
    rows = connection.execute(
        "select case when database_name = current_database() then 'work' else database_name end,"
        " table_name, column_name from duckdb_columns() where schema_name = 'marts'"
        " and database_name in (current_database(), 'published') order by all"
    ).fetchall()
    marts: dict[str, dict[str, set[str]]] = {"work": {}, "published": {}}
    for version, mart, column in rows:
        marts[version].setdefault(mart, set()).add(column)
    return marts


def _view_statements(marts: dict[str, dict[str, set[str]]]) -> list[str]:
    """SQL of the temporary views `last_<mart>`, `freshness`, `mart_counts` and `mart_rates`."""
    views = {
        f"last_{mart}": _last_view(mart, columns, marts["published"].get(mart))
        for mart, columns in LAST_VIEWS.items()
    }
    views["freshness"] = _freshness_view("as_of_date" in marts["work"].get("customers", ()))
    views["mart_counts"] = _counts_view(marts)
    views["mart_rates"] = _rates_view(marts["work"])
    return [f"create or replace temp view {name} as {sql}" for name, sql in views.items()]


def _last_view(mart: str, columns: dict[str, str], published: set[str] | None) -> str:
    """The published mart's columns; null where that version lacks one; no rows without a mart."""
    selected = ", ".join(
        f"{name if published and name in published else 'null'}::{kind} as {name}"
        for name, kind in columns.items()
    )
    source = f"from published.marts.{mart}" if published else "where false"
    return f"select {selected} {source}"


def _freshness_view(has_date: bool) -> str:
    """One row: as-of date of this and of the last version, and the days between."""
    current = "(select max(as_of_date) from marts.customers)" if has_date else "null::date"
    return (
        "select as_of_date, last_as_of_date, as_of_date - last_as_of_date as days_advanced"
        f" from (select {current} as as_of_date,"
        " (select max(as_of_date) from last_customers) as last_as_of_date)"
    )


def _counts_view(marts: dict[str, dict[str, set[str]]]) -> str:
    """One row per mart of either version: rows now, rows then; null where it is not there."""
    selects = ["select null::varchar as mart, null::bigint as row_count, null as last_row_count"]
    for mart in sorted(marts["work"].keys() | marts["published"].keys()):
        now = f'(select count(*) from marts."{mart}")' if mart in marts["work"] else "null"
        then = f'(select count(*) from published.marts."{mart}")'
        then = then if mart in marts["published"] else "null"
        selects.append(f"select '{mart}', {now}, {then}")
    return f"select * from ({' union all '.join(selects)}) where mart is not null"


def _rates_view(marts: dict[str, set[str]]) -> str:
    """One row per rate or probability of a mart: lowest, highest, rows outside 0-1."""
    selects = [
        "select null::varchar as mart, null::varchar as rate, null::double as lowest,"
        " null::double as highest, null::bigint as outside_count"
    ]
    selects += [
        f"select '{mart}', '{column}', min(\"{column}\"), max(\"{column}\"),"
        f' count(*) filter (not "{column}" between 0 and 1) from marts."{mart}"'
        for mart, columns in sorted(marts.items())
        for column in sorted(columns)
        if column.endswith(("_rate", "_probability"))
    ]
    return f"select * from ({' union all '.join(selects)}) where mart is not null"


def _last_figures(engine: Any) -> dict[str, float]:
    """The suites' parameters: figures of the last version, 0 where there is none.

    `<input>_landed`: rows; `<input>_usable`: share of them that was accepted or a duplicate;
    `customers_count`; `customers_<total>`: never below 0; `<mart>_<column>_filled`: share not null.
    """
    figures = {f"{name}_{figure}": 0.0 for name in _inputs() for figure in ("landed", "usable")}
    for row in _query(engine, _LANDED_SQL):
        figures[f"{row['input']}_landed"] = row["landed"]
        figures[f"{row['input']}_usable"] = row["usable"]
    for sql in (_CUSTOMERS_SQL, _LIFECYCLE_SQL):
        figures |= _query(engine, sql)[0]
    return {name: _plain(value) for name, value in figures.items()}


_LANDED_SQL = """
select input, sum(landed_count) as landed,
    coalesce(sum(accepted_count + duplicate_count) / nullif(sum(landed_count), 0), 0) as usable
from last_row_accounting group by input order by input
"""

_CUSTOMERS_SQL = "select count(*) as customers_count, " + ", ".join(
    [
        f"greatest(coalesce(sum({column}), 0), 0) as customers_{column}"
        for column in ("net_revenue", "order_count", "login_count", "monthly_recurring_revenue")
    ]
    + [
        f"coalesce(count({column}) / nullif(count(*), 0), 0) as customers_{column}_filled"
        for column in ("country", "archetype", "entry_source", "first_order_date")
    ]
)
_CUSTOMERS_SQL += " from last_customers"

_LIFECYCLE_SQL = "select " + ", ".join(
    f"coalesce(count({column}) / nullif(count(*), 0), 0) as lifecycle_{column[:-3]}_filled"
    for column in LAST_VIEWS["customer_lifecycle"]
)
_LIFECYCLE_SQL += " from last_customer_lifecycle"


def _inputs() -> list[str]:
    """Tables of the input contract."""
    return list(read_contract().table_names)


def _query(engine: Any, sql: str) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.exec_driver_sql(sql).mappings()]


def _plain(value: Any) -> float:
    """A number that the expression language of suite parameters can read: no exponent."""
    number = round(float(value or 0), 6)
    return int(number) if number == int(number) else number


def _runnable(checkpoint: Any, engine: Any) -> tuple[list[Any], list[str], list[Failure]]:
    """Validation definitions that can be run, names of those without a table, unreadable ones.

    A table that has gone is the business of the suites `raw_tables` and `marts_counts`.
    """
    from sqlalchemy.exc import SQLAlchemyError

    runnable, skipped, unreadable = [], [], []
    tables = {row["name"] for row in _query(engine, _TABLES_SQL)}
    for definition in checkpoint.validation_definitions:
        table = _table(definition)
        if "." in table and table not in tables:
            skipped.append(definition.name)
            continue
        try:
            _query(engine, f"select 1 from ({definition.asset.query}) limit 0")
            runnable.append(definition)
        except SQLAlchemyError as error:
            unreadable.append(_unreadable(table, definition.name, error))
    return runnable, skipped, unreadable


_TABLES_SQL = (
    "select table_schema || '.' || table_name as name from information_schema.tables"
    " where table_catalog = current_database()"
)


def _table(definition: Any) -> str:
    """Schema and table that a suite says it looks at."""
    return (definition.suite.meta or {}).get("table", definition.suite.name)


def _unreadable(table: str, suite: str, error: Exception) -> Failure:
    reason = str(getattr(error, "orig", error)).splitlines()[0]
    return Failure(
        table=table,
        column=None,
        expectation=suite,
        severity="critical",
        observed=f"an error: {reason}",
        expected="a table that the suite can read",
    )


def _run(checkpoint: Any, runnable: list[Any], parameters: dict[str, float]) -> list[Any]:
    """Run the checkpoint; without some of its tables, the validations that remain, one by one."""
    if len(runnable) == len(checkpoint.validation_definitions):
        return list(checkpoint.run(expectation_parameters=parameters).run_results.values())
    return [
        definition.run(
            checkpoint_id=checkpoint.id,
            expectation_parameters=parameters,
            result_format=checkpoint.result_format,
        )
        for definition in runnable
    ]


def _failures(definition: Any, suite_result: Any, parameters: dict[str, float]) -> list[Failure]:
    """The expectations of one suite that were not met."""
    by_id = {expectation.id: expectation for expectation in definition.suite.expectations}
    failures = []
    for result in suite_result.results:
        if result.success:
            continue
        expectation = by_id[result.expectation_config.id]
        rows = _offending_rows(definition, expectation, result, parameters)
        failures.append(_failure(_table(definition), expectation, result, rows))
    return failures


def _failure(table: str, expectation: Any, result: Any, rows: list[str]) -> Failure:
    kwargs = result.expectation_config.kwargs
    severity = getattr(expectation.severity, "value", expectation.severity)
    return Failure(
        table=table,
        column=kwargs.get("column"),
        expectation=result.expectation_config.type,
        severity=str(severity),
        observed=_observed(result),
        expected=_expected(result.expectation_config.type, kwargs),
        rows=rows,
        why=str(expectation.notes or ""),
    )


def _offending_rows(
    definition: Any, expectation: Any, result: Any, parameters: dict[str, float]
) -> list[str]:
    """Up to five rows or values. A query is run again, in the one format that gives its rows."""
    values = result.result.get("partial_unexpected_list") or []
    shown = [_text(value) for value in values if value is not None]
    if result.expectation_config.type == "unexpected_rows_expectation" and result.result:
        batch = definition.batch_definition.get_batch()
        again = batch.validate(
            expectation, result_format="COMPLETE", expectation_parameters=parameters
        )
        records = again.result.get("details", {}).get("unexpected_rows", [])
        shown = [
            ", ".join(f"{name} {_text(value)}" for name, value in record.items())
            for record in records[:SHOWN_ROWS]
        ]
    return list(dict.fromkeys(shown))[:SHOWN_ROWS]


def _observed(result: Any) -> str:
    """The figure that was found, in words."""
    found = result.result
    if not found:
        return f"an error: {_error(result.exception_info)}"
    if result.expectation_config.type == "unexpected_rows_expectation":
        count = found["observed_value"]
        return f"{_text(count)} unexpected row{'' if count == 1 else 's'}"
    if "observed_value" in found:
        return _text(found["observed_value"])
    word = "null" if "null" in result.expectation_config.type else "unexpected"
    return (
        f"{_text(found['unexpected_count'])} of {_text(found['element_count'])} rows {word}"
        f" ({_text(round(found['unexpected_percent'] or 0, 1))} %)"
    )


def _error(exception_info: dict[str, Any]) -> str:
    """First line of the first exception."""
    infos = [exception_info] if "exception_message" in exception_info else exception_info.values()
    messages = [str(info["exception_message"]) for info in infos if isinstance(info, dict)]
    return messages[0].splitlines()[0] if messages else "no result"


def _expected(kind: str, kwargs: dict[str, Any]) -> str:
    """The usual range, in words."""
    if kind == "unexpected_rows_expectation":
        return "no such row"
    if kind == "expect_column_values_to_not_be_null":
        return f"at least {_percent(kwargs.get('mostly', 1))} filled"
    members = kwargs.get("value_set") or kwargs.get("column_set")
    if members is not None:
        joined = ", ".join(_text(member) for member in members)
        words = "none of" if "not_be_in" in kind else "all of" if "contain" in kind else "one of"
        words = "the columns" if "column_set" in kwargs else words
        share = f"{_percent(kwargs['mostly'])} " if "mostly" in kwargs else ""
        return f"{share}{words} {joined}"
    return _range(kwargs.get("min_value"), kwargs.get("max_value"))


def _range(lowest: Any, highest: Any) -> str:
    """'at least 3', 'at most 7' or '3 to 7'; bounds that stand for none are left out."""
    low = None if lowest is None or lowest < -UNBOUNDED else _text(lowest)
    high = None if highest is None or highest > UNBOUNDED else _text(highest)
    if low is not None and high is not None:
        return f"{low} to {high}"
    return f"at least {low}" if low is not None else f"at most {high}"


def _percent(share: float) -> str:
    return f"{_text(round(100 * share, 1))} %"


def _text(value: Any) -> str:
    """A value for people: thousands separated, no needless decimals."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{value:,.2f}".rstrip("0").rstrip(".") if value != int(value) else f"{int(value):,}"


_OUTSIDE = re.compile(
    r"<script\b.*?</script>"
    r'|<link\b[^>]*\bhref="https?://[^>]*>'
    r'|<img\b[^>]*\bsrc="https?://[^>]*>',
    re.IGNORECASE | re.DOTALL,
)


def _make_offline(data_docs: Path) -> None:
    """Take scripts and references to content networks out of the pages.

    Their style is in gx/plugins. Scripts go, for they all need libraries of those networks.
    """
    for page in data_docs.rglob("*.html"):
        page.write_text(_OUTSIDE.sub("", page.read_text("utf-8")), "utf-8")


def _write_index(report: AuditReport, gx_folder: Path) -> None:
    """Replace the index, which only a script would fill, by a page that needs none."""
    style = gx_folder / "plugins" / "custom_data_docs" / "styles" / "data_docs_custom_styles.css"
    folder = report.data_docs.parent
    links = [
        f'<li><a href="{page.relative_to(folder).as_posix()}">{_suite_of(page)}</a></li>'
        for page in sorted(folder.glob("validations/**/*.html"), key=_suite_of)
    ]
    rows = [_index_row(failure) for failure in report.failures] or [
        "<tr><td colspan='4'>Every expectation was met.</td></tr>"
    ]
    first = "<p>First refresh: nothing to compare with.</p>" if report.is_first_refresh else ""
    report.data_docs.write_text(
        "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>Audit</title><style>{style.read_text('utf-8')}</style></head><body>"
        f"<h1>Audit of the refresh</h1><p>{html.escape(report.summary())}</p>{first}"
        "<table><thead><tr><th>Severity</th><th>Where and what</th><th>Observed, expected</th>"
        f"<th>Why it matters</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
        f"<h2>All results, by suite</h2><ul>{''.join(links)}</ul></body></html>\n",
        "utf-8",
    )


def _suite_of(page: Path) -> str:
    """Pages lie in validations/<suite>/<run name>/<run time>/<batch>.html."""
    return page.parents[2].name


def _index_row(failure: Failure) -> str:
    place = f"{failure.table}.{failure.column}" if failure.column else failure.table
    shown = "".join(f"<br><code>{html.escape(row)}</code>" for row in failure.rows)
    return (
        f"<tr class='{failure.severity}'><td>{failure.severity}</td>"
        f"<td>{html.escape(place)}<br><code>{failure.expectation}</code></td>"
        f"<td>{html.escape(failure.observed)}; expected {html.escape(failure.expected)}{shown}</td>"
        f"<td>{html.escape(failure.why)}</td></tr>"
    )
