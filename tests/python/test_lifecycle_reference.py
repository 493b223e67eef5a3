"""The lifecycle marts against a brute-force reference that is written from the definitions."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import hard_customers
import pytest
import reference_marts
from reference import Reference

from evergreen.build import build
from evergreen.demo import generate
from evergreen.load import load
from evergreen.paths import Warehouse

KEYS = {
    "customer_lifecycle": ["customer_id"],
    "customer_months": ["customer_id", "month"],
    "retention_cohorts": ["activity", "cohort_month", "age_months"],
}
SHOWN = 12
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
    for table, text in REQUIRED.items():
        (landing / f"{table}.csv").write_text(tables.get(table, text))
    return make_case(folder, landing, date(2024, 8, 10), False)


def differences(expected: dict[tuple, dict], got: dict[tuple, dict]) -> list[str]:
    """Readable lines, one for each row or cell that differs."""
    lines = [f"{show(key)}: row missing from the mart" for key in expected.keys() - got.keys()]
    lines += [f"{show(key)}: row not expected" for key in got.keys() - expected.keys()]
    for key in expected.keys() & got.keys():
        lines += [
            f"{show(key)} {column}: expected {show([value])}, got {show([got[key][column]])}"
            for column, value in expected[key].items()
            if not is_same(value, got[key][column])
        ]
    return sorted(lines)


def is_same(expected, got) -> bool:
    if isinstance(expected, float):
        return got == pytest.approx(expected, abs=1e-12)
    return expected == got


def show(values) -> str:
    return " ".join(str(value) for value in values)


def assert_marts_equal_the_reference(case: Case) -> None:
    for mart in KEYS:
        found = differences(getattr(reference_marts, mart)(case.reference), case.mart(mart))
        assert not found, f"{mart}, first differences:\n" + "\n".join(found[:SHOWN])


@pytest.mark.parametrize("mart", KEYS)
def test_mart_equals_the_reference_cell_by_cell(case: Case, mart: str) -> None:
    expected = getattr(reference_marts, mart)(case.reference)
    found = differences(expected, case.mart(mart))
    assert expected, "the reference has no rows: the case shows nothing"
    assert not found, f"{len(found)} differences, first:\n" + "\n".join(found[:SHOWN])


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
