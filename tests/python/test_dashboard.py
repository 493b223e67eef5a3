"""The dashboard without a browser: formats, escaping, empty files, the swap, and its queries."""

import json
import math
import re
from datetime import date, datetime
from decimal import Decimal
from html.parser import HTMLParser

import duckdb
import pytest
from dashboard_files import add, empty_file
from typer.testing import CliRunner

from evergreen import files
from evergreen.cli import app
from evergreen.contract import read_contract
from evergreen.dashboard import build_dashboard, charts, site
from evergreen.dashboard.formats import change, kind_of, label_of, plain, show, signed
from evergreen.dashboard.pages import PAGES
from evergreen.dashboard.pages.churn import level_summary, risk_summary, without_figures
from evergreen.dashboard.pages.onboarding import habit_summary
from evergreen.dashboard.pages.overview import HEADLINES, movement_steps
from evergreen.dashboard.sections import Shown
from evergreen.errors import InputRefused
from evergreen.paths import PROJECT_DIR, Warehouse

SECTIONS = [section for page in PAGES for section in page.sections]
QUERIES = PROJECT_DIR / "dashboard" / "queries"
DAY = date(2024, 12, 31)
HOSTILE = "</script><script>alert(1)</script><!-- & \u2028 'x' \"y\""


@pytest.fixture(scope="module")
def empty(tmp_path_factory) -> tuple[Warehouse, site.DashboardReport]:
    warehouse = empty_file(tmp_path_factory.mktemp("empty"))
    return warehouse, build_dashboard(warehouse)


class Reader(HTMLParser):
    """Collects scripts, ids, links and visible text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.scripts: list[tuple[dict, str]] = []
        self.tags: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self._script: dict | None = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._script = dict(attrs) if tag == "script" else None

    def handle_endtag(self, tag):
        self._script = None

    def handle_data(self, data):
        if self._script is None:
            self.words.append(data)
        else:
            self.scripts.append((self._script, data))


def read(warehouse: Warehouse, page: str) -> Reader:
    return Reader((warehouse.folder / "dashboard" / page).read_text(encoding="utf-8"))


# ---- Formats


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "count", "not enough data"),
        (math.nan, "percent", "not enough data"),
        (0, "count", "0"),
        (0.12345, "percent", "12.3%"),
        (-0.0001, "percent", "0.0%"),
        (Decimal("1234567.89"), "money", "USD 1,234,568"),
        (Decimal("99.5"), "money", "USD 99.50"),
        (1, "days", "1 day"),
        (2.5, "days", "2.5 days"),
        (date(2024, 12, 1), "month", "2024-12"),
        (date(2024, 12, 1), "date", "2024-12-01"),
        (datetime(2024, 12, 1, 9, 5), "time", "2024-12-01 09:05"),
        (True, "yes_no", "yes"),
        (23.44, "score", "23.4"),
        ("<b>", "number", "<b>"),
    ],
)
def test_a_value_is_shown_by_its_kind(value, kind, text):
    assert show(value, kind, "USD") == text


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("retention_rate", "percent"),
        ("revenue_share", "percent"),
        ("churn_probability_90d", "percent"),
        ("net_revenue", "money"),
        ("predicted_value_365d", "money"),
        ("revenue_at_risk", "money"),
        ("customer_count", "count"),
        ("entry_month", "month"),
        ("month", "month"),
        ("as_of_date", "date"),
        ("ended_at", "time"),
        ("is_published", "yes_no"),
        ("median_days", "days"),
        ("lift", "number"),
        ("state", "number"),
    ],
)
def test_the_name_of_a_column_says_its_kind(name, kind):
    assert kind_of(name) == kind


def test_a_change_is_in_points_for_shares_and_in_per_cent_for_amounts():
    assert change(0.31, 0.3, "percent") == "+1.0 points"
    assert change(90, 100, "money") == "\N{MINUS SIGN}10.0%"
    assert change(5, 5, "count") == "0.0%"
    assert change(23.4, 23.6, "score") == "\N{MINUS SIGN}0.2"


def test_a_change_from_the_unknown_or_from_nothing_is_not_made_up():
    assert change(5, None, "count") is None
    assert change(None, 5, "count") is None
    assert change(5, 0, "count") == "+5"


def test_signed_figures_have_a_real_minus_and_no_signed_zero():
    assert [signed(v) for v in (12.4, -12.4, -0.2)] == ["+12", "\N{MINUS SIGN}12", "0"]


def test_json_values_are_plain():
    assert plain(Decimal("1.50")) == 1.5
    assert plain(date(2024, 1, 2)) == "2024-01-02"
    assert plain(math.inf) is None
    assert plain(True) is True


def test_labels_are_words():
    assert label_of("is_published") == "Published"
    assert label_of("net_retention_rate") == "Net retention rate"


# ---- Escaping


def test_embedded_json_cannot_end_its_script_and_is_unchanged():
    text = site.embed([{"name": HOSTILE}])
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == [{"name": HOSTILE}]


def test_hostile_text_in_the_data_stays_text(tmp_path):
    warehouse = empty_file(tmp_path / "warehouse")
    add(
        warehouse,
        "entry_sources",
        {
            "entry_source": HOSTILE,
            "customer_count": 40,
            "buy_count": 20,
            "repeat_count": 1,
            "refer_count": 0,
            "total_revenue": 1,
            "acquisition_cost": 1,
            "as_of_date": DAY,
        },
    )
    build_dashboard(warehouse)
    page = read(warehouse, "lifecycle.html")
    assert not [text for _, text in page.scripts if text.startswith("alert")]
    assert all(attrs.get("src") or attrs.get("type") for attrs, _ in page.scripts)
    shown = site.harmless(HOSTILE)  # without the line separators that no chart can hold
    assert any(shown.strip() in word for word in page.words)
    rows = [text for attrs, text in page.scripts if attrs.get("data-rows") == "lifecycle-sources"]
    assert json.loads(rows[0])[0]["entry_source"] == shown


def test_pages_ask_for_nothing_outside_their_folder(empty):
    warehouse, _ = empty
    for page in PAGES:
        for tag, attrs in read(warehouse, page.file_name).tags:
            for name in ("src", "href"):
                target = attrs.get(name) or ""
                assert not re.match(r"(https?:)?//", target), f"{page.slug}: {tag} {target}"
            assert not [name for name in attrs if name.startswith("on")], page.slug
    for name in ("app.js", "style.css"):
        text = (PROJECT_DIR / "dashboard" / name).read_text()
        assert not re.search(r"https?://|\beval\(|new Function|innerHTML|@import", text), name


def test_the_policy_forbids_requests_and_inline_scripts(empty):
    warehouse, _ = empty
    policy = next(
        attrs["content"]
        for tag, attrs in read(warehouse, "index.html").tags
        if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["connect-src"] == "'none'"
    assert "unsafe" not in rules["script-src"]


# ---- Empty and older files


def test_an_empty_warehouse_has_all_pages_and_no_date(empty):
    warehouse, report = empty
    assert report.as_of_date is None
    assert report.drawn_count == 0
    assert report.section_count == len(SECTIONS)
    for page in PAGES:
        text = " ".join(read(warehouse, page.file_name).words)
        assert "no day" in text
        assert text.count("No data for") == len(page.sections)


def test_an_empty_section_says_what_to_add(empty):
    warehouse, _ = empty
    text = " ".join(read(warehouse, "retention.html").words)
    assert "Add orders (columns order_id, customer_id, ordered_at, amount)" in text


def test_a_file_without_metrics_says_how_to_add_them(tmp_path):
    warehouse = empty_file(tmp_path / "warehouse", has_metrics=False)
    report = build_dashboard(warehouse)
    assert report.pages["overview"]["overview-figures"] == "missing"
    text = " ".join(read(warehouse, "index.html").words)
    assert "No data for key figures. They are the metrics of the schema metrics" in text


def test_a_file_of_an_older_version_lacks_marts_and_is_still_drawn(tmp_path):
    warehouse = empty_file(tmp_path / "warehouse", without=("customers", "score_backtests"))
    report = build_dashboard(warehouse)
    assert report.pages["churn"]["churn-calibration"] == "missing"
    assert report.pages["churn"]["churn-levels"] == "empty"


def test_too_few_answers_are_not_drawn_and_not_zero(tmp_path):
    warehouse = empty_file(tmp_path / "warehouse")
    month = {"survey": "nps", "segment": "all", "segment_value": "all", "as_of_date": DAY}
    add(
        warehouse,
        "survey_scores",
        {"period_start": date(2024, 11, 1), "score": 50, "response_count": 3, **month}
        | {"is_sufficient": False},
    )
    report = build_dashboard(warehouse)
    assert report.pages["overview"]["overview-nps"] == "unknown"
    page = read(warehouse, "index.html")
    assert not [a for a, _ in page.scripts if a.get("data-spec") == "overview-nps"]
    assert any("Not enough data for NPS answers" in word for word in page.words)
    assert "not enough data" in page.words
    assert "50" not in page.words


# ---- What is drawn


def test_a_section_shows_its_date_its_number_and_its_rows(tmp_path):
    warehouse = empty_file(tmp_path / "warehouse")
    states = ["active"] * 3 + ["lost"]
    for number, state in enumerate(states):
        row = {"customer_id": f"c{number}", "state": state, "as_of_date": DAY}
        add(warehouse, "customer_lifecycle", row | {"loyalty_rung": "shopper"})
        add(warehouse, "customers", {"customer_id": f"c{number}", "as_of_date": DAY})
    report = build_dashboard(warehouse, currency="EUR")
    assert report.as_of_date == "2024-12-31"
    assert report.pages["overview"]["overview-states"] == "drawn"
    page = read(warehouse, "index.html")
    assert "as of 2024-12-31" in page.words
    assert "4 customers" in page.words
    assert "amounts in EUR" in page.words
    assert any("3 of these are not lost (75.0%)" in word for word in page.words)
    rows = next(t for a, t in page.scripts if a.get("data-rows") == "overview-states")
    assert json.loads(rows) == [
        {"state": "active", "customer_count": 3, "customer_share": 0.75},
        {"state": "lost", "customer_count": 1, "customer_share": 0.25},
    ]
    spec = json.loads(next(t for a, t in page.scripts if a.get("data-spec") == "overview-states"))
    assert spec["data"] == {"name": "rows"}
    assert "datasets" not in spec


def test_key_figures_are_those_of_the_list_in_its_order(tmp_path):
    warehouse = empty_file(tmp_path / "warehouse")
    for metric, value in (("nps", 12.0), ("net_revenue", 200.0), ("login_count", 5.0)):
        add(
            warehouse,
            "metric_values",
            {
                "metric": metric,
                "label": metric,
                "unit": {"nps": "score", "net_revenue": "currency"}.get(metric, "count"),
                "period_start": date(2024, 12, 1),
                "value": value,
                "previous_value": 100.0,
            },
        )
        for month, past in ((10, 1.0), (11, 2.0), (12, 3.0)):
            row = {"metric": metric, "month": date(2024, month, 1), "value": past}
            add(warehouse, "metric_months", row | {"is_complete": month < 12})
    build_dashboard(warehouse)
    page = read(warehouse, "index.html")
    figures = [a["data-figure"] for t, a in page.tags if t == "li" and "data-figure" in a]
    assert figures == [name for name in HEADLINES if name in ("nps", "net_revenue")]
    words = [word.strip() for word in page.words]
    assert "USD 200" in words
    assert "+100.0%" in words
    assert any("on 2024-11" in word for word in words)
    sparks = [a["d"] for t, a in page.tags if t == "path" and "vector-effect" in a]
    assert len(sparks) == 2
    assert sparks[0].count("L") == 1  # two whole months; the running one is left out


def test_the_bridge_hangs_together_and_ends_where_it_should():
    row = {"stream": "orders", "month": date(2024, 12, 1), "opening": 100, "new": 20}
    row |= {"reactivated": 5, "expansion": 10, "contraction": 15, "churned": 30, "closing": 90}
    steps = movement_steps([row | {"closing_customer_count": 7}])
    assert [step["amount"] for step in steps] == [100, 20, 5, 10, -15, -30, 90]
    assert [(s["low"], s["high"]) for s in steps[-3:-1]] == [(120, 135), (90, 120)]
    assert (steps[-1]["low"], steps[-1]["high"]) == (0, 90)


def test_the_bridge_is_that_of_the_last_month_that_is_over(tmp_path):
    warehouse = empty_file(tmp_path / "warehouse")
    for month, is_complete in ((10, True), (11, True), (12, False)):
        row = {"stream": "orders", "segment": "all", "segment_value": "all"}
        row |= {"month": date(2024, month, 1), "opening": 10, "new": month, "closing": 10 + month}
        row |= {"closing_customer_count": month, "is_complete": is_complete, "as_of_date": DAY}
        add(warehouse, "revenue_movements", row)
    build_dashboard(warehouse)
    page = read(warehouse, "index.html")
    name = "overview-movements-orders"
    rows = json.loads(next(t for a, t in page.scripts if a.get("data-rows") == name))
    assert {row["month"] for row in rows} == {"2024-11-01"}
    assert [row["amount"] for row in rows][:2] == [10, 11]


def test_reasons_with_different_figures_are_one():
    rows = [
        {"reason": "Logs in at 2 % of the usual rate", "customer_count": 1, "revenue_at_risk": 5},
        {"reason": "Logs in at 12 % of the usual rate", "customer_count": 2, "revenue_at_risk": 1},
        {"reason": "Days with an order: only 0", "customer_count": 2, "revenue_at_risk": None},
    ]
    found = without_figures(rows)
    assert [(row["customer_count"], row["revenue_at_risk"]) for row in found] == [(3, 6), (2, 0)]
    assert found[1]["reason"] == "Days with an order"


def test_a_sparkline_keeps_its_gaps_and_needs_two_points():
    assert charts.sparkline([1]) is None
    assert charts.sparkline([None, 3, None]) is None
    assert charts.sparkline([1, None, 2, 3])["path"].count("M") == 2
    assert charts.sparkline([5, 5])["path"]  # no range: no division by it


# ---- The site


def test_a_new_site_replaces_the_old_one_whole(tmp_path):
    warehouse = empty_file(tmp_path / "warehouse")
    folder = build_dashboard(warehouse).index.parent
    (folder / "stale.html").write_text("left over")
    build_dashboard(warehouse)
    assert not (folder / "stale.html").exists()
    assert sorted(p.name for p in tmp_path.joinpath("warehouse").iterdir()) == [
        "dashboard",
        "exports.json",
        "published",
    ]


@pytest.mark.parametrize("can_exchange", [True, False])
def test_the_swap_leaves_one_folder(tmp_path, monkeypatch, can_exchange):
    if not can_exchange:
        monkeypatch.setattr(files, "_exchange", lambda one, other: False)
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text(name)
    files.swap_folder(tmp_path / "new", tmp_path / "old")
    assert [p.name for p in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old" / "index.html").read_text() == "new"


def test_a_site_that_fails_half_way_leaves_the_old_one(tmp_path, monkeypatch):
    warehouse = empty_file(tmp_path / "warehouse")
    index = build_dashboard(warehouse).index
    before = index.read_text()
    monkeypatch.setattr(site, "render_page", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        build_dashboard(warehouse)
    assert index.read_text() == before
    assert sorted(p.name for p in warehouse.folder.iterdir()) == [
        "dashboard",
        "exports.json",
        "published",
    ]


def test_a_folder_with_other_files_is_refused(tmp_path):
    warehouse = empty_file(tmp_path / "warehouse")
    foreign = tmp_path / "documents"
    foreign.mkdir()
    (foreign / "letter.txt").write_text("keep me")
    with pytest.raises(InputRefused, match="did not write"):
        build_dashboard(warehouse, foreign)
    assert (foreign / "letter.txt").read_text() == "keep me"


def test_without_a_published_file_the_command_says_what_to_do(tmp_path):
    with pytest.raises(InputRefused, match="run `evergreen refresh --landing DIR`"):
        build_dashboard(Warehouse(tmp_path))
    assert not (tmp_path / "dashboard").exists()


def test_the_command_prints_where_the_site_is(tmp_path):
    warehouse = empty_file(tmp_path / "warehouse")
    found = CliRunner().invoke(
        app, ["dashboard", "--warehouse", str(warehouse.folder), "--out", str(tmp_path / "site")]
    )
    assert found.exit_code == 0, found.output
    assert str(tmp_path / "site" / "index.html") in found.output.replace("\n", "")
    assert (tmp_path / "site" / "assets" / "vega.js").stat().st_size < 2_000_000


def test_the_published_file_is_only_read(tmp_path):
    warehouse = empty_file(tmp_path / "warehouse")
    before = warehouse.published_file.read_bytes()
    build_dashboard(warehouse)
    assert warehouse.published_file.read_bytes() == before


# ---- House rules of sections and queries


def test_sections_are_complete_and_have_ids_of_their_own():
    assert len({section.id for section in SECTIONS}) == len(SECTIONS)
    for page in PAGES:
        for section in page.sections:
            assert re.fullmatch(rf"{page.slug}-[a-z-]+", section.id.replace("_", "-")), section.id
            assert section.definition.endswith("."), section.id
            assert 40 < len(section.definition) < 420, section.id
            assert section.inputs and set(section.inputs) <= set(read_contract().table_names)
            kinds = ("chart", "cards", "facts", "table", "plan", "search")
            assert section.kind in kinds, section.id
            assert section.width in ("half", "full", "tall"), section.id
            assert (section.kind == "chart") == (section.chart is not None), section.id


def test_every_query_is_used_says_its_grain_and_is_narrow():
    used = {section.query for section in SECTIONS}
    assert {file.stem for file in QUERIES.glob("*.sql")} == used
    for file in QUERIES.glob("*.sql"):
        lines = file.read_text().splitlines()
        assert lines[0].startswith("-- One row"), file.name
        assert max(map(len, lines)) <= 100, file.name
        code = re.sub(r"--[^\n]*", "", file.read_text())
        assert not re.search(
            r"current_date|now\(|select \*\s+from marts|::|qualify|\bfilter\b", code
        )


def test_only_lists_of_contacts_show_customers():
    for file in QUERIES.glob("*.sql"):
        code = file.read_text()
        if re.search(r"^    (\w+\.)?customer_id,?$", code, re.M):
            assert re.search(r"\blimit (\d{1,2}|[1-4]\d\d|500)\b", code), file.name
            assert file.stem.startswith("contact"), file.name


# ---- Colours


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def themes() -> dict[str, dict[str, str]]:
    text = (PROJECT_DIR / "dashboard" / "style.css").read_text()
    blocks = re.findall(r"(:root[^{]*)\{([^}]*--bg[^}]*)\}", text)
    assert len(blocks) == 3
    found = [dict(re.findall(r"(--[\w-]+):\s*(#[0-9a-f]{6})", body)) for _, body in blocks]
    assert found[1] == found[2]  # dark by the system and dark by the button
    return {"light": found[0], "dark": found[1]}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_enough_contrast(theme):
    colours = themes()[theme]
    pairs = [("--ink", "--surface"), ("--ink", "--bg"), ("--muted", "--surface")]
    pairs += [("--muted", "--bg"), ("--accent", "--surface"), ("--accent", "--accent-soft")]
    pairs += [("--alert", "--alert-soft"), ("--muted", "--alert-soft")]
    pairs += [("--seq-ink", f"--seq{n}") for n in (0, 1, 2)] + [("--on-seq", "--seq4")]
    pairs += [("--on-seq", "--seq3")] if theme == "light" else []
    for text, ground in pairs:
        found = contrast(colours[text], colours[ground])
        assert found >= 4.5, f"{theme}: {text} on {ground} {found:.2f}"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_marks_stand_out_from_the_ground(theme):
    colours = themes()[theme]
    for number in range(1, 8):
        found = contrast(colours[f"--c{number}"], colours["--surface"])
        assert found >= 3, f"{theme}: --c{number} {found:.2f}"


def test_every_colour_of_a_chart_is_a_variable_of_both_themes():
    sources = "".join(
        file.read_text() for file in (PROJECT_DIR / "scripts/evergreen/dashboard").rglob("*.py")
    )
    named = set(re.findall(r"var\((--[a-z0-9-]+)\)", sources))
    named |= {f"--state-{state}" for state in charts.STATES} | {f"--seq{n}" for n in range(5)}
    for colours in themes().values():
        assert named <= set(colours)


def test_a_query_with_a_fault_of_its_own_is_not_taken_for_an_older_file(tmp_path, monkeypatch):
    warehouse = empty_file(tmp_path / "warehouse")
    folder = tmp_path / "source" / "queries"
    folder.mkdir(parents=True)
    (folder / "broken.sql").write_text("-- One row\nselect from where")
    monkeypatch.setattr(site, "SOURCE", tmp_path / "source")
    with (
        duckdb.connect(str(warehouse.published_file), read_only=True) as con,
        pytest.raises(duckdb.ParserException),
    ):
        site.read_rows(con, "broken")


def test_a_habit_that_no_rule_explains_is_told_all_the_same():
    """Habits of the data, such as the use of a feature, have no line that says what to show."""
    row = {"habit": "uses:reports", "best_share": 0.5, "rest_share": 0.25, "is_shown": True}
    shown = Shown(as_of_date="2024-12-31", currency="USD")
    assert "Show newcomers: reports." in habit_summary([row | {"what_to_show": "Reports"}], shown)
    told = habit_summary([row | {"what_to_show": None}], shown)
    assert told.endswith("25.0% of the rest.")


def test_who_has_no_score_is_neither_at_risk_nor_safe():
    """A source whose customers hardly ever leave has no score, and then no share at risk."""
    shown = Shown(as_of_date="2024-12-31", currency="USD")
    unscored = {"risk_level": "not_predicted", "customer_count": 500, "revenue_at_risk": 900}
    for summary in (level_summary, risk_summary):
        assert summary([unscored], shown) == "Nobody has a churn score, so nobody knows."
    rows = [
        {"risk_level": "critical", "customer_count": 10, "revenue_at_risk": 100},
        {"risk_level": "low", "customer_count": 30, "revenue_at_risk": 300},
        unscored,
    ]
    assert "10 of 40 with a score (25.0%)" in level_summary(rows, shown)
    assert "25.0% of all with a score" in risk_summary(rows, shown)
