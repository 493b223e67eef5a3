"""What the queries of the later pages count, on a few rows each."""

from datetime import date

import duckdb
import pytest
from dashboard_files import add, empty_file

from evergreen.dashboard.site import read_rows

MONTH = date(2024, 12, 1)


@pytest.fixture
def asked(tmp_path):
    """A function that adds rows to marts and runs a query: `asked(query, mart=[rows])`."""
    warehouse = empty_file(tmp_path / "warehouse")

    def ask(query, **marts):
        for mart, rows in marts.items():
            add(warehouse, mart, *rows)
        with duckdb.connect(str(warehouse.published_file), read_only=True) as con:
            return read_rows(con, query)

    return ask


def test_trials_are_judged_in_their_window_and_only_in_months_that_are_over(asked):
    trial = {"trial_kind": "sample", "month": MONTH, "is_mature": True}
    counts = {
        "started_count": 10,
        "bought_count": 9,
        "bought_in_window_count": 6,
        "value_seen_count": 4,
        "bought_with_value_count": 3,
    }
    late = {**trial, **counts, "is_mature": False}
    rows = asked("onboarding_trial_kinds", trial_conversion=[{**trial, **counts}, late])
    found = {row["value_seen"]: (row["bought_count"], row["started_count"]) for row in rows}
    assert found == {"value seen": (3, 4), "no value seen": (3, 6)}


def test_a_fault_is_a_share_of_those_it_could_happen_to(asked):
    people = [
        {"pitch_count": 1, "is_pitched_too_early": True, "question_count": 0},
        {"pitch_count": 2, "is_pitched_too_early": False, "is_silent_after_sale": False},
        {"pitch_count": 1, "is_pitched_too_early": None, "is_silent_after_sale": True},
        {"pitch_count": 0, "is_pitched_too_early": False, "question_count": 0},
    ]
    rows = asked("contact_audit", contact_audit=[{"touch_count": 1, **row} for row in people])
    found = {row["fault"]: (row["customer_count"], row["judged_count"]) for row in rows}
    assert found == {"pitched too early": (1, 2), "silent after the sale": (1, 2)}


def test_a_referral_of_oneself_or_in_a_circle_is_no_referral(asked):
    joined = {"referred_customer_id": "b", "is_first": True, "is_converted": True}
    rows = asked(
        "advocacy_referrals",
        referrals=[
            {"referral_id": "1", **joined, "referred_stage": "repeat"},
            {"referral_id": "2", **joined, "is_first": False, "is_converted": False},
            {"referral_id": "3", "is_first": False, "is_converted": False},
            {"referral_id": "4", **joined, "is_self_referral": True},
            {"referral_id": "5", **joined, "is_cycle": True},
        ],
    )
    assert [row["referral_count"] for row in rows] == [3, 2, 1, 1, 1]
    assert rows[0]["step_rate"] is None
    assert rows[2]["step_rate"] == 0.5


def test_trees_hold_first_and_converted_referrals_and_start_where_nobody_referred(asked):
    edge = {"is_first": True, "is_converted": True}
    rows = asked(
        "advocacy_tree",
        referrals=[
            {"referrer_id": "a", "referred_customer_id": "b", "revenue": 10, **edge},
            {"referrer_id": "b", "referred_customer_id": "c", "revenue": 5, **edge},
            {"referrer_id": "a", "referred_customer_id": "d", "revenue": 9, **edge}
            | {"is_converted": False},
        ],
    )
    assert [(row["node"], row["parent"], row["referred_revenue"]) for row in rows] == [
        ("a", None, 15),
        ("b", "a", 15),
        ("c", "b", 5),
    ]


def test_waits_are_weighted_and_unknown_below_five(asked):
    hours = [
        {"weekday": 1, "hour": 9, "wait_count": 4, "mean_wait_seconds": 60, "long_wait_count": 0},
        {"weekday": 1, "hour": 11, "wait_count": 1, "mean_wait_seconds": 660, "long_wait_count": 1},
        {"weekday": 1, "hour": 12, "wait_count": 4, "mean_wait_seconds": 60, "long_wait_count": 0},
    ]
    rows = asked("voice_hours", support_hours=[{"ticket_count": 9, **row} for row in hours])
    found = {row["from_hour"]: (row["mean_wait_minutes"], row["long_wait_rate"]) for row in rows}
    assert found == {9: (3.0, 0.2), 12: (None, None)}


def test_lateness_has_its_bounds_and_leaves_out_what_is_not_due(asked):
    orders = [{"order_id": str(days), "days_late": days} for days in (-1, 0, 1, 2, 3, 6, 7, None)]
    rows = asked("voice_promises", promises_kept=orders)
    assert [(row["lateness"], row["order_count"]) for row in rows] == [
        ("early", 1),
        ("on the day", 1),
        ("1 to 2 days late", 2),
        ("3 to 6 days late", 2),
        ("7 days late or more", 1),
    ]


def test_a_step_is_judged_on_days_that_customers_have_reached(asked):
    step = {"step": "log_in", "step_number": 1, "due_day": 3}
    young = [{**step, "customer_id": f"y{n}", "age_days": 10, "done_day": 0} for n in range(30)]
    old = [{**step, "customer_id": f"o{n}", "age_days": 40, "done_day": 14} for n in range(30)]
    rows = asked("onboarding_curve", onboarding_steps=young + old)
    found = {row["day"]: (row["done_count"], row["customer_count"]) for row in rows}
    assert found == {
        0: (30, 60),
        3: (30, 60),
        7: (30, 60),
        14: (30, 30),
        21: (30, 30),
        30: (30, 30),
    }


def test_an_effect_is_shown_only_where_the_comparison_is_fair(asked):
    effect = {"segment": "all", "segment_value": "all", "uplift": 0.1, "uplift_low": 0.05}
    rows = asked(
        "contact_effects",
        touch_effects=[
            {**effect, "purpose": "gift", "conclusion": "uplift_shown", "touch_count": 2},
            {**effect, "purpose": "survey", "conclusion": "not_by_chance", "touch_count": 1},
            {**effect, "purpose": "gift", "segment": "archetype", "conclusion": "uplift_shown"},
        ],
    )
    assert [(row["purpose"], row["uplift"]) for row in rows] == [("gift", 0.1), ("survey", None)]


def test_what_is_unknown_passes_no_gate(asked):
    owner = {"has_open_complaint": False, "is_recently_pitched": False, "is_healthy": True}
    rows = asked(
        "cross_sell_gates",
        cross_sell_readiness=[
            {**owner, "is_adopted": True, "is_satisfied": None},
            {**owner, "is_adopted": True, "is_satisfied": False, "has_open_complaint": True},
        ],
    )
    found = {(row["gate"], row["result"]): row["customer_count"] for row in rows}
    assert found[("satisfied", "unknown")] == found[("satisfied", "stopped")] == 1
    assert found[("no open complaint", "stopped")] == 1
    assert ("satisfied", "passed") not in found
