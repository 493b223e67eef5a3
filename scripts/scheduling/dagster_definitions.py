"""Evergreen in Dagster: every model and seed of dbt is an asset, with its lineage, and all of them
come from one `evergreen refresh`.

So a run publishes all marts or none: Dagster never runs dbt itself, which would build in the work
file and publish nothing. The assets are read from the manifest that a refresh leaves behind, hence
run one by hand before. Dagster has an environment of its own; README.md beside this file says how.

Settings, from the environment: EVERGREEN_LANDING (needed), EVERGREEN_HOME (the project; default:
the one that holds this file) and EVERGREEN_WAREHOUSE (default: the folder warehouse there).
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import dagster as dg
from dagster_dbt import build_dbt_asset_specs

HOME = Path(os.environ.get("EVERGREEN_HOME", Path(__file__).resolve().parents[2]))
WAREHOUSE = Path(os.environ.get("EVERGREEN_WAREHOUSE", HOME / "warehouse"))
MANIFEST = WAREHOUSE / "target" / "manifest.json"
PERSON_NEEDED = {2: "usage", 3: "input refused", 4: "build failed", 5: "audit failed"}
"""Exit codes that the same files would give again. After 1, 6 and 7 another try may help."""

if not MANIFEST.exists():
    raise FileNotFoundError(f"{MANIFEST} is not there: run `evergreen refresh` once, then reload.")
SPECS = build_dbt_asset_specs(manifest=MANIFEST)


@dg.multi_asset(
    name="evergreen_refresh",
    specs=SPECS,
    can_subset=False,
    pool="evergreen_warehouse",
    retry_policy=dg.RetryPolicy(max_retries=2, delay=600),
)
def evergreen_refresh(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
    """Load, build, audit and publish. Nothing is materialised unless all of it was published."""
    command = [
        *(str(HOME / ".venv" / "bin" / "evergreen"), "refresh"),
        *("--landing", os.environ["EVERGREEN_LANDING"], "--warehouse", str(WAREHOUSE)),
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
    )
    lines = []
    try:
        for line in process.stdout:
            lines.append(line.rstrip())
            context.log.info(lines[-1])
        exit_code = process.wait()
    except BaseException:  # the run was cancelled: the refresh tidies up when it is interrupted
        process.send_signal(signal.SIGINT)
        process.wait()
        raise
    if exit_code:
        raise dg.Failure(
            f"evergreen refresh ended with {exit_code}; readers see the version before. "
            + "\n".join(lines[-20:]),
            allow_retries=exit_code not in PERSON_NEEDED,
        )
    for key in TopologicalSorter({spec.key: _parents(spec) for spec in SPECS}).static_order():
        if key in context.selected_asset_keys:  # the others are sources
            yield dg.MaterializeResult(asset_key=key)


def _parents(spec: dg.AssetSpec) -> set[dg.AssetKey]:
    return {dependency.asset_key for dependency in spec.deps}


nightly_refresh = dg.define_asset_job("nightly_refresh", selection=[evergreen_refresh])

defs = dg.Definitions(
    assets=[evergreen_refresh],
    jobs=[nightly_refresh],
    schedules=[
        dg.ScheduleDefinition(
            job=nightly_refresh,
            cron_schedule="30 2 * * *",
            execution_timezone="UTC",
            default_status=dg.DefaultScheduleStatus.RUNNING,
        )
    ],
)
