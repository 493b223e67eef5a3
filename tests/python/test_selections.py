"""Named selections of dbt, and whether feeds still deliver."""

import json
import shutil

import duckdb
import pytest
import yaml

from evergreen.build import run_dbt
from evergreen.contract import read_contract
from evergreen.paths import PROJECT_DIR, Warehouse
from evergreen.refresh import FITTED_MODELS

HEADLINE = {
    "customer_lifecycle",
    "customer_churn_risk",
    "customer_lifetime_value",
    "customer_advocacy",
    "cross_sell_readiness",
}
SELECTORS = yaml.safe_load((PROJECT_DIR / "selectors.yml").read_text())["selectors"]
FOLDERS = {folder.name for folder in (PROJECT_DIR / "models" / "marts").iterdir()}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory) -> Warehouse:
    return Warehouse(tmp_path_factory.mktemp("selections"))


def selected(warehouse: Warehouse, *arguments: str) -> set[str]:
    """Unique ids of what dbt selects."""
    result = run_dbt(warehouse, ["--quiet", "ls", "--output", "json", *arguments])
    assert result.success, result.exception
    return {json.loads(line)["unique_id"] for line in result.result}


def models(ids: set[str]) -> set[str]:
    return {name.split(".")[-1] for name in ids if name.startswith("model.")}


def test_every_question_has_a_selector_and_every_selector_says_what_it_is():
    names = [selector["name"] for selector in SELECTORS]
    assert len(names) == len(set(names))
    assert set(names) == FOLDERS | {"nightly", "headline", "after_fit"}
    assert all(selector["description"].strip() for selector in SELECTORS)


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_a_question_builds_its_marts_with_all_that_feeds_them(warehouse, folder):
    found = models(selected(warehouse, "--selector", folder))
    marts = {file.stem for file in (PROJECT_DIR / "models" / "marts" / folder).glob("*.sql")}
    assert marts and marts <= found
    assert "stg_calendar" in found, "without the parents a first build fails"


def test_headline_is_the_five_marts_and_their_parents(warehouse):
    found = models(selected(warehouse, "--selector", "headline"))
    assert found >= HEADLINE
    assert found == models(selected(warehouse, "--select", *[f"+{mart}" for mart in HEADLINE]))


def test_nightly_is_everything_but_unit_tests(warehouse):
    everything = selected(warehouse, "--select", "*", "--exclude-resource-type", "unit_test")
    found = selected(warehouse, "--selector", "nightly")
    assert found == everything
    assert not any(name.startswith("unit_test.") for name in found)


def test_after_fit_is_what_a_refresh_builds_again(warehouse):
    wanted = models(selected(warehouse, "--select", *FITTED_MODELS.split()))
    assert models(selected(warehouse, "--selector", "after_fit")) == wanted
    assert "customer_lifetime_value" in wanted


@pytest.fixture
def copied(published, tmp_path) -> Warehouse:
    """A work file of its own, just loaded."""
    shutil.copy(published.warehouse.work_file, tmp_path / "work.duckdb")
    return Warehouse(tmp_path)


def freshness(warehouse: Warehouse) -> dict[str, str]:
    """Status by input, of those that have a limit. As `dbt source freshness` says it."""
    output = warehouse.folder / "target" / "sources.json"
    result = run_dbt(warehouse, ["source", "freshness", "--output", str(output)])
    assert result.exception is None
    nodes = [found for found in result.result if found.node.resource_type == "source"]
    failed = {found.status for found in nodes} & {"error", "runtime error"}
    assert result.success == (not failed)
    return {found.node.name: str(found.status) for found in nodes}


def test_a_feed_that_stopped_is_told_and_one_that_never_began_is_not(copied):
    with duckdb.connect(str(copied.work_file)) as con:
        for table, days in {"orders": 3, "logins": 8, "surveys": 13, "customers": 900}.items():
            con.execute(f"update raw.{table} set _loaded_at = _loaded_at - to_days(?)", [days])
        con.execute("delete from raw.tickets")
        con.execute("drop table raw.touches")
    found = freshness(copied)
    assert (found["orders"], found["logins"]) == ("warn", "error")
    assert found["surveys"] == "pass", "surveys may wait for 14 days"
    assert (found["tickets"], found["touches"]) == ("pass", "pass"), "never had a file"
    assert "customers" not in found, "a list that changes seldom has no limit"
    assert set(found) < set(read_contract().table_names)


def test_every_feed_of_events_has_a_limit(copied):
    assert freshness(copied) == {
        name: "pass"
        for name in (
            *("orders", "order_items", "logins", "surveys", "touches", "events", "tickets"),
            "subscriptions",
        )
    }
