"""The metrics layer: definitions, tables of the schema metrics, then and now, the command."""

import json
import re
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from evergreen.baseline import baseline_date, rebuild
from evergreen.cli import app
from evergreen.demo import generate
from evergreen.errors import BuildFailed, InputRefused
from evergreen.metrics import COLUMN_COMMENTS, Layer
from evergreen.paths import PROJECT_DIR, Warehouse
from evergreen.refresh import refresh
from evergreen.show_metrics import read_lines, read_months, shown, shown_change, sparkline

UNITS = {"customers", "count", "currency", "rate", "score", "ratio", "days", "hours"}
QUESTIONS = {
    *("customers", "lifecycle", "retention", "value", "voice"),
    *("advocacy", "cross_sell", "contact", "trust"),
}


@pytest.fixture(scope="module")
def layer(published) -> Layer:
    return Layer.read(published.warehouse.folder / "target" / "semantic_manifest.json")


@pytest.fixture(scope="module")
def definitions(layer):
    return {definition.metric: definition for definition in layer.definitions()}


@pytest.fixture(scope="module")
def work(published):
    with duckdb.connect(str(published.warehouse.work_file), read_only=True) as con:
        yield con


def test_there_are_metrics_of_each_type_for_each_question(definitions):
    assert len(definitions) >= 45
    assert {d.type for d in definitions.values()} == {
        "simple",
        "ratio",
        "derived",
        "cumulative",
        "conversion",
    }
    assert {d.question for d in definitions.values()} == QUESTIONS


def test_every_metric_says_what_it_is(definitions):
    for d in definitions.values():
        assert d.unit in UNITS, d.metric
        assert d.window in {"month", "cohort", "state"}, d.metric
        assert len(d.description.split()) > 2 and d.description.endswith("."), d.metric
        assert (PROJECT_DIR / "models" / "marts" / d.question).is_dir(), d.metric
        if d.type == "ratio":
            assert " / " in d.description, f"{d.metric}: numerator / denominator"


def test_a_rate_is_between_0_and_1_or_says_growth_or_net_retention(published):
    free = {"net_revenue_growth_rate", "net_revenue_growth_rate_year", "new_buyer_growth_rate"}
    free |= {"order_net_retention_rate", "subscription_net_retention_rate", "churn_calibration_gap"}
    # Customers who refer need not have paid.
    free |= {"referring_rate"}
    found = published.query(
        "select distinct metric from metrics.metric_months "
        "inner join metrics.metric_values using (metric) "
        "where unit = 'rate' and (metric_months.value < 0 or metric_months.value > 1)"
    )
    assert {metric for (metric,) in found} <= free


def last_judged(as_of: date, days: int) -> date:
    """First day of the last month whose last day lies `days` or more before the as-of date."""
    first = (as_of - timedelta(days=days) + timedelta(days=1)).replace(day=1)
    return (first - timedelta(days=1)).replace(day=1)


@pytest.mark.parametrize(
    "as_of, days, month",
    [
        (date(2024, 12, 31), 0, date(2024, 12, 1)),
        (date(2024, 12, 30), 0, date(2024, 11, 1)),
        (date(2024, 2, 29), 0, date(2024, 2, 1)),
        (date(2024, 12, 29), 90, date(2024, 9, 1)),
        (date(2024, 12, 28), 90, date(2024, 8, 1)),
    ],
)
def test_the_last_month_that_can_be_judged(as_of, days, month):
    assert last_judged(as_of, days) == month


def test_the_value_now_is_that_of_the_last_month_that_can_be_judged(published, definitions):
    found = published.query("select metric, month, value, is_complete from metrics.metric_months")
    (as_of,) = published.query("select max(as_of_date) from marts.customers")[0]
    lines = {line["metric"]: line for line in read_lines(published.warehouse)}
    assert lines.keys() == definitions.keys()
    known = {"month": 0, "cohort": 0, "state": 0}
    for metric, definition in definitions.items():
        values = {month: value for name, month, value, _ in found if name == metric}
        line = lines[metric]
        if definition.window == "state":
            assert line["period_start"] is None and not values
        elif definition.window == "month":
            assert line["period_start"] == last_judged(as_of, definition.mature_after_days), metric
        else:
            judged = [month for name, month, _, done in found if name == metric and done]
            assert line["period_start"] == max(judged, default=None), metric
        if definition.window != "state":
            assert line["value"] == values.get(line["period_start"]), metric
        if definition.window != "state" and line["period_start"]:
            before = (line["period_start"] - timedelta(days=1)).replace(day=1)
            assert line["previous_value"] == values.get(before), metric
        known[definition.window] += line["value"] is not None
    assert known["month"] > 40 and known["cohort"] > 2 and known["state"] > 20


def test_days_to_judge_hold_a_month_back(published, definitions):
    assert definitions["second_purchase_rate_90d"].mature_after_days == 90
    found = published.query(
        "select bool_and(is_complete = (last_day(month) + 90 <= as_of_date)), "
        "count(*) filter (where is_complete), count(*) filter (where not is_complete) "
        "from metrics.metric_months where metric = 'second_purchase_rate_90d'"
    )
    same, complete, running = found[0]
    assert same and complete and running


def test_exports_are_what_the_saved_queries_answer(published, layer, work):
    names = [query.name for query in layer.manifest.saved_queries]
    assert len(names) == 10
    for query in layer.manifest.saved_queries:
        (export,) = query.exports
        assert export.name == query.name
        expected = work.execute(f"from ({layer.saved_query_sql(query.name)}) order by all")
        columns = [column[0] for column in expected.description]
        rows = expected.fetchall()
        got = published.query(f"from metrics.{query.name}")
        assert got == rows and rows, query.name
        assert set(query.query_params.metrics) < set(columns)


def test_exports_by_month_agree_with_each_metric_alone(published, layer):
    compared = 0
    for query in layer.manifest.saved_queries:
        if "metric_time" not in query.query_params.group_by[0]:
            continue
        for metric in query.query_params.metrics:
            alone = published.query(
                "select month, value from metrics.metric_months "
                f"where metric = '{metric}' order by month"
            )
            together = published.query(
                f"select metric_time__month::date, {metric}::double from metrics.{query.name} "
                f"where {metric} is not null order by 1"
            )
            assert alone == together, metric
            compared += len(alone)
    assert compared > 300


def test_metrics_tables_are_described(published):
    undescribed = published.query(
        "select table_name, column_name from duckdb_columns() "
        "where schema_name = 'metrics' and comment is null"
    )
    assert undescribed == []
    comments = published.query("select comment from duckdb_tables() where schema_name = 'metrics'")
    assert len(comments) == 12 and all(comment for (comment,) in comments)
    columns = published.query(
        "select column_name from duckdb_columns() "
        "where schema_name = 'metrics' and table_name in ('metric_values', 'metric_months')"
    )
    assert {column for (column,) in columns} == COLUMN_COMMENTS.keys()


def test_definitions_are_published_for_other_tools(published, definitions):
    document = json.loads(published.warehouse.definitions.read_text())
    known = {metric["name"] for model in document["semantic_model"] for metric in model["metrics"]}
    # The Open Semantic Interchange has no conversion metrics yet.
    assert {n for n, d in definitions.items() if d.type != "conversion"} <= known


def test_missing_definitions_are_said(tmp_path):
    with pytest.raises(BuildFailed, match=r"no definitions of metrics at .*semantic_manifest"):
        Layer.read(tmp_path / "semantic_manifest.json")


def test_a_metric_without_a_unit_is_named(published, tmp_path):
    text = (published.warehouse.folder / "target" / "semantic_manifest.json").read_text()
    manifest = json.loads(text)
    nps = next(metric for metric in manifest["metrics"] if metric["name"] == "nps")
    del nps["config"]["meta"]["unit"]
    changed = tmp_path / "semantic_manifest.json"
    changed.write_text(json.dumps(manifest))
    with pytest.raises(BuildFailed, match=r"metric nps has no unit in config\.meta"):
        Layer.read(changed).definitions()


OLDER = """
semantic_models:
  - name: sales
    model: ref('sales')
    defaults: {agg_time_dimension: sold_on}
    entities: [{name: sale, type: primary, expr: id}]
    dimensions: [{name: sold_on, type: time, type_params: {time_granularity: day}}]
    measures: [{name: revenue, agg: sum, expr: amount}]
metrics:
  - name: revenue
    label: Revenue
    type: simple
    type_params: {measure: {name: revenue, fill_nulls_with: 0, join_to_timespine: true}}
"""
NEWER = """
  - name: sales
    semantic_model: {enabled: true}
    agg_time_dimension: sold_on
    columns:
      - {name: id, entity: {type: primary, name: sale}}
      - {name: sold_on, granularity: day, dimension: {type: time}}
    metrics:
      - name: revenue
        label: Revenue
        type: simple
        agg: sum
        expr: amount
        fill_nulls_with: 0
        join_to_timespine: true
"""


@pytest.mark.parametrize("specification, filled", [(OLDER, 0), (NEWER, None)])
def test_which_specification_of_metrics_keeps_what_it_is_told(tmp_path, specification, filled):
    """Why this project writes the older one (DECISIONS 118). When the newer one keeps the 0, it is
    time to move."""
    (tmp_path / "models").mkdir()
    (tmp_path / "dbt_project.yml").write_text(
        "name: t\nversion: 1.0.0\nprofile: t\nflags: {send_anonymous_usage_stats: false}\n"
    )
    (tmp_path / "profiles.yml").write_text(
        "t: {target: d, outputs: {d: {type: duckdb, path: ':memory:'}}}\n"
    )
    (tmp_path / "models" / "sales.sql").write_text(
        "select 1 as id, date '2024-01-01' as sold_on, 5 as amount"
    )
    (tmp_path / "models" / "days.sql").write_text("select date '2024-01-01' as day")
    (tmp_path / "models" / "sales.yml").write_text(
        "models:\n  - name: days\n    time_spine: {standard_granularity_column: day}\n"
        "    columns: [{name: day, granularity: day}]\n" + specification
    )
    done = subprocess.run(
        [Path(sys.executable).with_name("dbt"), "parse"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    manifest = json.loads((tmp_path / "target" / "semantic_manifest.json").read_text())
    (metric,) = (m for m in manifest["metrics"] if m["name"] == "revenue")
    parameters = metric["type_params"]
    kept = (parameters["measure"] or parameters)["fill_nulls_with"]
    assert kept == filled


@pytest.mark.parametrize(
    "values, line",
    [
        ([], ""),
        ([1.0], ""),
        ([2.0, 2.0], "▁▁"),
        ([0.0, 1.0], "▁█"),
        ([0.0, 3.5, 7.0], "▁▅█"),
        ([-1.0, 0.0, 1.0], "▁▅█"),
    ],
)
def test_sparkline(values, line):
    assert sparkline(values) == line


def test_values_are_shown_in_their_unit():
    assert shown(None, "rate") == "unknown"
    assert shown(0.0, "rate") == "0.0 %"
    assert shown(0.1234, "rate") == "12.3 %"
    assert shown(1234.5, "currency") == "1,234.50"
    assert shown(1234.0, "customers") == "1,234"
    assert shown(-3.25, "score") == "-3.2"
    for unit in UNITS:
        assert shown(1.0, unit)


def test_changes_are_points_for_rates_and_per_cent_for_amounts():
    assert shown_change(0.5, 0.4, "rate") == "+10.0 points"
    assert shown_change(110, 100, "customers") == "+10.0 %"
    assert shown_change(90, -100, "currency") == "+190.0 %"
    assert shown_change(5, 0, "customers") == "+5"
    assert shown_change(None, 5, "customers") == shown_change(5, None, "customers") == ""


def run(*arguments: str):
    return CliRunner().invoke(app, ["metrics", *arguments])


def test_the_command_lists_metrics_with_their_values(published):
    result = run("--warehouse", str(published.warehouse.folder))
    assert result.exit_code == 0
    (orders,) = published.query(
        "select value::bigint from metrics.metric_values where metric = 'order_count'"
    )[0]
    line = next(line for line in result.output.splitlines() if " order_count " in line)
    assert re.search(rf"order_count +\d{{4}}-\d\d +{orders:,} ", line)
    assert "▁" in line or "█" in line


def test_the_command_shows_one_metric_in_full(published):
    result = run("nps", "--warehouse", str(published.warehouse.folder))
    assert result.exit_code == 0
    assert "promoters - detractors" in result.output
    months = read_months(published.warehouse, "nps")
    assert months and all(f"{month['month']:%Y-%m}" in result.output for month in months)


def test_the_command_lists_one_question(published):
    result = run("--question", "value", "--warehouse", str(published.warehouse.folder))
    assert "repeat_buyer_rate" in result.output and "order_count" not in result.output


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["npss"], "There is no metric npss. Did you mean nps?"),
        (["--question", "valu"], "There is no question valu. Did you mean value?"),
    ],
)
def test_an_unknown_name_is_refused(published, arguments, message):
    result = run(*arguments, "--warehouse", str(published.warehouse.folder))
    assert isinstance(result.exception, InputRefused) and message in str(result.exception)


def test_nothing_published_is_said(tmp_path):
    result = run("--warehouse", str(tmp_path))
    assert "nothing is published" in str(result.exception)


def test_an_older_published_file_is_said(tmp_path):
    warehouse = Warehouse(tmp_path)
    warehouse.published_file.parent.mkdir()
    duckdb.connect(str(warehouse.published_file)).close()
    with pytest.raises(InputRefused, match="version without metrics"):
        read_lines(warehouse)


def test_baseline_date_is_a_day():
    assert baseline_date({}) is None
    assert str(baseline_date({"baseline_date": "2024-06-30"})) == "2024-06-30"
    for wrong in ("June", "2024-06-31", 5, "2024-06-30 12:00"):
        with pytest.raises(InputRefused, match="baseline_date"):
            baseline_date({"baseline_date": wrong})


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """The same landing published now with a baseline, and as of that day."""
    folder = tmp_path_factory.mktemp("baseline")
    generate(120, 10, 3, folder / "landing", dirt=0.01)
    now, then = Warehouse(folder / "now"), Warehouse(folder / "then")
    day = "2024-08-15"
    refresh(now, folder / "landing", variables={"baseline_date": day})
    refresh(then, folder / "landing", as_of=baseline_date({"baseline_date": day}))
    return now, then


def test_then_is_what_a_refresh_of_that_day_publishes(compared):
    now, then = compared
    expected = {line["metric"]: line for line in read_lines(then)}
    lines = read_lines(now)
    for line in lines:
        old = expected[line["metric"]]
        assert str(line["baseline_date"]) == "2024-08-15"
        assert line["baseline_value"] == old["value"], line["metric"]
        assert line["baseline_period_start"] == old["period_start"]
        if line["value"] is not None and old["value"] is not None:
            assert line["change"] == line["value"] - old["value"]
    assert sum(line["baseline_value"] is not None for line in lines) > 80
    assert sum(line["change"] not in (None, 0) for line in lines) > 60
    assert not (now.folder / "baseline").exists()


def test_the_command_compares_with_the_baseline(compared):
    now, _ = compared
    result = run("--warehouse", str(now.folder))
    assert "on 2024-08-15" in result.output


def test_a_baseline_after_the_data_is_refused(compared):
    now, _ = compared
    before = now.published_file.stat().st_mtime_ns
    with pytest.raises(InputRefused, match="baseline_date: 2024-12-31 is not before"):
        rebuild(now, date(2024, 12, 31), None, {})
    assert now.published_file.stat().st_mtime_ns == before
    assert not (now.folder / "baseline").exists()
