"""Synthetic customers for demos and tests: a stated behavioural model, its files, its dirt.

The model
---------
Calendar: fixed. The last day is 2024-12-31, the first the first day of the month `months` months
before 2025-01. Every random number comes from a stream named after what it is for, spawned from
the seed and the block of customers, so a change to one table leaves the others as they are.

*Acquisition.* Arrivals grow from 0.6 to 1.4 of their mean over the calendar. Sources: organic, ads,
referral, partner, event, with campaigns that cost 1.40 to 9.00 USD a person. Archetypes: champion,
regular, bargain, occasional, which multiply the rates below. Referred customers buy more often
(x 1.3), those of ads more seldom (x 0.82).

*Before buying.* Each customer goes as deep as know, like, trust or try: content views, newsletter,
seminar, meeting, sample orders, subscription trials (half of them convert).

*Buying.* Purchases are a Poisson process with a gamma rate (shape 2, mean one in 35 days) and a
beta chance (0.9, 6.5) to drop out after each purchase, the first included: MBG/NBD (Batislam,
Denizel, Filiztekin 2007; BG/NBD: Fader, Hardie, Lee 2005). Order values are gamma with a mean that
is inverse gamma over customers: Gamma-Gamma (Fader, Hardie 2013), p 6, q 4, scale 55 USD. Lines
share the order's value by list price, so a line's unit price is not the list price. Who drops out
leaves 20 to 90 days after the last purchase; activity fades in a line over the last 60.

*Subscriptions.* 30 % of buyers; 14-day trial, conversion 50 %, tenure exponential with mean 260
days (x 4 with the habit) plus 25, upgrades as an end and a start. Who cancels leaves on that day.

*Usage.* Logins are Poisson at a gamma rate (shape 1.5, mean 4 in 30 days), 4 % after a failed
attempt; feature events follow logins.

*Winning back.* Customers lost for half a year are contacted (20 % control): 30 % of the contacted
and 10 % of the control return and buy on. Promotions and cross-selling have controls and no
effect.

*Voice.* Tickets follow late and refunded orders. Survey scores follow a personal level, late
deliveries and complaints between 120 and 14 days ago (opinion lags two weeks), and leaving.

The parameters are this model's own choices, not estimates from anyone's customers
(`base.Behaviour` has them all); win-back shares lie within the published 20-40 % band.

Planted truths are in `truths.PLANTED`, kinds of dirt in `dirt.KINDS`.
"""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import duckdb

from evergreen.demo import vocabulary as v
from evergreen.demo.base import Behaviour, Block, first_second
from evergreen.demo.dirt import KINDS, LINE_KINDS, ROW_KIND_NAMES, Dirt
from evergreen.demo.simulate import simulate
from evergreen.demo.truths import PLANTED, Truth
from evergreen.demo.write import TableFile, frame, to_text
from evergreen.paths import DEMO_MARKER

__all__ = [
    "KINDS",
    "LINE_KINDS",
    "PLANTED",
    "ROW_KIND_NAMES",
    "SEED_DEMO",
    "SMALL",
    "Behaviour",
    "DemoReport",
    "Truth",
    "generate",
]

BLOCK_SIZE = 25_000
FORMATS = ("csv", "parquet")
MAX_MONTHS = 240

SMALL = Behaviour(
    logins_per_day=2 / 30,
    events_per_login=0.7,
    newsletters_per_day=0.2 / 30,
)
"""Thinner logins, events and newsletters, for data that is kept in the repository."""

SEED_DEMO = {
    "customers": 150,
    "months": 12,
    "seed": 7,
    "dirt": 0.01,
    "behaviour": SMALL,
    "dirt_kinds": ROW_KIND_NAMES - {"formula", "script", "sql"},
}
"""Arguments of `generate` that make seeds/demo: a plain CSV reader must cope with it, and the first
dashboard that anyone sees shows no hostile texts."""


@dataclass(frozen=True)
class DemoReport:
    """What was written. Row counts include dirty rows and broken lines, not the header."""

    folder: Path
    file_format: str
    rows: dict[str, int]
    dirt: dict[str, dict[str, int]]
    answers: dict[str, dict[str, int]]
    truths: tuple[Truth, ...] = PLANTED

    @property
    def dirt_count(self) -> int:
        """Dirty rows and broken lines in all tables."""
        return sum(sum(kinds.values()) for kinds in self.dirt.values())


def generate(
    customers: int,
    months: int,
    seed: int,
    out: Path,
    dirt: float = 0.0,
    file_format: str = "csv",
    progress: Callable[[int, int], None] | None = None,
    *,
    behaviour: Behaviour | None = None,
    dirt_kinds: Collection[str] | None = None,
    block_size: int = BLOCK_SIZE,
) -> DemoReport:
    """Write the twelve inputs of the contract to the folder `out`, one file per table.

    The same arguments give the same bytes. `dirt` is the share of dirty rows that are added (0 to
    0.5), `dirt_kinds` the names of the kinds wanted (default all; `ROW_KIND_NAMES` leaves broken
    lines out). `progress` is called with customers done and customers in all after each block.
    Memory grows with `block_size`, not with `customers`; another block size gives other data.

    Raises ValueError for arguments out of range or an unknown format or kind.
    """
    _check(customers, months, seed, dirt, file_format, dirt_kinds, block_size)
    out = Path(out)
    _check_folder(out)
    out.mkdir(parents=True, exist_ok=True)
    planter = Dirt(dirt, dirt_kinds)
    files = {table: TableFile(out, table, file_format) for table in v.TABLES}
    next_id: Counter[str] = Counter(dict.fromkeys(v.TABLES, 1))
    con = duckdb.connect(config={"threads": 2})
    try:
        for index, first in enumerate(range(1, max(customers, 1) + 1, block_size)):
            size = min(block_size, customers - first + 1)
            block = Block(
                seed, index, first, size, customers, first_second(months), behaviour or Behaviour()
            )
            _write_block(con, block, next_id, files, planter)
            if progress:
                progress(first + size - 1, customers)
        for table, file in files.items():
            lines = planter.lines(table, file.rows) if file_format == "csv" else []
            file.finish(con, lines)
    finally:
        for file in files.values():
            file.discard()
        con.close()
    (out / DEMO_MARKER).write_text(
        f"Simulated: {customers} customers, {months} months, seed {seed}, dirt {dirt}.\n"
        "Evergreen never mixes the rows of this folder with real ones.\n"
    )
    return DemoReport(
        folder=out,
        file_format=file_format,
        rows={table: file.rows for table, file in files.items()},
        dirt={table: dict(kinds) for table, kinds in planter.planted.items()},
        answers={table: dict(answers) for table, answers in planter.answers.items()},
    )


def _write_block(
    con: duckdb.DuckDBPyConnection,
    block: Block,
    next_id: Counter[str],
    files: dict[str, TableFile],
    planter: Dirt,
) -> None:
    """Simulate a block and append its rows, with dirt, to the files."""
    for table, (rows, offsets) in simulate(block, next_id).items():
        to_text(con, table, frame(table, rows, offsets))
        if planter.share:
            planter.plant(con, table, block.rng(f"dirt {table}"))
        files[table].append(con)


def _check_folder(out: Path) -> None:
    """Refuse a folder with files of somebody else: they could be the user's real data."""
    if out.exists() and not out.is_dir():
        raise ValueError(f"{out} is a file; name a folder")
    if out.is_dir() and any(out.iterdir()) and not (out / DEMO_MARKER).is_file():
        raise ValueError(f"{out} holds files that are no demo data; name an empty folder")


def _check(
    customers: int,
    months: int,
    seed: int,
    dirt: float,
    file_format: str,
    dirt_kinds: Collection[str] | None,
    block_size: int,
) -> None:
    """Refuse arguments out of range, saying what is allowed."""
    if customers < 0:
        raise ValueError(f"customers is {customers}; it must be 0 or more")
    if customers > 4_000_000:
        raise ValueError(f"customers is {customers}; ids have room for 4,000,000")
    if not 1 <= months <= MAX_MONTHS:
        raise ValueError(f"months is {months}; it must be 1 to {MAX_MONTHS}")
    if seed < 0:
        raise ValueError(f"seed is {seed}; it must be 0 or more")
    if not 0 <= dirt <= 0.5:
        raise ValueError(f"dirt is {dirt}; it is a share of rows, 0 to 0.5")
    if file_format not in FORMATS:
        raise ValueError(f"format is {file_format}; it must be one of {', '.join(FORMATS)}")
    if block_size < 1:
        raise ValueError(f"block_size is {block_size}; it must be 1 or more")
    unknown = set(dirt_kinds or ()) - ROW_KIND_NAMES - set(LINE_KINDS)
    if unknown:
        raise ValueError(f"unknown kinds of dirt: {', '.join(sorted(unknown))}")
