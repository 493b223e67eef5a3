"""What is installed is what was locked, and an audit that looked nothing up is none."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from evergreen.paths import PROJECT_DIR

SCRIPTS = PROJECT_DIR / "scripts"
sys.path.insert(0, str(SCRIPTS))

from audit_locks import CANARY, LOCKS, pinned  # noqa: E402

REQUIREMENT = re.compile(r"^(?! |#)\S.*(?:\n .*)*", re.MULTILINE)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_is_pinned_and_hashed_and_names_no_index(name):
    text = (PROJECT_DIR / name).read_text(encoding="utf-8")
    requirements = REQUIREMENT.findall(text)
    assert len(requirements) > 80
    for requirement in requirements:
        first = requirement.splitlines()[0]
        assert re.match(r"[A-Za-z0-9._-]+(\[[\w,-]+\])?==\S+", first), first
        assert HASH.search(requirement), f"no hash: {first}"
    assert not re.search(r"index-url|find-links|trusted-host|https?://|git\+|file:", text)


def test_all_locks_are_known_to_the_audit_and_installed_with_hashes():
    assert set(LOCKS) == {file.name for file in PROJECT_DIR.glob("*.lock")}
    makefile = (PROJECT_DIR / "Makefile").read_text()
    for name in LOCKS:
        assert f"--no-deps --require-hashes -r {name}" in makefile


def fake_pip_audit(folder: Path, answer: str) -> Path:
    """A pip-audit that answers by a Python expression of `lock` (its text) and `names`."""
    script = folder / "pip-audit"
    script.write_text(
        f"#!{sys.executable}\n"
        "import json, re, sys\n"
        "lock = open(sys.argv[-1]).read()\n"
        r"names = re.findall(r'^([\w.-]+)(?:\[.*\])?==([^\s;\\]+)', lock, re.M)" + "\n"
        f"print(json.dumps({{'dependencies': {answer}}}))\n"
    )
    script.chmod(0o755)
    return script


def audit(pip_audit: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(SCRIPTS / "audit_locks.py"), "--pip-audit", str(pip_audit)],
        capture_output=True,
        text=True,
    )


ADVISORY = json.dumps({"id": "CVE-2019-11324", "fix_versions": ["1.24.2"]})
CLEAN = f"""[
    {{"name": n, "version": v, "vulns": [{ADVISORY}] if (n, v) == {CANARY} else []}}
    for n, v in names
]"""


def test_an_audit_that_looks_everything_up_passes(tmp_path):
    done = audit(fake_pip_audit(tmp_path, CLEAN))
    assert done.returncode == 0, done.stderr
    assert all(f"{name}: " in done.stdout for name in LOCKS)


def test_a_vulnerable_package_fails_the_audit_by_name(tmp_path):
    answer = CLEAN.replace(f"if (n, v) == {CANARY}", 'if n in ("urllib3", "duckdb")')
    done = audit(fake_pip_audit(tmp_path, answer))
    assert done.returncode == 1
    assert re.search(r"duckdb \S+: CVE-2019-11324, mended in 1.24.2", done.stdout)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ('[{"name": n, "skip_reason": "not found"} for n, v in names]', "skipped"),
        ('[{"name": n, "version": v, "vulns": []} for n, v in names]', "which it is not"),
        (CLEAN.replace("in names\n", "in names if n != 'jinja2'\n"), "not looked up: jinja2"),
        ("sys.exit('no route to the service')", "no route to the service"),
    ],
    ids=["skipped", "blind", "incomplete", "offline"],
)
def test_an_audit_without_advisories_is_no_audit(tmp_path, answer, reason):
    """pip-audit ends with 0 when it cannot look anything up, and says that nothing was found."""
    done = audit(fake_pip_audit(tmp_path, answer))
    assert done.returncode == 2
    assert reason in done.stderr


def test_without_pip_audit_there_is_no_audit(tmp_path):
    done = audit(tmp_path / "nothing")
    assert done.returncode == 2
    assert "make audit" in done.stderr


def test_packages_with_a_marker_need_not_be_installed_here():
    lock = 'duckdb==2.0.0 \\\n    --hash=x\ncolorama==0.4.6 ; sys_platform == "win32" \\\n'
    assert pinned(lock) == {"duckdb"}


def test_settings_of_the_project_keep_dependencies_quiet():
    """Not those of the Makefile: a plain .venv/bin/dbt must be quiet as well."""
    project = yaml.safe_load((PROJECT_DIR / "dbt_project.yml").read_text())
    assert project["flags"]["send_anonymous_usage_stats"] is False
    gx = yaml.safe_load((PROJECT_DIR / "gx" / "great_expectations.yml").read_text())
    assert gx["analytics_enabled"] is False
    dagster = yaml.safe_load((SCRIPTS / "scheduling" / "dagster.yaml").read_text())
    assert dagster["telemetry"]["enabled"] is False
