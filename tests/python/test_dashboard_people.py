"""The contact plan and the cards of customers: files, indexes, intervals. No browser needed."""

import json
import re
from datetime import date
from decimal import Decimal

import duckdb
import pytest
from dashboard_files import add, empty_file

from evergreen.dashboard import build_dashboard, people
from evergreen.dashboard.intervals import known, wilson, with_interval
from evergreen.dashboard.pages.advocacy import with_root
from evergreen.dashboard.pages.onboarding import with_sizes
from evergreen.dashboard.people import packed, write_people
from evergreen.dashboard.site import SOURCE, embed, harmless

DAY = date(2024, 12, 31)


def taken(file):
    """What a file hands over: kind, number or 'index', content."""
    text = file.read_text(encoding="utf-8")
    found = re.fullmatch(r"evergreenPeople\.take\((.*)\);\n", text, re.S)
    return json.loads(f"[{found[1]}]")


def unpacked(column):
    if isinstance(column, list):
        return column
    return [None if place < 0 else column["words"][place] for place in column["at"]]


def planned(warehouse, customer_id, priority, action="call", **more):
    row = {
        "customer_id": customer_id,
        "action": action,
        "reason": "Silent",
        "channel": "phone",
        "consent": "given",
        "is_marketing": False,
        "precedence": 1,
        "priority": priority,
        "revenue_at_risk": 10,
        "not_before_date": DAY,
        "as_of_date": DAY,
    }
    add(warehouse, "contact_plan", {**row, **more})


def known_customer(warehouse, customer_id, **more):
    add(warehouse, "customers", {"customer_id": customer_id, "as_of_date": DAY, **more})


def written(warehouse, folder):
    with duckdb.connect(str(warehouse.published_file), read_only=True) as con:
        return write_people(con, SOURCE / "people", folder / "data", embed)


# ---- Files


def test_the_plan_is_in_the_order_of_priority_over_all_files(tmp_path, monkeypatch):
    monkeypatch.setattr(people, "SHARD_SIZE", 2)
    warehouse = empty_file(tmp_path / "warehouse")
    for place, name in enumerate("edcba", start=1):
        planned(warehouse, name, place)
    planned(warehouse, "idle", None, action="nothing")
    assert written(warehouse, tmp_path)["plan"] == 5
    files = [tmp_path / "data" / f"plan-000{number}.js" for number in (1, 2, 3)]
    shards = [taken(file) for file in files]
    assert [shard[:2] for shard in shards] == [["plan", 1], ["plan", 2], ["plan", 3]]
    ids = [name for shard in shards for name in unpacked(shard[2]["columns"]["customer_id"])]
    assert ids == ["e", "d", "c", "b", "a"]
    assert [shard[2]["count"] for shard in shards] == [2, 2, 1]


def test_the_index_says_what_every_file_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(people, "SHARD_SIZE", 2)
    warehouse = empty_file(tmp_path / "warehouse")
    planned(warehouse, "a", 1)
    planned(warehouse, "b", 2, channel=None)
    planned(warehouse, "c", 3, action="gift", expected_effect=5)
    written(warehouse, tmp_path)
    index = taken(tmp_path / "data" / "plan-index.js")[2]
    assert index["count"] == 3
    assert [shard["actions"] for shard in index["shards"]] == [[["call", 2]], [["gift", 1]]]
    assert index["facets"]["action"] == [["call", 2], ["gift", 1]]
    assert index["facets"]["channel"] == [["phone", 2], ["", 1]]
    assert index["effect_count"] == 1


def test_customers_are_in_the_order_of_code_points(tmp_path, monkeypatch):
    monkeypatch.setattr(people, "SHARD_SIZE", 2)
    warehouse = empty_file(tmp_path / "warehouse")
    names = ["b", "B", "\U0001f600", "\uff5e", "a", "_"]
    for name in names:
        known_customer(warehouse, name)
    assert written(warehouse, tmp_path)["customers"] == 6
    index = taken(tmp_path / "data" / "customers-index.js")[2]
    assert index["first"] == sorted(names)[::2]
    first = taken(tmp_path / "data" / "customers-0001.js")[2]
    assert unpacked(first["columns"]["customer_id"]) == sorted(names)[:2]


def test_a_customer_without_plan_and_risk_has_a_card(tmp_path):
    warehouse = empty_file(tmp_path / "warehouse")
    known_customer(warehouse, "a", stage="know", net_revenue=12)
    written(warehouse, tmp_path)
    columns = taken(tmp_path / "data" / "customers-0001.js")[2]["columns"]
    assert unpacked(columns["stage"]) == ["know"]
    assert unpacked(columns["net_revenue"]) == [12.0]
    for name in ("reason_1", "channel", "nps_class", "churn_probability_90d"):
        assert unpacked(columns[name]) == [None], name


def test_no_value_can_end_a_script(tmp_path):
    warehouse = empty_file(tmp_path / "warehouse")
    name = "</script><script>alert(1)</script>\u2028\u2029&\"'"
    planned(warehouse, name, 1, reason=name)
    known_customer(warehouse, name)
    written(warehouse, tmp_path)
    for file in (tmp_path / "data").iterdir():
        text = file.read_text(encoding="utf-8")
        assert not re.search("[<>&\u2028\u2029]", text), file.name
    assert unpacked(taken(tmp_path / "data" / "plan-0001.js")[2]["columns"]["reason"]) == [name]


def test_without_rows_there_is_an_index_and_no_file(tmp_path):
    assert written(empty_file(tmp_path / "warehouse"), tmp_path) == {"plan": 0, "customers": 0}
    names = {file.name for file in (tmp_path / "data").iterdir()}
    assert names == {"plan-index.js", "customers-index.js"}
    assert taken(tmp_path / "data" / "plan-index.js")[2]["count"] == 0


def test_an_older_file_without_the_plan_still_has_a_site(tmp_path):
    warehouse = empty_file(tmp_path / "warehouse", without=("contact_plan",))
    known_customer(warehouse, "a")
    report = build_dashboard(warehouse)
    assert report.pages["contact"]["contact-plan"] == "missing"
    assert list((warehouse.folder / "dashboard" / "data").iterdir()) == []


def test_the_site_holds_the_table_and_the_search_only_where_there_are_rows(tmp_path):
    warehouse = empty_file(tmp_path / "warehouse")
    planned(warehouse, "a", 1)
    build_dashboard(warehouse)
    site = warehouse.folder / "dashboard"
    page = (site / "contact.html").read_text(encoding="utf-8")
    assert "data-plan-table" in page and "data-lookup-input" not in page
    assert (site / "data" / "plan-0001.js").exists()
    assert "people.js" in page
    assert "people.js" not in (site / "index.html").read_text(encoding="utf-8")


# ---- Columns


def test_a_column_of_few_words_is_packed_and_comes_back():
    values = ["call", None, "gift", "call", "call", None]
    assert packed(values) == {"words": ["call", "gift"], "at": [0, -1, 1, 0, 0, -1]}
    assert unpacked(packed(values)) == values


@pytest.mark.parametrize("values", [["a", "b", "c"], [1, 1, 1, 1], [True, None, True, True]])
def test_a_column_that_would_not_be_shorter_stays(values):
    assert packed(values) == values


def test_dates_and_amounts_are_plain():
    assert packed([DAY, Decimal("1.50")]) == ["2024-12-31", 1.5]


# ---- Shares and charts


@pytest.mark.parametrize(
    "hits, size, low, high",
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0)],
)
def test_the_interval_is_wilsons(hits, size, low, high):
    assert wilson(hits, size) == pytest.approx((low, high), abs=1e-4)


def test_no_case_no_interval():
    assert wilson(0, 0) is None


def test_a_share_of_too_few_is_unknown():
    rows = [{"hits": 29, "size": 29}, {"hits": 15, "size": 30}]
    few, enough = with_interval("hits", "size", "repeat")(rows)
    assert few["repeat_rate"] is None and few["repeat_rate_low"] is None
    assert enough["repeat_rate"] == 0.5
    assert enough["repeat_rate_low"] < 0.5 < enough["repeat_rate_high"]


def test_only_known_rows_are_drawn():
    seen = []

    def chart(rows):
        seen.extend(rows)
        return {"layer": [{"data": {}, "encoding": {"x": {"field": "rate"}}}]}

    spec = known(chart, "rate", zero=False)([{"rate": None}, {"rate": 0.5}])
    assert seen == [{"rate": 0.5}]
    assert spec["layer"][0]["transform"] == [{"filter": "isValid(datum['rate'])"}]
    assert spec["layer"][0]["encoding"]["x"]["scale"]["zero"] is False


def test_all_trees_hang_below_one_root_of_a_free_name():
    rows = [
        {"node": "Top trees", "parent": None, "generation": 1, "referred_revenue": 5},
        {"node": "b", "parent": "Top trees", "generation": 2, "referred_revenue": 5},
        {"node": "c", "parent": "cut off", "generation": 3, "referred_revenue": 1},
    ]
    found = with_root(rows)
    assert [row["node"] for row in found] == ["Top trees ", "Top trees", "b"]
    assert [row["parent"] for row in found] == [None, "Top trees ", "Top trees"]


def test_small_groups_are_one_and_every_group_says_its_size():
    counts = (("call", "active", 20), ("gift", "lost", 3), ("note", "lost", 6), ("none", "lost", 2))
    rows = [{"follow_up": f, "state": s, "customer_count": n} for f, s, n in counts]
    found = [(row["group"], row["customer_count"]) for row in with_sizes(rows)]
    assert found == [("call (20)", 20), ("another (9)", 9), ("none (2)", 2)]


def test_names_that_every_object_has_do_not_break_a_chart():
    assert harmless("constructor") == "constructor "
    assert harmless("construct") == "construct"
    assert harmless(1) == 1
