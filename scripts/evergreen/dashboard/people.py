"""The contact plan and one card for each customer, as files that a page loads when asked.

A page from a folder may not fetch, but it may add a script: so each file is a script that hands
over its rows, a few thousand of them. An index says what is in which file. Rows are streamed:
no more than one file's rows are in memory here.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

from evergreen.dashboard.formats import plain

SHARD_SIZE = 5_000
"""Rows of a file: about half a second to read on a slow computer."""

FACETS = ("action", "channel", "consent")
"""Columns of the plan that can be chosen from a list."""

Embed = Callable[[object], str]


def write_people(
    con: duckdb.DuckDBPyConnection, queries: Path, folder: Path, embed: Embed
) -> dict[str, int]:
    """Write the files `plan-*.js` and `customers-*.js` to `folder`; returns the rows of each.

    `embed` makes JSON of which nothing can end a script. A list whose tables the published file
    does not have is left out; its section says so.
    """
    folder.mkdir()
    written = {}
    for kind, index in (("plan", PlanIndex()), ("customers", CustomerIndex())):
        try:
            found = con.execute((queries / f"{kind}.sql").read_text(encoding="utf-8"))
        except (duckdb.CatalogException, duckdb.BinderException):
            continue
        names = [column[0] for column in found.description]
        for number, rows in enumerate(_batches(found), start=1):
            columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
            index.add(columns)
            shard = {"count": len(rows), "columns": {n: packed(v) for n, v in columns.items()}}
            (folder / f"{kind}-{number:04d}.js").write_text(
                f'evergreenPeople.take("{kind}", {number}, {embed(shard)});\n', encoding="utf-8"
            )
        (folder / f"{kind}-index.js").write_text(
            f'evergreenPeople.take("{kind}", "index", {embed(index.content())});\n',
            encoding="utf-8",
        )
        written[kind] = index.count
    return written


def _batches(found: duckdb.DuckDBPyConnection) -> Iterator[list[tuple]]:
    while rows := found.fetchmany(SHARD_SIZE):
        yield rows


def packed(values: list) -> list | dict:
    """A column as it is, or as its different words and their places, where that is shorter.

    Null is place -1.
    """
    values = [plain(value) for value in values]
    words = list(dict.fromkeys(value for value in values if value is not None))
    if len(words) > len(values) // 2 or not all(isinstance(word, str) for word in words):
        return values
    places: dict[str | None, int] = {word: place for place, word in enumerate(words)}
    places[None] = -1
    return {"words": words, "at": [places[value] for value in values]}


class PlanIndex:
    """What the table has to know of files that it has not loaded."""

    def __init__(self) -> None:
        self.count = 0
        self.shards: list[dict] = []
        self.facets: dict[str, Counter] = {name: Counter() for name in FACETS}
        self.effect_count = 0

    def add(self, columns: dict[str, list]) -> None:
        """Count one file."""
        size = len(columns["customer_id"])
        self.count += size
        self.effect_count += sum(value is not None for value in columns["expected_effect"])
        for name in FACETS:
            self.facets[name].update(value or "" for value in columns[name])
        self.shards.append({"count": size, "actions": sorted(Counter(columns["action"]).items())})

    def content(self) -> dict:
        """The index as JSON."""
        return {
            "count": self.count,
            "size": SHARD_SIZE,
            "shards": self.shards,
            "facets": {
                name: sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
                for name, counts in self.facets.items()
            },
            "effect_count": self.effect_count,
        }


class CustomerIndex:
    """The first id of each file: enough to find the file of any id."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[str] = []

    def add(self, columns: dict[str, list]) -> None:
        """Note where one file begins."""
        self.count += len(columns["customer_id"])
        self.first.append(str(columns["customer_id"][0]))

    def content(self) -> dict:
        """The index as JSON."""
        return {"count": self.count, "first": self.first}
