"""Many nights in a row: does a warehouse stay right, and as small and quick as its data lets it?

    python scripts/nights_check.py --customers 300 --nights 90

lands a history of the demo, then one day of it after the other: with rows that come late, twice,
corrected and withdrawn, and every ninth night a file that must be refused. Each night runs
`evergreen refresh`. A night ends well when it published, or when it refused the bad file by name
and left the published file as it was. In the end a new warehouse is made of the same landing
folder in one refresh: the marts of the two must be equal.
"""

import argparse
import gzip
import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from deliveries import Deliveries
from evergreen.demo import generate
from evergreen.paths import Warehouse
from version_marks import differing_tables

DEMO_MONTHS, DEMO_END, SEED, DIRT = 12, date(2024, 12, 31), 7, 0.03
COMMAND = [sys.executable, "-c", "from evergreen.cli import main; main()", "refresh"]
EVERY_BAD_NIGHT = 9
PUBLISHED, REFUSED = 0, 3


def _no_key(file: Path) -> None:
    file.write_text("order,customer_id,ordered_at,amount\nO1,C1,2024-06-01,1\n")


def _cut_off(file: Path) -> None:
    rows = "".join(f"O{number},C1,2024-06-01,1\n" for number in range(999))
    file.write_bytes(gzip.compress(f"order_id,customer_id,ordered_at,amount\n{rows}".encode())[:-9])


def _no_text(file: Path) -> None:
    file.write_bytes(bytes(range(256)) * 40)


BAD_FILES: list[tuple[str, Callable[[Path], None]]] = [
    ("no_key.csv", _no_key),
    ("cut_off.csv.gz", _cut_off),
    ("no_text.csv", _no_text),
]


@dataclass(frozen=True)
class Night:
    """What a night came to. Sizes in MB: of the work file and of the whole warehouse folder."""

    exit_code: int
    is_well: bool
    seconds: float
    work_mb: float
    folder_mb: float
    said: str


def main() -> int:
    """0 when all nights ended well and the marts are those of one refresh."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=300)
    parser.add_argument("--nights", type=int, default=90)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="evergreen-nights-") as name:
        folder = Path(name)
        landing, warehouse = folder / "landing", Warehouse(folder / "warehouse")
        generate(options.customers, DEMO_MONTHS, SEED, folder / "demo", dirt=DIRT)
        last = DEMO_END - timedelta(days=options.nights)
        deliveries = Deliveries(
            folder / "demo", landing, SEED, options.nights, last_of_history=last
        )
        nights = [spend(warehouse, landing)]
        show(0, nights[0])
        for number in range(1, options.nights + 1):
            deliveries.land_day(number - 1)
            bad = land_bad_file(landing, number)
            nights.append(spend(warehouse, landing, bad))
            show(number, nights[-1])
            if bad:
                bad.unlink()
        anew = spend(Warehouse(folder / "anew"), landing)
        print(f"{'anew':>5} {'':8} {anew.seconds:6.1f} s {anew.work_mb:7.1f} MB", flush=True)
        last_night = nights[-1] if nights[-1].exit_code == PUBLISHED else spend(warehouse, landing)
        differing = differing_tables(
            *(Warehouse(folder / place).published_file for place in ("warehouse", "anew"))
        )
        summarise(nights, last_night, anew)
        print(f"marts that differ from those of one refresh: {', '.join(differing) or 'none'}")
        return 0 if all(night.is_well for night in nights) and not differing else 1


def land_bad_file(landing: Path, number: int) -> Path | None:
    """A file that must be refused, in each ninth night."""
    if number % EVERY_BAD_NIGHT:
        return None
    name, write = BAD_FILES[number // EVERY_BAD_NIGHT % len(BAD_FILES)]
    file = landing / "orders" / name
    write(file)
    return file


def spend(warehouse: Warehouse, landing: Path, bad: Path | None = None) -> Night:
    """Run a refresh, and judge it."""
    before = _hash(warehouse.published_file)
    started = time.monotonic()
    done = subprocess.run(
        [*COMMAND, "--landing", str(landing), "--warehouse", str(warehouse.folder)],
        capture_output=True,
        text=True,
    )
    seconds = time.monotonic() - started
    said = done.stderr.strip().splitlines() or done.stdout.strip().splitlines()
    is_well = done.returncode == PUBLISHED
    if bad:
        is_named = bad.name in done.stderr
        is_untouched = _hash(warehouse.published_file) == before
        is_well = done.returncode == REFUSED and is_named and is_untouched
    return Night(
        done.returncode,
        is_well,
        seconds,
        warehouse.work_file.stat().st_size / 2**20,
        _size(warehouse.folder) / 2**20,
        said[-1] if said and done.returncode else "",
    )


def _hash(file: Path) -> str | None:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else None


def _size(folder: Path) -> int:
    """Bytes on the disk; what has two names counts once."""
    found = {}
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            status = file.stat()
            found[status.st_ino] = status.st_size
    return sum(found.values())


def show(number: int, night: Night) -> None:
    """A line a night."""
    how = {PUBLISHED: "published", REFUSED: "refused"}.get(night.exit_code, str(night.exit_code))
    print(
        f"{number:5} {how:9} {night.seconds:6.1f} s {night.work_mb:7.1f} MB work "
        f"{night.folder_mb:7.1f} MB all {'' if night.is_well else 'NOT WELL '}{night.said[:160]}",
        flush=True,
    )


def summarise(nights: list[Night], last: Night, anew: Night) -> None:
    """Counts, and the last night beside a refresh from nothing."""
    codes = [night.exit_code for night in nights]
    published = sorted(night.seconds for night in nights[1:] if night.exit_code == PUBLISHED)
    print(
        f"{codes.count(PUBLISHED)} published, {codes.count(REFUSED)} refused, "
        f"{sum(not night.is_well for night in nights)} not well\n"
        f"a night: median {published[len(published) // 2]:.1f} s, longest {published[-1]:.1f} s; "
        f"from nothing {anew.seconds:.1f} s\n"
        f"work file: {nights[0].work_mb:.1f} MB after the history, {last.work_mb:.1f} MB now, "
        f"{anew.work_mb:.1f} MB from nothing"
    )


if __name__ == "__main__":
    sys.exit(main())
