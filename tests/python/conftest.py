"""Fixtures: one small published warehouse for the tests that only read. And one parse of the
project for all warehouses of a worker."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from dbt.adapters.duckdb.credentials import DuckDBCredentials

from evergreen import build
from evergreen.demo import DemoReport, generate
from evergreen.paths import Warehouse
from evergreen.refresh import STEPS, RefreshReport, Run, Step, refresh
from evergreen.run_log import Finished

PARSED = "partial_parse.msgpack"
_folder = tempfile.TemporaryDirectory(prefix="evergreen-parse-")  # goes with the process
_parses: dict[tuple[str, ...], Path] = {}
_run_dbt, _connection_keys = build.run_dbt, DuckDBCredentials._connection_keys


def run_dbt_parsed(warehouse: Warehouse, arguments: list[str], progress=None, *more):
    """dbt keeps what it parsed beside what it built, and nine seconds of each new warehouse go into
    reading the same project: here a new one begins with the parse of the one before it, of the same
    vars. dbt still compares every file."""
    variables = tuple(arguments[arguments.index("--vars") :][:2]) if "--vars" in arguments else ()
    kept = warehouse.folder / "target" / PARSED
    if variables in _parses and not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(_parses[variables], kept)
    result = _run_dbt(warehouse, arguments, progress, *more)
    if variables not in _parses and kept.exists():
        _parses[variables] = Path(_folder.name) / f"{len(_parses)}-{PARSED}"
        shutil.copy(kept, _parses[variables])
    return result


# To dbt a profile with another path is another profile.
DuckDBCredentials._connection_keys = lambda self: tuple(
    key for key in _connection_keys(self) if key not in ("path", "settings")
)
build.run_dbt = run_dbt_parsed


@dataclass(frozen=True)
class Published:
    """A warehouse with one refresh of demo data behind it."""

    warehouse: Warehouse
    landing: Path
    demo: DemoReport
    report: RefreshReport

    def query(self, sql: str) -> list[tuple]:
        """Rows of the published file."""
        with duckdb.connect(str(self.warehouse.published_file), read_only=True) as con:
            return con.execute(sql).fetchall()


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """200 customers over a year with dirt, refreshed once. Tests must not change it."""
    folder = tmp_path_factory.mktemp("published")
    landing = folder / "landing"
    demo = generate(200, 12, 5, landing, dirt=0.03)
    warehouse = Warehouse(folder / "warehouse")
    return Published(warehouse, landing, demo, refresh(warehouse, landing))


@pytest.fixture
def copied(published: Published, tmp_path: Path) -> Warehouse:
    """A warehouse of its own, with a published version."""
    shutil.copytree(published.warehouse.folder, tmp_path / "warehouse")
    return Warehouse(tmp_path / "warehouse")


@dataclass
class QuickSteps:
    """Steps of a refresh that do nothing but note that they ran; load and publish are real.

    `outcomes`: what a step gives; `errors`: what it raises, once.
    """

    ran: list[str]
    outcomes: dict[str, Finished | None]
    errors: dict[str, BaseException]

    def fake(self, name: str, real: Step) -> Step:
        """The step, or a stand-in for it."""

        def step(run: Run) -> Finished | None:
            self.ran.append(name)
            if error := self.errors.pop(name, None):
                raise error
            if name in ("load", "publish"):
                return real(run)
            finished = self.outcomes.get(name, Finished(name))
            run.is_fitted |= bool(finished and finished.outcome == "new")
            run.warn([finished.message] if finished and finished.message else [])
            return finished

        return step


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> QuickSteps:
    """Refreshes of a built warehouse that take two seconds: marts are published as they are."""
    steps = QuickSteps([], {"fit": None}, {})
    fakes = {name: steps.fake(name, real) for name, real in STEPS.items()}
    monkeypatch.setattr("evergreen.refresh.STEPS", fakes)
    return steps
