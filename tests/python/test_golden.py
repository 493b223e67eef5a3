"""Real data against figures that this project did not compute, and against plain pandas."""

import json
import os
import shutil
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from evergreen.paths import PROJECT_DIR, Warehouse
from evergreen.refresh import RefreshReport, refresh

SAMPLE = Path(__file__).parent / "data" / "cdnow" / "sample.parquet"
SHARED = os.environ.get("EVERGREEN_SHARED_DATA")
needs_shared = pytest.mark.skipif(
    not SHARED, reason="EVERGREEN_SHARED_DATA does not name the folder of the larger real data"
)


def publish(landing: Path, mapping: str, folder: Path) -> tuple[Warehouse, RefreshReport]:
    warehouse = Warehouse(folder / "warehouse")
    return warehouse, refresh(warehouse, landing, PROJECT_DIR / "mappings" / mapping)


def query(warehouse: Warehouse, sql: str) -> pd.DataFrame:
    with duckdb.connect(str(warehouse.published_file), read_only=True) as con:
        return con.execute(sql).df()


def raw_orders(file: Path, customer: str, amount: str) -> pd.DataFrame:
    """Customer, day and amount of each row of a CDNOW file."""
    with duckdb.connect() as con:
        rows = con.execute(
            f"select {customer} as customer_id, date, {amount} as amount from read_parquet($1)",
            [str(file)],
        ).df()
    return rows.assign(
        date=pd.to_datetime(rows["date"], format="%Y%m%d"), amount=rows["amount"].astype(float)
    )


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> tuple[Warehouse, RefreshReport]:
    folder = tmp_path_factory.mktemp("cdnow")
    (folder / "landing").mkdir()
    shutil.copy(SAMPLE, folder / "landing" / "sample.parquet")
    return publish(folder / "landing", "cdnow_sample", folder)


def test_cdnow_sample_has_the_published_counts_and_sum(sample):
    """Fader and Hardie: 2,357 customers, 6,919 transactions; 244,091.94 dollars."""
    warehouse, report = sample
    assert report.landed_count == 6919
    assert (report.quarantined_count, report.duplicate_count) == (0, 0)
    found = query(
        warehouse,
        "select count(*) as customers, sum(net_revenue)::varchar as revenue from marts.customers",
    )
    assert found.loc[0, "customers"] == 2357
    assert found.loc[0, "revenue"] == "244091.94"


def test_cdnow_purchase_days_equal_pandas(sample):
    """Several orders of one day are one purchase day; orders of 0 dollars are no paid orders."""
    orders = raw_orders(SAMPLE, "sampleid", "sales")
    assert orders.drop_duplicates(["customer_id", "date"]).shape[0] == 6696  # as published
    paid = orders[orders["amount"] > 0].drop_duplicates(["customer_id", "date"])
    expected = paid.groupby("customer_id").size().value_counts().sort_index()
    found = query(
        sample[0],
        "select purchase_day_count, count(*) as customers from marts.customers "
        "where purchase_day_count > 0 group by 1 order by 1",
    ).set_index("purchase_day_count")["customers"]
    assert found.to_dict() == expected.to_dict()


def test_cdnow_cohorts_equal_pandas(sample):
    orders = raw_orders(SAMPLE, "sampleid", "sales").query("amount > 0")
    orders["month"] = orders["date"].dt.to_period("M")
    orders["cohort"] = orders.groupby("customer_id")["month"].transform("min")
    orders["age"] = (orders["month"] - orders["cohort"]).map(lambda months: months.n)
    cells = orders.groupby(["cohort", "age"]).agg(
        retained=("customer_id", "nunique"), revenue=("amount", "sum")
    )
    sizes = orders.groupby("cohort")["customer_id"].nunique()
    found = query(
        sample[0],
        "select *, strftime(cohort_month, '%Y-%m') as cohort from marts.retention_cohorts "
        "where activity = 'order'",
    )
    last = pd.Period("1998-06", "M")
    assert len(found) == sum((last - cohort).n + 1 for cohort in sizes.index)
    assert found["is_mature"].all()  # the data end on the last day of a month
    for row in found.itertuples():
        cell = (pd.Period(row.cohort, "M"), row.age_months)
        retained = cells["retained"].get(cell, 0)
        assert row.cohort_size == sizes[cell[0]], cell
        assert row.retained_count == retained, cell
        assert row.retention_rate == pytest.approx(retained / sizes[cell[0]], rel=1e-12), cell
        assert float(row.net_revenue) == pytest.approx(cells["revenue"].get(cell, 0)), cell


@needs_shared
def test_cdnow_master_has_the_golden_figures(tmp_path):
    golden = json.loads((Path(SHARED) / "golden.json").read_text())["cdnow_master"]
    warehouse, report = publish(Path(SHARED) / "cdnow", "cdnow", tmp_path)
    assert report.landed_count == golden["rows"]
    found = query(
        warehouse,
        "select count(*) as customers, sum(net_revenue)::varchar as revenue from marts.customers",
    )
    assert found.loc[0, "customers"] == golden["customers"]
    assert found.loc[0, "revenue"] == str(golden["sum_dollar_value"])


@needs_shared
def test_ravenstack_has_the_golden_figures(tmp_path):
    golden = json.loads((Path(SHARED) / "golden.json").read_text())["ravenstack"]
    warehouse, _ = publish(Path(SHARED) / "ravenstack", "ravenstack", tmp_path)
    accounting = query(warehouse, "from marts.row_accounting").set_index("input")
    assert accounting.loc["customers", "accepted_count"] == golden["accounts"]
    assert accounting.loc["subscriptions", "accepted_count"] == golden["subscriptions"]
    assert float(accounting.loc["subscriptions", "accepted_amount"]) == golden["sum_mrr"]
    assert accounting.loc["events", "landed_count"] == golden["usage_rows"]
    assert accounting.loc["logins", "accepted_count"] == golden["usage_distinct_ids"]
    assert accounting.loc["events", "quarantined_count"] == 2  # used zero times
    assert accounting.loc["tickets", "accepted_count"] == golden["tickets"]


@needs_shared
def test_olist_equals_an_independent_count(tmp_path):
    folder = Path(SHARED) / "olist"
    warehouse, report = publish(folder, "olist", tmp_path)
    with duckdb.connect() as con:
        people, paid = con.execute(
            f"""
            with paid as (
                select order_id, sum(payment_value::decimal(18, 2)) as amount
                from '{folder}/olist_order_payments_dataset.parquet' group by order_id
            )
            select count(distinct c.customer_unique_id),
                sum(paid.amount) filter (o.order_status not in ('canceled', 'unavailable'))::varchar
            from '{folder}/olist_orders_dataset.parquet' as o
            join '{folder}/olist_customers_dataset.parquet' as c using (customer_id)
            left join paid using (order_id)
            """
        ).fetchone()
    found = query(
        warehouse,
        "select count(*) as customers, sum(net_revenue)::varchar as revenue from marts.customers",
    )
    assert found.loc[0, "customers"] == people
    assert found.loc[0, "revenue"] == paid
    assert report.quarantined_count == 0
