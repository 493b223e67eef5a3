"""Apache Superset over the published file, on this machine only.

Runs with the Python of .venv-superset (`make superset` installs it). The first start makes
Superset's own database, a secret key and an administrator in <warehouse>/superset; each start
imports the dashboard of dashboard/superset and all published tables as datasets, then serves.
"""

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import duckdb
import yaml

PROJECT_DIR = Path(__file__).resolve().parents[1]
SHIPPED = PROJECT_DIR / "dashboard" / "superset"
BIN = Path(sys.executable).parent
PASSWORD = "EVERGREEN_SUPERSET_PASSWORD"
PLACEHOLDER = "__PUBLISHED_FILE__"
SCHEMAS = ("marts", "metrics")
NAMESPACE = uuid.UUID("6f0e2a52-3a75-5c55-8a1f-0f1b7f4c2f5e")
"""Ids of datasets come from their names, so that importing again changes them in place."""

ADMINISTRATOR = """
import os
from superset.app import create_app

with create_app().app_context():
    from superset import db, security_manager as users
    user = users.find_user("admin")
    password = os.environ["ADMIN_PASSWORD"]
    if user is None:
        role = users.find_role("Admin")
        users.add_user("admin", "Evergreen", "Admin", "admin@localhost", role, password)
        print("added")
    elif os.environ["ADMIN_RESET"]:
        users.reset_password(user.id, password)
    db.session.commit()
"""


def main() -> None:
    options = _options()
    published = options.warehouse.absolute() / "published" / "evergreen.duckdb"
    home = options.warehouse.absolute() / "superset"
    if not published.exists():
        sys.exit(f"nothing is published at {published}: run `evergreen refresh --landing DIR`")
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    environment = _environment(home)
    is_new = not (home / "superset.db").exists()
    _superset(environment, "db", "upgrade")
    if is_new:
        _superset(environment, "init")
    _administrator(environment)
    _render(published, home / "import")
    _superset(environment, "import-directory", "--overwrite", str(home / "import"))
    _check_import(home)
    print(f"Superset: http://{options.host}:{options.port}/superset/dashboard/evergreen/")
    print("Stop it with Ctrl-C.", flush=True)
    gunicorn = [
        *("gunicorn", "--workers", "1", "--worker-class", "gthread", "--threads", "8"),
        *("--timeout", "120", "--log-level", "warning"),
        *("--bind", f"{options.host}:{options.port}", "superset.app:create_app()"),
    ]
    os.chdir(home)
    os.execve(BIN / "gunicorn", gunicorn, environment)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warehouse", type=Path, default=PROJECT_DIR / "warehouse")
    parser.add_argument("--host", default="127.0.0.1", help="default: this machine only")
    parser.add_argument("--port", type=int, default=8088)
    return parser.parse_args()


def _environment(home: Path) -> dict[str, str]:
    """The secret key signs sessions: from the environment, or made once and kept for the owner."""
    file = home / "secret_key"
    key = os.environ.get("SUPERSET_SECRET_KEY")
    if not key:
        if not file.exists():
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as text:
                text.write(secrets.token_urlsafe(48))
        key = file.read_text()
    outside = {name: os.environ[name] for name in os.environ if name != PASSWORD}
    return outside | {
        "SUPERSET_SECRET_KEY": key,
        "SUPERSET_CONFIG_PATH": str(SHIPPED / "superset_config.py"),
        "EVERGREEN_SUPERSET_HOME": str(home),
        "SUPERSET_HOME": str(home),
        "FLASK_APP": "superset.app:create_app()",
        "SCARF_ANALYTICS": "false",
        "PYTHONWARNINGS": "ignore",
    }


def _administrator(environment: dict[str, str]) -> None:
    """User admin. A password of the environment is set at each start, a made one is printed once.

    It is handed over in the environment: the arguments of a program can be read by everybody.
    """
    given = os.environ.get(PASSWORD)
    made = secrets.token_urlsafe(12)
    words = {"ADMIN_PASSWORD": given or made, "ADMIN_RESET": "1" if given else ""}
    if _run(environment | words, [sys.executable, "-c", ADMINISTRATOR]).endswith("added\n"):
        print("User admin, password " + ("as given" if given else f"{made} (shown this once)"))


def _superset(environment: dict[str, str], *arguments: str) -> None:
    _run(environment, [BIN / "superset", *arguments])


def _run(environment: dict[str, str], command: list) -> str:
    done = subprocess.run(
        command,
        env=environment,
        cwd=environment["EVERGREEN_SUPERSET_HOME"],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        what = Path(command[0]).name if command[1] == "-c" else f"superset {command[1]}"
        sys.exit(f"{what} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


def _render(published: Path, folder: Path) -> None:
    """The shipped folder with the path of the file, and a dataset for each published table."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SHIPPED, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    database = folder / "databases" / "evergreen.yaml"
    database.write_text(database.read_text().replace(PLACEHOLDER, str(published)))
    database_uuid = yaml.safe_load(database.read_text())["uuid"]
    with duckdb.connect(str(published), read_only=True) as con:
        tables = con.execute(
            "select schema_name, table_name, comment from duckdb_tables() "
            "where list_contains($1, schema_name) order by schema_name, table_name",
            [SCHEMAS],
        ).fetchall()
        for schema, table, comment in tables:
            name = table if schema == SCHEMAS[0] else f"{schema}_{table}"
            file = folder / "datasets" / "evergreen" / f"{name}.yaml"
            shipped = yaml.safe_load(file.read_text()) if file.exists() else {}
            dataset = {
                "table_name": table,
                "schema": schema,
                "uuid": str(uuid.uuid5(NAMESPACE, f"dataset.{name}")),
                "metrics": [{"metric_name": "count", "expression": "count(*)"}],
                "version": "1.0.0",
                "database_uuid": database_uuid,
                "columns": [],
            } | shipped
            dataset["description"] = comment
            dataset["columns"] += _columns(con, schema, table)
            file.write_text(yaml.safe_dump(dataset, sort_keys=False, allow_unicode=True))


def _columns(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> list[dict]:
    rows = con.execute(
        "select column_name, data_type, comment from duckdb_columns() "
        "where schema_name = $1 and table_name = $2 order by column_index",
        [schema, table],
    ).fetchall()
    return [
        {
            "column_name": name,
            "type": kind,
            "is_dttm": kind in ("DATE", "TIMESTAMP"),
            "groupby": True,
            "filterable": True,
            "description": comment,
        }
        for name, kind, comment in rows
    ]


def _check_import(home: Path) -> None:
    """The import ends with 0 even when it refused a file: look for the charts of the dashboard."""
    import sqlite3

    expected = {yaml.safe_load(file.read_text())["uuid"] for file in SHIPPED.glob("charts/*.yaml")}
    with sqlite3.connect(home / "superset.db") as con:
        found = con.execute(
            "select s.uuid from slices s join dashboard_slices d on d.slice_id = s.id "
            "join dashboards b on b.id = d.dashboard_id where b.slug = 'evergreen'"
        ).fetchall()
    missing = expected - {str(uuid.UUID(bytes=bytes(row))) for (row,) in found}
    if missing:
        sys.exit(f"{len(missing)} charts were not imported: {json.dumps(sorted(missing))}")


if __name__ == "__main__":
    main()
