"""Kill refreshes at random moments, and look at what readers have and whether the next one heals.

    python scripts/kill_check.py --customers 2000 --kills 10 --seed 1 --folder /data/kill-check

A refresh is started in a process group of its own and killed with SIGKILL after a random share of
what it takes undisturbed. The published file must open, be whole, and hold the version before or
the new one. The next refresh (with --resume where something is to be resumed, at every other kill)
must end with marts equal to those of the undisturbed run. Ends with 1 where one of that fails.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from evergreen.demo import generate
from evergreen.paths import Warehouse
from evergreen.resume import hash_code
from version_marks import different, hash_tables, read_mark

COMMAND = [sys.executable, "-c", "from evergreen.cli import main; main()"]
NOTHING_TO_RESUME = 12
NOT_NEEDED = ("versions", "runs", "dashboard", "data_docs", "gx", "logs")
"""Folders of a warehouse that a copy can do without."""
GROWING = ("orders", "logins", "events", "touches", "order_items")
"""Inputs of which the version before lacks the last rows."""


@dataclass(frozen=True)
class Case:
    """A warehouse with a published version, what landed since, and the marts before and after."""

    base: Path
    landing: Path
    seconds: float
    before: dict[str, str]
    after: dict[str, str]


@dataclass(frozen=True)
class Killed:
    """One kill. `seen`: before or after; `faults` says what was not as it must be."""

    seconds: float
    step: str
    seen: str
    recovery: str
    faults: tuple[str, ...]


def prepare(folder: Path, customers: int, months: int, seed: int) -> Case:
    """Publish a version without the last rows, then see what an undisturbed refresh makes of all.

    What is there from an earlier run with the same options and code is used again.
    """
    landing, base, calm = folder / "landing", folder / "base", folder / "calm"
    told = folder / "case.json"
    options = [customers, months, seed, hash_code()]
    if not told.exists() or json.loads(told.read_text())["options"] != options:
        shutil.rmtree(folder, ignore_errors=True)
        generate(customers, months, seed, landing)
        whole = {name: (landing / f"{name}.csv").read_text() for name in GROWING}
        for name, text in whole.items():
            lines = text.splitlines(keepends=True)
            (landing / f"{name}.csv").write_text("".join(lines[: len(lines) * 99 // 100]))
        _refresh(base, landing)
        for name, text in whole.items():
            (landing / f"{name}.csv").write_text(text)
        shutil.copytree(base, calm)
        start = time.monotonic()
        _refresh(calm, landing)
        told.write_text(json.dumps({"options": options, "seconds": time.monotonic() - start}))
    case = Case(
        base,
        landing,
        json.loads(told.read_text())["seconds"],
        hash_tables(Warehouse(base).published_file),
        hash_tables(Warehouse(calm).published_file),
    )
    if case.before == case.after:
        raise RuntimeError("the two versions are the same: nothing could be told by them")
    return case


def kill_rounds(
    case: Case, folder: Path, kills: int, seed: int, recover_every: int = 1
) -> Iterator[Killed]:
    """Kill so many refreshes, each on a copy of the base, and recover after every so many kills:
    those in between run on what the kill before left."""
    shares = random.Random(seed)
    warehouse = folder / "killed"
    for number in range(1, kills + 1):
        if (number - 1) % recover_every == 0:
            shutil.rmtree(warehouse, ignore_errors=True)
            shutil.copytree(case.base, warehouse, ignore=shutil.ignore_patterns(*NOT_NEEDED))
        seconds = shares.uniform(0, case.seconds)
        step = _kill_after(seconds, warehouse, case.landing, folder / "log.jsonl")
        seen, faults = _look(warehouse, case)
        recovery = "none"
        if number % recover_every == 0:
            recovery = _recover(
                warehouse, case.landing, is_resumed=number // recover_every % 2 == 1
            )
            found = hash_tables(Warehouse(warehouse).published_file)
            faults += _differences(found, case.after)
            faults += [f"left behind: {path}" for path in _litter(warehouse)]
        yield Killed(seconds, step, seen, recovery, tuple(faults))


def _refresh(warehouse: Path, landing: Path, *options: str) -> int:
    """A refresh that must succeed, unless there is nothing to resume."""
    done = subprocess.run(
        [*COMMAND, *_arguments(warehouse, landing), *options], capture_output=True, text=True
    )
    if done.returncode not in (0, NOTHING_TO_RESUME):
        raise RuntimeError(f"refresh ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.returncode


def _arguments(warehouse: Path, landing: Path) -> list[str]:
    return ["refresh", "--landing", str(landing), "--warehouse", str(warehouse), "--log-format",
            "json"]  # fmt: skip


def _kill_after(seconds: float, warehouse: Path, landing: Path, log: Path) -> str:
    """Start a refresh, kill its process group, and give the step that it was in."""
    with log.open("w") as lines:
        process = subprocess.Popen(
            [*COMMAND, *_arguments(warehouse, landing)],
            stdout=lines,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    step = "start"
    for line in log.read_text().splitlines():
        event = json.loads(line) if line.startswith("{") and line.endswith("}") else {}
        if event.get("event") == "step_started":
            step = event["step"]
        elif event.get("event") == "step_ended":
            step = "dashboard" if event["step"] == "publish" else f"after {event['step']}"
        elif event.get("event") == "ended":
            step = f"ended: {event['status']}"
    return step


def _look(warehouse: Path, case: Case) -> tuple[str, list[str]]:
    """Which version readers have after a kill, and what is wrong with it."""
    file = Warehouse(warehouse).published_file
    try:
        found = hash_tables(file)
        with duckdb.connect(str(file), read_only=True) as con:
            run, change = read_mark(con)
    except duckdb.Error as error:
        return "unreadable", [f"published file: {error}"]
    faults = [] if run == change else [f"two versions in one file: {run} and {change}"]
    if found == case.before:
        return "before", faults
    return "after", faults + _differences(found, case.after)


def _recover(warehouse: Path, landing: Path, is_resumed: bool) -> str:
    start = time.monotonic()
    how = "resumed"
    if not is_resumed or _refresh(warehouse, landing, "--resume") == NOTHING_TO_RESUME:
        how = "anew"
        _refresh(warehouse, landing)
    return f"{how}, {time.monotonic() - start:.0f} s"


def _differences(found: dict[str, str], expected: dict[str, str]) -> list[str]:
    return [
        f"{mart}: {found.get(mart, 'not there')}, not {expected.get(mart, 'there')}"
        for mart in different(found, expected)
    ]


def _litter(warehouse: Path) -> list[str]:
    """Files of a killed process that nobody removed."""
    patterns = (".load-*", "baseline", "published/.*", "versions/.*")
    return [path.name for pattern in patterns for path in warehouse.glob(pattern)]


def main() -> int:
    """Print a line for each kill, then a table by step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=300)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("warehouse/kill-check"))
    parser.add_argument("--recover-every", type=int, default=1, help="kills before each recovery")
    given = parser.parse_args()
    folder = given.folder.absolute()
    case = prepare(folder, given.customers, given.months, given.seed)
    print(f"undisturbed: {case.seconds:.0f} s, {len(case.after)} marts", flush=True)
    found = []
    for number, killed in enumerate(
        kill_rounds(case, folder, given.kills, given.seed, given.recover_every), 1
    ):
        found.append(killed)
        told = "; ".join(killed.faults) or "as it must be"
        print(
            f"{number:3}  killed after {killed.seconds:5.1f} s in {killed.step}: readers have the "
            f"version {killed.seen}; recovered {killed.recovery}: {told}",
            flush=True,
        )
    print(f"\n{'step':24} {'kills':>5} {'before':>6} {'after':>6} {'faults':>6}")
    for step in dict.fromkeys(killed.step for killed in found):
        its = [killed for killed in found if killed.step == step]
        seen = [sum(killed.seen == which for killed in its) for which in ("before", "after")]
        faults = sum(bool(killed.faults) for killed in its)
        print(f"{step:24} {len(its):5} {seen[0]:6} {seen[1]:6} {faults:6}")
    return int(any(killed.faults for killed in found))


if __name__ == "__main__":
    sys.exit(main())
