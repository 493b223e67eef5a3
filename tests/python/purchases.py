"""Purchase days and snapshots for the tests of fits: the CDNOW sample, and simulated ones."""

from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np

from evergreen.contract import ledger_ddl, read_contract
from evergreen.fit.orders import OrderCells
from evergreen.fit.spend import SpendCells
from evergreen.paths import PROJECT_DIR, Warehouse

SAMPLE = Path(__file__).parent / "data" / "cdnow" / "sample.parquet"
CALIBRATION_END = date(1997, 9, 30)
COLUMNS = ("frequency", "recency_days", "age_days", "mean_repeat_value")

CDNOW = f"""
    with days as (
        select sampleid::integer as customer_id, sum(sales::double) as value,
            strptime(date::varchar, '%Y%m%d')::date as purchase_date
        from '{SAMPLE}' group by all
    ),
    known as (
        select *, min(purchase_date) over (partition by customer_id) as first_date
        from days where purchase_date <= $1
    ),
    customers as (
        select customer_id, count(*) - 1 as frequency,
            max(purchase_date) - min(first_date) as recency_days, $1 - min(first_date) as age_days,
            avg(value) filter (purchase_date > first_date) as mean_repeat_value
        from known group by customer_id
    ),
    later as (
        select customer_id, count(*) as orders, sum(value) as value
        from days where purchase_date > $1 group by customer_id
    )
    select customers.*, coalesce(later.orders, 0) as orders, coalesce(later.value, 0) as value
    from customers left join later using (customer_id) order by customer_id
"""


def cdnow(end: date = CALIBRATION_END) -> dict[str, np.ndarray]:
    """Customers of the sample as of a day, and what they did after it; shape (2357,) each.

    Purchase days as published: several orders of a day are one, orders of 0 dollars count.
    """
    with duckdb.connect() as con:
        found = con.execute(CDNOW, [end]).fetchnumpy()
    return {
        name: np.ma.filled(np.ma.asarray(column).astype(float), np.nan)
        for name, column in found.items()
        if name != "customer_id"
    }


def order_cells(customers: dict[str, np.ndarray]) -> OrderCells:
    """One cell per customer."""
    x, t_x, t = (customers[name].astype(float) for name in COLUMNS[:3])
    return OrderCells(x, t_x / 7, t / 7, np.ones(len(x)))


def spend_cells(customers: dict[str, np.ndarray]) -> SpendCells:
    """One cell per repeat buyer with a positive value."""
    x, m = customers["frequency"].astype(float), np.nan_to_num(customers["mean_repeat_value"])
    used = (x > 0) & (m > 0)
    return SpendCells(x[used], m[used], np.ones(used.sum()))


def simulate(
    count: int,
    seed: int,
    days: int = 540,
    rate: float = 0.05,
    dropout: tuple[float, float] = (1.0, 3.0),
    mean_value: float = 40.0,
) -> list[tuple[str, int, float]]:
    """(customer, day, value) of customers who join over the first half and buy as BG/NBD says."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(count):
        own_rate = rng.gamma(1.0, rate)
        own_dropout = rng.beta(*dropout)
        own_mean = mean_value / rng.gamma(4.0, 1 / 3.0)
        at = float(rng.integers(0, days // 2))
        bought: set[int] = set()
        while at < days:
            if int(at) not in bought:
                bought.add(int(at))
                rows.append((f"c{customer}", int(at), float(rng.gamma(5.0, own_mean / 5.0))))
            if len(bought) > 1 and rng.random() < own_dropout:
                break
            at += rng.exponential(1 / own_rate)
    return rows


def write_work_file(
    warehouse: Warehouse, rows: list[tuple[str, int, float]], last_day: int | None = None
) -> None:
    """A work file with the tables that a fit reads, as dbt would have built them from the rows."""
    first = date(2023, 1, 1)
    as_of = first + timedelta(days=last_day or max((day for _, day, _ in rows), default=0))
    warehouse.folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(warehouse.work_file)) as con:
        for schema in ("raw", "staging", "intermediate", "rules"):
            con.execute(f"create schema if not exists {schema}")
        for statement in ledger_ddl(read_contract()):
            con.execute(statement)
        con.execute(
            "create or replace table rules.thresholds as "
            f"from read_csv('{PROJECT_DIR}/seeds/thresholds.csv')"
        )
        con.execute(
            "create or replace table staging.stg_calendar as select $1 as as_of_date", [as_of]
        )
        con.execute(
            "create or replace table bought (customer_id varchar, day integer, value double)"
        )
        if rows:
            names, offsets, values = zip(*rows, strict=True)
            given = {
                "names": np.array(names),
                "offsets": np.array(offsets),
                "amounts": np.array(values),
            }
            con.register("given", given)
            con.execute("insert into bought select names, offsets, amounts from given")
        con.execute(
            "create or replace table intermediate.int_purchase_days as "
            "select customer_id, $1::date + day as purchase_date, "
            "sum(value)::decimal(18, 2) as net_revenue "
            "from bought where $1::date + day <= $2::date group by all",
            [first, as_of],
        )
        con.execute(
            "create or replace table intermediate.int_purchase_summary as with f as ("
            "select *, min(purchase_date) over (partition by customer_id) as first_date "
            "from intermediate.int_purchase_days) select customer_id, count(*) - 1 as frequency, "
            "max(purchase_date) - min(first_date) as recency_days, "
            "$1::date - min(first_date) as age_days, min(first_date) as first_purchase_date, "
            "avg(net_revenue) filter (purchase_date > first_date)::double as mean_repeat_value "
            "from f group by customer_id",
            [as_of],
        )


FEATURES = ("days_silent", "usage_trend", "latest_score")
PLANTED = {"intercept": -0.5, "days_silent": 1.1, "usage_trend": -0.7, "latest_score": 0.4}


def simulate_snapshots(
    count: int, seed: int, numbers: range = range(3, 25), basis: str = "activity"
) -> dict[str, np.ndarray]:
    """Snapshots of `count` customers at each cut-off, who churn as `PLANTED` says.

    A customer's features move slowly, so snapshots of one customer are much alike. A third of the
    scores is unknown, and counts as the mean of the known ones, which is 0 here like all means.
    """
    rng = np.random.default_rng(seed)
    rows = count * len(numbers)
    customer = np.repeat(np.arange(count), len(numbers))
    own = rng.normal(size=(count, len(FEATURES)))
    values = np.sqrt(0.8) * own[customer] + np.sqrt(0.2) * rng.normal(size=(rows, len(FEATURES)))
    values[rng.random(rows) < 1 / 3, 2] = np.nan
    weights = np.array([PLANTED[name] for name in FEATURES])
    odds = PLANTED["intercept"] + np.nan_to_num(values) @ weights
    return {
        "customer_id": np.array([f"c{place}" for place in customer]),
        "cutoff_number": np.tile(np.array(numbers), count),
        "churn_basis": np.full(rows, basis),
        "is_churned": rng.random(rows) < 1 / (1 + np.exp(-odds)),
        **dict(zip(FEATURES, values.T, strict=True)),
    }


def write_past(warehouse: Warehouse, snapshots: dict[str, np.ndarray] | None = None) -> None:
    """The tables of past cut-offs, as dbt would have built them after `write_work_file`.

    Every row bought is an order, and every buyer is in the snapshots from the first order on.
    `snapshots`: features and outcomes of the models of churn, as `simulate_snapshots` gives them.
    """
    given = snapshots or {
        name: column[:0] for name, column in simulate_snapshots(1, 1, range(3, 4)).items()
    }
    with duckdb.connect(str(warehouse.work_file)) as con:
        con.execute(
            "create or replace table intermediate.int_customer_activities as "
            "select customer_id, 'o' || row_number() over () as source_id, "
            "'order_paid' as activity, value::decimal(18, 2) as amount, "
            "$1::date + day as activity_date, null::date as voided_date from bought "
            "where $1::date + day <= (select as_of_date from staging.stg_calendar)",
            [date(2023, 1, 1)],
        )
        con.execute(
            "create or replace table intermediate.int_cutoffs as "
            "select n::integer as cutoff_number, n = 0 as is_as_of, "
            "as_of_date - 30 * n::integer as cutoff_date from range(25) as numbers (n), "
            "staging.stg_calendar where n = 0 or as_of_date - 30 * n::integer >= coalesce("
            "(select min(activity_date) from intermediate.int_customer_activities), "
            "date '1900-01-01')"
        )
        con.execute(
            "create or replace table intermediate.int_customer_snapshots as "
            "select distinct customer_id, cutoff_number, cutoff_date "
            "from intermediate.int_customer_activities "
            "inner join intermediate.int_cutoffs on activity_date <= cutoff_date"
        )
        con.register("given", given)
        names = ", ".join(
            f"case when not isnan({name}) then {name} end as {name}" for name in FEATURES
        )
        con.execute(
            "create or replace table intermediate.int_churn_features as "
            f"select customer_id, cutoff_number, churn_basis, {names}, cutoff_date "
            "from given inner join intermediate.int_cutoffs using (cutoff_number)"
        )
        con.execute(
            "create or replace table intermediate.int_snapshot_outcomes as "
            "select customer_id, cutoff_number, churn_basis, is_churned, cutoff_date "
            "from given inner join intermediate.int_cutoffs using (cutoff_number)"
        )
