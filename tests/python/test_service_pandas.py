"""Complaints, exit reasons, promises, products and support hours against plain pandas."""

import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pandas_service
import pytest
import service_facts
from built_marts import Rows, assert_mart_equals, built, mart, table, write_landing
from pandas_service import ServiceFacts
from reference import Reference
from reference_retention import Retention

from evergreen.demo import generate
from evergreen.paths import PROJECT_DIR, Warehouse

SHARED = os.environ.get("EVERGREEN_SHARED_DATA")
needs_shared = pytest.mark.skipif(
    not SHARED, reason="EVERGREEN_SHARED_DATA does not name the folder of the larger real data"
)
KEYS = {
    "complaints": ["ticket_id"],
    "unfiled_complaints": ["response_id"],
    "exit_reasons": ["reason", "competitor"],
    "promises_kept": ["order_id"],
    "product_quality": ["product_id"],
    "support_hours": ["weekday", "hour"],
}
DEMOS = {"demo": date(2024, 12, 31), "demo_in_the_past": date(2024, 9, 18)}
"""On a day in the past orders are on their way, tickets open and 90 days not over."""
SOURCES = {
    "olist": ["promises_kept", "product_quality"],
    "ravenstack": ["support_hours"],
}
"""Marts of which each source has rows to compare."""


@dataclass
class Case:
    """A built warehouse, the facts in its files, and the marts that follow from them."""

    warehouse: Warehouse
    facts: ServiceFacts
    done: dict[str, Rows] = field(default_factory=dict)

    def expected(self, name: str) -> Rows:
        if name not in self.done:
            self.done[name] = getattr(pandas_service, name)(self.facts)
        return self.done[name]

    def values(self, name: str, column: str) -> set:
        return {row[column] for row in self.expected(name).values()}


@pytest.fixture(scope="module", params=DEMOS)
def demo(request, tmp_path_factory) -> Case:
    folder, as_of = tmp_path_factory.mktemp(request.param), DEMOS[request.param]
    landing = folder / "landing"
    generate(customers=400, months=24, seed=8, out=landing)
    facts = service_facts.contract(Retention(Reference(landing, as_of)))
    return Case(built(folder / "warehouse", landing, KEYS, as_of), facts)


@pytest.mark.parametrize("name", KEYS)
def test_mart_equals_pandas(demo: Case, name: str) -> None:
    assert_mart_equals(demo.warehouse, name, KEYS[name], demo.expected(name))


def test_demo_meets_every_answer(demo: Case) -> None:
    """A comparison proves nothing about answers that nobody gets."""
    is_past = demo.facts.as_of.date() == DEMOS["demo_in_the_past"]
    assert demo.values("complaints", "is_recovered") == {True, False, None}
    assert demo.values("complaints", "is_long_wait") == {True, False}
    assert demo.values("promises_kept", "is_late") == {True, False, None}
    assert demo.values("promises_kept", "is_repeat_90d") == {True, False, None}
    assert demo.values("promises_kept", "is_invoiced_before_delivery") == {True, False, None}
    assert demo.values("promises_kept", "first_score_30d") > {None}
    assert len({reason for reason, _ in demo.expected("exit_reasons")}) > 4
    assert demo.values("exit_reasons", "returned_count") > {0}
    assert max(demo.values("product_quality", "return_rate")) > 0
    assert max(demo.values("product_quality", "complaint_rate")) > 0
    assert demo.values("unfiled_complaints", "survey") >= {"nps"}
    observed = demo.values("complaints", "silent_estimate_observed")
    assert min(observed) > 0
    if is_past:
        assert demo.values("complaints", "is_resolved") == {True, False}
        late = demo.expected("promises_kept").values()
        assert Counter(row["is_late"] for row in late if not row["is_delivered"])[True] > 0


@pytest.fixture(scope="module", params=[pytest.param(name, marks=needs_shared) for name in SOURCES])
def source(request, tmp_path_factory) -> tuple[Case, list[str]]:
    folder, landing = tmp_path_factory.mktemp(request.param), Path(SHARED) / request.param
    facts = getattr(service_facts, request.param)(landing)
    mapping = PROJECT_DIR / "mappings" / request.param
    warehouse = built(folder / "warehouse", landing, KEYS, None, mapping)
    return Case(warehouse, facts), SOURCES[request.param]


def test_real_data_equal_pandas(source: tuple[Case, list[str]]) -> None:
    case, names = source
    for name in names:
        assert_mart_equals(case.warehouse, name, KEYS[name], case.expected(name))


def test_what_a_source_does_not_tell_is_unknown(source: tuple[Case, list[str]]) -> None:
    """Olist has no tickets, refunds or returns; RavenStack's tickets have no kind and no wait."""
    case, _ = source
    assert mart(case.warehouse, "complaints", ["ticket_id"]) == {}
    # Olist has no tickets, and RavenStack no survey: nobody is seen not to have filed one.
    assert mart(case.warehouse, "unfiled_complaints", ["response_id"]) == {}
    for row in mart(case.warehouse, "product_quality", ["product_id"]).values():
        assert row["complaint_rate"] is None
        assert row["return_rate"] is None
        assert row["returned_quantity"] == (0 if row["order_count"] == 0 else None)
    for row in mart(case.warehouse, "support_hours", ["weekday", "hour"]).values():
        assert row["long_wait_rate"] is None
        assert row["untimed_ticket_count"] == row["ticket_count"]


@pytest.fixture(scope="module")
def dirty(tmp_path_factory) -> Warehouse:
    """Tickets and orders whose times cannot be, or have no time of day."""
    folder = tmp_path_factory.mktemp("dirty")
    landing = write_landing(
        folder / "landing",
        logins=table("login_id,customer_id,logged_in_at", ["l1,c1,2024-12-31T10:00:00Z"]),
        tickets=table(
            "ticket_id,customer_id,opened_at,kind,wait_seconds,first_replied_at,resolved_at",
            [
                "bad_reply,c1,2024-03-04T10:00:00Z,complaint,,2024-03-04T09:00:00Z,",
                "bad_end,c1,2024-03-04T10:00:00Z,complaint,,2024-03-04T11:00:00Z,2024-03-01",
                "day_alone,c1,2024-03-05,complaint,600,2024-03-05,2024-03-05",
                "same_day,c1,2024-03-05T10:00:00Z,complaint,601,2024-03-05,2024-03-06T10:00:00Z",
                "far_zone,c1,2024-03-03T23:59:00-05:00,question,,,",
            ],
        ),
        orders=table(
            "order_id,customer_id,ordered_at,amount,promised_at,delivered_at",
            [
                "before,c1,2024-03-04T10:00:00Z,5.00,2024-03-09,2024-03-03T10:00:00Z",
                "in_time,c1,2024-03-04T10:00:00Z,5.00,2024-03-09,2024-03-09T23:59:59Z",
                "never_promised,c1,2024-03-04T10:00:00Z,5.00,,2024-03-09",
            ],
        ),
    )
    return built(folder / "warehouse", landing, KEYS)


def test_impossible_ticket_times_stay_unknown(dirty: Warehouse) -> None:
    rows = mart(dirty, "complaints", ["ticket_id"])
    told = ("is_answered", "is_resolved", "is_recovered", "reply_hours", "days_open")
    assert {key: tuple(row[name] for name in told) for (key,), row in rows.items()} == {
        "bad_reply": (None, None, None, None, None),
        "bad_end": (True, None, None, 1.0, None),
        "day_alone": (True, True, False, 0.0, 0),
        "same_day": (True, True, False, None, 1),
    }
    assert [rows[(key,)]["is_long_wait"] for key in ("bad_end", "day_alone", "same_day")] == [
        None,
        False,
        True,
    ]


def test_hours_are_those_of_the_shop_and_days_are_no_hours(dirty: Warehouse) -> None:
    rows = mart(dirty, "support_hours", ["weekday", "hour"])
    opened = {
        key: (row["ticket_count"], row["untimed_ticket_count"])
        for key, row in rows.items()
        if row["ticket_count"]
    }
    assert len(rows) == 168
    assert opened == {(1, 4): (1, 0), (1, 10): (2, 0), (2, 0): (1, 1), (2, 10): (1, 0)}


def test_an_impossible_delivery_is_no_open_order(dirty: Warehouse) -> None:
    rows = mart(dirty, "promises_kept", ["order_id"])
    told = ("is_delivered", "is_late", "is_red_flag")
    assert {key: tuple(row[name] for name in told) for (key,), row in rows.items()} == {
        "before": (None, None, None),
        "in_time": (True, False, False),
    }
