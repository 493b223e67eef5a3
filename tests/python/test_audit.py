"""The audit: what arrives and how the marts drift, each rule made red on purpose."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import duckdb
import pytest
import yaml
from sqlalchemy.engine import cursor

from evergreen.audit import GX_FOLDER, AuditReport, audit, buffer_rows
from evergreen.errors import AuditFailed
from evergreen.paths import PROJECT_DIR, Warehouse

MARTS_SQL = """
create schema marts;
create table marts.customers as
select 'c' || i as customer_id, ['DE', 'FR', 'US'][i % 3 + 1] as country,
    ['maker', 'buyer'][i % 2 + 1] as archetype, ['ad', 'friend'][i % 2 + 1] as entry_source,
    date '2025-01-01' as first_seen_date, date '2025-02-01' as first_order_date,
    date '2026-06-01' as last_order_date, 5::bigint as order_count,
    4::bigint as purchase_day_count, 100::decimal(18,2) as net_revenue, 7::bigint as login_count,
    ['know', 'like', 'trust', 'try', 'buy'][i % 5 + 1] as stage, (i % 5 + 1)::int as stage_rank,
    ['active', 'active', 'new', 'dormant', 'lost'][i % 5 + 1] as state,
    ['shopper', 'customer', 'member'][i % 3 + 1] as loyalty_rung, true as is_subscribed,
    9::decimal(18,2) as monthly_recurring_revenue, date '2026-06-30' as as_of_date
from range(200) as numbers(i);
create table marts.customer_lifecycle as
select customer_id, stage, stage_rank, timestamp '2025-03-01' as stage_entered_at,
    timestamp '2025-01-01' as know_at, timestamp '2025-01-02' as like_at,
    timestamp '2025-01-03' as trust_at, timestamp '2025-01-04' as try_at,
    timestamp '2025-02-01' as buy_at, timestamp '2025-02-10' as repeat_at,
    null::timestamp as refer_at, 0::bigint as skipped_stage_count, state,
    date '2025-03-01' as state_since, loyalty_rung, 400::bigint as days_in_stage, as_of_date
from marts.customers;
create table marts.customer_months as
select customer_id, month::date as month, stage, stage_rank, state, 1::bigint as order_count,
    1::bigint as purchase_day_count, 20::decimal(18,2) as net_revenue, 3::bigint as login_count,
    3::bigint as successful_login_count, 1::bigint as touch_count, true as is_active, as_of_date
from marts.customers,
    generate_series(timestamp '2026-02-01', timestamp '2026-06-01', interval 1 month) as m(month);
create table marts.retention_cohorts as
select 'order' as activity, date '2026-02-01' as cohort_month, age::int as age_months,
    200::bigint as cohort_size, (100 - age)::bigint as retained_count,
    ((100 - age) / 200)::double as retention_rate, 50::decimal(18,2) as net_revenue,
    true as is_mature, date '2026-06-30' as as_of_date
from range(5) as ages(age);
create table marts.login_problems as
select 'c' || i as customer_id, 3::bigint as failed_login_streak, date '2026-06-30' as as_of_date
from range(5) as numbers(i);
create table marts.customer_churn_risk as
select 'c' || i as customer_id, ['activity', 'contract'][(i >= 200)::int + 1] as churn_basis,
    ['low', 'low', 'watch', 'high', 'critical'][i % 5 + 1] as risk_level,
    date '2026-06-30' as as_of_date
from range(299) as numbers(i);
create table marts.score_backtests as
select score, method, 90::int as horizon_days, nullif(decile, 0)::int as decile,
    case when decile = 0 then 1000 else 100 end::bigint as customer_count,
    case when decile = 0 then 0.8 end::double as auc, 2.5::double as total_error_rate,
    date '2026-06-30' - 30 * k::int as cutoff_date, date '2026-06-30' as as_of_date
from range(3, 9) as cutoffs(k), range(2) as deciles(decile),
    unnest(['churn_probability_90d', 'order_probability_90d']) as scores(score),
    unnest(['model', 'recency_rule']) as methods(method);
create table marts.survey_scores as
select survey, period_start, segment, score, response_count >= 30 as is_sufficient,
    response_count, date '2026-06-30' as as_of_date
from unnest(['nps', 'csat']) as surveys(survey),
    unnest([null, date '2026-06-01']) as periods(period_start),
    unnest(['all', 'archetype']) as segments(segment),
    (select 40::double as score, 100::bigint as response_count);
create table marts.customer_advocacy as
select 'c' || i as customer_id, ['lurker', 'lurker', 'lurker', 'liker', 'lover'][i % 5 + 1]
    as advocacy_tier, date '2026-06-30' as as_of_date
from range(200) as numbers(i);
create table marts.contact_plan as
select 'c' || i as customer_id, ['nothing', 'call', 'gift', 'win_back', 'nothing'][i % 5 + 1]
    as action, date '2026-06-30' as as_of_date
from range(200) as numbers(i);
create table marts.row_accounting (
    input varchar, file varchar, landed_count bigint, accepted_count bigint,
    duplicate_count bigint, quarantined_count bigint, as_of_date date
);
create table marts.quarantined_rows (
    input varchar, file varchar, line_number bigint, reasons varchar, as_of_date date
);
"""

VALUES = {
    "id": "'c' || (i % 200)",
    "time": "strftime(timestamp '2026-01-02' + interval (i % 180) day, '%Y-%m-%d 10:00:00')",
    "number": "'10'",
    "money": "'10'",
    "boolean": "'false'",
    "text": "null",
}
ROW_COUNT = 1800


def inputs() -> dict[str, list[dict]]:
    """Tables and columns of the input contract."""
    text = (PROJECT_DIR / "models" / "staging" / "_sources.yml").read_text("utf-8")
    raw = next(source for source in yaml.safe_load(text)["sources"] if source["name"] == "raw")
    return {table["name"]: table["columns"] for table in raw["tables"]}


def value_sql(column: dict) -> str:
    """A healthy value of a contract column."""
    meta = column["config"]["meta"]
    if meta["kind"] == "choice":
        return f"'{meta['values'][0]}'"
    return "'search'" if meta["required"] and meta["kind"] == "text" else VALUES[meta["kind"]]


def raw_sql(name: str, columns: list[dict], row_count: int) -> str:
    """A raw table of the contract, with as many rows, ten on each of 180 days."""
    selected = ", ".join(f"{value_sql(column)}::varchar as {column['name']}" for column in columns)
    return f"create table raw.{name} as select {selected} from range({row_count}) as numbers(i);"


def build(path: Path, row_count: int = ROW_COUNT) -> None:
    """A work file: every input, and the marts that the audit reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema raw;" + MARTS_SQL)
        for name, columns in inputs().items():
            connection.execute(raw_sql(name, columns, row_count))
            connection.execute(
                f"insert into marts.row_accounting values ('{name}', '{name}.csv', {row_count},"
                f" {row_count}, 0, 0, date '2026-06-30')"
            )


def publish(warehouse: Warehouse) -> None:
    """Copy the marts as they are to the published file."""
    warehouse.published_file.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(warehouse.published_file)) as connection:
        connection.execute(f"attach '{warehouse.work_file}' as work (read_only)")
        connection.execute("create schema marts")
        for (mart,) in connection.execute(
            "select table_name from duckdb_tables()"
            " where database_name = 'work' and schema_name = 'marts'"
        ).fetchall():
            connection.execute(f"create table marts.{mart} as from work.marts.{mart}")


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A warehouse that was published a day ago and is refreshed with the same figures."""
    warehouse = Warehouse(tmp_path_factory.mktemp("healthy"))
    build(warehouse.work_file)
    publish(warehouse)
    with duckdb.connect(str(warehouse.published_file)) as connection:
        connection.execute("update marts.customers set as_of_date = as_of_date - 1")
    return warehouse


def changed(healthy: Warehouse, folder: Path, sql: str, published_sql: str = "") -> Warehouse:
    """A copy of the healthy warehouse after some SQL on its work and its published file."""
    warehouse = Warehouse(folder / "warehouse")
    shutil.copytree(healthy.folder, warehouse.folder)
    for file, statements in ((warehouse.work_file, sql), (warehouse.published_file, published_sql)):
        if statements:
            with duckdb.connect(str(file)) as connection:
                connection.execute(statements)
    return warehouse


@pytest.fixture(scope="module")
def audited(
    healthy: Warehouse, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., AuditReport]:
    """Audit a changed copy of the healthy warehouse; the same changes are audited once."""

    @cache
    def run(sql: str = "", published_sql: str = "") -> AuditReport:
        return audit(changed(healthy, tmp_path_factory.mktemp("run"), sql, published_sql))

    return run


def found(report: AuditReport) -> set[tuple[str, str, str | None]]:
    """Severity, table and column of every failure."""
    return {(failure.severity, failure.table, failure.column) for failure in report.failures}


def test_a_healthy_refresh_passes_every_expectation(audited):
    report = audited()
    assert report.failures == []
    assert report.skipped_suites == []
    assert report.expectation_count > 100
    assert not report.is_first_refresh
    report.raise_for_critical()


CRITICAL_RULES = {
    "input lost 90 %": (
        "delete from raw.orders where rowid >= 100",
        ("critical", "raw.orders", None),
        ["raw.orders", "expect_table_row_count_to_be_between", "observed 100", "at least 181"],
    ),
    "input is empty": (
        "delete from raw.tickets",
        ("critical", "raw.tickets", None),
        ["raw.tickets", "observed 0", "at least 181"],
    ),
    "input table is gone": (
        "drop table raw.surveys",
        ("critical", "raw", "table_name"),
        ["raw.table_name", "expect_column_distinct_values_to_contain_set", "surveys"],
    ),
    "required column is gone": (
        "alter table raw.events drop column occurred_at",
        ("critical", "raw.events", None),
        ["raw.events", "an error", "occurred_at"],
    ),
    "optional column is gone": (
        "alter table raw.subscriptions drop column plan",
        ("critical", "raw.subscriptions", None),
        ["raw.subscriptions: expect_table_columns_to_match_set", "plan"],
    ),
    "required column is half null": (
        "update raw.logins set customer_id = null where rowid % 5 < 3",
        ("critical", "raw.logins", "customer_id"),
        ["raw.logins.customer_id", "to_not_be_null", "1,080 of 1,800 rows null (60 %)", "50 %"],
    ),
    "required column is half blank": (
        "update raw.order_items set quantity = ' ' where rowid % 5 < 3",
        ("critical", "raw.order_items", "quantity"),
        ["raw.order_items.quantity", "1,080 of 1,800 rows null (60 %)"],
    ),
    "customers halved": (
        "delete from marts.customers where rowid >= 90;"
        "update marts.customers set net_revenue = 230",
        ("critical", "marts.customers", None),
        ["marts.customers", "row_count", "observed 90", "at least 100"],
    ),
    "revenue halved": (
        "update marts.customers set net_revenue = 45",
        ("critical", "marts.customers", "net_revenue"),
        ["marts.customers.net_revenue", "sum", "observed 9,000", "at least 10,000"],
    ),
    "lost rose by 40 points": (
        "update marts.customers set state = 'lost' where rowid % 5 < 2",
        ("critical", "marts.customers", None),
        ["marts.customers", "unexpected_rows", "state lost, last_percent 20, percent 60"],
    ),
    "mart is empty": (
        "delete from marts.customer_lifecycle",
        ("critical", "marts", None),
        ["mart customer_lifecycle, last_row_count 200, row_count 0"],
    ),
    "mart is gone": (
        "drop table marts.retention_cohorts",
        ("critical", "marts", None),
        ["mart retention_cohorts, last_row_count 5, row_count None"],
    ),
    "rate out of range": (
        "update marts.retention_cohorts set retention_rate = 1.7 where age_months = 3",
        ("critical", "marts.retention_cohorts", "retention_rate"),
        ["marts.retention_cohorts.retention_rate", "1 of 5 rows", "(20 %)", "0 to 1", "row: 1.7"],
    ),
    "rate of another mart out of range": (
        "create table marts.entry_sources as select -0.5 as response_rate",
        ("critical", "marts", None),
        ["mart entry_sources, rate response_rate, lowest -0.5, highest -0.5, outside_count 1"],
    ),
}


# Rules that would hide one another are broken in a second warehouse.
SECOND = ("customers halved", "mart is gone")


def broken(rule: str) -> str:
    """The SQL that breaks this rule, and all others that can be broken with it."""
    together = [name for name in CRITICAL_RULES if (name in SECOND) == (rule in SECOND)]
    return ";".join(CRITICAL_RULES[name][0] for name in together)


@pytest.mark.parametrize("rule", CRITICAL_RULES)
def test_a_critical_rule_stops_with_the_figure_and_the_usual_range(audited, rule):
    _, failure, words = CRITICAL_RULES[rule]
    report = audited(broken(rule))
    assert failure in found(report)
    with pytest.raises(AuditFailed) as raised:
        report.raise_for_critical()
    for word in words:
        assert word in str(raised.value)
    assert raised.value.exit_code == 5


def test_nothing_else_is_critical_when_the_critical_rules_are_broken(audited):
    for rule in ("input is empty", "customers halved"):
        expected = {
            CRITICAL_RULES[name][1] for name in CRITICAL_RULES if broken(name) == broken(rule)
        }
        criticals = audited(broken(rule)).criticals
        assert {(f.severity, f.table, f.column) for f in criticals} == expected


WARNINGS = {
    "lost rose by 25 points, not more": (
        "update marts.customers set state = 'lost' where rowid % 5 <> 4 and rowid < 62",
        ("warning", "marts.customers", None),
        "state lost, last_percent 20, percent 45",
    ),
    "a third of an input is missing": (
        "delete from raw.touches where rowid % 3 = 0",
        ("warning", "raw.touches", None),
        "observed 1,200; expected 1,440 to 4,600",
    ),
    "a tenth of ids is null": (
        "update raw.orders set order_id = null where rowid % 10 = 0",
        ("warning", "raw.orders", "order_id"),
        "180 of 1,800 rows null (10 %); expected at least 95 % filled",
    ),
    "a new code list": (
        "update raw.orders set status = 'bezahlt'",
        ("warning", "raw.orders", "status"),
        "row: bezahlt",
    ),
    "a day of logins is missing": (
        "delete from raw.logins where logged_in_at like '2026-06-20%'",
        ("warning", "raw.logins", None),
        "missing_day 2026-06-20, usual_count 10",
    ),
    "the feed stalled": (
        "update marts.customers set as_of_date = date '2026-06-29'",
        ("warning", "marts.customers", "days_advanced"),
        "expect_column_values_to_not_be_in_set",
    ),
    "the date went back": (
        "update marts.customers set as_of_date = date '2026-06-01'",
        ("warning", "marts.customers", "days_advanced"),
        "row: -28",
    ),
    "the date leapt": (
        "update marts.customers set as_of_date = date '2027-06-01'",
        ("warning", "marts.customers", "days_advanced"),
        "row: 337",
    ),
    "a third of the customers left": (
        "delete from marts.customers where rowid % 3 = 0",
        ("warning", "marts.customers", None),
        "observed 133; expected 140 to 260",
    ),
    "logins fell by a third": (
        "update marts.customers set login_count = 4",
        ("warning", "marts.customers", "login_count"),
        "observed 800; expected 1,120 to 1,680",
    ),
    "a country came to the fore": (
        "update marts.customers set country = 'BR' where rowid % 4 = 0",
        ("warning", "marts.customers", None),
        "country BR, last_percent 0, percent 25",
    ),
    "a country is no longer delivered": (
        "update marts.customers set country = null where rowid % 4 < 2",
        ("warning", "marts.customers", "country"),
        "expected at least 80 % filled",
    ),
    "evidence of trust is gone": (
        "update marts.customer_lifecycle set trust_at = null",
        ("warning", "marts.customer_lifecycle", "trust_at"),
        "200 of 200 rows null (100 %); expected at least 80 % filled",
    ),
    "a past month was rewritten": (
        "update marts.customer_months set net_revenue = 40 where month = date '2026-03-01'",
        ("warning", "marts.customer_months", None),
        "last_net_revenue 4,000, net_revenue 8,000",
    ),
    "a mature cohort was rewritten": (
        "update marts.retention_cohorts set retention_rate = 0.1 where age_months = 2",
        ("warning", "marts.retention_cohorts", None),
        "age_months 2, last_percent 49, percent 10",
    ),
    "a tenth more of the customers are at risk": (
        "update marts.customer_churn_risk set risk_level = 'high'"
        " where risk_level = 'watch' and rowid < 105",
        ("warning", "marts.customer_churn_risk", None),
        "churn_basis activity, last_percent 40, percent 50.5",
    ),
    "nobody is at risk any more": (
        # Backtests go with the demo that the parameters were fitted on: that stops nothing.
        "update marts.customer_churn_risk set risk_level = 'watch';"
        "delete from marts.score_backtests",
        ("warning", "marts.customer_churn_risk", None),
        "churn_basis activity, last_percent 40, percent 0",
    ),
    "a survey jumps": (
        "update marts.survey_scores set score = 50.5 where survey = 'nps'",
        ("warning", "marts.survey_scores", None),
        "survey nps, last_score 40, score 50.5",
    ),
    "many speak for us overnight": (
        "update marts.customer_advocacy set advocacy_tier = 'lover' where rowid < 18"
        " and advocacy_tier = 'lurker'",
        ("warning", "marts.customer_advocacy", None),
        "advocacy_tier lover, last_percent 20, percent 26",
    ),
    "a new action for many": (
        "update marts.contact_plan set action = 'coupon' where rowid < 35 and action = 'nothing'"
        " or rowid < 36 and action = 'gift'",
        ("warning", "marts.contact_plan", None),
        "action coupon, last_percent 0, percent 10.5",
    ),
    "a score ranks worse": (
        "update marts.score_backtests set auc = 0.5 where score = 'churn_probability_90d'"
        " and method = 'model' and cutoff_date = date '2026-04-01'"
        " or score = 'order_probability_90d' and method = 'model'"
        " and cutoff_date <= date '2026-03-02'",
        ("warning", "marts.score_backtests", None),
        "row: score order_probability_90d, last_mean_auc 0.8, mean_auc 0.55",
    ),
    "many customers cannot log in": (
        "insert into marts.login_problems from marts.login_problems;"
        "insert into marts.login_problems select * from marts.login_problems limit 1",
        ("warning", "marts", None),
        "last_locked_out_count 5, locked_out_count 11",
    ),
    "a mart lost most of its rows": (
        "delete from marts.customer_months where month > date '2026-03-01'",
        ("warning", "marts", None),
        "mart customer_months, last_row_count 1,000, row_count 400",
    ),
    "a mart doubled": (
        "insert into marts.customer_months from marts.customer_months;"
        "insert into marts.customer_months from marts.customer_months;"
        "update marts.customer_months set net_revenue = 5, login_count = 0.75",
        ("info", "marts", None),
        "mart customer_months, last_row_count 1,000, row_count 4,000",
    ),
}


# Drifts that would hide one another happen in a second and a third warehouse.
APART = {
    "the date went back": 2,
    "a third of the customers left": 2,
    "a country is no longer delivered": 2,
    "a mart lost most of its rows": 2,
    "nobody is at risk any more": 2,
    "the date leapt": 3,
    "a mart doubled": 3,
}


def drifted(drift: str) -> str:
    """The SQL of this drift, and of all others that can happen with it."""
    together = [name for name in WARNINGS if APART.get(name, 1) == APART.get(drift, 1)]
    return ";".join(WARNINGS[name][0] for name in together)


@pytest.mark.parametrize("drift", WARNINGS)
def test_a_drift_is_told_and_does_not_stop(audited, drift):
    report = audited(drifted(drift))
    _, failure, word = WARNINGS[drift]
    messages = [f.message() for f in report.failures if (f.severity, f.table, f.column) == failure]
    assert any(word in message for message in messages), messages
    assert report.criticals == []
    report.raise_for_critical()


def test_what_looks_odd_and_is_usual_is_no_drift(audited):
    report = audited(
        "update raw.orders set status = ' PAID ';"
        "insert into marts.login_problems from marts.login_problems;"
        "update raw.surveys set customer_id = null where rowid % 5 < 3;"
        # Ten points, of the scored customers; a basis of 99 customers; a fall of the mean by 0.05.
        "update marts.customer_churn_risk set risk_level = 'high'"
        " where risk_level = 'watch' and (rowid < 100 or rowid >= 200);"
        "insert into marts.customer_churn_risk"
        " select 'new' || i, 'activity', null, date '2026-06-30' from range(250) as numbers(i);"
        # Ten points of a survey, a month and a segment of any; five and ten points of customers.
        "update marts.survey_scores set score = 50 where period_start is null and segment = 'all';"
        "update marts.survey_scores set score = 90 where period_start is not null"
        " or segment <> 'all';"
        "update marts.customer_advocacy set advocacy_tier = 'lover' where rowid < 16"
        " and advocacy_tier = 'lurker';"
        "update marts.contact_plan set action = 'coupon' where rowid < 50 and action = 'nothing';"
        "update marts.score_backtests set auc = 0.5"
        " where method = 'model' and cutoff_date = date '2026-04-01';"
        "update marts.score_backtests set auc = 0.1 where method <> 'model';"
        "insert into marts.score_backtests by name"
        " select * replace (99 as customer_count, 0.1 as auc)"
        " from marts.score_backtests where method = 'model' and decile is null;"
        "create table marts.retention_sensitivity as select 2.5 as profit_growth_rate,"
        " 3.5 as lifetime_profit_growth_rate, -0.5 as margin_rate",
        "update marts.row_accounting set accepted_count = 720 where input = 'surveys';"
        "alter table marts.customers drop column country",
    )
    assert found(report) == {("warning", "raw.surveys", "customer_id")}


def test_what_opens_for_the_first_time_is_no_drift(audited):
    report = audited(
        published_sql="delete from marts.customers; delete from marts.customer_months;"
        "delete from marts.row_accounting; drop table marts.retention_cohorts"
    )
    assert report.criticals == []
    assert report.warnings == []


def test_the_first_refresh_has_nothing_to_compare_with(tmp_path):
    warehouse = Warehouse(tmp_path)
    build(warehouse.work_file)
    with duckdb.connect(str(warehouse.work_file)) as connection:
        connection.execute(
            "update raw.orders set amount = null where rowid % 5 < 3;"
            "update marts.customers set net_revenue = -5, state = 'lost'"
        )
    report = audit(warehouse)
    assert report.is_first_refresh
    assert found(report) == {("warning", "raw.orders", "amount")}
    assert "first refresh: nothing to compare with" in report.message()
    assert report.data_docs.exists()


@pytest.mark.parametrize("published_before", [False, True])
def test_everything_may_be_empty(tmp_path, published_before):
    warehouse = Warehouse(tmp_path)
    build(warehouse.work_file, row_count=0)
    with duckdb.connect(str(warehouse.work_file)) as connection:
        for (mart,) in connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'marts'"
        ).fetchall():
            connection.execute(f"delete from marts.{mart}")
    if published_before:
        publish(warehouse)
    report = audit(warehouse)
    assert report.failures == []
    assert report.is_first_refresh is not published_before


def test_marts_that_are_not_built_yet_are_skipped_by_name(tmp_path):
    warehouse = Warehouse(tmp_path)
    build(warehouse.work_file, row_count=0)
    with duckdb.connect(str(warehouse.work_file)) as connection:
        connection.execute("drop schema marts cascade")
    report = audit(warehouse)
    assert report.criticals == []
    assert report.skipped_suites == [
        "refresh_dates",
        "marts_customer_totals",
        "marts_customers",
        "marts_customer_lifecycle",
        "marts_customer_months",
        "marts_retention_cohorts",
        "marts_customer_churn_risk",
        "marts_score_backtests",
        "marts_survey_scores",
        "marts_customer_advocacy",
        "marts_contact_plan",
    ]


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file below a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_suites_on_disk_are_what_is_run(healthy, tmp_path, capfd):
    folder = tmp_path / "gx"
    shutil.copytree(GX_FOLDER, folder)
    file = folder / "expectations" / "marts_customers.json"
    suite = json.loads(file.read_text("utf-8"))
    for expectation in suite["expectations"]:
        if expectation["type"] == "expect_table_row_count_to_be_between":
            expectation["kwargs"] = {"min_value": {"$PARAMETER": "3 * customers_count"}}
    file.write_text(json.dumps(suite), "utf-8")
    before = contents(folder)
    warehouse = changed(healthy, tmp_path, "")
    report = audit(warehouse, previous=healthy.published_file, gx_folder=folder)
    assert {(f.observed, f.expected) for f in report.failures} == {("200", "at least 600")}
    # Nothing is printed, and nothing written into the context or the work file, which is free.
    assert capfd.readouterr() == ("", "")
    assert contents(folder) == before
    assert warehouse.work_file.read_bytes() == healthy.work_file.read_bytes()
    with duckdb.connect(str(warehouse.work_file)) as connection:
        connection.execute("create table marts.still_ours (i int)")


def test_results_and_pages_lie_in_the_warehouse_and_ask_no_network(audited):
    report = audited(broken("input is empty"))
    folder = report.data_docs.parents[1]
    assert list((folder / "gx" / "validations").rglob("*.json"))
    pages = list(report.data_docs.parent.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        text = page.read_text("utf-8")
        assert not re.search(r"<(script|link|img|iframe)\b[^>]*(src|href)=.?(https?:)?//", text)
        assert "evergreen-offline" in text
    index = report.data_docs.read_text("utf-8")
    for link in re.findall(r'href="([^"]+)"', index):
        assert (report.data_docs.parent / link).exists()
    assert "state lost, last_percent 20, percent 60" in index


def test_nothing_committed_names_a_machine():
    for file in GX_FOLDER.rglob("*"):
        if file.is_file():
            text = file.read_text("utf-8")
            assert not re.search(r"(?<![.\w:/}])/(home|work|tmp|usr|root|Users|mnt)/", text), file
            assert str(PROJECT_DIR) not in text


def test_suites_follow_the_input_contract():
    for name, columns in inputs().items():
        suite = json.loads((GX_FOLDER / "expectations" / f"raw_{name}.json").read_text("utf-8"))
        by_type: dict[str, list[dict]] = {}
        for expectation in suite["expectations"]:
            by_type.setdefault(expectation["type"], []).append(expectation["kwargs"])
        (present,) = by_type["expect_table_columns_to_match_set"]
        assert present["column_set"] == [column["name"] for column in columns]
        required = {c["name"] for c in columns if c["config"]["meta"]["required"]}
        assert {k["column"] for k in by_type["expect_column_values_to_not_be_null"]} == required
        choices = {c["name"]: c["config"]["meta"].get("values") for c in columns}
        known = by_type.get("expect_column_values_to_be_in_set", [])
        assert {k["column"]: k["value_set"] for k in known} == {
            k: v for k, v in choices.items() if v
        }


def test_every_expectation_says_why_and_how_severe():
    for file in (GX_FOLDER / "expectations").glob("*.json"):
        suite = json.loads(file.read_text("utf-8"))
        assert suite["meta"]["table"]
        for expectation in suite["expectations"]:
            assert expectation["severity"] in ("critical", "warning", "info")
            assert len(expectation["notes"]) > 40, file


def test_add_sql_works_on_duckdb_with_buffered_rows(tmp_path):
    import great_expectations

    with duckdb.connect(str(tmp_path / "any.duckdb")) as connection:
        connection.execute("create table t as select i from range(7) as numbers(i)")
    context = great_expectations.get_context(mode="ephemeral")
    source = context.data_sources.add_sql(
        "any", connection_string=f"duckdb:///{tmp_path / 'any.duckdb'}"
    )
    batch = source.add_table_asset("t").add_batch_definition_whole_table("all").get_batch()
    expectation = great_expectations.expectations.ExpectTableRowCountToEqual(value=7)
    assert "list index out of range" in str(batch.validate(expectation).exception_info)
    buffer_rows(source.get_execution_engine().engine)
    result = source.get_asset("t").get_batch_definition("all").get_batch().validate(expectation)
    assert result.success
    assert result.result["observed_value"] == 7


def test_importing_the_audit_does_not_import_great_expectations():
    code = "import sys, evergreen.audit; sys.exit('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_million_rows_are_fine(healthy, tmp_path, monkeypatch):
    warehouse = changed(
        healthy,
        tmp_path,
        "insert into raw.logins (login_id, customer_id, logged_in_at)"
        " select 'x' || i, 'c1', '2026-06-30T10:00:00' from range(1000000) as numbers(i)",
        "update marts.row_accounting set landed_count = 1000000, accepted_count = 1000000"
        " where input = 'logins'",
    )
    fetched = []
    strategy = cursor.FullyBufferedCursorFetchStrategy

    def counted(description, initial_buffer):
        fetched.append(len(initial_buffer))
        return strategy(description, initial_buffer=initial_buffer)

    monkeypatch.setattr(cursor, "FullyBufferedCursorFetchStrategy", counted)
    started = time.perf_counter()
    assert audit(warehouse).failures == []
    assert time.perf_counter() - started < 30
    assert 0 < max(fetched) <= 200
