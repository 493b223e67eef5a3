"""Growth accounting and revenue movements against plain pandas on the landed files."""

import os
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import landed_facts
import pandas_retention
import pytest
from built_marts import assert_mart_equals, built, query
from pandas_retention import Facts
from reference import Reference

from evergreen.demo import generate
from evergreen.paths import PROJECT_DIR, Warehouse

SAMPLE = Path(__file__).parent / "data" / "cdnow" / "sample.parquet"
SHARED = os.environ.get("EVERGREEN_SHARED_DATA")
needs_shared = pytest.mark.skipif(
    not SHARED, reason="EVERGREEN_SHARED_DATA does not name the folder of the larger real data"
)
KEYS = {
    "growth_accounting": ["period", "period_start", "activity"],
    "customer_movements": ["stream", "customer_id", "month"],
    "revenue_movements": ["stream", "month", "segment", "segment_value"],
}
PAST_DAY = date(2024, 9, 18)
"""A Wednesday in the middle of a month: week and month are not over."""


@dataclass(frozen=True)
class Case:
    """A built warehouse and the facts in its files."""

    warehouse: Warehouse
    facts: Facts


def demo_facts(landing: Path, as_of: date) -> Facts:
    generate(customers=300, months=14, seed=8, out=landing)
    return landed_facts.contract(Reference(landing, as_of))


def make_case(name: str, folder: Path) -> Case:
    landing, mapping, as_of = folder / "landing", PROJECT_DIR / "mappings", None
    if name == "demo":
        facts, mapping = demo_facts(landing, date(2024, 12, 31)), None
    elif name == "demo_in_the_past":
        facts, mapping, as_of = demo_facts(landing, PAST_DAY), None, PAST_DAY
    elif name == "cdnow_sample":
        landing.mkdir()
        shutil.copy(SAMPLE, landing / "sample.parquet")
        facts = landed_facts.cdnow(SAMPLE, "masterid", "sales")
        mapping /= "cdnow_sample"
    elif name == "cdnow":
        landing, mapping = Path(SHARED) / "cdnow", mapping / "cdnow"
        facts = landed_facts.cdnow(landing / "master.parquet", "customer_id", "dollar_value")
    elif name == "olist":
        landing, mapping = Path(SHARED) / "olist", mapping / "olist"
        facts = landed_facts.olist(landing)
    else:
        landing, mapping = Path(SHARED) / "ravenstack", mapping / "ravenstack"
        facts = landed_facts.ravenstack(landing)
    return Case(built(folder / "warehouse", landing, KEYS, as_of, mapping), facts)


@pytest.fixture(
    scope="module",
    params=[
        "cdnow_sample",
        "demo",
        "demo_in_the_past",
        pytest.param("cdnow", marks=needs_shared),
        pytest.param("olist", marks=needs_shared),
        pytest.param("ravenstack", marks=needs_shared),
    ],
)
def case(request, tmp_path_factory) -> Case:
    return make_case(request.param, tmp_path_factory.mktemp(request.param))


@pytest.mark.parametrize("mart", KEYS)
def test_mart_equals_pandas(case: Case, mart: str) -> None:
    expected = getattr(pandas_retention, mart)(case.facts)
    assert_mart_equals(case.warehouse, mart, KEYS[mart], expected)


def test_facts_have_the_customers_and_money_of_the_warehouse(case: Case) -> None:
    """Files read in two ways hold the same orders and paid subscriptions."""
    orders, plans = case.facts.orders, case.facts.subscriptions
    found = query(
        case.warehouse,
        "select count(distinct customer_id) filter (activity = 'order_paid'),"
        " coalesce(sum(amount) filter (activity in ('order_paid', 'order_refunded')), 0),"
        " count(distinct source_id) filter (activity = 'subscription_month')"
        " from intermediate.int_customer_activities where voided_date is null",
    )
    revenue = pandas_retention.money(orders["cents"].sum())
    assert found == [(orders["customer_id"].nunique(), revenue, len(plans))]


@pytest.mark.parametrize("as_of", [date(2024, 12, 31), PAST_DAY], ids=str)
def test_demo_meets_every_movement(tmp_path: Path, as_of: date) -> None:
    """A comparison proves nothing about movements that nobody made."""
    moved = pandas_retention.movements(demo_facts(tmp_path / "landing", as_of))
    found = set(zip(moved["stream"], moved["movement"], strict=True))
    both = ("new", "reactivated", "churned", "expansion", "contraction")
    expected = {("orders", name) for name in both}
    expected |= {("subscriptions", name) for name in (*both[:1], "churned", "unchanged")}
    if as_of == PAST_DAY:
        expected.add(("orders", "pending"))
    assert found >= expected
    unfinished = moved[~moved["is_complete"] & (moved["stream"] == "orders")]
    assert ("pending" in set(unfinished["movement"])) == (as_of == PAST_DAY)
    assert not {"churned", "contraction"} & set(unfinished["movement"])
