"""Evergreen in Airflow: one task refreshes, one tells of the warehouse when that failed.

The DAG does not have one task per dbt model, as Cosmos would make it: DuckDB has one writer, each
task would pay dbt's start, and a half-finished DAG would publish nothing. `evergreen refresh`
publishes all marts or none.

Make the pool first: `airflow pools set evergreen_warehouse 1 "DuckDB has one writer"`.
Settings, from the environment of the workers: EVERGREEN_HOME (the project) and EVERGREEN_LANDING.
"""

import os
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowFailException

HOME = Path(os.environ.get("EVERGREEN_HOME", "/opt/evergreen"))
EVERGREEN = str(HOME / ".venv" / "bin" / "evergreen")
LANDING = os.environ.get("EVERGREEN_LANDING", "/srv/landing")
PERSON_NEEDED = {2: "usage", 3: "input refused", 4: "build failed", 5: "audit failed"}
"""Exit codes that the same files would give again. After 1, 6 and 7 another try may help."""


@dag(
    dag_id="evergreen",
    schedule="30 2 * * *",
    start_date=datetime(2024, 1, 1),
    catchup=False,  # a refresh reads all that landed: there are no missed nights to make up for
    max_active_runs=1,
    tags=["evergreen"],
)
def evergreen():
    """Load, build, audit and publish each night."""

    @task(
        pool="evergreen_warehouse",
        retries=2,
        retry_delay=timedelta(minutes=10),
        execution_timeout=timedelta(hours=6),
    )
    def refresh() -> None:
        """Readers see the version before unless all of it succeeded."""
        exit_code = subprocess.run([EVERGREEN, "refresh", "--landing", LANDING]).returncode
        if exit_code in PERSON_NEEDED:
            raise AirflowFailException(f"evergreen refresh: {PERSON_NEEDED[exit_code]}")
        if exit_code:
            raise RuntimeError(f"evergreen refresh ended with {exit_code}")

    @task(trigger_rule="one_failed")
    def status() -> None:
        """What readers see, and why the refresh was not published, in the log of the task.

        It fails too: Airflow calls a run successful when its last task is.
        """
        subprocess.run([EVERGREEN, "status"])
        raise AirflowFailException("the refresh failed; what readers see stands above")

    refresh() >> status()


evergreen()
