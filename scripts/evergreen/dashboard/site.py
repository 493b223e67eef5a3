"""Render the dashboard from the published file, aside, and swap it in whole."""

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import duckdb
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evergreen import __version__
from evergreen.dashboard.formats import kind_of, label_of, plain, show
from evergreen.dashboard.pages import PAGES
from evergreen.dashboard.people import write_people
from evergreen.dashboard.sections import Page, Rows, Section, Shown
from evergreen.errors import InputRefused
from evergreen.export import note_export
from evergreen.files import shared_files, swap_folder
from evergreen.paths import PROJECT_DIR, Warehouse

SOURCE = PROJECT_DIR / "dashboard"
MARKER = ".evergreen-dashboard"
"""File in a folder that says: written by `evergreen dashboard`, may be replaced."""

OBJECT_NAMES = {
    "__defineGetter__",
    "__defineSetter__",
    "__lookupGetter__",
    "__lookupSetter__",
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toLocaleString",
    "toString",
    "valueOf",
}

# As JSON inside a script element: nothing may end the element or open a comment.
SEPARATORS = dict.fromkeys(map(ord, "\u2028\u2029"), " ")
ESCAPES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


@dataclass
class DashboardReport:
    """Where the site is, and the sections of each page: drawn, or empty."""

    index: Path
    pages: dict[str, dict[str, str]] = field(default_factory=dict)
    as_of_date: str | None = None

    @property
    def drawn_count(self) -> int:
        """Sections with something to show."""
        return sum(state == "drawn" for page in self.pages.values() for state in page.values())

    @property
    def section_count(self) -> int:
        """All sections."""
        return sum(len(page) for page in self.pages.values())


def build_dashboard(
    warehouse: Warehouse,
    out: Path | None = None,
    currency: str | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> DashboardReport:
    """Write the site of the published file to `out`, by default `<warehouse>/dashboard`.

    The file is only read. A reader of the site sees the old one or the new one: it is written
    beside its place and put there by a rename. Raises InputRefused where nothing is published, or
    where `out` holds something else.
    """
    file = warehouse.published_file
    if not file.exists():
        raise InputRefused(f"nothing is published at {file}: run `evergreen refresh --landing DIR`")
    target = (out or warehouse.folder / "dashboard").absolute()
    with shared_files():
        report = _build(warehouse, target, currency or reporting_currency(), progress)
    note_export(warehouse, "dashboard", target)
    return report


def _build(
    warehouse: Warehouse, target: Path, currency: str, progress: Callable[[str], None]
) -> DashboardReport:
    _refuse_foreign(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        report = _write(warehouse, warehouse.published_file, aside, target, currency, progress)
        aside.chmod((aside / "assets").stat().st_mode)  # as a folder that is not a temporary one
        swap_folder(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return report


def reporting_currency() -> str:
    """The currency of all amounts, as the project states it."""
    project = yaml.safe_load((PROJECT_DIR / "dbt_project.yml").read_text(encoding="utf-8"))
    return project["vars"]["reporting_currency"]


def _refuse_foreign(target: Path) -> None:
    if target.is_file() or target.is_symlink():
        raise InputRefused(f"{target} is no folder: choose another with --out")
    if target.exists() and any(target.iterdir()) and not (target / MARKER).exists():
        raise InputRefused(
            f"{target} holds files that `evergreen dashboard` did not write: choose an empty or "
            "new folder with --out"
        )


def _write(
    warehouse: Warehouse,
    file: Path,
    folder: Path,
    target: Path,
    currency: str,
    progress: Callable[[str], None],
) -> DashboardReport:
    assets = folder / "assets"
    assets.mkdir()
    (folder / MARKER).write_text("Written by `evergreen dashboard`. Replaced by the next run.\n")
    (assets / "vega.js").write_text(chart_library(), encoding="utf-8")
    for name in ("style.css", "app.js", "people.css", "people.js"):
        shutil.copyfile(SOURCE / name, assets / name)
    report = DashboardReport(target / "index.html")
    with duckdb.connect(str(file), read_only=True) as con:
        con.execute("set enable_external_access = false")
        shown = Shown(_as_of_date(con), currency)
        report.as_of_date = shown.as_of_date
        for page in PAGES:
            progress(page.title)
            sections = [render_section(con, section, shown) for section in page.sections]
            (folder / page.file_name).write_text(
                render_page(page, sections, shown, _links(warehouse, target)), encoding="utf-8"
            )
            report.pages[page.slug] = {found["id"]: found["state"] for found in sections}
        write_people(con, SOURCE / "people", folder / "data", embed)
    return report


@cache
def chart_library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script that sets `vegaEmbed`, of Altair's version."""
    import altair
    import vl_convert

    version = ".".join(altair.SCHEMA_VERSION.lstrip("v").split(".")[:2])
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=version)


def _links(warehouse: Warehouse, target: Path) -> dict[str, str | None]:
    """Pages beside the site that exist, as seen from it."""
    docs = warehouse.data_docs / "index.html"
    if docs.exists() and target.parent == warehouse.folder:
        return {"data_docs": "../data_docs/index.html"}
    return {"data_docs": None}


def _as_of_date(con: duckdb.DuckDBPyConnection) -> str | None:
    try:
        found = con.execute("select max(as_of_date) from marts.customers").fetchone()
    except duckdb.CatalogException:
        return None
    return found[0].isoformat() if found and found[0] else None


def harmless(value: object) -> object:
    """A text that Vega can draw.

    It counts groups in a plain object, where a name that every JavaScript object has is taken: such
    a name gets a space after it. It writes names into expressions, which the line separators of
    Unicode would end: they become spaces.
    """
    if not isinstance(value, str):
        return value
    text = value.translate(SEPARATORS)
    return f"{text} " if text in OBJECT_NAMES else text


def read_rows(con: duckdb.DuckDBPyConnection, query: str) -> Rows | None:
    """Rows of a query of dashboard/queries; None where the file lacks a table or a column of it,
    because an older version published it."""
    sql = (SOURCE / "queries" / f"{query}.sql").read_text(encoding="utf-8")
    try:
        found = con.execute(sql)
    except (duckdb.CatalogException, duckdb.BinderException):
        return None
    names = [column[0] for column in found.description]
    return [dict(zip(names, map(harmless, row), strict=True)) for row in found.fetchall()]


def render_section(con: duckdb.DuckDBPyConnection, section: Section, shown: Shown) -> dict:
    """What the template needs of one section. `state` is drawn, empty, unknown or missing."""
    rows = read_rows(con, section.query)
    if rows and section.prepare:
        rows = section.prepare(rows)
    state = _state(section, rows)
    rows = rows or []
    found = {
        "id": section.id,
        "section": section,
        "state": state,
        "message": _message(section, state),
        "columns": [],
        "records": [],
        "rows_json": "[]",
        "spec_json": None,
        "summary": None,
        "count": None,
        "cards": [],
    }
    if not rows:
        return found
    columns = [name for name in rows[0] if name not in section.hidden]
    kinds = {name: section.kinds.get(name, kind_of(name)) for name in columns}
    found["columns"] = [
        {
            "name": name,
            "label": section.labels.get(name, label_of(name)),
            "is_number": _is_number(rows, name),
        }
        for name in columns
    ]
    found["records"] = [
        [_cell(row[name], kinds[name], shown.currency, section.nothing) for name in columns]
        for row in rows
    ]
    found["rows_json"] = embed(
        [{name: plain(value) for name, value in row.items()} for row in rows]
    )
    found["columns_json"] = embed(columns)
    if section.count:
        found["count"] = section.count(rows)
    if state != "drawn":
        return found
    if section.summary:
        found["summary"] = section.summary(rows, shown)
    if section.cards:
        found["cards"] = section.cards(rows, shown)
    if section.chart:
        found["spec_json"] = embed(section.chart(rows))
    return found


def _state(section: Section, rows: Rows | None) -> str:
    if rows is None:
        return "missing"
    if not rows:
        return "empty"
    measured = [row[name] for row in rows for name in section.measures]
    if measured and all(value is None for value in measured):
        return "unknown"
    if section.count and section.kind == "chart" and not section.count(rows):
        return "empty"
    return "drawn"


def _message(section: Section, state: str) -> str | None:
    if state == "missing" and not section.remedy:
        return (
            f"No data for {section.subject}. The published file is of an older version that has "
            "no such table. Run `evergreen refresh --landing DIR` with this version."
        )
    if state in ("empty", "missing"):
        return f"No data for {section.subject}. {section.how_to_add()}"
    if state == "unknown":
        return (
            f"Not enough data for {section.subject}: what there is would mislead. "
            "The numbers so far are below."
        )
    return None


def _is_number(rows: Rows, name: str) -> bool:
    values = [row[name] for row in rows if row[name] is not None]
    return bool(values) and not any(
        isinstance(value, bool) or not isinstance(plain(value), int | float) for value in values
    )


def _cell(value: object, kind: str, currency: str, nothing: str) -> dict:
    is_null = value is None
    return {"text": nothing if is_null else show(value, kind, currency), "is_null": is_null}


def embed(value: object) -> str:
    """JSON for a script element; it may hold any text."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=plain).translate(ESCAPES)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(SOURCE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_page(
    page: Page, sections: list[dict], shown: Shown, links: dict[str, str | None]
) -> str:
    """The HTML of one page."""
    return (
        _environment()
        .get_template("page.html")
        .render(
            page=page,
            pages=PAGES,
            sections=sections,
            shown=shown,
            links=links,
            version=__version__,
            format=show,
        )
    )
