"""The marts of advocacy against a recomputation in plain Python, and the demo's planted truth."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import advocacy_stories
import duckdb
import hard_customers
import pytest
import reference_advocacy
from built_marts import Rows, assert_mart_equals, build_marts, built, query
from reference import Reference
from reference_advocacy import Advocacy, Complaints

from evergreen.demo import PLANTED, generate
from evergreen.paths import Warehouse

KEYS = {
    "customer_advocacy": ["customer_id"],
    "advocacy_tiers": ["month"],
    "referrals": ["referral_id"],
    "referral_sources": ["referrer_id"],
    "advocacy_correlations": ["axis", "other_axis"],
}
END, PAST = date(2024, 12, 31), date(2023, 2, 15)


@dataclass
class Case:
    """Built marts, and the same from the reference, worked out once."""

    warehouse: Warehouse
    reference: Reference

    @cached_property
    def data(self) -> Advocacy:
        return Advocacy(self.reference, complaints(self.warehouse))

    @cached_property
    def expected(self) -> dict[str, Rows]:
        return {mart: getattr(reference_advocacy, mart)(self.data) for mart in KEYS}

    def values(self, mart: str, column: str) -> Counter:
        return Counter(row[column] for row in self.expected[mart].values())

    def tale(self, name: str) -> dict:
        return self.expected["customer_advocacy"][(f"tale-{name}",)]

    def sent(self, name: str) -> list[dict]:
        """Referrals that the tale sent, in time."""
        rows = self.expected["referrals"].values()
        made = [row for row in rows if row["referrer_id"] == f"tale-{name}"]
        return sorted(made, key=lambda row: row["referred_at"])


def complaints(warehouse: Warehouse) -> dict[str, Complaints]:
    """What became of complaints is told elsewhere: the model of it is taken as given."""
    found: dict[str, list] = {}
    rows = query(
        warehouse, "select customer_id, is_resolved, is_recovered from intermediate.int_complaints"
    )
    for customer_id, is_resolved, is_recovered in rows:
        found.setdefault(customer_id, []).append((is_resolved, is_recovered))
    return {
        key: Complaints(
            sum(is_recovered is True for _, is_recovered in each),
            True
            if any(is_resolved is False for is_resolved, _ in each)
            else None
            if any(is_resolved is None for is_resolved, _ in each)
            else False,
        )
        for key, each in found.items()
    }


@pytest.fixture(scope="module", params=["demo", "hard_in_the_past"])
def case(request, tmp_path_factory) -> Case:
    """The demo, and the customers on the boundaries on a past day; the tales among both."""
    folder = tmp_path_factory.mktemp(request.param)
    landing, as_of = folder / "landing", END if request.param == "demo" else PAST
    if as_of == END:
        generate(customers=500, months=18, seed=6, out=landing)
    else:
        hard_customers.write(hard_customers.HardCustomers(count=200, seed=12).tables, landing)
    advocacy_stories.tell(landing, as_of)
    marts = (*KEYS, "row_accounting")
    warehouse = built(folder / "warehouse", landing, marts, as_of if as_of != END else None)
    return Case(warehouse, Reference(landing, as_of))


@pytest.mark.parametrize("mart", KEYS)
def test_mart_equals_the_reference_cell_by_cell(case: Case, mart: str) -> None:
    assert_mart_equals(case.warehouse, mart, KEYS[mart], case.expected[mart])


def test_inputs_are_clean(case: Case) -> None:
    """The reference checks nothing."""
    set_aside = "quarantined_count > 0 or duplicate_count > 0"
    found = query(case.warehouse, f"select input from marts.row_accounting where {set_aside}")
    assert found == []


# A comparison proves nothing about rows that nobody has


def test_reference_has_every_kind_of_customer(case: Case) -> None:
    for column, values in {
        "advocacy_tier": {"lurker", "liker", "lover"},
        "quadrant": {"loyal_advocate", "loyal_silent", "disloyal_advocate", "neither"},
        "nps_class": {"promoter", "passive", "detractor", None},
        "next_ask": {*reference_advocacy.ASKS, None},
        "next_ask_blocked_by": {
            *("opinion_unknown", "not_promoter", "lost", "consent_refused", "open_complaint"),
            *("all_done", None),
        },
        "has_open_complaint": {True, False},
    }.items():
        assert case.values("customer_advocacy", column).keys() >= values, column
    percentiles = case.values("customer_advocacy", "value_percentile")
    assert max(count for value, count in percentiles.items() if value is not None) >= 3
    assert case.values("customer_advocacy", "loyalty_score")[50.0]
    assert case.values("customer_advocacy", "recovered_complaint_count").keys() >= {None, 0, 1}


def test_reference_has_every_kind_of_referral(case: Case) -> None:
    for column in ("is_self_referral", "is_cycle", "is_first", "is_converted"):
        assert case.values("referrals", column).keys() == {True, False}, column
    assert case.values("referrals", "depth").keys() >= {None, 1, 2, 3, 4}
    assert case.values("referrals", "days_to_convert")[0]
    assert case.values("referrals", "referred_customer_id")[None]
    sources = case.expected["referral_sources"].values()
    assert any(row["second_generation_count"] for row in sources)
    assert any(row["conversion_rate"] is None for row in case.expected["referral_sources"].values())


def test_reference_has_months_with_and_without_lovers(case: Case) -> None:
    months = case.expected["advocacy_tiers"].values()
    assert {row["lover_count"] > 0 for row in months} == {True, False}
    assert {row["is_complete"] for row in months} == {True, case.reference.as_of == END}
    assert any(row["effect_of_one_percent_customers"] for row in months)


# The reference itself, by hand


def test_tales_end_as_they_should(case: Case) -> None:
    for name, tier in {
        "deed-364": "lover",
        "deed-365": "lover",
        "deed-366": "lurker",
        "nps-9": "liker",
        "nps-8": "lurker",
        "csat-4": "liker",
        "csat-3": "lurker",
    }.items():
        assert case.tale(name)["advocacy_tier"] == tier, name
    assert case.tale("asked-and-silent")["latest_nps_score"] is None
    assert case.tale("once-long-ago")["loyalty_score"] == 0
    assert case.tale("nps-9")["next_ask"] == "review"
    assert case.tale("deed-today")["loyalty_score"] is None
    assert case.tale("deed-today")["quadrant"] == "disloyal_advocate"
    assert case.tale("loyal-at-the-limit")["quadrant"] == "loyal_silent"
    assert case.tale("ask-complains")["next_ask_blocked_by"] == "open_complaint"
    assert case.tale("ask-complained")["next_ask"] == "review"
    assert case.tale("ask-refused")["next_ask_blocked_by"] == "consent_refused"


def test_referrals_of_the_tales_end_as_they_should(case: Case) -> None:
    assert [row["is_converted"] for row in case.sent("first-referrer")] == [True]
    assert [row["is_converted"] for row in case.sent("second-referrer")] == [False]
    assert [row["is_self_referral"] for row in case.sent("self-referrer")] == [True]
    assert [row["is_first"] for row in case.sent("honest-after-self")] == [True]
    assert [row["revenue"] for row in case.sent("refund-referrer")] == [0, 100]
    assert [row["revenue"] for row in case.sent("partly-referrer")] == [175]
    assert [row["revenue"] for row in case.sent("year-referrer")] == [400]
    assert [row["depth"] for row in case.sent("chain-3")] == [3]
    assert [row["is_cycle"] for row in case.sent("chain-5")] == [False, True]
    for name in ("ring-of-2-a", "ring-of-3-a", "ring-of-3-b", "ring-of-3-c"):
        assert [(row["is_cycle"], row["depth"]) for row in case.sent(name)] == [(True, None)]
    assert [row["is_cycle"] for row in case.sent("ring-of-2-b")] == [True, False]
    assert [(row["is_cycle"], row["depth"]) for row in case.sent("below-ring")] == [(False, None)]
    assert (case.tale("first-referrer")["referred_revenue"]) == 200


# Three axes


def test_axes_share_no_input(tmp_path) -> None:
    """More deeds change nothing but advocacy, other amounts nothing but value."""
    landing = tmp_path / "landing"
    generate(customers=150, months=9, seed=2, out=landing)
    warehouse = built(tmp_path / "warehouse", landing, ["customer_advocacy"])
    before = axes(warehouse)
    with duckdb.connect(str(warehouse.work_file)) as con:
        con.execute(
            "insert into raw.advocacy_acts (act_id, customer_id, acted_at, act)"
            " select 'more-' || customer_id, customer_id, '2024-12-01T12:00:00Z', 'press'"
            " from raw.customers"
        )
    build_marts(warehouse, ["customer_advocacy"])
    with_deeds = axes(warehouse)
    with duckdb.connect(str(warehouse.work_file)) as con:
        con.execute(
            "update raw.orders set amount = (100 * hash(order_id)::double / 2e19 + 1)::text"
            " where try_cast(amount as double) > 0 and coalesce(refund_amount, '') = ''"
        )
    build_marts(warehouse, ["customer_advocacy"])
    with_amounts = axes(warehouse)
    assert changed(before, with_deeds) == {"advocacy"}
    assert changed(with_deeds, with_amounts) == {"value"}


def axes(warehouse: Warehouse) -> dict[str, list]:
    columns = {
        "loyalty": "loyalty_score",
        "value": "value_percentile",
        "advocacy": "advocacy_score",
    }
    return {
        axis: query(
            warehouse, f"select customer_id, {column} from marts.customer_advocacy order by all"
        )
        for axis, column in columns.items()
    }


def changed(before: dict[str, list], after: dict[str, list]) -> set[str]:
    return {axis for axis in before if before[axis] != after[axis]}


def test_disloyal_advocates_of_the_demo_are_in_their_quadrant(tmp_path) -> None:
    """Planted: 4 % of the buyers do two deeds or more within 45 days and never buy again."""
    assert "disloyal_advocates" in {truth.name for truth in PLANTED}
    landing = tmp_path / "landing"
    generate(customers=1500, months=12, seed=8, out=landing)
    warehouse = built(tmp_path / "warehouse", landing, ["customer_advocacy"])
    with duckdb.connect() as con:
        for table in ("orders", "advocacy_acts"):
            con.execute(f"create view {table} as from read_csv('{landing / table}.csv')")
        planted = con.execute(
            """
            with buyer as (
                select customer_id, count(*) as orders
                from orders where kind = 'standard' group by all
            ),
            deeds as (select customer_id, count(*) as deeds from advocacy_acts group by all)
            select customer_id from buyer join deeds using (customer_id)
            where orders = 1 and deeds >= 2
            """
        ).fetchall()
    found = dict(query(warehouse, "select customer_id, quadrant from marts.customer_advocacy"))
    quadrants = Counter(found[customer_id] for (customer_id,) in planted if customer_id in found)
    assert quadrants.total() >= 15
    assert quadrants["disloyal_advocate"] / quadrants.total() >= 0.9, quadrants
    advocates = Counter(found.values())
    assert advocates["disloyal_advocate"] >= quadrants["disloyal_advocate"]
    assert advocates["loyal_advocate"] > 0
    assert advocates["loyal_silent"] > advocates["loyal_advocate"], advocates
