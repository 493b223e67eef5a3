"""Running dbt inside this process: its imports are paid once, its results come back as objects."""

import contextlib
import difflib
import gc
import json
import os
import re
import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import yaml

from evergreen.contract import read_contract
from evergreen.errors import BuildFailed, InputRefused
from evergreen.paths import PROJECT_DIR, Warehouse

Progress = Callable[[str], None]
SHOWN_ROWS = 5
ADDRESS = re.compile(r"[^\s\",;|<>()@]+@[^\s\",;|<>()@]+")
"""What looks like an e-mail address: messages are kept in logs and published."""
QUARANTINE_TEST = "assert_quarantine_rate"
"""The test that refuses a file with too many bad rows: the fault of the input, not of a model."""


@dataclass(frozen=True)
class BuildReport:
    """What dbt did: tests run, and the messages of those that only warn."""

    model_count: int
    check_count: int
    warnings: list[str]


def build(
    warehouse: Warehouse,
    as_of: date | None = None,
    target: str | None = None,
    variables: dict | None = None,
    progress: Progress | None = None,
    select: str | None = None,
    with_tests: bool = True,
    changes_only: bool = False,
    retry_from: Path | None = None,
) -> BuildReport:
    """Build and test every model in the warehouse's work file, or those that dbt selects.

    Raises BuildFailed, or InputRefused when all that is wrong is a file of mostly bad rows.

    Unit tests prove code, not data: they run in `make test`, not in a refresh.
    `variables` are dbt vars that override those of dbt_project.yml; `as_of` is one of them.
    `changes_only`: continue the tables that can be; `evergreen.incremental.plan` says when to.
    `retry_from`: a folder with the run_results.json of the same build that failed; what it built
    and tested stands, and dbt goes on with the rest. Where dbt cannot, everything is built.
    """
    given = dict(variables or {})
    check_variables(given)
    if as_of:
        given["as_of_date"] = as_of.isoformat()
    arguments = [
        "build",
        "--exclude-resource-type",
        "unit_test",
        "--vars",
        json.dumps(given, default=str),
    ]
    if not with_tests:
        arguments += ["--exclude-resource-type", "test"]
    if target:
        arguments += ["--target", target]
    if select:
        arguments += ["--select", select]
    (warehouse.folder / "target" / "run_results.json").unlink(missing_ok=True)
    before, retry = BuildReport(0, 0, []), ["retry", "--state", str(retry_from)]
    result = run_dbt(warehouse, retry if retry_from else arguments, progress, changes_only)
    if retry_from and not result.exception:
        before = _passed(retry_from)
    elif retry_from and not isinstance(result.exception, KeyboardInterrupt):
        result = run_dbt(warehouse, arguments, progress, changes_only)
    if isinstance(result.exception, KeyboardInterrupt):
        raise result.exception
    if result.exception:
        raise BuildFailed(f"dbt could not run: {result.exception}")
    nodes = list(result.result.results)
    failed = [node for node in nodes if node.status in ("error", "fail")]
    if {node.node.name for node in failed} == {QUARANTINE_TEST}:
        raise InputRefused(_failure_message(warehouse, failed))
    if failed:
        raise BuildFailed(_failure_message(warehouse, failed))
    tests = [node for node in nodes if node.node.resource_type == "test"]
    return BuildReport(
        model_count=before.model_count + sum(node.node.resource_type == "model" for node in nodes),
        check_count=before.check_count + len(tests),
        warnings=before.warnings
        + [f"warning: {node.node.name}: {node.message}" for node in tests if node.status == "warn"],
    )


def _passed(folder: Path) -> BuildReport:
    """What a build that failed had built and tested before."""
    results = json.loads((folder / "run_results.json").read_text(encoding="utf-8"))["results"]
    good = [result for result in results if result["status"] in ("success", "pass", "warn")]
    kinds = [result["unique_id"].split(".")[0] for result in good]
    return BuildReport(
        model_count=kinds.count("model"),
        check_count=kinds.count("test"),
        warnings=[
            f"warning: {result['unique_id'].split('.')[2]}: {result['message']}"
            for result in good
            if result["status"] == "warn"
        ],
    )


def project_variables() -> dict:
    """The vars of dbt_project.yml."""
    project = yaml.safe_load((PROJECT_DIR / "dbt_project.yml").read_text(encoding="utf-8"))
    return project["vars"]


def check_variables(given: dict) -> None:
    """Refuse vars that the project does not have, and time zones that nobody has.

    dbt ignores an unknown var in silence, and the number would be wrong.
    """
    known = project_variables()
    for name, value in given.items():
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {nearest[0]}?" if nearest else ""
            raise InputRefused(f"There is no var {name}.{hint} Known: {', '.join(known)}.")
        if name.endswith("timezone") and value not in zoneinfo.available_timezones():
            raise InputRefused(f"{name}: {value} is no time zone; write one such as Europe/Berlin.")


def run_dbt(
    warehouse: Warehouse,
    arguments: list[str],
    progress: Progress | None = None,
    changes_only: bool = False,
):
    """A dbt command on the project, building in the warehouse's work file."""
    from dbt.cli.main import dbtRunner  # importing dbt takes seconds: only who builds pays for it

    done = 0

    def on_event(event) -> None:
        nonlocal done
        if event.info.name == "LogStartLine" and progress:
            done += 1
            progress(f"{done} of {event.data.total}: {event.data.description}")

    warehouse.folder.mkdir(parents=True, exist_ok=True)
    places = [
        *("--project-dir", str(PROJECT_DIR), "--profiles-dir", str(PROJECT_DIR)),
        *("--target-path", str(warehouse.folder / "target")),
        *("--log-path", str(warehouse.folder / "logs"), "--log-level", "none"),
    ]
    with _environment(warehouse, changes_only), contextlib.chdir(PROJECT_DIR):
        try:
            return dbtRunner(callbacks=[on_event]).invoke([*arguments, *places])
        finally:
            _close_connections()


def _close_connections() -> None:
    """dbt-duckdb keeps its file open for the next command; the audit could not open it then."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.factory import reset_adapters

    reset_adapters()
    DuckDBConnectionManager.close_all_connections()
    gc.collect()


@contextlib.contextmanager
def _environment(warehouse: Warehouse, changes_only: bool) -> Iterator[None]:
    """Tell profiles.yml which files to use, and put the environment back afterwards."""
    names = {
        "EVERGREEN_WORK": str(warehouse.work_file),
        "EVERGREEN_TEMP": str(warehouse.folder / "tmp"),
        "EVERGREEN_BUILD": "changes" if changes_only else "all",
    }
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _failure_message(warehouse: Warehouse, failed: list) -> str:
    lines = [f"{len(failed)} of dbt's models and tests failed; nothing was published."]
    for node in failed:
        lines.append(
            f"- {node.node.resource_type} {node.node.name}: {(node.message or '').strip()}"
        )
        if node.node.resource_type == "test" and node.status == "fail":
            if node.node.description:
                lines.append(f"  {' '.join(node.node.description.split())}")
            lines += [
                f"  row: {row}" for row in _offending_rows(warehouse, node.node.compiled_code)
            ]
    lines.append(f"Details: {warehouse.folder / 'logs' / 'dbt.log'}")
    return ADDRESS.sub("[e-mail]", "\n".join(lines))


def _offending_rows(warehouse: Warehouse, sql: str | None) -> list[str]:
    """The first rows that a failed test returns."""
    if not sql or not Path(warehouse.work_file).exists():
        return []
    try:
        with duckdb.connect(str(warehouse.work_file)) as con:
            found = con.execute(f"select * from ({sql}) limit {SHOWN_ROWS}")
            names = [column[0] for column in found.description]
            hidden = read_contract().personal_columns | {"extra", "_extra"}
            return [
                ", ".join(
                    f"{name}={value}"
                    for name, value in zip(names, row, strict=True)
                    if name.removeprefix("landed_") not in hidden
                )
                for row in found.fetchall()
            ]
    except duckdb.Error:
        return []
