"""The dashboard as a reader sees it: every page in Chromium, wide and narrow, light and dark."""

import csv
import io
import shutil
import sys
from pathlib import Path

import duckdb
import pytest
from browser import PHONE, WIDE, View, chromium
from built_marts import table, write_landing

from evergreen.dashboard import build_dashboard
from evergreen.dashboard.pages import PAGES
from evergreen.demo import generate
from evergreen.paths import PROJECT_DIR, Warehouse
from evergreen.refresh import refresh

sys.path.insert(0, str(PROJECT_DIR / "scripts"))

from bench_bi import enlarge

FILES = [page.file_name for page in PAGES]
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\u2028\"'&"
LOOKS = [(WIDE, "light"), (WIDE, "dark"), (PHONE, "light"), (PHONE, "dark")]


@pytest.fixture(scope="session")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Warehouse:
    """Large enough for models of value and churn to be fitted, so that no page is bare."""
    folder = tmp_path_factory.mktemp("dashboard")
    generate(1500, 18, 1, folder / "landing", dirt=0.01)
    warehouse = Warehouse(folder / "warehouse")
    refresh(warehouse, folder / "landing")
    build_dashboard(warehouse)
    return warehouse


@pytest.fixture(scope="session")
def site(demo) -> Path:
    return demo.folder / "dashboard"


@pytest.fixture
def query(demo):
    with duckdb.connect(str(demo.published_file), read_only=True) as con:
        yield lambda sql: con.execute(sql).fetchall()


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("size, scheme", LOOKS)
def test_every_page_is_drawn_whole(browser, site, file, size, scheme):
    with View(browser, site / file, size, scheme) as view:
        assert view.problems == []
        assert view.foreign_requests() == []
        assert view.overflow() <= 0
        charts = view.page.locator("[data-chart]")
        assert charts.count() > 0 or file in ("index.html",)
        for place in range(charts.count()):
            chart = charts.nth(place)
            name = chart.get_attribute("data-chart")
            assert chart.get_attribute("data-ready") == "true", name
            assert int(chart.get_attribute("data-marks")) > 0, name
            assert chart.bounding_box()["width"] <= size[0], name


@pytest.mark.parametrize("file", FILES)
def test_every_section_says_what_it_is_as_of_when_and_of_how_many(browser, site, file):
    with View(browser, site / file) as view:
        sections = view.page.locator("[data-section]")
        drawn = 0
        for place in range(sections.count()):
            section = sections.nth(place)
            text = section.inner_text()
            assert "as of 2024-12-31" in text
            assert len(section.locator(".definition").inner_text()) > 20
            if section.get_attribute("data-state") == "drawn":
                drawn += 1
        assert drawn > 0
        assert view.page.title().endswith("Evergreen")
        assert view.page.locator("h1").count() == 1


@pytest.mark.parametrize("file", FILES)
def test_a_page_weighs_less_than_two_megabytes_without_data(site, file):
    assets = sum(part.stat().st_size for part in (site / "assets").iterdir())
    assert assets + (site / file).stat().st_size < 2 * 2**20


def test_states_are_those_of_the_mart(browser, site, query):
    expected = dict(query("select state, count(*) from marts.customer_lifecycle group by state"))
    with View(browser, site / "index.html") as view:
        shown = {row["state"]: row["customer_count"] for row in view.rows("overview-states")}
        cells = view.page.locator("[data-section=overview-states] tbody tr").all_text_contents()
    assert {state: count for state, count in shown.items() if count} == expected
    for state, count in expected.items():
        assert any(state in cell and f"{count:,}" in cell for cell in cells)


def test_key_figures_are_the_metrics(browser, site, query):
    with View(browser, site / "index.html") as view:
        figures = {
            figure.get_attribute("data-figure"): figure.inner_text()
            for figure in view.page.locator("[data-section=overview-figures] .figure").all()
        }
    assert len(figures) >= 10
    values = {
        metric: (value, unit)
        for metric, value, unit in query("select metric, value, unit from metrics.metric_values")
    }
    for metric, text in figures.items():
        value, unit = values[metric]
        if value is None:
            assert "not enough data" in text, metric
        elif unit == "currency" and abs(value) >= 100:
            assert f"USD {value:,.0f}" in text, metric
        elif unit == "customers":
            assert f"{value:,.0f}" in text, metric
        elif unit == "rate":
            assert f"{100 * value:.1f}%" in text, metric


def test_the_cohort_heat_map_is_the_mart(browser, site, query):
    expected = query(
        "select strftime(cohort_month, '%Y-%m-%d'), age_months, retention_rate "
        "from marts.retention_cohorts where activity = 'order' and is_mature "
        "and age_months between 1 and 18 order by 1, 2"
    )
    with View(browser, site / "retention.html") as view:
        rows = view.rows("retention-cohorts")
        marks = view.page.locator("[data-chart=retention-cohorts] .mark-rect path").count()
    shown = [(row["cohort_month"], row["age_months"], row["retention_rate"]) for row in rows]
    assert shown == [row for row in expected if row[0] >= shown[0][0]]
    assert marks >= len(shown) > 100


def test_row_accounting_is_the_mart(browser, site, query):
    expected = query(
        "select input, sum(landed_count)::int, sum(quarantined_count)::int "
        "from marts.row_accounting group by input having sum(landed_count) > 0 order by input"
    )
    with View(browser, site / "trust.html") as view:
        rows = view.rows("trust-rows")
    shown = sorted((r["input"], int(r["landed_count"]), int(r["quarantined_count"])) for r in rows)
    assert shown == expected


def test_calibration_and_levels_are_the_marts(browser, site, query):
    levels = dict(
        query(
            "select risk_level, count(*) from marts.customer_churn_risk "
            "where risk_level is not null and not is_lost group by risk_level"
        )
    )
    with View(browser, site / "churn.html") as view:
        shown: dict[str, int] = {}
        for row in view.rows("churn-levels"):
            if row["risk_level"] in levels:
                shown[row["risk_level"]] = shown.get(row["risk_level"], 0) + row["customer_count"]
        calibration = view.rows("churn-calibration")
    assert shown == levels
    ((foretold, observed),) = query(
        "select sum(predicted_mean * customer_count) / sum(customer_count), "
        "sum(observed_mean * customer_count) / sum(customer_count) from marts.score_backtests "
        "where score = 'churn_probability_90d' and method = 'model' and decile = 10"
    )
    tenth = next(
        row for row in calibration if (row["score"], row["decile"]) == ("churn_probability_90d", 10)
    )
    assert tenth["foretold_rate"] == pytest.approx(foretold)
    assert tenth["observed_rate"] == pytest.approx(observed)


def test_the_theme_is_changed_by_keyboard_and_kept(browser, site):
    with View(browser, site / "index.html") as view:
        page = view.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        toggle = page.locator("[data-theme-toggle]")
        toggle.focus()
        before = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
        page.goto((site / "trust.html").as_uri())
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t=", "\r=", "\uff1d", "\uff0b"])
def test_a_cell_of_a_csv_is_no_formula(browser, site, sign):
    """Numbers below zero stay numbers."""
    with View(browser, site / "trust.html") as view:
        cell = view.page.evaluate("text => window.evergreen.cell(text)", f"{sign}cmd|' /C calc'!A0")
        assert cell.lstrip('"').startswith("'")
        assert view.page.evaluate("window.evergreen.cell(-1.5)") == "-1.5"


def test_numbers_are_downloaded_as_csv(browser, site, query):
    with View(browser, site / "index.html") as view:
        view.page.locator("[data-section=overview-states] summary").click()
        with view.page.expect_download() as waiting:
            view.page.locator("[data-download=overview-states]").click()
        text = Path(waiting.value.path()).read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    expected = dict(query("select state, count(*) from marts.customer_lifecycle group by state"))
    assert {r["state"]: int(r["customer_count"]) for r in rows if int(r["customer_count"])} == (
        expected
    )


@pytest.mark.parametrize(
    "value, cell",
    [
        ("=1+1", "'=1+1"),
        ("+1 555", "'+1 555"),
        ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"),
        ("@sum(a1)", "'@sum(a1)"),
        ("-12.5", "-12.5"),
        ('a,"b"', '"a,""b"""'),
        (None, ""),
    ],
)
def test_a_spreadsheet_runs_nothing(browser, site, value, cell):
    with View(browser, site / "index.html") as view:
        assert view.page.evaluate("value => window.evergreen.cell(value)", value) == cell


@pytest.fixture(scope="session")
def bare(tmp_path_factory) -> Path:
    """The site of required tables that are all empty."""
    folder = tmp_path_factory.mktemp("bare")
    landing = write_landing(
        folder / "landing",
        orders=table("order_id,customer_id,ordered_at,amount", []),
        logins=table("login_id,customer_id,logged_in_at", []),
        surveys=table("response_id,customer_id,survey", []),
    )
    warehouse = Warehouse(folder / "warehouse")
    refresh(warehouse, landing)
    return build_dashboard(warehouse).index.parent


@pytest.mark.parametrize("file", FILES)
def test_a_page_without_data_says_how_to_add_it(browser, bare, file):
    with View(browser, bare / file, PHONE) as view:
        assert view.problems == [] and view.overflow() <= 0
        states = view.page.eval_on_selector_all(
            "[data-section]", "found => found.map(section => section.dataset.state)"
        )
        messages = view.texts("[data-empty]")
        assert "no day" in view.page.locator(".stamp").inner_text()
    empty = [state for state in states if state in ("empty", "missing")]
    assert len(empty) > len(states) / 2
    assert all(
        message.startswith(("No data for ", "Not enough data for ")) and len(message) > 40
        for message in messages
    )


@pytest.fixture(scope="session")
def hostile(tmp_path_factory, demo) -> Path:
    """The site of a file in which every text of every mart that people write is an attack."""
    folder = tmp_path_factory.mktemp("hostile")
    warehouse = Warehouse(folder / "warehouse")
    warehouse.published_file.parent.mkdir(parents=True)
    shutil.copyfile(demo.published_file, warehouse.published_file)
    columns = ("entry_source", "entry_campaign", "country", "archetype", "name", "category")
    columns += ("reason", "competitor", "attribute", "attribute_value", "segment_value", "message")
    columns += ("feature", "product_id", "next_product_id", "next_product_1", "row_text", "landing")
    columns += ("customer_id", "referrer_id", "referred_customer_id", "action_reason", "answer")
    columns += ("order_id", "ticket_id", "response_id", "referral_id", "reseller_id", "file")
    columns += ("next_product", "next_product_2", "next_product_3", "stated_reason", "details")
    with duckdb.connect(str(warehouse.published_file)) as con:
        found = con.execute(
            "select table_name, column_name from duckdb_columns() where schema_name = 'marts' "
            "and data_type = 'VARCHAR' and column_name in $1",
            [list(columns)],
        ).fetchall()
        assert len(found) > 20
        for name, column in found:
            con.execute(
                f'update marts."{name}" set "{column}" = $1 || "{column}" '
                f"where \"{column}\" is not null and \"{column}\" not in ('all', 'unknown')",
                [HOSTILE],
            )
    return build_dashboard(warehouse).index.parent


@pytest.mark.parametrize("file", FILES)
def test_hostile_values_are_shown_and_not_run(browser, hostile, file):
    with View(browser, hostile / file) as view:
        assert view.problems == []
        assert view.foreign_requests() == []
        assert view.page.locator("main img").count() == 0
        assert view.page.locator("script:not([type]):not([src])").count() == 0


# ---- the working page ----------------------------------------------------------------------------

PLAN = "[data-plan]"
PLANNED = "from marts.contact_plan where action <> 'nothing'"


def plan_of(view: View) -> None:
    """Wait until the list of the plan is there."""
    view.page.wait_for_selector(f"{PLAN}[data-ready=true]", timeout=60_000)


def attribute(view: View, place: str, name: str, expected: str) -> None:
    """Wait until an element says so: lists answer a moment after a key."""
    view.page.wait_for_selector(f'{place}[data-{name}="{expected}"]', timeout=20_000)


def column(view: View, name: str) -> list[str]:
    cells = f"[data-plan-table] tbody [data-column={name}]"
    return [text.strip() for text in view.page.locator(cells).all_text_contents()]


def test_the_plan_is_the_mart_in_its_order(browser, site, query):
    expected = query(f"select customer_id {PLANNED} order by priority")
    with View(browser, site / "contact.html") as view:
        plan_of(view)
        assert view.page.get_attribute(PLAN, "data-shown") == str(len(expected))
        shown = column(view, "customer_id")
    assert shown == [customer for (customer,) in expected[: len(shown)]] and len(shown) >= 20


def test_filters_of_the_plan_act_together(browser, site, query):
    ((action, channel, count),) = query(
        f"select action, channel, count(*) {PLANNED} and channel is not null "
        "group by action, channel order by count(*) desc, action, channel limit 1"
    )
    with View(browser, site / "contact.html") as view:
        plan_of(view)
        view.page.select_option("[data-filter=action]", action)
        view.page.select_option("[data-filter=channel]", channel)
        attribute(view, PLAN, "shown", str(count))
        ((customer,),) = query(
            f"select customer_id {PLANNED} and action = '{action}' and channel = '{channel}' "
            "order by priority desc limit 1"
        )
        view.page.fill("[data-filter=text]", customer)
        attribute(view, PLAN, "shown", "1")
        assert column(view, "customer_id") == [customer]
        with view.page.expect_download() as waiting:
            view.page.click("[data-plan-export]")
        text = Path(waiting.value.path()).read_text(encoding="utf-8-sig")
        (row,) = csv.DictReader(io.StringIO(text))
        assert (row["customer_id"], row["action"], row["channel"]) == (customer, action, channel)
        view.page.click(".filters button[type=reset]")
        ((everybody,),) = query(f"select count(*) {PLANNED}")
        attribute(view, PLAN, "shown", str(everybody))


def test_the_plan_is_sorted_by_keyboard(browser, site, query):
    ((most,),) = query(f"select max(revenue_at_risk)::bigint {PLANNED}")
    with View(browser, site / "contact.html") as view:
        plan_of(view)
        button = view.page.locator("[data-sort=revenue_at_risk]")
        button.focus()
        for _ in range(2):
            view.page.keyboard.press("Enter")
        first = column(view, "revenue_at_risk")[0]
        if int(first.replace(",", "").split(".")[0]) < most:
            view.page.keyboard.press("Enter")
            first = column(view, "revenue_at_risk")[0]
    assert abs(int(first.replace(",", "").split(".")[0]) - most) <= 1


def test_a_customer_is_found_by_the_beginning_of_the_id(browser, site, query):
    ((customer, stage, state),) = query(
        "select customer_id, stage, state from marts.customers "
        "where next_action = 'nothing' order by customer_id desc limit 1"
    )
    with View(browser, site / "contact.html") as view:
        plan_of(view)
        view.page.fill("[data-lookup-input]", customer)
        attribute(view, "[data-lookup]", "person", customer)
        card = view.page.locator("[data-person]").last.inner_text()
        assert customer in card and stage in card.lower() and state in card.lower()
        view.page.fill("[data-lookup-input]", "nobody has this id")
        attribute(view, "[data-lookup]", "matches", "0")


@pytest.fixture(scope="session")
def huge(tmp_path_factory, demo) -> tuple[Path, int]:
    """The site of as many customers as need several files of the plan, and their number."""
    warehouse = Warehouse(tmp_path_factory.mktemp("huge") / "warehouse")
    warehouse.published_file.parent.mkdir(parents=True)
    count = enlarge(demo.published_file, warehouse.published_file, 20)
    return build_dashboard(warehouse).index.parent, count


def test_huge_inputs_are_read_in_parts(browser, huge, query):
    site, count = huge
    ((planned,),) = query(f"select 20 * count(*) {PLANNED}")
    ((customer,),) = query(f"select customer_id {PLANNED} order by customer_id desc limit 1")
    assert count > 25_000 and 10_000 < planned <= 15_000
    with View(browser, site / "contact.html") as view:
        plan_of(view)
        assert view.page.get_attribute(PLAN, "data-loaded") == "5000"
        assert f"{planned:,}" in view.page.locator("[data-plan-status]").inner_text()
        view.page.click("[data-plan-load]")
        attribute(view, PLAN, "loaded", "10000")
        view.page.click("[data-plan-load]")
        attribute(view, PLAN, "loaded", str(planned))
        view.page.fill("[data-lookup-input]", f"{customer}-19")
        attribute(view, "[data-lookup]", "person", f"{customer}-19")
        assert view.problems == [] and view.foreign_requests() == []
    largest = max(part.stat().st_size for part in (site / "data").iterdir())
    assert largest < 2 * 2**20
    assert all((site / file).stat().st_size < 2**20 for file in FILES)


@pytest.mark.parametrize("file", FILES)
def test_huge_inputs_are_drawn_from_aggregates(browser, huge, file):
    with View(browser, huge[0] / file) as view:
        assert view.problems == [] and view.overflow() <= 0
        failed = view.page.locator("[data-chart]:not([data-ready=true])").count()
        assert failed == 0
