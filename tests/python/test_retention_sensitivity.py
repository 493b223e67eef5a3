"""What points of retention are worth, against plain pandas on the landed files."""

import shutil
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import landed_facts
import pandas as pd
import pytest
from built_marts import assert_mart_equals, built, mart
from landed_facts import paid_order, rate_on
from pandas_retention import to_cents
from reference import Reference, seed

from evergreen.demo import generate
from evergreen.paths import PROJECT_DIR, Warehouse

SAMPLE = Path(__file__).parent / "data" / "cdnow" / "sample.parquet"
DISCOUNT = 0.10
END = date(2024, 12, 31)
PAST_DAY = date(2024, 9, 18)


@dataclass(frozen=True)
class Case:
    """A built warehouse; its payments (customer_id, day, cents), margin rate, as-of date."""

    warehouse: Warehouse
    payments: pd.DataFrame
    margin_rate: float
    is_margin_known: bool
    as_of: pd.Timestamp


def demo(folder: Path, as_of: date) -> Case:
    landing = folder / "landing"
    generate(customers=300, months=30, seed=8, out=landing)
    reference = Reference(landing, as_of)
    months = [
        (person.customer_id, act.day, to_cents(act.amount))
        for person in reference.people.values()
        for act in person.known(as_of)
        if act.name == "subscription_month"
    ]
    payments = pd.concat(
        [
            landed_facts.contract(reference).orders[["customer_id", "day", "cents"]],
            pd.DataFrame(months, columns=["customer_id", "day", "cents"]),
        ]
    )
    payments["day"] = pd.to_datetime(payments["day"])
    warehouse = built(
        folder / "warehouse",
        landing,
        ["retention_sensitivity"],
        as_of if as_of != END else None,
    )
    return Case(warehouse, payments, *margin(reference), pd.Timestamp(as_of))


def margin(reference: Reference) -> tuple[float, bool]:
    """Profit over revenue of the paid orders of real customers that carry a cost, if 30 do."""
    revenue, cost, count = 0, 0, 0
    for row in reference.rows("orders"):
        order = paid_order(row, reference)
        if order and row["cost"] and reference.home[row["customer_id"]] in reference.people:
            revenue += order["cents"]
            cost += to_cents(
                Decimal(row["cost"]) * rate_on(reference, row["currency"], order["day"])
            )
            count += 1
    return ((revenue - cost) / revenue, True) if count >= 30 else (1.0, False)


def cdnow(folder: Path) -> Case:
    """18 months: the base is what the data reach of the year before last. No order has a cost."""
    landing = folder / "landing"
    landing.mkdir()
    shutil.copy(SAMPLE, landing / "sample.parquet")
    facts = landed_facts.cdnow(SAMPLE, "masterid", "sales")
    mapping = PROJECT_DIR / "mappings" / "cdnow_sample"
    warehouse = built(folder / "warehouse", landing, ["retention_sensitivity"], None, mapping)
    return Case(warehouse, facts.orders, 1.0, False, facts.as_of)


@pytest.fixture(scope="module", params=["demo", "demo_in_the_past", "cdnow_sample"])
def case(request, tmp_path_factory) -> Case:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "cdnow_sample":
        return cdnow(folder)
    return demo(folder, END if request.param == "demo" else PAST_DAY)


@dataclass(frozen=True)
class Base:
    """Who was there, who stayed, and what one of them brings in a year."""

    customers: set
    retained: set
    base_days: int
    yearly_revenue: float


def base_of(case: Case) -> Base:
    """By sets of names and dates, not by counting days."""
    year_ago, two_years_ago = (case.as_of - pd.Timedelta(days=days) for days in (365, 730))
    day = case.payments["day"]
    last_year = case.payments[(day > year_ago) & (day <= case.as_of)]
    before = case.payments[(day > two_years_ago) & (day <= year_ago)]
    customers = set(before["customer_id"])
    retained = customers & set(last_year["customer_id"])
    brought = last_year[last_year["customer_id"].isin(retained)]["cents"].sum() / 100
    first = max(day.min(), two_years_ago + pd.Timedelta(days=1))
    return Base(customers, retained, (year_ago - first).days + 1, brought / len(retained))


def lifetime(case: Case, base: Base, rate: float, discount: float = DISCOUNT) -> float:
    """Year after year until nothing is left: a year's profit of who is still there, discounted."""
    total, there, year = 0.0, 1.0, 0
    while there > 1e-12 and year < 2000:
        year += 1
        there *= rate
        total += base.yearly_revenue * case.margin_rate * there / (1 + discount) ** year
    return total


def test_mart_equals_pandas(case: Case) -> None:
    base = base_of(case)
    today = len(base.retained) / len(base.customers)
    (claim,) = (
        row for row in seed("benchmarks") if row["claim"] == "profit_growth_of_5_points_retention"
    )
    expected = {}
    for points in range(11):
        rate = min(today + points / 100, 1.0)
        added = (rate - today) * len(base.customers)
        expected[(points,)] = {
            "base_count": len(base.customers),
            "retained_count": len(base.retained),
            "base_days": base.base_days,
            "retention_rate": rate,
            "customer_count": rate * len(base.customers),
            "added_customer_count": added,
            "mean_revenue": money(base.yearly_revenue),
            "margin_rate": case.margin_rate,
            "added_revenue": money(added * base.yearly_revenue),
            "added_profit": money(added * base.yearly_revenue * case.margin_rate),
            "profit_growth_rate": added / len(base.retained),
            "lifetime_profit": money(lifetime(case, base, rate)),
            "lifetime_profit_growth_rate": lifetime(case, base, rate) / lifetime(case, base, today)
            - 1,
            "claimed_growth_low": float(claim["low"]) if points == 5 else None,
            "claimed_growth_high": float(claim["high"]) if points == 5 else None,
            "is_capped": today + points / 100 > 1,
            "is_margin_known": case.is_margin_known,
            "as_of_date": case.as_of.date(),
        }
    assert_mart_equals(case.warehouse, "retention_sensitivity", ["point_count"], expected)


def money(value: float) -> Decimal:
    return Decimal(f"{value:.2f}")


def test_case_has_enough_to_compare(case: Case) -> None:
    """A comparison of nulls or zeros proves nothing."""
    base = base_of(case)
    assert len(base.customers) >= 30
    assert 0 < len(base.retained) < len(base.customers)
    assert base.yearly_revenue > 0
    assert (base.base_days < 365) == (case.as_of.year < 2000)
    assert case.is_margin_known == (case.margin_rate != 1)


def test_five_points_are_worth_what_the_formula_says_and_not_the_claim(case: Case) -> None:
    """The claim follows from no formula: it stands beside our figure and does not enter it."""
    rows = mart(case.warehouse, "retention_sensitivity", ["point_count"])
    five = rows[(5,)]
    assert [row["claimed_growth_low"] for row in rows.values() if row is not five] == [None] * 10
    today, later = rows[(0,)]["retention_rate"], five["retention_rate"]
    ratio = later * (1 + DISCOUNT - today) / (today * (1 + DISCOUNT - later))
    assert five["lifetime_profit_growth_rate"] == pytest.approx(ratio - 1, rel=1e-9)
