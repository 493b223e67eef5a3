"""What is shipped for BI tools agrees with the marts, and exposures with what each tool reads."""

import json
import re
from pathlib import Path

import duckdb
import pytest
import yaml

from evergreen.build import run_dbt
from evergreen.paths import PROJECT_DIR, Warehouse

SUPERSET = PROJECT_DIR / "dashboard" / "superset"
QUERIES = PROJECT_DIR / "dashboard" / "queries"
NOTEBOOK = PROJECT_DIR / "analyses" / "tour_of_the_marts.ipynb"
MART = re.compile(r"\bmarts\.(\w+)")
NO_TABLE = {"evergreen", "marts"}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory) -> dict:
    warehouse = Warehouse(tmp_path_factory.mktemp("parse"))
    assert run_dbt(warehouse, ["parse"]).success
    return json.loads((warehouse.folder / "target" / "manifest.json").read_text())


def exposed(manifest: dict, name: str) -> set[str]:
    """Models that an exposure says it reads."""
    nodes = manifest["exposures"][f"exposure.evergreen.{name}"]["depends_on"]["nodes"]
    return {node.split(".")[-1] for node in nodes}


def shipped(folder: str) -> dict[Path, dict]:
    found = {
        file: yaml.safe_load(file.read_text()) for file in SUPERSET.glob(f"{folder}/**/*.yaml")
    }
    assert found
    return found


def test_exposures_of_the_whole_file_name_every_mart(manifest):
    marts = {
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["fqn"][1] == "marts"
    }
    assert len(marts) >= 50
    assert exposed(manifest, "sql_client") == marts
    assert exposed(manifest, "parquet_export") == marts


def test_exposure_of_superset_names_its_datasets(manifest):
    tables = {dataset["table_name"] for dataset in shipped("datasets").values()}
    assert exposed(manifest, "superset") == tables


def test_exposure_of_the_dashboard_names_what_its_queries_read(manifest):
    read = {mart for file in QUERIES.glob("*.sql") for mart in MART.findall(file.read_text())}
    assert exposed(manifest, "dashboard") == read


def test_exposure_of_the_notebook_names_what_its_cells_read(manifest):
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert exposed(manifest, "notebook") == set(MART.findall(code)) - NO_TABLE


def test_every_exposure_says_who_reads_and_how(manifest):
    for exposure in manifest["exposures"].values():
        assert exposure["description"].strip(), exposure["name"]
        assert exposure["owner"]["name"] == "Evergreen maintainers"
        assert exposure["maturity"]
    assert len(manifest["exposures"]) == 5


def test_superset_holds_no_machine_path_and_no_secret():
    database = shipped("databases")[SUPERSET / "databases" / "evergreen.yaml"]
    assert database["sqlalchemy_uri"] == "duckdb:///__PUBLISHED_FILE__"
    arguments = database["extra"]["engine_params"]["connect_args"]
    assert arguments["read_only"] is True
    assert arguments["config"] == {"enable_external_access": "false", "lock_configuration": "true"}
    for file in SUPERSET.rglob("*.yaml"):
        assert not re.search(r"/(?:home|root|tmp)/|password|secret", file.read_text()), file


def test_superset_files_refer_to_each_other():
    database = shipped("databases")[SUPERSET / "databases" / "evergreen.yaml"]["uuid"]
    datasets = {dataset["uuid"] for dataset in shipped("datasets").values()}
    charts = {chart["uuid"]: chart["slice_name"] for chart in shipped("charts").values()}
    assert {dataset["database_uuid"] for dataset in shipped("datasets").values()} == {database}
    assert {chart["dataset_uuid"] for chart in shipped("charts").values()} == datasets
    (dashboard,) = shipped("dashboards").values()
    drawn = [
        (place["meta"]["uuid"], place["meta"]["sliceName"])
        for place in dashboard["position"].values()
        if isinstance(place, dict) and place["type"] == "CHART"
    ]
    assert sorted(drawn) == sorted(charts.items())


def test_what_superset_computes_runs_on_the_published_file(published):
    with duckdb.connect(str(published.warehouse.published_file), read_only=True) as con:
        for dataset in shipped("datasets").values():
            for computed in (*dataset["metrics"], *dataset["columns"]):
                con.execute(f"select {computed['expression']} from marts.{dataset['table_name']}")


def test_columns_of_the_charts_are_there(published):
    """A chart whose column was renamed draws nothing."""
    datasets = {dataset["uuid"]: dataset for dataset in shipped("datasets").values()}
    for file, chart in shipped("charts").items():
        dataset = datasets[chart["dataset_uuid"]]
        mart = published.query(
            f"select column_name from duckdb_columns() where table_name = '{dataset['table_name']}'"
        )
        columns = {name for (name,) in mart} | {c["column_name"] for c in dataset["columns"]}
        metrics = {metric["metric_name"] for metric in dataset["metrics"]}
        params = chart["params"]
        named = {*params.get("all_columns", []), params.get("x_axis"), params.get("groupby")}
        named |= {item.get("subject") for item in params.get("adhoc_filters", [])}
        named |= set(params.get("column_config", {}))
        assert named - {None} <= columns, file.name
        assert {*params.get("metrics", []), params.get("metric")} - {None} <= metrics, file.name


def test_superset_lock_is_hashed_and_names_no_registry():
    text = (PROJECT_DIR / "requirements-superset.lock").read_text()
    pins = re.findall(r"^[a-z0-9].*==", text, re.M)
    assert len(pins) > 100
    assert text.count("--hash=sha256:") >= len(pins)
    assert not re.search(r"https?://|--index-url|--find-links", text)
