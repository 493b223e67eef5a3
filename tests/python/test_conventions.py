"""The house style, read from dbt's manifest: what a reviewer should not have to look for."""

import json
import re
from pathlib import Path

import duckdb
import pytest
import yaml

from evergreen.build import run_dbt
from evergreen.contract import LANDING_COLUMNS, read_contract
from evergreen.incremental import STATE
from evergreen.paths import PROJECT_DIR, Warehouse
from evergreen.tombstones import MENTIONS, owner_column

LAYERS = {"staging": {"base_", "stg_"}, "intermediate": {"int_"}}
ENGINE_WORDS = re.compile(
    r"target\.type|\b(current_date|current_timestamp|now|today|getdate|try_cast|strptime|list_\w+|"
    r"epoch_ms|date_diff|quantile_cont|arg_max|any_value|qualify|exclude)\b\s*\(?",
)
CLOCK = re.compile(r"\b(current_date|current_timestamp|now\(\)|get_current_timestamp|today\(\))")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory) -> dict:
    warehouse = Warehouse(tmp_path_factory.mktemp("parse"))
    assert run_dbt(warehouse, ["parse"]).success
    return json.loads((warehouse.folder / "target" / "manifest.json").read_text())


@pytest.fixture(scope="module")
def models(manifest) -> list[dict]:
    return [n for n in manifest["nodes"].values() if n["resource_type"] == "model"]


@pytest.fixture(scope="module")
def marts(models) -> list[dict]:
    found = [model for model in models if model["fqn"][1] == "marts"]
    assert len(found) >= 7
    return found


def problems(found: list[str]) -> None:
    assert not found, "\n".join(found)


def test_layers_are_named_and_placed(models):
    problems(
        [
            f"{m['name']} in {m['fqn'][1]}"
            for m in models
            if m["fqn"][1] in LAYERS and not m["name"].startswith(tuple(LAYERS[m["fqn"][1]]))
        ]
    )


def test_only_staging_and_the_ledger_marts_read_sources(models):
    allowed = {"source.evergreen.ledger.files", "source.evergreen.ledger.malformed_lines"}
    allowed |= {"source.evergreen.ledger.refreshes", "source.evergreen.ledger.erased_rows"}
    allowed |= {f"source.evergreen.ledger.{table}" for table in STATE}
    allowed.add("source.evergreen.ledger.refresh_changes")
    problems(
        [
            f"{m['name']} reads {parent}"
            for m in models
            for parent in m["depends_on"]["nodes"]
            if parent.startswith("source.") and m["fqn"][1] != "staging" and parent not in allowed
        ]
    )


def test_staging_reads_no_mart_and_no_intermediate(models):
    problems(
        [
            f"{m['name']} reads {parent}"
            for m in models
            if m["fqn"][1] == "staging"
            for parent in m["depends_on"]["nodes"]
            if parent.split(".")[-1].startswith("int_")
        ]
    )


def test_every_model_has_a_description_with_its_grain(models):
    problems(
        [
            m["name"]
            for m in models
            if not m["description"].strip().startswith("One row per ")
            and m["name"] != "stg_calendar"
        ]
    )


def test_every_mart_has_an_enforced_contract_and_described_columns(marts):
    found = []
    for mart in marts:
        if not mart["config"]["contract"]["enforced"]:
            found.append(f"{mart['name']}: no enforced contract")
        found += [
            f"{mart['name']}.{name}: no description"
            for name, column in mart["columns"].items()
            if not column["description"].strip()
        ]
        if "as_of_date" not in mart["columns"]:
            found.append(f"{mart['name']}: no as_of_date")
    problems(found)


def test_marts_are_public_and_all_else_is_private(models):
    """dbt refuses a ref to a private model from outside its group: marts are the interface."""
    found = []
    for model in models:
        wanted = "public" if model["fqn"][1] == "marts" else "private"
        if model["access"] != wanted:
            found.append(f"{model['name']}: access {model['access']}, not {wanted}")
        if model["group"] != "evergreen":
            found.append(f"{model['name']}: group {model['group']}")
    problems(found)


def test_every_column_that_is_built_is_described_and_no_other(manifest, published):
    """Of models, seeds and sources: what stands in the warehouse is what the documentation says."""
    columns: dict[tuple[str, str], set[str]] = {}
    with duckdb.connect(str(published.warehouse.work_file), read_only=True) as con:
        for schema, table, column in con.execute(
            "select table_schema, table_name, column_name from information_schema.columns"
        ).fetchall():
            columns.setdefault((schema, table), set()).add(column)
    sources = manifest["sources"].values()
    nodes = [n for n in manifest["nodes"].values() if n["resource_type"] in ("model", "seed")]
    assert len(nodes) > 150
    found = []
    for node in [*nodes, *sources]:
        described = {
            name for name, column in node["columns"].items() if column["description"].strip()
        }
        # What the loader adds to each raw table is described once, with the source.
        if node.get("source_name") == "raw":
            described |= {name for name, _ in LANDING_COLUMNS if name in node["source_description"]}
        built = columns[(node["schema"], node.get("identifier") or node["name"])]
        found += [f"{node['name']}.{name}: no description" for name in built - described]
        found += [f"{node['name']}.{name}: not built" for name in set(node["columns"]) - built]
    problems(sorted(found))


def test_a_column_with_nulls_says_what_null_means(models, published):
    """In its own description or in that of its model, of all that is null in the demo."""
    found = []
    with duckdb.connect(str(published.warehouse.work_file), read_only=True) as con:
        for model in models:
            names = list(model["columns"])
            counts = ", ".join(f'count(*) - count("{name}")' for name in names)
            relation = f"{model['schema']}.{model['name']}"
            nulls = con.execute(f"select {counts} from {relation}").fetchone()
            found += [
                f"{model['name']}.{name}: {count} nulls"
                for name, count in zip(names, nulls, strict=True)
                if count
                and "null" not in model["columns"][name]["description"].lower()
                and "null" not in model["description"].lower()
            ]
    problems(found)


def test_documentation_can_be_one_page(manifest):
    """dbt writes the manifest into a script of the page as it is: this would end the script."""
    assert "</script" not in json.dumps(manifest).lower()


def test_every_mart_has_a_key_test(manifest, marts):
    tested = {
        test["attached_node"]
        for test in manifest["nodes"].values()
        if test["resource_type"] == "test"
        and test.get("test_metadata", {}).get("name") in ("unique", "unique_together")
    }
    # Two files that are no rows at one place can say the same: quarantined rows have no key.
    problems([m["name"] for m in marts if m["unique_id"] not in tested | {KEYLESS}])


KEYLESS = "model.evergreen.quarantined_rows"


def test_yaml_stands_beside_the_mart(marts):
    problems(
        [
            m["name"]
            for m in marts
            if not (PROJECT_DIR / m["original_file_path"]).with_suffix(".yml").exists()
        ]
    )


def test_models_hold_no_dialect_and_no_clock(models):
    found = []
    for model in models:
        text = (PROJECT_DIR / model["original_file_path"]).read_text()
        code = re.sub(r"\{#.*?#\}|--[^\n]*", "", text, flags=re.S)
        found += [f"{model['name']}: {match.group(0)}" for match in ENGINE_WORDS.finditer(code)]
        found += [f"{model['name']}: {match.group(0)}" for match in CLOCK.finditer(code)]
    problems(found)


def test_models_are_short(models):
    problems(
        [
            f"{m['name']}: {lines} lines"
            for m in models
            if (lines := len((PROJECT_DIR / m["original_file_path"]).read_text().splitlines()))
            > 150
        ]
    )


def test_yaml_files_are_short():
    files = [*PROJECT_DIR.glob("models/**/*.yml"), *PROJECT_DIR.glob("seeds/*.yml")]
    problems(
        [
            f"{file.name}: {lines} lines"
            for file in files
            if (lines := len(file.read_text().splitlines())) > 400
        ]
    )


def test_sql_lines_are_at_most_100_columns():
    files = [
        file
        for folder in ("models", "macros", "tests", "analyses")
        for file in PROJECT_DIR.glob(f"{folder}/**/*.sql")
    ]
    assert len(files) >= 40
    problems(
        [
            f"{file.relative_to(PROJECT_DIR)}:{number}: {len(line)} columns"
            for file in sorted(files)
            for number, line in enumerate(file.read_text().splitlines(), 1)
            if len(line) > 100
        ]
    )


def test_every_seed_says_where_its_rules_come_from(manifest):
    seeds = [n for n in manifest["nodes"].values() if n["resource_type"] == "seed"]
    assert seeds
    problems([s["name"] for s in seeds if "source" not in s["columns"]])


def test_inputs_of_the_macros_are_those_of_the_contract():
    macro = (PROJECT_DIR / "macros" / "contract.sql").read_text()
    listed = re.search(r"macro input_names\(\).*?return\(\[(.*?)\]", macro, re.S).group(1)
    assert set(re.findall(r"'(\w+)'", listed)) == set(read_contract().table_names)


def test_every_test_has_a_reason(manifest):
    """Unit tests name the rule that they prove."""
    problems(
        [u["name"] for u in manifest["unit_tests"].values() if not u.get("description", "").strip()]
    )


def test_no_machine_path_and_no_registry_in_what_is_committed():
    forbidden = re.compile(
        r"https?://(?:pypi|files\.pythonhosted|registry)|--index-url|/(?:home|root)/"
    )
    for name in ("requirements.lock", "requirements-dev.lock", "Makefile", "README.md"):
        assert not forbidden.search((PROJECT_DIR / name).read_text()), name


def test_lock_is_hashed_and_complete():
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = Path(PROJECT_DIR / name).read_text()
        pins = re.findall(r"^[a-z0-9].*==", text, re.M)
        assert len(pins) > 80
        assert text.count("--hash=sha256:") >= len(pins)


def test_telemetry_is_off():
    project = yaml.safe_load((PROJECT_DIR / "dbt_project.yml").read_text())
    assert project["flags"]["send_anonymous_usage_stats"] is False
    gx = yaml.safe_load((PROJECT_DIR / "gx" / "great_expectations.yml").read_text())
    assert gx["analytics_enabled"] is False


def test_no_mart_has_a_column_of_addresses_and_free_text_is_masked_in_staging(models, marts):
    """What is personal is tagged in the contract. Where such a column is named, it is by a macro
    that hides it: nobody may pass it on by the way."""
    tagged = {
        (table.name, column.name, column.pii)
        for table in read_contract().tables
        for column in table.columns
        if column.pii
    }
    assert ("customers", "email", "address") in tagged and len(tagged) >= 3
    addresses = {column for _, column, pii in tagged if pii == "address"}
    found = [f"{m['name']}.{c}" for m in marts for c in addresses & set(m["columns"])]
    found += [
        f"{m['name']}.{c}"
        for m in models
        for c in addresses & set(m["columns"])
        if not m["name"].startswith("base_")
    ]
    code = {m["name"]: (PROJECT_DIR / m["original_file_path"]).read_text() for m in models}
    found += [
        f"stg_{table}.{column} is not masked"
        for table, column, pii in tagged
        if pii == "text"
        and f"{{{{ without_contacts('{column}') }}}} as {column}" not in code[f"stg_{table}"]
    ]
    readers = {"quarantined_rows", "stg_future_rows", "row_accounting", "stg_calendar"}
    readers.add("int_touched_customers")  # of ids and times only
    readers |= {f"stg_{name}" for name in read_contract().table_names}
    found += [
        f"{m['name']} reads {parent}"
        for m in models
        for parent in m["depends_on"]["nodes"]
        if parent in {f"model.evergreen.base_{table}" for table, _, _ in tagged}
        and m["name"] not in readers
    ]
    problems(found)


def test_an_erasure_knows_every_column_that_names_customers():
    named = {
        column.name
        for table in read_contract().tables
        for column in table.columns
        if column.kind == "id" and ("customer" in column.name or column.name.startswith("refer"))
    } - {"referral_id"}
    owners = {owner_column(table) for table in read_contract().tables} - {None}
    assert named | {"merged_into"} == owners | set(MENTIONS)


def test_profiles_hold_no_secret():
    """Passwords, tokens and the like come from the environment."""
    secret = re.compile(
        r"^\s*(pass|password|token|secret|key|\w*_key|\w*_token|user)\s*:(.*)$", re.M
    )
    for path in PROJECT_DIR.glob("**/profiles*.yml"):
        if ".venv" not in path.parts:
            values = secret.findall(path.read_text())
            assert all("env_var(" in value for _, value in values), path
    assert secret.findall("  password: hunter2")


def test_every_threshold_that_is_read_must_be_in_the_seed():
    """And the other way round: what the test on the seed demands is read somewhere."""
    files = [*PROJECT_DIR.glob("models/**/*.sql"), *PROJECT_DIR.glob("macros/*.sql")]
    calls = [
        call
        for file in files
        for call in re.findall(r"(?:thresholds\(|set limits = )\[(.*?)\]", file.read_text(), re.S)
    ]
    demanded = (PROJECT_DIR / "tests" / "assert_thresholds_are_complete.sql").read_text()
    demanded = re.search(r"names = \[(.*?)\]", demanded, re.S).group(1)
    names = re.compile(r"'(\w+)'")
    read_by_sql = set(names.findall(" ".join(calls)))
    fit = "".join(file.read_text() for file in PROJECT_DIR.glob("scripts/evergreen/fit/*.py"))
    read_by_fit = {name for name in names.findall(demanded) if f'"{name}"' in fit}
    assert names.findall(demanded) == sorted(read_by_sql | read_by_fit)


def test_the_folder_to_spill_into_is_set_once():
    """A setting is sent with each connection, and DuckDB refuses this one once it has spilled."""
    profile = yaml.safe_load((PROJECT_DIR / "profiles.yml").read_text())
    output = profile["evergreen"]["outputs"]["duckdb"]
    assert "temp_directory" in output["config_options"]
    assert "temp_directory" not in output["settings"]
