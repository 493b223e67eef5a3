"""The files for schedulers name commands that exist, and treat exit codes as what they mean."""

import ast
import configparser
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer
import yaml

from evergreen.cli import UNHEALTHY, app
from evergreen.errors import AuditFailed, BuildFailed, InputRefused, Locked
from evergreen.paths import PROJECT_DIR

FOLDER = PROJECT_DIR / "scripts" / "scheduling"
PYTHON_FILES = sorted(FOLDER.glob("*.py"))
UNITS = sorted([*FOLDER.glob("*.service"), *FOLDER.glob("*.timer")])
PERSON_NEEDED = {2, InputRefused.exit_code, BuildFailed.exit_code, AuditFailed.exit_code}
"""Codes after which the same files would fail again. 2 is wrong usage."""
CALL = re.compile(r"bin/evergreen +([a-z-]+)((?: +--?[\w-]+(?: +[^\s-]\S*)?)*)")
COMMANDS = typer.main.get_command(app).commands


def options(command: str) -> set[str]:
    return {option for parameter in COMMANDS[command].params for option in parameter.opts}


def calls(file: Path) -> list[tuple[str, set[str]]]:
    """(command, options) of each call of evergreen in a file of text."""
    return [
        (command, set(re.findall(r"--[\w-]+", rest)))
        for command, rest in CALL.findall(file.read_text())
    ]


def test_all_files_are_known():
    names = {file.name for file in FOLDER.iterdir() if file.name != "__pycache__"}
    assert names == {
        *("README.md", "evergreen.crontab", "dagster_definitions.py", "dagster.yaml"),
        *("airflow_dag.py", "evergreen-refresh.service", "evergreen-refresh.timer"),
        "evergreen-status.service",
    }


@pytest.mark.parametrize(
    "file",
    [FOLDER / "evergreen.crontab", FOLDER / "README.md", PROJECT_DIR / "README.md"]
    + [unit for unit in UNITS if unit.suffix == ".service"],
    ids=lambda file: file.name,
)
def test_commands_and_options_exist(file):
    found = calls(file)
    assert found
    for command, given in found:
        assert command in COMMANDS, command
        assert given <= options(command), f"{command} has no {given - options(command)}"


@pytest.mark.parametrize("file", PYTHON_FILES, ids=lambda file: file.name)
def test_python_files_compile_and_call_what_exists(file):
    tree = ast.parse(file.read_text(), str(file))
    words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    given = {word for word in words if isinstance(word, str) and word.startswith("--")}
    assert "refresh" in words
    assert given == {"--landing", "--warehouse"} & given | {"--landing"}
    assert given <= options("refresh")


@pytest.mark.parametrize("file", PYTHON_FILES, ids=lambda file: file.name)
def test_what_a_person_must_mend_is_not_tried_again(file):
    tree = ast.parse(file.read_text())
    (codes,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "PERSON_NEEDED"
    )
    assert set(codes) == PERSON_NEEDED


def test_a_line_of_cron_is_one_command_that_locks_itself():
    lines = [
        line
        for line in (FOLDER / "evergreen.crontab").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert lines[0].startswith("MAILTO=")
    for line in lines[1:]:
        assert re.match(r"[\d*]+ [\d*]+ \* \* \*  (nice -n \d+ )?/", line), line
        assert "%" not in line, "cron takes it for the end of the command"
        assert "flock" not in line
    assert "|| tail" in lines[1], "what cron mails is the log of a failure"


def unit(name: str) -> configparser.ConfigParser:
    found = configparser.ConfigParser(interpolation=None)
    found.optionxform = str
    found.read_string((FOLDER / name).read_text())
    return found


def test_the_service_refreshes_within_limits():
    service = unit("evergreen-refresh.service")["Service"]
    assert service["Type"] == "oneshot"
    assert service["ProtectSystem"] == "strict"
    assert service["ReadWritePaths"] == "/opt/evergreen/warehouse"
    for name in ("PrivateTmp", "PrivateNetwork", "ProtectHome", "NoNewPrivileges"):
        assert service[name] == "yes", name
    for name in ("UMask", "Nice", "IOSchedulingClass", "MemoryMax", "EnvironmentFile"):
        assert service[name], name
    limit = service["Environment"].removeprefix("EVERGREEN_MEMORY_LIMIT=").removesuffix("GB")
    assert int(limit) < int(service["MemoryMax"].removesuffix("G")), "Python needs memory as well"


def test_the_service_reads_exit_codes_as_the_command_means_them():
    refresh, status = unit("evergreen-refresh.service"), unit("evergreen-status.service")
    assert refresh["Service"]["SuccessExitStatus"] == str(Locked.exit_code)
    stops = refresh["Service"]["RestartPreventExitStatus"].split()
    assert {int(code) for code in stops} == PERSON_NEEDED
    assert refresh["Unit"]["OnFailure"] == "evergreen-status.service"
    assert status["Service"]["SuccessExitStatus"] == str(UNHEALTHY)
    assert status["Service"]["ExecStart"].endswith("evergreen status")


def test_the_timer_makes_up_for_a_night_without_power():
    timer = unit("evergreen-refresh.timer")
    assert timer["Timer"]["Persistent"] == "true"
    assert timer["Timer"]["OnCalendar"]
    assert timer["Timer"]["RandomizedDelaySec"]
    assert timer["Timer"]["Unit"] == "evergreen-refresh.service"
    assert timer["Install"]["WantedBy"] == "timers.target"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_understands_the_units(tmp_path):
    here = tmp_path / "evergreen" / ".venv" / "bin"
    here.mkdir(parents=True)
    (here / "evergreen").symlink_to("/bin/true")
    for file in UNITS:
        text = file.read_text().replace("/opt/evergreen", str(tmp_path / "evergreen"))
        (tmp_path / file.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / file.name) for file in UNITS)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert str(tmp_path) not in done.stderr, "a key that it does not know only warns"


def test_one_step_of_dagster_at_a_time():
    settings = yaml.safe_load((FOLDER / "dagster.yaml").read_text())
    assert settings["concurrency"]["pools"]["default_limit"] == 1
    assert 'pool="evergreen_warehouse"' in (FOLDER / "dagster_definitions.py").read_text()


def dagster_python() -> str | None:
    """An interpreter that has Dagster: EVERGREEN_DAGSTER_PYTHON, or this one."""
    here = sys.executable if find_spec("dagster_dbt") else None
    return os.environ.get("EVERGREEN_DAGSTER_PYTHON", here)


@pytest.mark.skipif(
    dagster_python() is None, reason="Dagster is not installed (EVERGREEN_DAGSTER_PYTHON)"
)
@pytest.mark.parametrize(
    ("exit_code", "ends"), [(0, "all materialised"), (5, "failed"), (7, "to retry")]
)
def test_dagster_materialises_all_or_nothing(published, tmp_path, exit_code, ends):
    """With a stand-in for the command: what Dagster makes of its exit codes."""
    command = tmp_path / ".venv" / "bin" / "evergreen"
    command.parent.mkdir(parents=True)
    command.write_text(f"#!/bin/sh\necho load\nexit {exit_code}\n")
    command.chmod(0o755)
    script = """
import dagster as dg, dagster_definitions as d
context = dg.build_asset_context()
try:
    found = {result.asset_key for result in d.evergreen_refresh(context)}
    print("all materialised" if found == d.evergreen_refresh.keys and len(found) > 150 else found)
except dg.Failure as failure:
    print("to retry" if failure.allow_retries else "failed")
"""
    done = subprocess.run(
        [dagster_python(), "-c", script],
        capture_output=True,
        text=True,
        env=os.environ
        | {
            "PYTHONPATH": str(FOLDER),
            "EVERGREEN_HOME": str(tmp_path),
            "EVERGREEN_WAREHOUSE": str(published.warehouse.folder),
            "EVERGREEN_LANDING": str(published.landing),
        },
    )
    assert done.stdout.strip().endswith(ends), done.stdout + done.stderr
