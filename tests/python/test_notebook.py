"""The notebook runs from top to bottom: on demo data, on an older file, and on an empty one."""

import os
import re
import shutil
from pathlib import Path

import duckdb
import nbformat
import pytest
from built_marts import built, write_landing
from nbclient import NotebookClient
from nbformat import NotebookNode

from evergreen.paths import PROJECT_DIR

NOTEBOOK = PROJECT_DIR / "analyses" / "tour_of_the_marts.ipynb"
CHARTS = {
    "stages-and-states",
    "states-by-month",
    "cohorts",
    "survival",
    "risk",
    "calibration",
    "concentration",
    "forecast",
    "voice",
    "advocacy",
    "readiness",
    "plan",
    "quarantine",
    "metric-months",
}
NEEDS_A_FIT = {"calibration", "forecast"}
TABLES = {"contents", "columns", "customers", "axes-together", "call-list", "row-accounting"}
METRICS = """
drop schema if exists metrics cascade;
create schema metrics;
create table metrics.metric_values as
select
    'revenue' as metric, 'Revenue' as label, 'simple' as type, 'currency' as unit,
    'value' as question, 'Paid orders less refunds.' as description,
    date '2024-11-01' as period_start, 12.5 as value, 10.0 as previous_value,
    date '2024-01-01' as baseline_date, null::double as baseline_value, 2.5 as change,
    date '2024-12-31' as as_of_date;
create table metrics.metric_months as
select 'revenue' as metric, month::date as month, day(month) + 1.5 as value,
    month < date '2024-12-01' as is_complete, date '2024-12-31' as as_of_date
from range(date '2024-01-01', date '2024-12-02', interval 1 month) as months(month);
"""


@pytest.fixture(scope="module")
def notebook() -> NotebookNode:
    return nbformat.read(NOTEBOOK, nbformat.NO_CONVERT)


@pytest.fixture
def run(notebook, tmp_path, monkeypatch):
    """The cells that ran, by id, over the file of marts that is given."""

    def run(file: Path) -> dict[str, NotebookNode]:
        monkeypatch.setenv("EVERGREEN_PUBLISHED", str(file))
        for folder in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
            monkeypatch.setenv(folder, str(tmp_path / folder.lower()))
        ran = nbformat.from_dict(notebook)
        where = {"metadata": {"path": str(NOTEBOOK.parent)}}
        NotebookClient(ran, timeout=120, kernel_name="python3", resources=where).execute()
        return {cell.id: cell for cell in ran.cells if cell.cell_type == "code"}

    return run


def changed(file: Path, copy: Path, sql: str) -> Path:
    """A copy of a file of marts, with something done to it."""
    shutil.copy(file, copy)
    with duckdb.connect(str(copy)) as con:
        con.execute(sql)
    return copy


def charts(cells: dict[str, NotebookNode]) -> dict[str, str]:
    """The pictures that came out, by cell."""
    return {
        name: output.data["image/svg+xml"]
        for name, cell in cells.items()
        for output in cell.outputs
        if "image/svg+xml" in output.get("data", {})
    }


def tables(cells: dict[str, NotebookNode]) -> set[str]:
    """Cells that showed rows."""
    return {
        name
        for name, cell in cells.items()
        if any("<table" in output.get("data", {}).get("text/html", "") for output in cell.outputs)
    }


def text(cell: NotebookNode) -> str:
    return "".join(output.get("text", "") for output in cell.outputs)


def marks(svg: str) -> int:
    """Drawn marks: axes and the frame have groups of their own."""
    groups = re.findall(r'<g class="mark-(?:rect|symbol|line|area|rule|text)[^>]*>(.*?)</g>', svg)
    return sum(len(re.findall(r"<(?:path|text)\b", group)) for group in groups)


def test_notebook_is_clean_and_says_which_cell_is_which(notebook):
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    nbformat.validate(notebook)
    names = [cell.id for cell in notebook.cells]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z][a-z-]+", name)] == []
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.id for cell in code if cell.outputs or cell.execution_count is not None] == []
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


def test_every_question_gets_its_chart(run, published, tmp_path):
    file = changed(published.warehouse.published_file, tmp_path / "copy.duckdb", METRICS)
    cells = run(file)
    drawn = charts(cells)
    # 200 customers are too few for a fit: what rests on one says so.
    assert set(drawn) == CHARTS - NEEDS_A_FIT
    assert {name: svg for name, svg in drawn.items() if marks(svg) < 3} == {}
    assert TABLES | {"metrics"} <= tables(cells)
    assert "500 buyers" in text(cells["forecast"])
    assert "evergreen fit" in text(cells["calibration"])
    assert str(published.report.as_of_date) in text(cells["as-of"])


def test_scores_with_a_backtest_are_drawn(run, published, tmp_path):
    file = changed(
        published.warehouse.published_file,
        tmp_path / "copy.duckdb",
        """
        insert into marts.score_backtests by name
        select
            'churn_probability_90d' as score, 'model' as method, 90 as horizon_days,
            decile, 20 as customer_count, 1 - decile / 10.0 as predicted_mean,
            0.9 - decile / 12.0 as observed_mean, date '2024-06-01' as cutoff_date,
            date '2024-12-31' as as_of_date
        from range(1, 11) as tenths(decile)
        """,
    )
    cells = run(file)
    assert "calibration" in charts(cells)
    assert marks(charts(cells)["calibration"]) >= 21


def test_older_file_without_metrics_says_how_to_get_them(run, published, tmp_path):
    file = changed(
        published.warehouse.published_file,
        tmp_path / "copy.duckdb",
        "drop schema if exists metrics cascade",
    )
    cells = run(file)
    for name in ("metrics", "metric-months"):
        assert "No data for metrics" in text(cells[name])
        assert "evergreen refresh" in text(cells[name])
    assert set(charts(cells)) == CHARTS - NEEDS_A_FIT - {"metric-months"}


def test_empty_warehouse_says_what_is_missing(run, notebook, tmp_path):
    marts = set(re.findall(r"marts\.(\w+)", "".join(cell.source for cell in notebook.cells)))
    marts -= {"model_parameters"}
    assert len(marts) >= 15
    landing = write_landing(tmp_path / "landing")
    warehouse = built(tmp_path / "empty", landing, sorted(marts))
    cells = run(warehouse.work_file)
    assert "No customers yet" in text(cells["as-of"])
    assert charts(cells) == {}
    # What the file holds, and the three files that were loaded, are there all the same.
    assert tables(cells) == {"contents", "columns", "row-accounting"}
    silent = {"connect", "as-of", "metrics", "metric-months", "contents", "columns"}
    assert [
        name
        for name, cell in cells.items()
        if name not in silent | {"row-accounting"} and "No row" not in text(cell)
    ] == []


def test_no_query_of_the_notebook_can_leave_the_file(notebook, published):
    """The settings of the first cell hold: neither reading nor writing, nor switching it back."""
    source = next(cell.source for cell in notebook.cells if cell.id == "connect")
    settings = re.findall(r'con\.execute\("(set [^"]+)"\)', source)
    assert len(settings) == 2
    other = os.fspath(NOTEBOOK)
    with duckdb.connect(str(published.warehouse.published_file), read_only=True) as con:
        for setting in settings:
            con.execute(setting)
        for sql in (f"from read_text('{other}')", "set enable_external_access = true"):
            with pytest.raises(duckdb.Error):
                con.execute(sql)
