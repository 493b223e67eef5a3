"""The lifecycle marts against a brute-force reference that is written from the definitions."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import duckdb
import hard_customers
import pytest
import reference_lifecycle
import reference_marts
import reference_onboarding
from reference import Reference
from reference_lifecycle import Choice

from evergreen.build import build
from evergreen.demo import generate
from evergreen.load import load
from evergreen.paths import Warehouse

KEYS = {
    "customer_lifecycle": ["customer_id"],
    "customer_months": ["customer_id", "month"],
    "retention_cohorts": ["activity", "cohort_month", "age_months"],
    "stage_transitions": ["customer_id", "transition_number"],
    "stage_funnel": ["entry_month", "stage"],
    "stage_investment": ["stage"],
    "trial_conversion": ["trial_kind", "month"],
    "entry_sources": ["entry_source", "entry_campaign"],
    "ideal_customer_profile": ["attribute", "attribute_value"],
    "reseller_performance": ["reseller_id"],
    "onboarding_steps": ["customer_id", "step_number"],
    "onboarding_progress": ["customer_id"],
}
MODULES = (reference_marts, reference_lifecycle, reference_onboarding)
SHOWN = 12
OUTCOMES = {
    "stage_transitions": {
        "skipped stages": lambda row: row["skipped_stage_count"] >= 2,
        "no stage skipped": lambda row: (
            row["to_rank"] - row["from_rank"] >= 2
            and row["skipped_stage_count"] < row["to_rank"] - row["from_rank"] - 1
        ),
        "changed on the first day": lambda row: row["days_in_stage"] == 0,
    },
    "stage_funnel": {
        "more than in the stage before": lambda row: row["is_above_previous_stage"],
        "nobody so far": lambda row: row["conversion_rate"] is None,
        "half a day": lambda row: (row["median_days"] or 0) % 1 == 0.5,
        "month not over": lambda row: row["observed_days"] <= 31,
    },
    "stage_investment": {"no advance": lambda row: row["cost_per_advance"] is None},
    "trial_conversion": {
        **{
            name: lambda row, name=name: row[name] > 0
            for name in (
                *("declined_count", "undecided_count", "undecided_overdue_count"),
                *("bought_with_value_count", "existing_customer_count"),
            )
        },
        "bought after the window": lambda row: row["bought_count"] > row["bought_in_window_count"],
        "value seen and not bought": lambda row: (
            row["value_seen_count"] > row["bought_with_value_count"]
        ),
        "undecided, not overdue": lambda row: (
            row["undecided_count"] > row["undecided_overdue_count"]
        ),
        "existing customers only": lambda row: row["started_count"] == 0,
        "nobody saw value": lambda row: (
            row["started_count"] and row["conversion_rate_with_value"] is None
        ),
        "mature": lambda row: row["is_mature"],
        "not mature": lambda row: not row["is_mature"],
    },
    "entry_sources": {
        "costs of winning, and later ones": lambda row: row["acquisition_cost"] < row["touch_cost"],
        "referrals that are none": lambda row: (
            row["came_by_referral_count"] < row["made_referral_count"]
        ),
        "subscriptions": lambda row: row["subscription_revenue"] > 0,
    },
    "ideal_customer_profile": {
        "none ideal": lambda row: row["ideal_count"] == 0,
        "all ideal": lambda row: row["rest_count"] == 0,
        "interval": lambda row: row["lift_low"] is not None,
    },
    "reseller_performance": {
        "no buyers": lambda row: row["buyer_count"] == 0,
        "some satisfied": lambda row: 0 < (row["csat_rate"] or 0) < 1,
        "direct": lambda row: row["is_direct"],
    },
    "onboarding_steps": {
        name: lambda row, name=name: row[name]
        for name in ("is_done", "is_late", "is_overdue", "is_stalled", "is_sequence_stalled")
    }
    | {
        "stalled at the limit": lambda row: row["peer_completion_rate"] == 0.8,
        "done on the due day": lambda row: row["done_day"] == row["due_day"],
        "done a day late": lambda row: row["done_day"] == row["due_day"] + 1,
        "of the age that is due": lambda row: (
            not row["is_done"] and row["age_days"] == row["due_day"]
        ),
    },
    "onboarding_progress": {
        "complete": lambda row: row["is_complete"],
        "followed up at once": lambda row: row["days_to_follow_up"] == 0,
        "half reached value": lambda row: row["cohort_median_time_to_value_days"] is not None,
        "half did not": lambda row: row["cohort_median_time_to_value_days"] is None,
        "three quarters reached value": lambda row: (
            row["cohort_p75_time_to_value_days"] is not None
        ),
        "too early for a state": lambda row: row["first_90_day_state"] is None,
        "lost early": lambda row: row["first_90_day_state"] == "lost",
        "active early": lambda row: row["first_90_day_state"] == "active",
    },
}
"""Of each mart, what must be seen in some row: a comparison proves nothing about what never is."""
REQUIRED = {
    "orders": "order_id,customer_id,ordered_at,amount,refund_amount,refunded_at\n",
    "logins": "login_id,customer_id,logged_in_at\nlast,somebody,2024-08-10\n",
    "surveys": "response_id,customer_id,survey,sent_at,responded_at\n",
}


@dataclass
class Case:
    """A landing folder, its built marts and its reference."""

    warehouse: Warehouse
    reference: Reference

    def mart(self, name: str) -> dict[tuple, dict]:
        with duckdb.connect(str(self.warehouse.work_file), read_only=True) as con:
            rows = con.execute(f"from marts.{name}")
            columns = [column[0] for column in rows.description]
            found = [dict(zip(columns, row, strict=True)) for row in rows.fetchall()]
        return {tuple(row[key] for key in KEYS[name]): row for row in found}


def make_case(folder: Path, landing: Path, as_of: date, is_as_of_given: bool) -> Case:
    warehouse = Warehouse(folder / "warehouse")
    load(warehouse, landing)
    build(warehouse, as_of=as_of if is_as_of_given else None)
    return Case(warehouse, Reference(landing, as_of))


@pytest.fixture(scope="module", params=["demo", "hard", "hard_in_the_past"])
def case(request, tmp_path_factory) -> Case:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "demo":
        generate(customers=400, months=14, seed=3, out=folder / "landing", dirt=0.0)
        return make_case(folder, folder / "landing", date(2024, 12, 31), False)
    landing = hard_customers.write(
        hard_customers.HardCustomers(count=250, seed=11).tables, folder / "landing"
    )
    if request.param == "hard":
        return make_case(folder, landing, hard_customers.LAST_DAY, False)
    return make_case(folder, landing, date(2023, 2, 15), True)


def small_case(folder: Path, **tables: str) -> Case:
    """A case of a few rows, each table given as CSV. The as-of date is 2024-08-10."""
    landing = folder / "landing"
    landing.mkdir()
    for table, text in (REQUIRED | tables).items():
        (landing / f"{table}.csv").write_text(text)
    return make_case(folder, landing, date(2024, 8, 10), False)


def differences(expected: dict[tuple, dict], got: dict[tuple, dict]) -> list[str]:
    """Readable lines, one for each row or cell that differs."""
    lines = [f"{show(key)}: row missing from the mart" for key in expected.keys() - got.keys()]
    lines += [f"{show(key)}: row not expected" for key in got.keys() - expected.keys()]
    for key in expected.keys() & got.keys():
        lines += [
            f"{show(key)} {column}: expected {show([value])}, got {show([got[key].get(column)])}"
            for column, value in expected[key].items()
            if column not in got[key] or not is_same(value, got[key][column])
        ]
    return sorted(lines)


def is_same(expected, got) -> bool:
    if isinstance(expected, float):
        return got == pytest.approx(expected, rel=1e-9, abs=1e-12)
    if isinstance(expected, Fraction):  # money to the cent; at a tie either cent
        return isinstance(got, Decimal) and abs(Fraction(got) - expected) <= Fraction(1, 200)
    if isinstance(expected, Choice):
        return got in expected
    return expected == got


def show(values) -> str:
    return " ".join(
        f"{float(value):.4f}" if isinstance(value, Fraction) else str(value) for value in values
    )


def expected_rows(reference: Reference, mart: str) -> dict[tuple, dict]:
    return next(getattr(module, mart) for module in MODULES if hasattr(module, mart))(reference)


def report(mart: str, found: list[str]) -> str:
    """Which columns differ how often, and the first differences."""
    columns = Counter(line.split(": ")[0].split(" ")[-1] for line in found if ": row" not in line)
    rows = Counter(line.split(": ")[1] for line in found if ": row" in line)
    summary = ", ".join(f"{what} {count}x" for what, count in (rows + columns).most_common())
    return f"{mart}: {len(found)} differences ({summary}), first:\n" + "\n".join(found[:SHOWN])


def assert_marts_equal_the_reference(case: Case) -> None:
    for mart in KEYS:
        found = differences(expected_rows(case.reference, mart), case.mart(mart))
        assert not found, report(mart, found)


@pytest.mark.parametrize("mart", KEYS)
def test_mart_equals_the_reference_cell_by_cell(case: Case, mart: str) -> None:
    expected = expected_rows(case.reference, mart)
    found = differences(expected, case.mart(mart))
    assert expected, "the reference has no rows: the case shows nothing"
    assert not found, report(mart, found)


def test_inputs_of_the_case_are_clean(case: Case) -> None:
    with duckdb.connect(str(case.warehouse.work_file), read_only=True) as con:
        quarantined = con.execute("select input, reasons, row_text from marts.quarantined_rows")
        assert quarantined.fetchmany(SHOWN) == []
        duplicates = con.execute("from marts.row_accounting where duplicate_count > 0")
        assert duplicates.fetchall() == []


def test_hard_customers_meet_every_state_stage_and_rung(case: Case) -> None:
    """A comparison proves nothing about labels that nobody has."""
    lifecycle = reference_marts.customer_lifecycle(case.reference).values()
    months = reference_marts.customer_months(case.reference).values()
    states = {row["state"] for row in months} | {row["state"] for row in lifecycle}
    assert states == {"prospect", "new", "reactivated", "lost", "dormant", "declining", "active"}
    assert {row["stage"] for row in months} == set(reference_marts.STAGES)
    rungs = {row["loyalty_rung"] for row in lifecycle}
    assert rungs >= {"prospect", "shopper", "customer", "member", "advocate"}


def test_hard_customers_meet_every_outcome_of_the_lifecycle_marts(case: Case) -> None:
    """The same of the marts of changes, trials, sources and onboarding."""
    if "steady" not in case.reference.people:
        pytest.skip("the demo is what happens, not what could")
    marts = {mart: list(expected_rows(case.reference, mart).values()) for mart in KEYS}
    missing = [
        f"{mart}: {what}"
        for mart, outcomes in OUTCOMES.items()
        for what, is_met in outcomes.items()
        if not any(is_met(row) for row in marts[mart])
    ]
    assert not missing, "\n".join(missing)
    transitions = expected_rows(case.reference, "stage_transitions").items()
    falls = {(row["from_stage"], row["to_stage"]) for _, row in transitions if row["is_setback"]}
    assert falls >= {("buy", "know"), ("buy", "like"), ("buy", "try"), ("repeat", "buy")}
    moments = {(key[0], row["changed_at"]) for key, row in transitions}
    touches = [
        (person.customer_id, reference_marts.naive(act.at))
        for person in case.reference.people.values()
        for act in person.acts
        if act.name in ("touch_outbound", "touch_inbound", "touch_withheld")
    ]
    assert len(moments & set(touches)) >= 5, "touches at the moment of a change"


def test_steady_daily_logins_have_a_usage_trend_of_one(case: Case) -> None:
    with duckdb.connect(str(case.warehouse.work_file), read_only=True) as con:
        found = con.execute(
            "select usage_trend_at_login from intermediate.int_customer_rhythm"
            " where customer_id = 'steady' order by day desc limit 1"
        ).fetchone()
    if found is None:
        pytest.skip("the demo has no such customer")
    assert found[0] == pytest.approx(1, abs=0.01)


def test_login_at_the_start_of_1970_harms_nobody(tmp_path: Path) -> None:
    """An empty time often lands as second 0 of 1970: plausible by the contract, and far away."""
    logins = REQUIRED["logins"] + "zero,a,1970-01-01T00:00:00Z\none,a,2024-08-01T00:00:00Z\n"
    orders = REQUIRED["orders"] + "o1,a,2024-01-01,10,,\n"
    assert_marts_equal_the_reference(small_case(tmp_path, orders=orders, logins=logins))


def test_refunded_orders_leave_the_typical_gap_of_others(tmp_path: Path) -> None:
    """b's second order is given back a day later, so that its gap of 20 days is soon forgotten."""
    orders = REQUIRED["orders"] + (
        "o1,b,2024-01-01,10,,\n"
        "o2,b,2024-01-21,10,10,2024-01-22\n"
        "o3,c,2024-01-01,10,,\n"
        "o4,d,2024-04-20,10,,\n"
    )
    logins = REQUIRED["logins"] + "second,c,2024-03-21\n"
    assert_marts_equal_the_reference(small_case(tmp_path, orders=orders, logins=logins))


def test_valuable_customers_at_the_last_place_share_it(tmp_path: Path) -> None:
    """Of ten payers two are valuable; two share the second place, and all of them refer."""
    amounts = (100, 90, 90, 80, *range(10, 70, 10))
    orders = "".join(f"o{n},c{n},2024-01-01,{amount},,\n" for n, amount in enumerate(amounts))
    acts = "".join(f"a{n},c{n},2024-02-01,review\n" for n in range(len(amounts)))
    case = small_case(
        tmp_path,
        orders=REQUIRED["orders"] + orders,
        advocacy_acts="act_id,customer_id,acted_at,act\n" + acts,
    )
    expected = expected_rows(case.reference, "ideal_customer_profile")
    assert {row["ideal_customer_count"] for row in expected.values()} == {3}
    assert not differences(expected, case.mart("ideal_customer_profile"))
