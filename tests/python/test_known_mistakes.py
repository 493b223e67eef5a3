"""Mistakes that other packages and tutorials are known for, each from a few rows to the mart."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from built_marts import Rows, build_marts, built, mart, query, table, write_landing

from evergreen.load import load
from evergreen.paths import PROJECT_DIR, Warehouse

MOVEMENT_KEY = ["stream", "customer_id", "month"]
BRIDGE_KEY = ["stream", "month", "segment", "segment_value"]
ORDERS = "order_id,customer_id,ordered_at,amount"
VERSIONS = f"{ORDERS},status,refund_amount,refunded_at,invoiced_at"
PLANS = "subscription_id,customer_id,started_at,monthly_amount,trial_ends_at,ended_at"


def month(text: str) -> date:
    return date.fromisoformat(f"{text}-01")


def orders_folder(landing: Path, header: str, **files: list[str]) -> None:
    """The orders as a folder of several files."""
    (landing / "orders.csv").unlink()
    (landing / "orders").mkdir()
    for name, rows in files.items():
        (landing / "orders" / f"{name}.csv").write_text(table(header, rows))


# Months: who is new, who is back, who has gone; the as-of date is in the middle of August

MONTHS_AS_OF = date(2024, 8, 15)
LATE_FILE = ["o0,back,2022-01-10,30"]
"""The first order of a customer whose return is in the file that was loaded before it."""
EARLY_FILE = [
    "o1,back,2024-05-05,80",
    "g1,gap,2024-01-20,10",
    "g2,gap,2024-03-20,20",
    *(f"s{number},steady,2024-0{number}-05,10" for number in range(1, 8)),
    # August is not over, and what follows the as-of date has not happened yet.
    "s9,steady,2024-09-03,10",
    "l1,late,2024-09-05,10",
]
MONTHLY_PLANS = [
    "p1,paused,2024-01-05,10,,2024-02-10",
    "p2,paused,2024-04-05,25,,",
    "p3,upgraded,2024-01-05,10,,2024-03-10",
    "p4,upgraded,2024-03-10,30,,",
    "p5,cut,2024-01-05,30,,2024-03-10",
    "p6,cut,2024-03-10,10,,",
    "p7,late,2024-09-01,10,,",
]
MONTH_MARTS = ("growth_accounting", "customer_movements", "revenue_movements", "retention_cohorts")


@pytest.fixture(scope="module")
def months(tmp_path_factory) -> tuple[Rows, Warehouse]:
    """Growth accounting before the late file, and the warehouse after it."""
    folder = tmp_path_factory.mktemp("months")
    plans = table(PLANS, MONTHLY_PLANS)
    landing = write_landing(folder / "first", subscriptions=plans)
    orders_folder(landing, ORDERS, early=EARLY_FILE)
    warehouse = built(folder / "warehouse", landing, MONTH_MARTS, MONTHS_AS_OF)
    before = growth(warehouse)
    second = write_landing(folder / "second")
    orders_folder(second, ORDERS, late=LATE_FILE)
    load(warehouse, second)
    build_marts(warehouse, MONTH_MARTS, MONTHS_AS_OF)
    return before, warehouse


def growth(warehouse: Warehouse) -> Rows:
    """Month -> row of the activity order."""
    rows = mart(warehouse, "growth_accounting", ["period", "activity", "period_start"])
    return {key[2]: row for key, row in rows.items() if key[:2] == ("month", "order")}


def movement(warehouse: Warehouse, stream: str, customer: str) -> dict[str, tuple]:
    """Month -> movement, opening and closing of a customer."""
    rows = mart(warehouse, "customer_movements", MOVEMENT_KEY)
    return {
        f"{key[2]:%Y-%m}": (row["movement"], int(row["opening"]), int(row["closing"]))
        for key, row in sorted(rows.items())
        if key[:2] == (stream, customer)
    }


def bridge(warehouse: Warehouse, stream: str, text: str) -> dict:
    return mart(warehouse, "revenue_movements", BRIDGE_KEY)[(stream, month(text), "all", "all")]


def test_old_customer_who_returns_is_resurrected_and_not_new(months) -> None:
    may = growth(months[1])[month("2024-05")]
    assert (may["active_count"], may["new_count"], may["resurrected_count"]) == (2, 0, 1)
    assert movement(months[1], "orders", "back")["2024-05"] == ("reactivated", 0, 80)


def test_late_file_with_the_first_order_makes_the_old_customer_old(months) -> None:
    before, warehouse = months
    assert before[month("2024-05")]["new_count"] == 1
    after = growth(warehouse)
    assert after[month("2024-05")]["new_count"] == 0
    assert after[month("2022-01")]["new_count"] == 1
    cohorts = mart(warehouse, "retention_cohorts", ["activity", "cohort_month", "age_months"])
    assert ("order", month("2024-05"), 0) not in cohorts
    assert cohorts[("order", month("2022-01"), 28)]["retained_count"] == 1


def test_new_retained_and_resurrected_add_up_to_the_active(months) -> None:
    for row in growth(months[1]).values():
        parts = row["new_count"] + row["retained_count"] + row["resurrected_count"]
        assert row["active_count"] == parts


def test_reactivation_is_never_expansion(months) -> None:
    """Back with more than before: 10 then 20 for orders, 10 then 25 a month for the subscriber."""
    warehouse = months[1]
    assert movement(warehouse, "orders", "gap")["2024-03"] == ("reactivated", 0, 20)
    assert movement(warehouse, "subscriptions", "paused")["2024-04"] == ("reactivated", 0, 25)
    march, april = (
        bridge(warehouse, "orders", "2024-03"),
        bridge(warehouse, "subscriptions", "2024-04"),
    )
    assert (march["reactivated"], march["expansion"]) == (20, 0)
    assert (april["reactivated"], april["expansion"]) == (25, 0)
    assert march["net_retention_rate"] == march["gross_retention_rate"] == 1


def test_churned_month_is_never_contraction(months) -> None:
    warehouse = months[1]
    assert movement(warehouse, "orders", "gap")["2024-02"] == ("churned", 10, 0)
    assert movement(warehouse, "subscriptions", "paused")["2024-02"] == ("churned", 10, 0)
    february = bridge(warehouse, "orders", "2024-02")
    assert (february["churned"], february["contraction"]) == (10, 0)
    assert (february["churned_customer_count"], february["logo_churn_rate"]) == (1, 0.5)


def test_change_of_plan_is_expansion_or_contraction_and_no_churn(months) -> None:
    warehouse = months[1]
    assert movement(warehouse, "subscriptions", "upgraded")["2024-03"] == ("expansion", 10, 30)
    assert movement(warehouse, "subscriptions", "cut")["2024-03"] == ("contraction", 30, 10)
    march = bridge(warehouse, "subscriptions", "2024-03")
    found = [march[name] for name in ("expansion", "contraction", "churned", "new")]
    assert found == [20, 20, 0, 0]


def test_gap_month_does_not_vanish(months) -> None:
    """Nobody bought from February 2022 to December 2023; gap bought nothing in February 2024."""
    warehouse = months[1]
    found = sorted(growth(warehouse))
    assert len(found) == 32 and (found[0], found[-1]) == (month("2022-01"), month("2024-08"))
    empty = growth(warehouse)[month("2023-06")]
    assert (empty["active_count"], empty["churned_count"], empty["quick_ratio"]) == (0, 0, None)
    assert growth(warehouse)[month("2022-02")]["churned_count"] == 1
    closed = bridge(warehouse, "orders", "2023-06")
    assert (closed["opening"], closed["closing"], closed["churned"]) == (0, 0, 0)
    assert movement(warehouse, "orders", "gap") == {
        "2024-01": ("new", 0, 10),
        "2024-02": ("churned", 10, 0),
        "2024-03": ("reactivated", 0, 20),
        "2024-04": ("churned", 20, 0),
    }


def test_month_that_is_not_over_churns_nobody(months) -> None:
    """steady bought every month; by 15 August they may still."""
    warehouse = months[1]
    august = growth(warehouse)[month("2024-08")]
    assert (august["active_count"], august["churned_count"]) == (0, None)
    assert (august["quick_ratio"], august["is_complete"]) == (None, False)
    assert movement(warehouse, "orders", "steady")["2024-08"] == ("pending", 10, 0)
    row = bridge(warehouse, "orders", "2024-08")
    names = ("churned", "contraction", "churned_customer_count")
    assert [row[name] for name in (*names, "gross_retention_rate", "logo_churn_rate")] == [None] * 5
    assert row["opening"] == 10 and not row["is_complete"]


def test_running_subscription_goes_on_in_a_month_that_is_not_over(months) -> None:
    warehouse = months[1]
    assert movement(warehouse, "subscriptions", "upgraded")["2024-08"] == ("unchanged", 30, 30)
    assert bridge(warehouse, "subscriptions", "2024-08")["closing"] == 65


def test_nothing_follows_the_as_of_date(months) -> None:
    warehouse = months[1]
    for name, column in (
        ("growth_accounting", "period_start"),
        ("customer_movements", "month"),
        ("revenue_movements", "month"),
    ):
        last = query(warehouse, f"select max({column}) from marts.{name}")[0][0]
        assert last <= MONTHS_AS_OF, name
    assert movement(warehouse, "orders", "late") == {}
    assert movement(warehouse, "subscriptions", "late") == {}


# Averages of cohorts; the as-of date is in the middle of April

COHORT_ORDERS = [
    *(f"a{number},jan{number},2024-01-10,10" for number in range(4)),
    "a9,jan0,2024-02-10,10",
    "b1,feb,2024-02-12,10",
    "b2,feb,2024-03-12,10",
    "c1,mar1,2024-03-20,10",
    "c2,mar2,2024-03-20,10",
    # April is not over: these two are early, and nobody knows who else comes.
    "c3,mar1,2024-04-02,10",
    "c4,mar2,2024-04-02,10",
    "d1,apr,2024-04-15,10",
]


@pytest.fixture(scope="module")
def cohorts(tmp_path_factory) -> Warehouse:
    folder = tmp_path_factory.mktemp("cohorts")
    landing = write_landing(folder / "landing", orders=table(ORDERS, COHORT_ORDERS))
    return built(folder / "warehouse", landing, ["retention_cohorts"])


def test_immature_months_are_marked_and_left_out_of_averages(cohorts: Warehouse) -> None:
    rows = mart(cohorts, "retention_cohorts", ["activity", "cohort_month", "age_months"])
    immature = {
        (f"{key[1]:%Y-%m}", key[2])
        for key, row in rows.items()
        if key[0] == "order" and not row["is_mature"]
    }
    assert immature == {("2024-01", 3), ("2024-02", 2), ("2024-03", 1), ("2024-04", 0)}
    averages = "select sum(retained_count) / sum(cohort_size) from marts.retention_cohorts"
    wanted = "where activity = 'order' and age_months = 1"
    # With April it would be 4 of 7.
    assert query(cohorts, f"{averages} {wanted} and is_mature") == [(pytest.approx(2 / 5),)]
    assert query(cohorts, f"{averages} {wanted}") == [(pytest.approx(4 / 7),)]


def test_averages_of_cohorts_are_weighted_by_size(cohorts: Warehouse) -> None:
    """1 of 4 from January and 1 of 1 from February are 2 of 5, not the mean of 0.25 and 1."""
    text = (PROJECT_DIR / "analyses" / "retention_by_age.sql").read_text()
    rows = query(cohorts, re.sub(r"\{\{ ref\('(\w+)'\) \}\}", r"marts.\1", text))
    by_age = {row[0]: (int(row[1]), int(row[2]), float(row[3])) for row in rows}
    assert by_age == {
        0: (7, 7, 1.0),
        1: (5, 2, pytest.approx(0.4)),
        2: (4, 0, 0.0),
    }
    rates = query(
        cohorts,
        "select avg(retention_rate) from marts.retention_cohorts"
        " where activity = 'order' and age_months = 1 and is_mature",
    )
    assert rates == [(pytest.approx(0.625),)]


# Windows, refunds, guests; the as-of date is 31 December

ENTRIES = [
    # Bought on the last moment of day 90, and on the first of day 91.
    "t1,trial90,2024-01-10T18:00:00Z,0,trial,,,,",
    "t2,trial90,2024-04-09T23:59:59Z,10,,,,,",
    "t3,trial91,2024-02-10T18:00:00Z,0,trial,,,,",
    "t4,trial91,2024-05-11T00:00:00Z,10,,,,,",
    "t5,plan90,2024-04-14T23:59:59Z,10,,,,,",
    "t6,plan91,2024-05-16T00:00:00Z,10,,,,,",
    # Windows that end on the as-of date and on the day after.
    "t7,trial_over,2024-10-02,0,trial,,,,",
    "t8,trial_open,2024-11-02,0,trial,,,,",
    "w1,back90,2023-05-01,10,,,,,",
    "w2,back90,2024-04-09T23:59:59Z,10,,,,,",
    "w3,back91,2023-05-01,10,,,,,",
    "w4,back91,2024-05-11T00:00:00Z,10,,,,,",
    "w5,not_back,2023-05-01,10,,,,,",
    "w6,may_be_back,2023-05-01,10,,,,,",
    # Guest checkouts, each with an id of its own.
    "g1,guest1,2021-01-10,10,,,,,",
    "g2,guest2,2021-02-10,10,,,,,",
    "g3,guest3,2021-03-10,10,,,,,",
    # Orders whose later versions are in the other file.
    "r1,two_steps,2024-03-01T10:00:00Z,100,,placed,,,",
    "r2,given_back_twice,2024-03-01T10:00:00Z,100,,paid,3,2024-03-05T10:00:00Z,",
    "r3,all_given_back,2024-03-01T10:00:00Z,100,,paid,,,",
    "last,somebody,2024-12-31,10,,,,,",
]
LATER_VERSIONS = [
    "r1,two_steps,2024-03-01T10:00:00Z,100,,fulfilled,40,2024-03-09T10:00:00Z,2024-03-02T10:00:00Z",
    "r2,given_back_twice,2024-03-01T10:00:00Z,100,,paid,5,2024-03-09T10:00:00Z,",
    "r3,all_given_back,2024-03-01T10:00:00Z,100,,refunded,100,2024-03-09T10:00:00Z,",
]
ENTRY_COLUMNS = f"{ORDERS},kind,status,refund_amount,refunded_at,invoiced_at"
TRIALS = [
    "p1,plan90,2024-01-01,10,2024-01-15,2024-01-15",
    "p2,plan91,2024-02-01,10,2024-02-15,2024-02-15",
]
CONTACTS = [
    "c1,back90,2024-01-10T18:00:00Z,win_back",
    "c2,back91,2024-02-10T18:00:00Z,win_back",
    "c3,not_back,2024-10-02,win_back",
    "c4,may_be_back,2024-11-02,win_back",
]
GUESTS = ["guest1,Ann@Example.org", "guest2, ann@example.org ", "guest3,ANN@EXAMPLE.ORG"]
ENTRY_MARTS = (
    "trial_conversion",
    "win_back_results",
    "customer_movements",
    "revenue_movements",
    "retention_cohorts",
    "customers",
    "customer_lifecycle",
    "row_accounting",
)


@pytest.fixture(scope="module")
def entries(tmp_path_factory) -> Warehouse:
    folder = tmp_path_factory.mktemp("entries")
    landing = write_landing(
        folder / "landing",
        subscriptions=table(PLANS, TRIALS),
        touches=table("touch_id,customer_id,touched_at,purpose", CONTACTS),
        customers="customer_id,email\n" + "".join(f"{row}\n" for row in GUESTS),
    )
    # The third delivery repeats the second, as exports do.
    files = {"day1": ENTRIES, "day2": LATER_VERSIONS, "day3": LATER_VERSIONS}
    orders_folder(landing, ENTRY_COLUMNS, **files)
    return built(folder / "warehouse", landing, ENTRY_MARTS)


@pytest.mark.parametrize(
    ("kind", "started", "in_window"),
    [
        ("trial", "2024-01", 1),
        ("trial", "2024-02", 0),
        ("subscription", "2024-01", 1),
        ("subscription", "2024-02", 0),
    ],
)
def test_purchase_on_the_last_day_of_the_trials_window_is_a_conversion(
    entries: Warehouse, kind: str, started: str, in_window: int
) -> None:
    row = mart(entries, "trial_conversion", ["trial_kind", "month"])[(kind, month(started))]
    assert (row["started_count"], row["bought_count"]) == (1, 1)
    assert row["bought_in_window_count"] == in_window
    assert row["conversion_rate"] == in_window


@pytest.mark.parametrize(("asked", "won"), [("2024-01", 1), ("2024-02", 0)])
def test_purchase_on_the_last_day_of_the_win_back_window_is_won_back(
    entries: Warehouse, asked: str, won: int
) -> None:
    row = mart(entries, "win_back_results", ["month"])[(month(asked),)]
    assert (row["contacted_count"], row["lost_contacted_count"]) == (1, 1)
    assert (row["won_back_count"], row["win_back_rate"]) == (won, won)


def test_window_that_ends_on_the_as_of_date_is_over(entries: Warehouse) -> None:
    trials = mart(entries, "trial_conversion", ["trial_kind", "month"])
    contacts = mart(entries, "win_back_results", ["month"])
    for rows, key in ((trials, ("trial",)), (contacts, ())):
        assert rows[(*key, month("2024-10"))]["is_mature"]
        assert not rows[(*key, month("2024-11"))]["is_mature"]
    whole = contacts[(None,)]
    assert (whole["contacted_count"], whole["won_back_count"]) == (3, 1)


@pytest.mark.parametrize(
    ("customer", "orders", "revenue"),
    [("two_steps", 1, 60), ("given_back_twice", 1, 95), ("all_given_back", 0, 0)],
)
def test_refund_does_not_double_with_the_versions_of_an_order(
    entries: Warehouse, customer: str, orders: int, revenue: int
) -> None:
    row = mart(entries, "customers", ["customer_id"])[(customer,)]
    assert (row["order_count"], row["net_revenue"]) == (orders, revenue)
    moved = movement(entries, "orders", customer)
    assert moved.get("2024-03") == (("new", 0, revenue) if revenue else None)


def test_amounts_of_all_versions_are_accounted_for_once(entries: Warehouse) -> None:
    accepted = query(
        entries,
        "select sum(accepted_count), sum(duplicate_count), sum(quarantined_count)"
        " from marts.row_accounting where input = 'orders'",
    )
    assert accepted == [(len(ENTRIES), 2 * len(LATER_VERSIONS), 0)]
    march = bridge(entries, "orders", "2024-03")
    assert (march["new"], march["closing"]) == (Decimal(155), Decimal(155))


def test_guest_checkouts_are_one_customer(entries: Warehouse) -> None:
    customers = mart(entries, "customers", ["customer_id"])
    (guest,) = (key for key in customers if key[0].startswith("guest"))
    assert (customers[guest]["source_id_count"], customers[guest]["order_count"]) == (3, 3)
    assert mart(entries, "customer_lifecycle", ["customer_id"])[guest]["stage"] == "repeat"
    rows = mart(entries, "retention_cohorts", ["activity", "cohort_month", "age_months"])
    found = [rows[("order", month("2021-01"), age)] for age in range(4)]
    assert [row["cohort_size"] for row in found] == [1, 1, 1, 1]
    assert [row["retained_count"] for row in found] == [1, 1, 1, 0]
    later = [("order", month(text), 0) for text in ("2021-02", "2021-03")]
    assert not any(key in rows for key in later)
    assert movement(entries, "orders", guest[0]) == {
        "2021-01": ("new", 0, 10),
        "2021-02": ("unchanged", 10, 10),
        "2021-03": ("unchanged", 10, 10),
        "2021-04": ("churned", 10, 0),
    }
