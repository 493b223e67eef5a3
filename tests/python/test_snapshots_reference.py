"""Snapshots and their outcomes against a reference that gathers each past day anew."""

import csv
import hashlib
import json
import shutil
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import duckdb
import pytest
import reference_snapshots
import snapshot_stories
from built_marts import SHOWN, Rows, built, differences, query
from reference import Reference
from reference_snapshots import Snapshots

from evergreen.build import run_dbt
from evergreen.demo import generate
from evergreen.paths import Warehouse

MODELS = ("int_customer_snapshots", "int_snapshot_outcomes")
KEY = ("customer_id", "cutoff_date")
END = date(2024, 12, 31)
STORIES_END = date(2024, 2, 29)
INPUTS = (
    *("orders", "order_items", "logins", "surveys", "customers", "touches", "events", "tickets"),
    *("referrals", "advocacy_acts", "subscriptions"),
)
IMPOSSIBLE = {
    "responded_at": "sent_at",
    "resolved_at": "opened_at",
    "first_replied_at": "opened_at",
}
"""A later time -> the earlier one that stands in for it where it lies before it."""


@dataclass
class Case:
    """Built tables, and the same from the reference, worked out once."""

    warehouse: Warehouse
    data: Snapshots

    @cached_property
    def expected(self) -> dict[str, Rows]:
        return {model: getattr(reference_snapshots, model)(self.data) for model in MODELS}


def rows_of(warehouse: Warehouse, model: str) -> Rows:
    """Every row of an intermediate model by customer and cut-off date."""
    with duckdb.connect(str(warehouse.work_file), read_only=True) as con:
        found = con.execute(f"from intermediate.{model}")
        columns = [column[0] for column in found.description]
        rows = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
    by_key = {tuple(row[column] for column in KEY): row for row in rows}
    assert len(by_key) == len(rows), f"{model}: several rows with one key"
    return by_key


def accepted_files(warehouse: Warehouse, folder: Path) -> Path:
    """What was accepted of dirty files, as clean ones. Their checking has tests of its own."""
    folder.mkdir()
    for table in INPUTS:
        with duckdb.connect(str(warehouse.work_file), read_only=True) as con:
            found = con.execute(f"from staging.base_{table} where row_status = 'accepted'")
            columns = [column[0] for column in found.description]
            rows = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
        for row in rows:
            for later, earlier in IMPOSSIBLE.items():
                if row.get(later) and row.get(earlier):
                    row[later] = max(row[later], row[earlier])
        with (folder / f"{table}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows({name: text(value) for name, value in row.items()} for row in rows)
    return folder


def text(value) -> object:
    return str(value).lower() if isinstance(value, bool) else value


@pytest.fixture(scope="module")
def stories(tmp_path_factory) -> Case:
    folder = tmp_path_factory.mktemp("stories")
    landing = snapshot_stories.write(STORIES_END, folder / "landing")
    warehouse = built(folder / "warehouse", landing, (*MODELS, "row_accounting"), STORIES_END)
    return Case(warehouse, Snapshots(Reference(landing, STORIES_END)))


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Case:
    folder = tmp_path_factory.mktemp("demo")
    landing = folder / "landing"
    generate(customers=300, months=24, seed=9, out=landing, dirt=0.03)
    warehouse = built(folder / "warehouse", landing, MODELS)
    return Case(warehouse, Snapshots(Reference(accepted_files(warehouse, folder / "clean"), END)))


@pytest.fixture(params=["demo", "stories"])
def case(request) -> Case:
    return request.getfixturevalue(request.param)


def test_cutoffs_are_every_30_days_since_the_first_sign_of_anybody(case: Case) -> None:
    found = query(
        case.warehouse,
        "select cutoff_number, cutoff_date, is_as_of from intermediate.int_cutoffs order by 1",
    )
    assert found == [(number, day, number == 0) for number, day in case.data.cutoffs]
    assert len(found) > 20


@pytest.mark.parametrize("model", MODELS)
def test_model_equals_the_reference_cell_by_cell(case: Case, model: str) -> None:
    """All rows and all columns: a column that nobody recomputed is a difference as well."""
    expected, found = case.expected[model], rows_of(case.warehouse, model)
    lines = differences(expected, found)
    recomputed = {*KEY, *next(iter(expected.values()))}
    lines += [
        f"column {name}: not recomputed" for name in {*next(iter(found.values()))} - recomputed
    ]
    columns = Counter(line.split(": ")[0].split(" ")[-1] for line in lines)
    assert not lines, f"{len(lines)} differences {columns.most_common()}:\n" + "\n".join(
        lines[:SHOWN]
    )


def test_large_warehouses_look_back_at_the_same_sample_on_each_past_day(
    stories: Case, tmp_path: Path
) -> None:
    """By order of md5, of all customers: it neither moves from day to day nor follows ids."""
    sampled = Warehouse(tmp_path)
    shutil.copy(stories.warehouse.work_file, sampled.work_file)
    shutil.copytree(stories.warehouse.folder / "target", tmp_path / "target")
    with duckdb.connect(str(sampled.work_file)) as con:
        con.execute(
            "update rules.thresholds set value = 50 where threshold = 'backtest_customer_count'"
        )
    given = ("--vars", json.dumps({"as_of_date": str(STORIES_END)}))
    assert run_dbt(sampled, ["run", "--select", "int_snapshot*", MODELS[0], *given]).success
    chosen = set(sorted(stories.data.people, key=lambda who: (md5(who), who))[:50])
    for model in MODELS:
        expected = {
            key
            for key, row in stories.expected[model].items()
            if key[0] in chosen or row["cutoff_number"] == 0
        }
        assert rows_of(sampled, model).keys() == expected


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


# A comparison proves nothing about rows that nobody has


def test_stories_are_clean(stories: Case) -> None:
    """The reference checks nothing; the demo is dirty on purpose, and read as it was accepted."""
    set_aside = "quarantined_count > 0 or duplicate_count > 0"
    assert (
        query(stories.warehouse, f"select input from marts.row_accounting where {set_aside}") == []
    )


def test_every_value_is_met_on_both_sides(case: Case) -> None:
    snapshots = case.expected["int_customer_snapshots"].values()
    outcomes = case.expected["int_snapshot_outcomes"].values()
    for rows, names in (
        (snapshots, ("is_lost", "churn_basis")),
        (outcomes, ("is_active_next_90d", "is_subscribed_after_90d")),
    ):
        for name in names:
            assert len({row[name] for row in rows}) == 2, name
    assert {(row["churn_basis"], row["is_churned"]) for row in outcomes} == {
        (basis, is_churned) for basis in ("contract", "activity") for is_churned in (True, False)
    }
    for name in (
        *("purchase_days_90d", "login_days_90d", "feature_days_90d", "failed_login_streak"),
        *("complaint_count_180d", "unresolved_ticket_count", "product_count", "net_revenue"),
    ):
        values = {row[name] for row in snapshots}
        assert len(values) > 1 and 0 in values, name
    for name in ("frequency", "mean_repeat_value", "usage_trend", "latest_score"):
        values = {row[name] for row in snapshots}
        assert None in values and len(values) > 2, name


# The reference itself, by hand


def story(stories: Case, model: str, number: int, name: str) -> dict | None:
    return stories.expected[model].get((f"{number}-{name}", STORIES_END - timedelta(30 * number)))


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("full-between-cutoffs", "purchase_day_count", 1),
        ("full-on-the-cutoff", "purchase_day_count", 1),
        ("full-a-day-later", "purchase_day_count", 2),
        ("two-on-one-day", "frequency", 0),
        ("failure-at-the-success", "failed_login_streak", 2),
        ("resolved-on-the-cutoff", "unresolved_ticket_count", 0),
        ("resolved-a-day-later", "unresolved_ticket_count", 1),
        ("tickets-180", "complaint_count_180d", 2),
        ("tied-answers", "latest_score", 100.0),
        ("tied-answers-ids-as-text", "latest_score", 0.0),
        ("answer-a-day-later", "latest_score", 30.0),
        ("bought-and-returned", "product_count", 1),
        ("returned-later", "product_count", 3),
        ("plan-ends-on-the-cutoff", "churn_basis", "activity"),
        ("plan-ends-on-the-cutoff", "is_lost", True),
        ("plan-ends-a-day-later", "churn_basis", "contract"),
        ("only-a-subscription", "days_silent", 200),
        ("orders-89", "purchase_days_90d", 1),
        ("orders-89", "purchase_days_365d", 3),
        ("logins-89", "login_days_90d", 2),
        ("logins-89", "feature_days_90d", 2),
        ("silent-179", "is_lost", False),
        ("silent-180", "is_lost", True),
        ("kept", "purchase_day_count", 1),
    ],
)
@pytest.mark.parametrize("number", [0, 13])
def test_snapshots_by_hand(stories: Case, number: int, name: str, column: str, value) -> None:
    assert story(stories, "int_customer_snapshots", number, name)[column] == value


@pytest.mark.parametrize(
    "name", ["only-a-failure", "full-on-its-day", "uses-only", "test", "folded"]
)
def test_who_did_nothing_that_counts_is_no_row(stories: Case, name: str) -> None:
    assert story(stories, "int_customer_snapshots", 3, name) is None


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("order-on-90", "purchase_days_next_90d", 1),
        ("order-on-90", "is_churned", False),
        ("order-on-91", "purchase_days_next_90d", 0),
        ("order-on-91", "is_churned", True),
        ("login-on-90", "is_active_next_90d", True),
        ("login-on-91", "is_active_next_90d", False),
        ("full-at-the-end-of-90", "purchase_days_next_90d", 1),
        ("bought-and-gave-back-in-the-window", "is_active_next_90d", False),
        ("plan-ends-and-restarts", "is_churned", False),
        ("plan-ends-and-restarts-on-90", "is_churned", False),
        ("plan-ends-and-restarts-on-91", "is_churned", True),
        ("plan-ends-on-90", "is_churned", True),
        ("plan-ends-on-91", "is_churned", False),
        ("plan-starts-on-90", "is_churned", False),
        ("plan-starts-on-91", "is_churned", True),
    ],
)
@pytest.mark.parametrize("number", [4, 13])
def test_outcomes_by_hand(stories: Case, number: int, name: str, column: str, value) -> None:
    assert story(stories, "int_snapshot_outcomes", number, name)[column] == value


def test_years_by_hand(stories: Case) -> None:
    assert (
        story(stories, "int_snapshot_outcomes", 13, "order-on-365")["purchase_days_next_365d"] == 1
    )
    assert (
        story(stories, "int_snapshot_outcomes", 13, "order-on-366")["purchase_days_next_365d"] == 0
    )
    assert (
        story(stories, "int_snapshot_outcomes", 4, "order-on-366")["purchase_days_next_365d"]
        is None
    )
    assert story(stories, "int_snapshot_outcomes", 1, "order-on-90") is None
    assert story(stories, "int_snapshot_outcomes", 3, "order-on-90")["purchase_days_next_90d"] == 1
