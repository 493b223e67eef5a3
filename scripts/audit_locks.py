"""Look every package of the locks up among the known vulnerabilities, with pip-audit.

pip-audit skips what it cannot look up and ends with 0 all the same, so without a network it finds
nothing wrong with anything. Here a package that was not looked up is a failure, and so is an audit
that does not find the vulnerability of a package that is known to have one.

Exit codes: 0 all were looked up and none is vulnerable; 1 some are; 2 this was no audit.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-superset.lock")
CANARY = ("urllib3", "1.24.1")
"""A package with published advisories, such as CVE-2019-11324. It is looked up, never installed."""
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[.*?\])?==([^\s;\\]+)(\s*;)?", re.MULTILINE)
VULNERABLE, NO_AUDIT = 1, 2


class NoAudit(Exception):
    """The advisories could not be consulted for every package."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pip-audit", default="pip-audit", help="the command to run")
    parser.add_argument("locks", nargs="*", default=LOCKS, help="default: all three")
    options = parser.parse_args()
    exit_code = 0
    try:
        check_canary(options.pip_audit)
        for name in options.locks:
            lock = PROJECT_DIR / name
            found = look_up(options.pip_audit, lock)
            missing = pinned(lock.read_text(encoding="utf-8")) - found.keys()
            if missing:
                raise NoAudit(f"{name}: not looked up: {', '.join(sorted(missing))}")
            lines = [line for advisories in found.values() for line in advisories]
            print(f"{name}: {len(found)} packages looked up, {len(lines)} advisories")
            print("\n".join(f"  {line}" for line in lines), end="\n" if lines else "")
            exit_code = VULNERABLE if lines else exit_code
    except NoAudit as reason:
        print(f"no audit: {reason}", file=sys.stderr)
        print("Run it where the advisory service can be reached.", file=sys.stderr)
        return NO_AUDIT
    return exit_code


def check_canary(pip_audit: str) -> None:
    """Raises NoAudit unless the vulnerability that everybody knows is found."""
    name, version = CANARY
    with tempfile.TemporaryDirectory() as folder:
        lock = Path(folder) / "canary.txt"
        lock.write_text(f"{name}=={version}\n")
        if not look_up(pip_audit, lock, "--no-deps").get(name):
            raise NoAudit(f"{name} {version} was called free of vulnerabilities, which it is not")


def look_up(pip_audit: str, lock: Path, how: str = "--require-hashes") -> dict[str, list[str]]:
    """Advisories by package. Raises NoAudit where one was skipped, or nothing came back."""
    command = [pip_audit, "--format", "json", "--progress-spinner", "off", "--disable-pip", how]
    try:
        done = subprocess.run([*command, "-r", str(lock)], capture_output=True, text=True)
        packages = json.loads(done.stdout)["dependencies"]
    except FileNotFoundError as error:
        raise NoAudit(f"{pip_audit} is not installed; `make audit` installs it") from error
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        said = done.stderr.strip().splitlines() or ["nothing"]
        raise NoAudit(f"{lock.name}: pip-audit ended with {done.returncode}: {said[-1]}") from error
    skipped = [package["skip_reason"] for package in packages if "skip_reason" in package]
    if skipped:
        raise NoAudit(f"{lock.name}: {len(skipped)} packages skipped, the first: {skipped[0]}")
    found: dict[str, list[str]] = {}
    for package in packages:
        advisories = found.setdefault(_normal(package["name"]), [])
        for advisory in package["vulns"]:
            fixed = ", ".join(advisory["fix_versions"]) or "no version yet"
            advisories.append(
                f"{package['name']} {package['version']}: {advisory['id']}, mended in {fixed}"
            )
    return found


def pinned(lock: str) -> set[str]:
    """Packages of a lock that are installed everywhere: those with a marker may not be."""
    return {_normal(name) for name, _, marker in PINNED.findall(lock) if not marker}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
