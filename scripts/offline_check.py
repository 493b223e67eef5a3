"""Prove that nothing here phones home: every command runs in a network namespace without a route,
under strace, and neither reaches for another machine nor asks for a name.

Commands run as a user types them: without the Makefile's variables, and in a home folder that is
new. The marts must equal those of a refresh with a network. Needs Linux, strace and unshare.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from version_marks import differing_tables

BIN = Path(sys.executable).parent
PROJECT_DIR = Path(__file__).resolve().parents[1]
REACHING = ("connect", "sendto", "sendmsg", "sendmmsg")
"""System calls that take an address. One that is already connected was seen when it connected."""
ADDRESS = re.compile(r'sa_family=AF_INET6?, .*?(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"]+)"')
PORT = re.compile(r"sin6?_port=htons\((\d+)\)")
DNS_PORT = "53"
RESOLVERS = ("nscd/socket", "systemd/resolve", "dbus/system_bus_socket")
"""Local sockets that look names up for a program."""
CANARY = "import socket; socket.create_connection(('192.0.2.1', 80), 1)"
NAME_CANARY = "import socket; socket.getaddrinfo('name.invalid', 80)"
SETTINGS = re.compile(r"^(DBT_|DO_NOT_TRACK|GX_|EVERGREEN_|NO_PROXY|.*_proxy$)", re.IGNORECASE)


@dataclass(frozen=True)
class Traced:
    """One command: how it ended, what it said, and the calls by which it reached out."""

    exit_code: int
    output: str
    attempts: list[str]


def tools_missing() -> str | None:
    """Why commands cannot be traced without a network here; None where they can."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            seen = run_offline([sys.executable, "-c", CANARY], Path(folder))
        except FileNotFoundError as error:
            return f"{error.filename} is not installed (scripts/install_strace.sh)"
    if not seen.attempts:
        return f"no process can be traced in a namespace of its own here: {seen.output.strip()}"
    return None


def run_offline(
    command: list[object], folder: Path, place: Path = PROJECT_DIR, **settings: object
) -> Traced:
    """Run a command in `place` with no network but a loopback that is down, and trace it.

    `folder` takes the trace and the home of the command; `settings` go into its environment.
    Raises FileNotFoundError without strace or unshare.
    """
    trace = folder / "trace"
    trace.unlink(missing_ok=True)
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    plain = {name: value for name, value in os.environ.items() if not SETTINGS.match(name)}
    done = subprocess.run(
        [
            *("unshare", "--user", "--map-root-user", "--net"),
            *("strace", "--follow-forks", "--seccomp-bpf", "-qq", "-s", "200"),
            *("-e", f"trace={','.join(REACHING)}", "-o", str(trace)),
            *map(str, command),
        ],
        cwd=place,
        # A home and a temporary folder without answers kept from earlier.
        env=plain
        | {"HOME": str(home), "TMPDIR": str(home)}
        | {name: str(value) for name, value in settings.items()},
        capture_output=True,
        text=True,
    )
    lines = trace.read_text(errors="replace").splitlines() if trace.exists() else []
    return Traced(done.returncode, done.stdout + done.stderr, reached(lines))


def reached(lines: list[str]) -> list[str]:
    """Lines of a trace that address another machine, or ask for a name anywhere."""
    return [line for line in lines if _is_outside(line)]


def _is_outside(line: str) -> bool:
    if not any(f"{call}(" in line for call in REACHING):
        return False
    if any(resolver in line for resolver in RESOLVERS):
        return True
    ports = PORT.findall(line)
    addresses = ADDRESS.findall(line)
    if ports and not addresses:
        return True  # an address that could not be read is no proof of anything
    outside = [found for found in addresses if not found.startswith("127.") and found != "::1"]
    return bool(outside) or DNS_PORT in ports


def commands(landing: Path, warehouse: Path) -> list[tuple[str, list[object], dict]]:
    """(name, command, where and with what environment): what a user runs, plainly."""
    place = ["--warehouse", warehouse]
    dbt = {"EVERGREEN_WORK": warehouse / "work.duckdb", "EVERGREEN_TEMP": warehouse / "tmp"}
    dbt |= {"DBT_TARGET_PATH": warehouse / "target", "DBT_LOG_PATH": warehouse / "logs"}
    evergreen = BIN / "evergreen"
    demo = ["--customers", 200, "--months", 12, "--seed", 5, "--dirt", 0.03]
    query = ["query", "--metrics", "net_revenue", "--group-by", "metric_time__month"]
    return [
        ("demo-data", [evergreen, "demo-data", *demo, "--out", landing], {}),
        ("refresh", [evergreen, "refresh", "--landing", landing, *place], {}),
        ("status", [evergreen, "status", *place], {}),
        ("metrics", [evergreen, "metrics", *place], {}),
        ("dashboard", [evergreen, "dashboard", *place], {}),
        ("publish", [evergreen, "publish", "--parquet", warehouse / "parquet", *place], {}),
        ("dbt source freshness", [BIN / "dbt", "source", "freshness"], dbt),
        ("dbt docs generate", [BIN / "dbt", "docs", "generate", "--static"], dbt),
        # mf takes target/ of the folder that it runs in, and nothing else.
        ("mf query", [BIN / "mf", *query], dbt | {"place": warehouse}),
    ]


def main() -> int:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    if reason := tools_missing():
        print(f"offline check: {reason}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="evergreen-offline-") as name:
        return check(Path(name))


def check(folder: Path) -> int:
    """Run all commands; 0 when all succeeded, reached for nothing, and made equal marts."""
    lookup = run_offline([sys.executable, "-c", NAME_CANARY], folder)
    if not lookup.attempts:
        print("offline check: a look-up of a name went unseen; nothing is proved", file=sys.stderr)
        return 2
    landing, warehouse, usual = folder / "landing", folder / "warehouse", folder / "usual"
    failed = 0
    for name, command, settings in commands(landing, warehouse):
        if name == "mf query":
            for file in ("dbt_project.yml", "profiles.yml"):
                shutil.copy(PROJECT_DIR / file, warehouse)
        done = run_offline(command, folder, **settings)
        print(f"{name:22} exit code {done.exit_code}, attempts {len(done.attempts)}", flush=True)
        if done.exit_code or done.attempts:
            failed += 1
            print("\n".join([*done.attempts, done.output]), file=sys.stderr)
    online = [BIN / "evergreen", "refresh", "--landing", landing, "--warehouse", usual]
    subprocess.run([str(word) for word in online], check=True, capture_output=True)
    published = [place / "published" / "evergreen.duckdb" for place in (warehouse, usual)]
    different = differing_tables(*published, schemas=("marts", "metrics"))
    print(f"tables that differ from those of a refresh with a network: {different or 'none'}")
    return 1 if failed or different else 0


if __name__ == "__main__":
    sys.exit(main())
