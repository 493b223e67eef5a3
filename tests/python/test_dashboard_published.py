"""The dashboard of a refreshed warehouse: its numbers are those of the marts."""

import json

import pytest
from dashboard_files import empty_file
from test_dashboard import Reader

from evergreen.dashboard import build_dashboard
from evergreen.dashboard.pages import PAGES


@pytest.fixture(scope="module")
def site(published, tmp_path_factory):
    return build_dashboard(published.warehouse, tmp_path_factory.mktemp("site") / "dashboard")


@pytest.fixture(scope="module")
def rows(site):
    found = {}
    for page in PAGES:
        reader = Reader((site.index.parent / page.file_name).read_text(encoding="utf-8"))
        for attrs, text in reader.scripts:
            if "data-rows" in attrs:
                found[attrs["data-rows"]] = json.loads(text)
    return found


def test_no_table_and_no_column_is_missing(site):
    states = {name: state for page in site.pages.values() for name, state in page.items()}
    missing = {name for name, state in states.items() if state == "missing"}
    assert missing <= {"overview-figures"}


def test_nearly_every_section_is_drawn(site):
    states = {name: state for page in site.pages.values() for name, state in page.items()}
    drawn = {name for name, state in states.items() if state == "drawn"}
    assert len(drawn) >= 0.7 * len(states), set(states) - drawn


def test_states_are_those_of_all_customers(rows, published):
    wanted = dict(published.query("select state, count(*) from marts.customers group by state"))
    assert {r["state"]: r["customer_count"] for r in rows["overview-states"]} == wanted
    assert sum(r["customer_share"] for r in rows["overview-states"]) == pytest.approx(1)


def test_the_last_month_of_states_is_that_of_the_lifecycle(rows, published):
    last = max(row["month"] for row in rows["lifecycle-states"])
    found = {
        r["state"]: r["customer_count"] for r in rows["lifecycle-states"] if r["month"] == last
    }
    wanted = dict(published.query("select state, count(*) from marts.customers group by state"))
    assert found == wanted


def test_the_funnel_never_widens(rows):
    counts = [row["customer_count"] for row in rows["lifecycle-funnel"]]
    assert counts == sorted(counts, reverse=True)
    assert len(counts) == 7


def test_bridges_close(rows):
    for stream in ("orders", "subscriptions"):
        steps = rows[f"overview-movements-{stream}"]
        assert sum(step["amount"] for step in steps[:-1]) == pytest.approx(steps[-1]["amount"])


def test_rows_are_accounted_for_as_in_the_mart(rows, published):
    landed = published.query("select sum(landed_count) from marts.row_accounting")[0][0]
    assert sum(row["landed_count"] for row in rows["trust-rows"]) == landed
    for row in rows["trust-rows"]:
        parts = row["accepted_count"] + row["duplicate_count"] + row["quarantined_count"]
        parts += row["erased_count"]
        assert parts == row["landed_count"]


def test_average_retention_is_weighted_by_size(rows, published):
    for row in rows["retention-age"]:
        wanted = published.query(
            "select sum(retained_count) / sum(cohort_size) from marts.retention_cohorts where "
            f"is_mature and activity = '{row['activity']}' and age_months = {row['age_months']}"
        )[0][0]
        assert row["retention_rate"] == pytest.approx(wanted)
    assert {row["retention_rate"] for row in rows["retention-age"] if row["age_months"] == 0} == {1}


def test_no_page_lists_customers(rows):
    for name, found in rows.items():
        assert not any("customer_id" in row for row in found) or name.startswith("contact-"), name


def test_empty_and_full_files_have_the_same_sections(site, tmp_path):
    report = build_dashboard(empty_file(tmp_path / "warehouse"))
    assert {p: set(s) for p, s in report.pages.items()} == {
        p: set(s) for p, s in site.pages.items()
    }
