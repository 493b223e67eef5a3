"""What a page is made of: sections, each one question answered from one query."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from evergreen.contract import read_contract
from evergreen.dashboard.formats import NOT_ENOUGH

Rows = list[dict]
Chart = Callable[[Rows], dict]
"""Rows of the query to a Vega-Lite specification over data named `rows`."""


@dataclass(frozen=True)
class Section:
    """One question: a query, a definition, a chart and the same numbers as a table.

    `query` is a file of dashboard/queries without `.sql`. `inputs` are the tables of the input
    contract that feed it: an empty section asks for them. `measures` are the columns that the
    chart needs; where all of them are null there is not enough data to draw. `prepare` may fold
    rows before anything is drawn. `kind` is chart, cards (key figures), facts (a strip of short
    figures), table (the rows themselves are the point), plan or search (people.html). `width` is
    half, full, or tall (half, over two rows of the grid). `nothing` is what the table says for
    null.
    """

    id: str
    title: str
    query: str
    definition: str
    subject: str
    inputs: tuple[str, ...]
    chart: Chart | None = None
    summary: Callable[[Rows, "Shown"], str] | None = None
    count: Callable[[Rows], int | None] | None = None
    count_of: str = "customers"
    measures: tuple[str, ...] = ()
    prepare: Callable[[Rows], Rows] | None = None
    cards: Callable[[Rows, "Shown"], list[dict]] | None = None
    kind: str = "chart"
    width: str = "half"
    nothing: str = NOT_ENOUGH
    kinds: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    remedy: str = ""

    def how_to_add(self) -> str:
        """What to land so that the section fills."""
        if self.remedy:
            return self.remedy
        return f"Add {asked_for(self.inputs)} and refresh."


@dataclass(frozen=True)
class Page:
    """One page of the site: `slug` is its file name, `lead` says in a sentence what it is for."""

    slug: str
    title: str
    lead: str
    sections: tuple[Section, ...]

    @property
    def file_name(self) -> str:
        """The first page is the one that a folder opens with."""
        return "index.html" if self.slug == "overview" else f"{self.slug}.html"


@dataclass(frozen=True)
class Shown:
    """What every section needs to write numbers: the date and the currency."""

    as_of_date: str | None
    currency: str


def asked_for(inputs: Iterable[str]) -> str:
    """Tables of the input contract with their required columns."""
    contract = read_contract()
    return " or ".join(
        f"{name} (columns {', '.join(contract.table(name).required_columns)})" for name in inputs
    )


def total(column: str) -> Callable[[Rows], int | None]:
    """The sum of a column of counts: for rows that divide the customers."""
    return lambda rows: sum(int(row[column] or 0) for row in rows)


def biggest(column: str) -> Callable[[Rows], int | None]:
    """The largest value of a column of counts: for rows that overlap."""
    return lambda rows: max((int(row[column] or 0) for row in rows), default=None)
