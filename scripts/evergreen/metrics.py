"""The metrics layer in tables: MetricFlow renders each definition to SQL, and the answers become
tables of the schema `metrics`, which is published beside the marts."""

import functools
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from evergreen.errors import BuildFailed
from evergreen.files import quoted
from evergreen.paths import Warehouse

if TYPE_CHECKING:
    from metricflow.engine.metricflow_engine import MetricFlowEngine
    from metricflow_semantic_interfaces.implementations.semantic_manifest import (
        PydanticSemanticManifest,
    )

SCHEMA = "metrics"
MONTH = "metric_time__month"

VALUES_COMMENT = (
    "One row per metric: its value now, with its definition. A metric of months is given for the "
    "last month that is over and can be judged (period_start), null where that month has no value; "
    "a state is that of the as-of date (period_start null). baseline_value is the same metric as "
    "it stood on baseline_date (var baseline_date), from a warehouse rebuilt as of that day."
)
MONTHS_COMMENT = (
    "One row per metric of months and month with a value. is_complete: the month is over by the "
    "as-of date, and so are the days that the metric needs to be judged (mature_after_days)."
)
COLUMN_COMMENTS = {
    "metric": "Name in MetricFlow: mf query --metrics NAME.",
    "label": "Name for people.",
    "type": "simple, ratio, derived, cumulative or conversion.",
    "unit": "customers, count, currency (the reporting currency), rate (0-1), score, ratio, days "
    "or hours.",
    "question": "Folder of the mart that it comes from.",
    "description": "Numerator, denominator and window.",
    "period_start": "First day of the month of value; null for a state as of the as-of date.",
    "value": "Value now. Null where it is not known: never zero for unknown.",
    "previous_value": "Value of the month before; null for a state.",
    "baseline_date": "Day of the comparison (var baseline_date); null without one.",
    "baseline_period_start": "First day of the month of baseline_value; null for a state.",
    "baseline_value": "Value as it stood on baseline_date.",
    "change": "value - baseline_value.",
    "month": "First day of the month.",
    "is_complete": "Whether the value can no longer change by itself.",
    "as_of_date": "The date for which the tables were built.",
}


@dataclass(frozen=True)
class Definition:
    """A metric for people. `window` is `month` (a value for each), `cohort` (a value for each month
    that its mart calls mature) or `state` (as of a day).

    `mature_after_days`: days after the end of a month until its value can be judged.
    """

    metric: str
    label: str
    type: str
    unit: str
    question: str
    description: str
    window: str
    mature_after_days: int


@dataclass(frozen=True)
class Baseline:
    """A warehouse that was rebuilt as of an earlier day, and its metric values."""

    day: date
    values: list[tuple[str, date | None, float | None]]


class Renderer:
    """What MetricFlow asks of a database to write SQL for it: its kind, and nothing else."""

    def __init__(self) -> None:
        from metricflow.protocols.sql_client import SqlEngine
        from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer

        self.sql_engine_type = SqlEngine.DUCKDB
        self.sql_plan_renderer = DuckDbSqlPlanRenderer()


class Layer:
    """The definitions of a semantic manifest, and MetricFlow's SQL for them."""

    def __init__(self, manifest: "PydanticSemanticManifest", engine: "MetricFlowEngine") -> None:
        self.manifest = manifest
        self.engine = engine
        self._sql: dict[str, str] = {}

    @staticmethod
    def read(manifest_file: Path) -> "Layer":
        """From the semantic_manifest.json that dbt writes. Raises BuildFailed where none is."""
        try:
            return _parse(manifest_file.read_text(encoding="utf-8"))
        except OSError as error:
            raise BuildFailed(f"no definitions of metrics at {manifest_file}: {error}") from error

    def definitions(self) -> list[Definition]:
        """Metrics for people, by question and name. Parts of rates are left out."""
        found = []
        for metric in self.manifest.metrics:
            meta = metric.config.meta if metric.config else {}
            if metric.type_params.is_private or meta.get("is_part"):
                continue
            if missing := [word for word in ("unit", "window", "question") if word not in meta]:
                raise BuildFailed(
                    f"metric {metric.name} has no {' and no '.join(missing)} in config.meta; "
                    "write them as its neighbours do, or is_part: true for a part of a rate."
                )
            found.append(
                Definition(
                    metric=metric.name,
                    label=metric.label or metric.name,
                    type=metric.type.value.lower(),
                    unit=meta["unit"],
                    question=meta["question"],
                    description=_one_line(metric.description),
                    window=meta["window"],
                    mature_after_days=meta.get("mature_after_days", 0),
                )
            )
        return sorted(found, key=lambda definition: (definition.question, definition.metric))

    def sql(self, metrics: list[str], group_by: list[str]) -> str:
        """What `mf query --metrics ... --group-by ...` runs."""
        return self._render(metric_names=metrics, group_by_names=group_by)

    def saved_query_sql(self, name: str) -> str:
        """What `mf query --saved-query NAME` runs."""
        return self._render(saved_query_name=name)

    def _render(self, **request: object) -> str:
        from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

        key = repr(request)
        if key not in self._sql:
            explained = self.engine.explain(MetricFlowQueryRequest.create(**request))
            self._sql[key] = explained.sql_statement.sql
        return self._sql[key]


@functools.lru_cache(maxsize=1)
def _parse(text: str) -> Layer:
    """Reading definitions takes half a second: the last ones are kept, with their SQL."""
    from metricflow.engine.metricflow_engine import MetricFlowEngine
    from metricflow_semantics.model.dbt_manifest_parser import (
        parse_manifest_from_dbt_generated_manifest,
    )
    from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

    manifest = parse_manifest_from_dbt_generated_manifest(text)
    return Layer(manifest, MetricFlowEngine(SemanticManifestLookup(manifest), Renderer()))


def write_metrics(warehouse: Warehouse, baseline: Baseline | None = None) -> list[str]:
    """Answer each definition and each saved query in the schema `metrics` of the work file.

    Returns the names of the tables: those of the exports, metric_months and metric_values. Raises
    BuildFailed with the name of a metric that cannot be answered.
    """
    layer = Layer.read(warehouse.folder / "target" / "semantic_manifest.json")
    definitions = layer.definitions()
    with duckdb.connect(str(warehouse.work_file)) as con:
        con.execute("set enable_progress_bar = false")
        con.execute(f"drop schema if exists {SCHEMA} cascade")
        con.execute(f"create schema {SCHEMA}")
        _write_answers(con, layer, definitions)
        _write_values(con, baseline)
        exports = _write_exports(con, layer)
        for table, comment in (
            ("metric_values", VALUES_COMMENT),
            ("metric_months", MONTHS_COMMENT),
        ):
            _comment(con, table, comment, COLUMN_COMMENTS)
    return [*exports, "metric_months", "metric_values"]


def read_values(warehouse: Warehouse) -> list[tuple[str, date | None, float | None]]:
    """Metric, period and value of the work file, for another warehouse's baseline."""
    with duckdb.connect(str(warehouse.work_file), read_only=True) as con:
        return con.execute(
            f"select metric, period_start, value from {SCHEMA}.metric_values"
        ).fetchall()


def _write_answers(
    con: duckdb.DuckDBPyConnection, layer: Layer, definitions: list[Definition]
) -> None:
    con.execute(
        "create temp table definitions (metric text, label text, type text, unit text, "
        "question text, description text, time_window text, mature_after_days integer)"
    )
    con.execute("create temp table answers (metric text, month date, value double)")
    for definition in definitions:
        con.execute(
            "insert into definitions values ($1, $2, $3, $4, $5, $6, $7, $8)",
            [
                definition.metric,
                definition.label,
                definition.type,
                definition.unit,
                definition.question,
                definition.description,
                definition.window,
                definition.mature_after_days,
            ],
        )
        name = definition.metric
        try:
            con.execute(
                f"insert into answers select '{name}', cast({MONTH} as date), "
                f'cast("{name}" as double) from ({layer.sql([name], [MONTH])})'
            )
        except duckdb.Error as error:
            raise BuildFailed(f"metric {name} cannot be answered: {error}") from error


def _write_values(con: duckdb.DuckDBPyConnection, baseline: Baseline | None) -> None:
    con.execute(
        f"""
        create table {SCHEMA}.metric_months as
        select
            answers.metric,
            answers.month,
            answers.value,
            last_day(answers.month) + definitions.mature_after_days <= calendar.as_of_date
                as is_complete,
            calendar.as_of_date
        from answers
        inner join definitions on answers.metric = definitions.metric
        cross join staging.stg_calendar as calendar
        where
            definitions.time_window <> 'state'
            and answers.month is not null
            and answers.value is not null
        order by answers.metric, answers.month
        """
    )
    con.execute("create temp table baseline_values (metric text, period_start date, value double)")
    if baseline and baseline.values:
        con.executemany("insert into baseline_values values ($1, $2, $3)", baseline.values)
    con.execute(
        f"""
        create table {SCHEMA}.metric_values as
        with mature as (
            select metric, max(month) as month
            from {SCHEMA}.metric_months
            where is_complete
            group by metric
        ),

        newest as (
            select
                definitions.metric,
                case definitions.time_window
                    when 'cohort' then mature.month
                    when 'month'
                        then cast(date_trunc(
                            'month', calendar.as_of_date + 1 - definitions.mature_after_days
                        ) - interval '1 month' as date)
                end as month
            from definitions
            cross join staging.stg_calendar as calendar
            left join mature on definitions.metric = mature.metric
        ),

        states as (
            select answers.metric, answers.value
            from answers
            inner join definitions on answers.metric = definitions.metric
            where definitions.time_window = 'state'
        )

        select
            definitions.metric,
            definitions.label,
            definitions.type,
            definitions.unit,
            definitions.question,
            definitions.description,
            newest.month as period_start,
            coalesce(now.value, states.value) as value,
            previous.value as previous_value,
            cast($1 as date) as baseline_date,
            baseline_values.period_start as baseline_period_start,
            baseline_values.value as baseline_value,
            coalesce(now.value, states.value) - baseline_values.value as change,
            calendar.as_of_date
        from definitions
        cross join staging.stg_calendar as calendar
        left join newest on definitions.metric = newest.metric
        left join {SCHEMA}.metric_months as now
            on newest.metric = now.metric
            and newest.month = now.month
        left join {SCHEMA}.metric_months as previous
            on newest.metric = previous.metric
            and newest.month - interval '1 month' = previous.month
        left join states on definitions.metric = states.metric
        left join baseline_values on definitions.metric = baseline_values.metric
        order by definitions.question, definitions.metric
        """,
        [baseline.day if baseline else None],
    )


def _write_exports(con: duckdb.DuckDBPyConnection, layer: Layer) -> list[str]:
    """dbt-core runs no exports: each one of a saved query becomes a table here."""
    labels = {metric.name: metric.description or "" for metric in layer.manifest.metrics}
    names = []
    for query in sorted(layer.manifest.saved_queries, key=lambda query: query.name):
        sql = layer.saved_query_sql(query.name)
        for export in query.exports:
            name = export.config.alias or export.name
            try:
                columns = ", ".join(_narrowed(con, sql))
                con.execute(
                    f'create table {SCHEMA}."{name}" as select {columns} from ({sql}) order by all'
                )
            except duckdb.Error as error:
                raise BuildFailed(
                    f"saved query {query.name} cannot be answered: {error}"
                ) from error
            _comment(con, name, query.description or "", labels)
            names.append(name)
    return names


def _narrowed(con: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    """Columns of a query, sums of counts and of money as the marts type them: a sum of DuckDB is as
    wide as can be, and few clients know such types."""
    types = {"HUGEINT": "bigint", "DECIMAL(38,2)": "decimal(18, 2)"}
    return [
        f'cast("{name}" as {types[kind]}) as "{name}"' if kind in types else f'"{name}"'
        for name, kind, *_ in con.execute(f"describe {sql}").fetchall()
    ]


def _comment(
    con: duckdb.DuckDBPyConnection, table: str, comment: str, columns: dict[str, str]
) -> None:
    con.execute(f'comment on table {SCHEMA}."{table}" is {quoted(_one_line(comment))}')
    found = con.execute(
        "select column_name from duckdb_columns() where schema_name = $1 and table_name = $2",
        [SCHEMA, table],
    ).fetchall()
    for (column,) in found:
        text = columns.get(column) or f"Dimension {column} of MetricFlow."
        con.execute(f'comment on column {SCHEMA}."{table}"."{column}" is {quoted(_one_line(text))}')


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())
