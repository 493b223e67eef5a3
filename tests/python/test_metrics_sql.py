"""Each metric beside plain SQL, by month and by one dimension.

What MetricFlow renders here is what `mf query --metrics NAME --group-by ...` runs: the engine is
the same. So every metric is asked as the command line asks it, twice; the command itself runs once.
"""

import csv
import math
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from metrics_sql import ANSWERS, MONTH, QUARTER

from evergreen.build import build
from evergreen.demo import generate
from evergreen.fit import fit
from evergreen.load import load
from evergreen.metrics import Definition, Layer
from evergreen.paths import PROJECT_DIR, Warehouse
from evergreen.refresh import FITTED_MODELS

AS_OF = date(2024, 12, 17)
"""In the midst of a month, so that months which are not over are seen as well."""

RARE = (
    "update marts.referrals set is_self_referral = true, is_first = false, depth = null "
    "where not is_converted and ends_with(md5(referral_id), '0')",
    "update marts.referrals set is_self_referral = true, is_first = false, depth = null "
    "where referral_id in (select max(referral_id) from marts.referrals "
    "where not is_converted group by date_trunc('quarter', referred_date))",
    "update marts.customers set first_seen_date = null where ends_with(md5(customer_id), '0')",
    "update marts.customer_lifecycle set know_at = null, know_date = null where customer_id in "
    "(select customer_id from marts.customers where first_seen_date is null)",
    "update marts.complaints set is_resolved = null, is_recovered = null, is_answered = null "
    "where ticket_id in (select min(ticket_id) from marts.complaints group by is_resolved)",
    "update marts.contact_plan set effect_basis = 'backtest', expected_effect = priority / 4 "
    "where priority % 3 = 0",
    "update marts.customer_lifetime_value set expected_orders_365d = order_count / 4, "
    "predicted_value_365d = historic_revenue / 3, is_predictable = true where frequency > 0",
)
"""What so small a demo does not have: without these rows, parts of definitions could be wrong."""

DISTINCT = (
    "active_customer_count",
    "ordering_customer_count",
    "referrer_count",
    "revenue_per_active_customer",
    "orders_per_ordering_customer",
)
STANDS = (
    "lover_count",
    "liker_count",
    "lover_rate",
    "liker_rate",
    "month_end_customer_count",
    "month_end_mrr",
    "dormant_rate",
    "cumulative_customer_count",
    "cumulative_net_revenue",
    "net_revenue_trailing_12_months",
    "new_buyer_count_trailing_90d",
)
"""Metrics of which a quarter shows the last month."""

SMALL_TABLES = (
    "customers",
    "customer_lifecycle",
    "customer_months",
    "complaints",
    "early_warnings",
    "login_problems",
    "referrals",
)

Values = dict[tuple, float]


@dataclass(frozen=True)
class Metrics:
    """A warehouse, and MetricFlow's engine with the project's definitions."""

    con: duckdb.DuckDBPyConnection
    layer: Layer
    work_file: Path | None = None

    def definitions(self) -> dict[str, Definition]:
        return {definition.metric: definition for definition in self.layer.definitions()}

    def asked(self, metric: str, *by: str) -> Values:
        """The answer of MetricFlow."""
        found = self.con.execute(self.layer.sql([metric], list(by)))
        return values(found, [*by, metric])

    def plain(self, sql: str) -> Values:
        found = self.con.execute(sql)
        return values(found, [column[0] for column in found.description])


def values(found: duckdb.DuckDBPyConnection, columns: list[str]) -> Values:
    """Group -> value. Null is not known, which is the same as no row."""
    names = [column[0] for column in found.description]
    places = [names.index(column) for column in columns]
    rows = [tuple(as_day(row[place]) for place in places) for row in found.fetchall()]
    by_group = {row[:-1]: float(row[-1]) for row in rows if row[-1] is not None}
    assert len({row[:-1] for row in rows}) == len(rows), "several rows of one group"
    return by_group


def as_day(value: object) -> object:
    return value.date() if isinstance(value, datetime) else value


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Metrics:
    """A demo with a fit, to which rare cases were added. Tests must not change it."""
    folder = tmp_path_factory.mktemp("metrics_sql")
    warehouse = Warehouse(folder / "warehouse")
    generate(600, 14, 5, folder / "landing", dirt=0.01)
    load(warehouse, folder / "landing")
    build(warehouse, as_of=AS_OF, with_tests=False)
    assert fit(warehouse).fits
    build(warehouse, as_of=AS_OF, select=FITTED_MODELS, with_tests=False)
    with duckdb.connect(str(warehouse.work_file)) as con:
        for sql in RARE:
            assert con.execute(sql).fetchone()[0] > 0, f"changes nothing: {sql}"
    layer = Layer.read(warehouse.folder / "target" / "semantic_manifest.json")
    with duckdb.connect(str(warehouse.work_file), read_only=True) as con:
        yield Metrics(con, layer, warehouse.work_file)


@pytest.fixture
def small(demo: Metrics) -> Metrics:
    """Empty tables with the columns that a few metrics read, filled by each test."""
    with duckdb.connect() as con:
        con.execute("attach ':memory:' as work")
        con.execute("use work")
        con.execute("create schema marts; create schema intermediate")
        con.execute("create table intermediate.time_spine_daily (date_day date)")
        for table in SMALL_TABLES:
            columns = ", ".join(
                f"{name} {kind}"
                for name, kind in demo.con.execute(
                    "select column_name, data_type from duckdb_columns() "
                    "where schema_name = 'marts' and table_name = $1 order by column_index",
                    [table],
                ).fetchall()
            )
            con.execute(f"create table marts.{table} ({columns})")
        yield Metrics(con, demo.layer)


def assert_equal(expected: Values, found: Values, unit: str) -> None:
    """Money to the cent, rates and scores to the ninth digit."""
    assert expected, "no value expected: the comparison shows nothing"
    exact = unit == "currency"
    different = {
        group: (expected.get(group), found.get(group))
        for group in expected.keys() | found.keys()
        if group not in expected
        or group not in found
        or not math.isclose(expected[group], found[group], rel_tol=0 if exact else 1e-9)
    }
    assert not different, f"{len(different)} differ (plain SQL, MetricFlow): {different}"


# ---- every metric ------------------------------------------------------------------------------


def test_every_metric_has_an_answer(demo: Metrics) -> None:
    assert demo.definitions().keys() == ANSWERS.keys()


def test_every_metric_is_asked_by_a_dimension() -> None:
    """There is none that MetricFlow offers no dimension for."""
    assert not [name for name, answer in ANSWERS.items() if not set(answer.by) - {MONTH}]


@pytest.mark.parametrize("metric", sorted(ANSWERS))
def test_by_month(demo: Metrics, metric: str) -> None:
    definition = demo.definitions()[metric]
    expected = demo.plain(ANSWERS[metric].sql((MONTH,)))
    if definition.window == "state":
        assert expected.keys() == {(AS_OF.replace(day=1),)}
    assert_equal(expected, demo.asked(metric, MONTH), definition.unit)


@pytest.mark.parametrize("metric", sorted(ANSWERS))
def test_by_dimension(demo: Metrics, metric: str) -> None:
    answer = ANSWERS[metric]
    expected = demo.plain(answer.sql(answer.by))
    found = demo.asked(metric, *answer.by)
    # Where none is filled with 0, MetricFlow adds a group of nobody, with nobody in it.
    found = {group: value for group, value in found.items() if group in expected or value != 0}
    assert_equal(expected, found, demo.definitions()[metric].unit)


# ---- quarters ----------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", DISTINCT)
def test_a_customer_counts_once_in_a_quarter(demo: Metrics, metric: str) -> None:
    expected = demo.plain(ANSWERS[metric].sql((QUARTER,)))
    assert_equal(expected, demo.asked(metric, QUARTER), demo.definitions()[metric].unit)


@pytest.mark.parametrize("metric", STANDS)
def test_a_quarter_stands_where_its_last_month_does(demo: Metrics, metric: str) -> None:
    expected = demo.plain(
        "select cast(date_trunc('quarter', group_0) as date), arg_max(value, group_0) "
        f"from ({ANSWERS[metric].sql((MONTH,))}) group by 1"
    )
    assert_equal(expected, demo.asked(metric, QUARTER), demo.definitions()[metric].unit)


# ---- windows -----------------------------------------------------------------------------------


def days(con: duckdb.DuckDBPyConnection, first: str, last: str) -> None:
    con.execute(
        "insert into intermediate.time_spine_daily "
        f"select unnest(generate_series(date '{first}', date '{last}', interval 1 day))"
    )


def buyers(con: duckdb.DuckDBPyConnection, *paid: str) -> None:
    con.executemany(
        "insert into marts.customers (customer_id, first_paid_date) values ($1, $2)",
        [[day, day] for day in paid],
    )


def test_90_days_end_with_the_last_day_of_the_month_or_with_the_as_of_date(small: Metrics) -> None:
    """March ends on the 31st: 2 January is the first of its 90 days. May is not over on the 17th:
    18 February is the first."""
    days(small.con, "2024-01-01", "2024-05-17")
    buyers(small.con, "2024-01-01", "2024-01-02", "2024-02-17", "2024-02-18", "2024-05-17")
    assert small.asked("new_buyer_count_trailing_90d", MONTH) == {
        (date(2024, 1, 1),): 2,
        (date(2024, 2, 1),): 4,
        (date(2024, 3, 1),): 3,
        (date(2024, 4, 1),): 2,
        (date(2024, 5, 1),): 2,
    }


def test_90_days_without_buyers_hold_none(small: Metrics) -> None:
    """On 30 April the buyer of 10 January is older than 90 days."""
    days(small.con, "2024-01-01", "2024-04-30")
    buyers(small.con, "2024-01-10")
    assert small.asked("new_buyer_count_trailing_90d", MONTH).get((date(2024, 4, 1),), 0) == 0


def test_12_months_hold_the_running_month_and_what_there_is(small: Metrics) -> None:
    """Revenue doubles each month, so each sum says of which months it is. In the first eleven
    months the sum is of fewer than twelve."""
    days(small.con, "2023-01-01", "2024-02-10")
    firsts = [date(2023 + i // 12, i % 12 + 1, 1) for i in range(14)]
    small.con.executemany(
        "insert into marts.customer_months (customer_id, month, net_revenue) values ('a', $1, $2)",
        [[month, 2**i] for i, month in enumerate(firsts)],
    )
    assert small.asked("net_revenue_trailing_12_months", MONTH) == {
        (month,): sum(2**j for j in range(max(0, i - 11), i + 1)) for i, month in enumerate(firsts)
    }


CONVERSIONS = {
    "know_to_buy_rate_90d": ("know_date", "buy_date"),
    "second_purchase_rate_90d": ("buy_date", "repeat_date"),
}


def convert(small: Metrics, metric: str, *ages: int) -> Values:
    """Rate by number of month. A customer a month, who converts at one age in days."""
    starts = [date(2024, i + 1, 15) for i in range(len(ages))]
    rows = [
        [str(start), start, start + timedelta(days=age)]
        for start, age in zip(starts, ages, strict=True)
    ]
    columns = ", ".join(("customer_id", *CONVERSIONS[metric]))
    small.con.executemany(
        f"insert into marts.customer_lifecycle ({columns}) values ($1, $2, $3)", rows
    )
    days(small.con, "2024-01-01", "2024-12-31")
    return {month.month: rate for (month,), rate in small.asked(metric, MONTH).items()}


@pytest.mark.parametrize("metric", CONVERSIONS)
def test_day_90_is_the_last_that_counts(small: Metrics, metric: str) -> None:
    rates = convert(small, metric, 0, 1, 89, 90, 91, 92)
    assert rates == {1: 1, 2: 1, 3: 1, 4: 1, 5: 0, 6: 0}


@pytest.mark.parametrize("metric", CONVERSIONS)
def test_nobody_of_a_month_who_converts_is_a_rate_of_0(small: Metrics, metric: str) -> None:
    """It is known that nobody did."""
    assert convert(small, metric, 1, 200) == {1: 1, 2: 0}


def test_a_month_without_new_buyers_after_one_with_some_is_a_growth_of_minus_1(
    small: Metrics,
) -> None:
    days(small.con, "2024-01-01", "2024-04-30")
    buyers(small.con, "2024-01-10", "2024-02-10", "2024-04-10")
    assert small.asked("new_buyer_growth_rate", MONTH) == {
        (date(2024, 2, 1),): 0,
        (date(2024, 3, 1),): -1,
    }


def test_a_referral_counts_on_its_day_in_the_zone_of_the_warehouse(small: Metrics) -> None:
    """Half past eleven at night in UTC is the next day further east (var timezone)."""
    small.con.execute(
        "insert into marts.referrals (referral_id, referred_at, referred_date, is_self_referral) "
        "values ('a', timestamp '2024-01-31 23:30', date '2024-02-01', false)"
    )
    assert small.asked("referral_count", MONTH) == {(date(2024, 2, 1),): 1}


# ---- none is a number ---------------------------------------------------------------------------


def test_a_month_without_complaints_has_no_value(small: Metrics) -> None:
    """DECISIONS 119: tickets are optional, and nobody knows whether there were none."""
    days(small.con, "2024-01-01", "2024-04-30")
    small.con.execute(
        "insert into marts.complaints (ticket_id, opened_date) "
        "values ('a', date '2024-01-31'), ('b', date '2024-03-01')"
    )
    assert small.asked("complaint_count", MONTH) == {
        (date(2024, 1, 1),): 1,
        (date(2024, 3, 1),): 1,
    }


def test_a_month_without_new_customers_has_0(small: Metrics) -> None:
    """DECISIONS 119: orders are required, so it is known that nobody came."""
    days(small.con, "2024-01-01", "2024-03-31")
    buyers(small.con, "2024-01-10", "2024-03-10")
    assert small.asked("new_buyer_count", MONTH) == {
        (date(2024, 1, 1),): 1,
        (date(2024, 2, 1),): 0,
        (date(2024, 3, 1),): 1,
    }


@pytest.mark.parametrize("metric", ["warned_customer_count", "locked_out_customer_count"])
def test_nobody_in_trouble_is_a_count_of_0(small: Metrics, metric: str) -> None:
    """Good news is not an unknown."""
    days(small.con, "2024-05-01", "2024-05-17")
    small.con.execute(
        "insert into marts.customers (customer_id, as_of_date, warning_count) "
        "values ('a', date '2024-05-17', 0)"
    )
    assert small.asked(metric, MONTH) == {(date(2024, 5, 1),): 0}


# ---- the command line --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def project(demo: Metrics, tmp_path_factory) -> Path:
    """What `mf` reads of the project, and a work file of its own: nothing else is written to."""
    folder = tmp_path_factory.mktemp("mf")
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(PROJECT_DIR / name, folder / name)
    shutil.copy(demo.work_file, folder / "work.duckdb")
    (folder / "target").mkdir()
    manifest = demo.work_file.parent / "target" / "semantic_manifest.json"
    shutil.copy(manifest, folder / "target" / manifest.name)
    return folder


def mf(project: Path, *arguments: str) -> str:
    """Output of the command."""
    local = {
        "EVERGREEN_WORK": str(project / "work.duckdb"),
        "EVERGREEN_TEMP": str(project / "tmp"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "evergreen.mf", *arguments],
        cwd=project,
        env=os.environ | local,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_command_line_gives_the_same(demo: Metrics, project: Path) -> None:
    asked = ("net_revenue", "nps")
    mf(project, "query", "--metrics", ",".join(asked), "--group-by", MONTH, "--csv", "found.csv")
    with (project / "found.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for metric in asked:
        found = {
            (date.fromisoformat(row[MONTH][:10]),): float(row[metric])
            for row in rows
            if row[metric] not in ("", "None")
        }
        expected = demo.plain(ANSWERS[metric].sql((MONTH,)))
        assert_equal(expected, found, demo.definitions()[metric].unit)


def test_the_definitions_are_valid_on_the_warehouse(project: Path) -> None:
    told = mf(project, "validate-configs")
    errors = re.findall(r"\bERRORS: (\d+), FUTURE_ERRORS: (\d+)", told)
    assert len(errors) == 6, told
    assert set(errors) == {("0", "0")}, told
