"""Going on where a refresh stopped: what is done, and whether it may still be used."""

import json
from datetime import date
from pathlib import Path

import duckdb

from evergreen.contract import read_contract
from evergreen.errors import NothingToDo
from evergreen.files import hash_files
from evergreen.load_files import discover, fingerprint
from evergreen.load_mapping import BOOKS
from evergreen.locking import Holder
from evergreen.paths import PROJECT_DIR, Warehouse
from evergreen.run_log import Finished, connect, results_folder
from evergreen.versions import version_of

CODE = (
    *("dbt_project.yml", "profiles.yml", "models/**/*.*", "macros/*.sql", "seeds/**/*.*"),
    *("tests/*.*", "tests/generic/*.sql", "gx/**/*.*", "scripts/evergreen/**/*.py"),
)
ANEW = "Run it without --resume."


class Resumed:
    """A run to go on with: its id, the steps that are done, and where `dbt retry` can begin."""

    def __init__(self, refresh_id: str, steps: dict[str, Finished], retry_from: Path | None):
        self.refresh_id = refresh_id
        self.steps = steps
        self.retry_from = retry_from


def options_of(
    landing: Path, mapping: Path | None, as_of: date | None, target: str | None, variables: dict
) -> dict:
    """What makes two refreshes of the same files the same: options, mapping and code.

    `variables`: those of the command; those of vars.yml are part of the mapping.
    """
    return {
        "landing": landing.name,
        "mapping": hash_files(mapping, ["**/*"]) if mapping else None,
        "as_of": str(as_of) if as_of else None,
        "target": target,
        "vars": json.loads(json.dumps(variables, sort_keys=True, default=str)),
        "code": hash_code(),
    }


def hash_code() -> str:
    """Of all that a refresh runs: models, macros, seeds, tests, suites and the Python."""
    return hash_files(PROJECT_DIR, CODE)


def find_resumed(
    warehouse: Warehouse,
    before: Holder | None,
    landing: Path,
    mapping: Path | None,
    options: dict,
) -> Resumed:
    """The last run, where it failed and nothing has changed since. Raises NothingToDo, saying what.

    `before`: who held the warehouse last. A plain `dbt build` holds nothing and goes unnoticed.
    """
    if not warehouse.work_file.exists():
        raise NothingToDo(f"nothing to resume: {warehouse.folder} was never refreshed. {ANEW}")
    with connect(warehouse) as con:  # not read-only: a killed process may have left a log to replay
        run = _last_run(con, warehouse)
        _check_unchanged(run, before, options)
        steps = _finished(con, run["refresh_id"])
        _check_files(con, landing, bool(mapping))
        is_build_failed = con.execute(
            "select count(*) > 0 from raw.refresh_steps where refresh_id = $1 "
            "and step = 'build' and status = 'failed'",
            [run["refresh_id"]],
        ).fetchone()[0]
    if "metrics" not in steps:
        steps.pop("baseline", None)  # its answers are kept nowhere but in the metrics
    kept = results_folder(warehouse, run["refresh_id"]) / "run_results.json"
    return Resumed(
        run["refresh_id"], steps, kept.parent if is_build_failed and kept.exists() else None
    )


def _last_run(con: duckdb.DuckDBPyConnection, warehouse: Warehouse) -> dict:
    try:
        found = con.execute(
            "from raw.refreshes where status is distinct from 'rolled_back_to' "
            "order by refresh_id desc limit 1"
        )
        names = [column[0] for column in found.description]
        row = found.fetchone()
    except duckdb.CatalogException:
        row = None
    if row is None:
        raise NothingToDo(f"nothing to resume: there was no refresh yet. {ANEW}")
    run = dict(zip(names, row, strict=True))
    # A process that was killed right after its swap has noted nothing, but its file knows.
    if run["is_published"] or run["refresh_id"] == version_of(warehouse.published_file):
        raise NothingToDo(
            f"nothing to resume: the last refresh ({run['refresh_id']}) was published. {ANEW}"
        )
    return run


def _check_unchanged(run: dict, before: Holder | None, options: dict) -> None:
    if before and before.refresh_id != run["refresh_id"]:
        raise NothingToDo(
            f"cannot resume {run['refresh_id']}: {before.words()}, has worked on the warehouse "
            f"since. {ANEW}"
        )
    then = json.loads(run.get("options") or "{}")
    for name, now in options.items():
        if then.get(name) != now:
            told = (
                ""
                if name in ("code", "mapping")
                else f": {_shown(then.get(name))}, now {_shown(now)}"
            )
            raise NothingToDo(
                f"cannot resume {run['refresh_id']}: {name} changed since{told}. {ANEW}"
            )


def _finished(con: duckdb.DuckDBPyConnection, refresh_id: str) -> dict[str, Finished]:
    rows = con.execute(
        "select step, outcome, message from raw.refresh_steps where refresh_id = $1 "
        "and status in ('done', 'skipped')",
        [refresh_id],
    ).fetchall()
    if not rows:
        raise NothingToDo(
            f"nothing to resume: {refresh_id} ended before its first step was done. {ANEW}"
        )
    return {row[0]: Finished(*row) for row in rows}


def _check_files(con: duckdb.DuckDBPyConnection, landing: Path, is_mapped: bool) -> None:
    """What lies in the landing folder must be what was loaded, to the byte."""
    loaded = dict(con.execute(_loaded(con)).fetchall())
    tables = set(read_contract().table_names)
    changed, seen = [], set()
    for file in discover(landing).files:
        if not is_mapped and file.stem.lower() not in tables:
            continue  # no input: it was not loaded either
        mark = fingerprint(file)
        seen.add(file.name)
        if mark is None or loaded.get(file.name) != mark.content_hash:
            changed.append(file.name)
    changed += sorted(loaded.keys() - seen)
    if changed:
        raise NothingToDo(
            f"cannot resume: {', '.join(changed[:5])}{' and more' if len(changed) > 5 else ''} in "
            f"{landing} changed, came or went since it was loaded. {ANEW}"
        )


def _loaded(con: duckdb.DuckDBPyConnection) -> str:
    books = con.execute(
        "select schema_name from duckdb_tables() where table_name = 'files' "
        "and schema_name in ('raw', $1) and database_name = current_database()",
        [BOOKS],
    ).fetchall()
    return " union ".join(
        f"select file, content_hash from {schema}.files "
        "where status = 'loaded' and content_hash is not null"
        for (schema,) in books
    )


def _shown(value: object) -> str:
    return "none" if value is None else str(value)
