"""Survival curves against lifelines: Kaplan-Meier with Greenwood intervals on the log-log scale."""

import os
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import landed_facts
import numpy as np
import pandas as pd
import pytest
import reference_marts
from built_marts import assert_mart_equals, built, mart, table, write_landing
from lifelines import KaplanMeierFitter
from reference import Person, Reference

from evergreen.demo import generate
from evergreen.paths import PROJECT_DIR, Warehouse

SHARED = os.environ.get("EVERGREEN_SHARED_DATA")
needs_shared = pytest.mark.skipif(
    not SHARED, reason="EVERGREEN_SHARED_DATA does not name the folder of the larger real data"
)
KEY = ["segment", "segment_value", "day"]
ATTRIBUTES = ("archetype", "country", "entry_source")
PLANS = "subscription_id,customer_id,started_at,monthly_amount,ended_at"
LOST_AFTER_DAYS = 180
Rows = dict[tuple, dict]


@dataclass(frozen=True)
class Case:
    """A built warehouse, and each payer's first paid spell.

    spells: customer_id, days, is_lost, archetype, country, entry_source, first_payment.
    """

    warehouse: Warehouse
    spells: pd.DataFrame
    as_of: date

    @property
    def curves(self) -> Rows:
        """The mart as lifelines has it."""
        rows: Rows = {}
        spells = self.spells.assign(all="all").astype({name: object for name in ATTRIBUTES})
        spells = spells.fillna(dict.fromkeys(ATTRIBUTES, "unknown"))
        for segment in ("all", *ATTRIBUTES, "first_payment"):
            for value, part in spells.groupby(segment):
                for day, row in curve(part["days"], part["is_lost"]).items():
                    rows[(segment, value, day)] = row | {"as_of_date": self.as_of}
        return rows


def curve(durations: pd.Series, is_lost: pd.Series) -> dict[int, dict]:
    """Day -> row, on day 0 and every day with an event or a censoring."""
    with np.errstate(divide="ignore", invalid="ignore"):
        fitted = KaplanMeierFitter().fit(durations, is_lost)
    interval = fitted.confidence_interval_.to_numpy()
    rows = {}
    for place, (day, event) in enumerate(fitted.event_table.iterrows()):
        survival = float(fitted.survival_function_.iloc[place, 0])
        low, high = (float(limit) for limit in interval[place])
        rows[int(day)] = {
            "at_risk_count": int(event["at_risk"]),
            "event_count": int(event["observed"]),
            "censored_count": int(event["censored"]),
            "survival_probability": survival,
            # The scale of the interval has no place for a survival of 0; lifelines writes 1.
            "survival_low": low if survival else None,
            "survival_high": high if survival else None,
        }
    return rows


# The demo ------------------------------------------------------------------------------------


def demo_spells(reference: Reference) -> pd.DataFrame:
    segments = landed_facts.folded_segments(reference)
    rows = []
    for person in reference.people.values():
        payments = [act for act in person.known(reference.as_of) if act.is_payment]
        if not payments:
            continue
        first = min(act.at for act in payments)
        kinds = {act.name for act in payments if act.at == first}
        lost = first_lost_day(reference, person, first.date())
        rows.append(
            {
                "customer_id": person.customer_id,
                "days": ((lost or reference.as_of) - first.date()).days,
                "is_lost": lost is not None,
                "first_payment": "order" if "order_paid" in kinds else "subscription",
            }
        )
    return pd.DataFrame(rows).merge(segments, left_on="customer_id", right_index=True)


def first_lost_day(reference: Reference, person: Person, first_paid: date) -> date | None:
    """First day, from the first payment on, on which they turn lost."""
    states = reference_marts.state_days(reference, person)
    for age, state in enumerate(states):
        day = person.first_seen + timedelta(age)
        if day >= first_paid and state == "lost" and (age == 0 or states[age - 1] != "lost"):
            return day
    return None


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Case:
    folder = tmp_path_factory.mktemp("demo")
    generate(customers=400, months=20, seed=5, out=folder / "landing")
    reference = Reference(folder / "landing", date(2024, 12, 31))
    spells = demo_spells(reference)
    warehouse = built(folder / "warehouse", folder / "landing", ["survival_curves"])
    return Case(warehouse, spells, reference.as_of)


def test_demo_equals_lifelines(demo: Case) -> None:
    assert_mart_equals(demo.warehouse, "survival_curves", KEY, demo.curves)


def test_demo_has_events_and_censorings_in_both_kinds_of_payment(demo: Case) -> None:
    counts = demo.spells.groupby(["first_payment", "is_lost"]).size()
    assert len(counts) == 4 and counts.min() >= 5


# Hand-made spells, one case per archetype; the as-of date is 2024-06-30 ------------------------

SMALL_AS_OF = date(2024, 6, 30)
SMALL_PLANS = {
    "same_day": ["2024-01-01,2024-01-11", "2024-06-20,", "2024-02-01,2024-02-21", "2024-03-01,"],
    "last_is_an_event": ["2024-01-01,2024-01-11", "2024-01-01,2024-01-31", "2024-06-25,"],
    "nobody_lost": ["2024-01-01,", "2024-06-30,"],
    "lost_on_day_0": ["2024-01-01T08:00:00Z,2024-01-01T20:00:00Z", "2024-06-30,", "2024-06-01,"],
    "all_on_one_day": ["2024-01-01,2024-01-11", "2024-02-01,2024-02-11"],
}
"""Subscriptions as start and end. Each is a customer of its own."""
SMALL_SPELLS = {
    "same_day": [(10, True), (10, False), (20, True), (121, False)],
    "last_is_an_event": [(10, True), (30, True), (5, False)],
    "nobody_lost": [(181, False), (0, False)],
    "lost_on_day_0": [(0, True), (0, False), (29, False)],
    "all_on_one_day": [(10, True), (10, True)],
    # A single order is silent for 180 days on 29 June, and for 179 on the as-of date.
    "silent": [(180, True), (179, False)],
    # Lost on day 10 and back on day 20: only the first spell is looked at.
    "returned": [(10, True)],
    # The first order is given back whole, so the first payment is the second order's.
    "given_back": [(100, False)],
    # Order and subscription at one moment: the order is the first payment.
    "both_at_once": [(30, False)],
}


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Case:
    folder = tmp_path_factory.mktemp("small")
    plans = [
        f"{name}-{number},{name}-{number},{start},10,{end}"
        for name, lives in SMALL_PLANS.items()
        for number, (start, end) in enumerate(life.split(",") for life in lives)
    ]
    plans += [
        "r1,returned-0,2024-01-01,10,2024-01-11",
        "r2,returned-0,2024-01-21,10,",
        "b1,both_at_once-0,2024-05-31,10,",
    ]
    orders = [
        "s1,silent-0,2024-01-01,10,,",
        "s2,silent-1,2024-01-03,10,,",
        "g1,given_back-0,2024-01-01,10,10,2024-03-23",
        "g2,given_back-0,2024-03-22,10,,",
        "b2,both_at_once-0,2024-05-31,10,,",
    ]
    customers = [
        f"{name}-{number},{name},2024-01-01"
        for name, spells in SMALL_SPELLS.items()
        for number in range(len(spells))
    ]
    # A customer without attributes is unknown, one who never paid has no spell.
    plans.append("u1,without_attributes,2024-06-10,10,")
    customers.append("never_paid,same_day,2024-01-01")
    landing = write_landing(
        folder / "landing",
        subscriptions=table(PLANS, plans),
        orders=table("order_id,customer_id,ordered_at,amount,refund_amount,refunded_at", orders),
        customers=table("customer_id,archetype,created_at", customers),
    )
    spells = [
        {"days": days, "is_lost": is_lost, "archetype": name, "first_payment": payment_of(name)}
        for name, lives in SMALL_SPELLS.items()
        for days, is_lost in lives
    ]
    spells.append({"days": 20, "is_lost": False, "first_payment": "subscription"})
    frame = pd.DataFrame(spells).assign(country=None, entry_source=None)
    warehouse = built(folder / "warehouse", landing, ["survival_curves"], SMALL_AS_OF)
    return Case(warehouse, frame, SMALL_AS_OF)


def payment_of(name: str) -> str:
    return "order" if name in ("silent", "given_back", "both_at_once") else "subscription"


def test_small_cases_equal_lifelines(small: Case) -> None:
    assert_mart_equals(small.warehouse, "survival_curves", KEY, small.curves)


def test_event_and_censoring_on_one_day_the_censored_are_at_risk(small: Case) -> None:
    """By hand: 3 of 4 survive day 10, then 1 of 2 day 20."""
    rows = mart(small.warehouse, "survival_curves", KEY)
    found = [
        (key[2], row["at_risk_count"], row["event_count"], row["censored_count"])
        for key, row in sorted(rows.items(), key=lambda item: item[0][2])
        if key[:2] == ("archetype", "same_day")
    ]
    assert found == [(0, 4, 0, 0), (10, 4, 1, 1), (20, 2, 1, 0), (121, 1, 0, 1)]
    last = rows[("archetype", "same_day", 121)]
    assert last["survival_probability"] == pytest.approx(3 / 4 * 1 / 2, abs=1e-12)


def test_last_one_an_event_ends_at_zero_without_an_interval(small: Case) -> None:
    row = mart(small.warehouse, "survival_curves", KEY)[("archetype", "last_is_an_event", 30)]
    assert row["survival_probability"] == 0
    assert (row["survival_low"], row["survival_high"]) == (None, None)


def test_interval_is_one_while_nobody_was_lost(small: Case) -> None:
    row = mart(small.warehouse, "survival_curves", KEY)[("archetype", "nobody_lost", 181)]
    found = (row["survival_probability"], row["survival_low"], row["survival_high"])
    assert found == (1, 1, 1)


# RavenStack ------------------------------------------------------------------------------------


@needs_shared
def test_ravenstack_accounts_equal_lifelines(tmp_path: Path) -> None:
    folder = Path(SHARED) / "ravenstack"
    facts = landed_facts.ravenstack(folder)
    logins = facts.acts[facts.acts["activity"] == "login"]
    login_days = {
        customer: {day.date() for day in days}
        for customer, days in logins.groupby("customer_id")["day"]
    }
    spells = []
    for customer, plans in facts.subscriptions.groupby("customer_id"):
        lives = [
            (first.date(), None if pd.isna(end) else end.date())
            for first, end in zip(plans["first_day"], plans["end_day"], strict=True)
        ]
        first = min(start for start, _ in lives)
        as_of = facts.as_of.date()
        lost = lost_day(lives, login_days.get(customer, set()), as_of)
        spells.append(
            {
                "customer_id": customer,
                "days": ((lost or as_of) - first).days,
                "is_lost": lost is not None,
                "first_payment": "subscription",
            }
        )
    frame = pd.DataFrame(spells).merge(facts.customers, left_on="customer_id", right_index=True)
    assert frame["is_lost"].sum() > 5
    mapping = PROJECT_DIR / "mappings" / "ravenstack"
    warehouse = built(tmp_path / "warehouse", folder, ["survival_curves"], mapping=mapping)
    case = Case(warehouse, frame, facts.as_of.date())
    assert_mart_equals(case.warehouse, "survival_curves", KEY, case.curves)


def lost_day(lives: list[tuple[date, date | None]], logins: set[date], as_of: date) -> date | None:
    """First lost day of a customer with subscriptions and logins only; all times are days."""
    day = min(start for start, _ in lives)
    while day <= as_of:
        is_running = any(start <= day and (not end or end > day) for start, end in lives)
        acts = {start for start, _ in lives if start <= day}
        acts |= {login for login in logins if login <= day}
        ends = [end for _, end in lives if end and end <= day]
        is_silent = (day - max(acts)).days >= LOST_AFTER_DAYS
        # An act at the moment of the end is not after it.
        if not is_running and (is_silent or (ends and max(acts) <= max(ends))):
            return day
        day += timedelta(1)
    return None


@needs_shared
def test_ravenstack_subscriptions_as_customers_equal_lifelines(tmp_path: Path) -> None:
    """A customer of one subscription is lost when it ends: nothing but its two days counts."""
    as_of = date(2024, 12, 31)
    with duckdb.connect() as con:
        plans = con.execute(
            "select subscription_id, start_date, mrr_amount, coalesce(end_date, '') from"
            f" '{SHARED}/ravenstack/ravenstack_subscriptions.parquet'"
        ).fetchall()
    rows = [f"{plan},{plan},{start},{amount},{end}" for plan, start, amount, end in plans]
    landing = write_landing(tmp_path / "landing", subscriptions=table(PLANS, rows))
    spells = []
    for _, start, amount, end in plans:
        # A free trial never pays; what ended on the day it began never ran.
        if amount != "0" and start <= str(as_of) and start != end:
            begun = datetime.fromisoformat(start).date()
            ended = datetime.fromisoformat(end).date() if end and end <= str(as_of) else None
            spells.append({"days": ((ended or as_of) - begun).days, "is_lost": ended is not None})
    frame = pd.DataFrame(spells).assign(
        archetype=None, country=None, entry_source=None, first_payment="subscription"
    )
    warehouse = built(tmp_path / "warehouse", landing, ["survival_curves"], as_of)
    case = Case(warehouse, frame, as_of)
    assert frame["is_lost"].sum() > 300
    assert_mart_equals(case.warehouse, "survival_curves", KEY, case.curves)
