"""Deliveries of simulated data: day by day, with late, repeated, corrected and withdrawn rows."""

import random
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

DAY = re.compile(r"20\d\d-\d\d-\d\d")
LAST_OF_HISTORY = date(2024, 12, 20)


class Deliveries:
    """The files of a demo, landed as a history up to a day and then a file of each input a day.

    Of the history, `late_share` of the rows come on one of the later days, and as many come twice.
    Each day, `changed_share` of the rows of one landed file are withdrawn or altered.
    """

    def __init__(
        self,
        demo: Path,
        landing: Path,
        seed: int,
        days: int,
        late_share: float = 0.0005,
        changed_share: float = 0.002,
        last_of_history: date = LAST_OF_HISTORY,
    ) -> None:
        self._last_of_history = last_of_history
        self._random = random.Random(seed)
        self._landing = landing
        self._changed_share = changed_share
        self._headers: dict[str, str] = {}
        self._rows: list[dict[str, list[str]]] = [{} for _ in range(days)]
        orders = (demo / "orders.csv").read_text().splitlines()
        self._orders = {row.split(",")[0]: row for row in orders}
        for file in sorted(demo.glob("*.csv")):
            header, *rows = file.read_text().splitlines(keepends=True)
            self._headers[file.stem] = header
            self._land(file.stem, "history", list(self._history(file.stem, rows, late_share)))

    def land_day(self, number: int) -> str:
        """Land the rows of a day, and alter a file that is there; gives the name of that file."""
        for table, rows in self._rows[number].items():
            self._random.shuffle(rows)
            self._land(table, f"day_{number:03}", rows)
        tables = [table for table in self._headers if table != "products"]
        file = self._random.choice(sorted((self._landing / self._random.choice(tables)).iterdir()))
        header, *rows = file.read_text().splitlines(keepends=True)
        file.write_text(header + "".join(self._altered(rows)))
        return file.relative_to(self._landing).as_posix()

    def _history(self, table: str, rows: list[str], late_share: float) -> Iterator[str]:
        for row in rows:
            # An item has no day of its own: it comes with its order.
            found = DAY.search(self._orders.get(row.split(",")[0], row))
            number = self._days_after_history(found.group()) if found else None
            if number is not None and number > 0:
                if number <= len(self._rows):
                    self._put(number - 1, table, row)
                continue
            is_late = self._random.random() < late_share
            if is_late or self._random.random() < late_share:
                self._put(self._random.randrange(len(self._rows)), table, row)
            if not is_late:
                yield row

    def _put(self, number: int, table: str, row: str) -> None:
        self._rows[number].setdefault(table, []).append(row)

    def _altered(self, rows: list[str]) -> Iterator[str]:
        """A value of another row in the place of one's own; one row in four is withdrawn."""
        for row in rows:
            if self._random.random() >= self._changed_share:
                yield row
            elif self._random.random() >= 0.25:
                values, others = (text.rstrip("\n").split(",") for text in (row, rows[0]))
                if len(rows) > 1:
                    others = self._random.choice(rows).rstrip("\n").split(",")
                if len(values) == len(others) and '"' not in row:
                    place = self._random.randrange(1, len(values))
                    values[place] = others[place]
                yield ",".join(values) + "\n"

    def _land(self, table: str, name: str, rows: list[str]) -> None:
        folder = self._landing / table
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.csv").write_text(self._headers[table] + "".join(rows))

    def _days_after_history(self, day: str) -> int | None:
        """Days from the end of the history; None for no day, or none that a demo has."""
        try:
            number = (date.fromisoformat(day) - self._last_of_history) // timedelta(days=1)
        except ValueError:
            return None
        return number if number < 100 else None
