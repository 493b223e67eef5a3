"""The command line: `evergreen load | fit | refresh | metrics | dashboard | publish | erase |
status`, and `demo-data`."""

import sys
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import duckdb
import typer
import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from evergreen import __version__
from evergreen.errors import EvergreenError
from evergreen.paths import Warehouse, default_warehouse

if TYPE_CHECKING:
    from evergreen.status import Status

UNHEALTHY = 8
NOT_FITTED = 9
STOPPED = 130

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=(
        "Exit codes: 0 done; 1 a fault of Evergreen itself; 2 wrong usage; 3 input refused; 4 "
        "build or test failed; 5 audit failed; 6 another refresh runs; 7 could not publish; 8 "
        "`status` "
        "found a problem; 9 `fit` kept the last parameters; 13 `erase` left something to do. After "
        "3 to 7 the published version is as it was."
    ),
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

Landing = Annotated[
    Path,
    typer.Option(
        "--landing",
        help="Folder with the files that landed: <table>.csv, .csv.gz, .parquet or .jsonl, or a "
        "folder <table>/ of them.",
    ),
]
Mapping = Annotated[
    Path | None,
    typer.Option(
        "--mapping",
        help="Folder with one <table>.sql, a select, for each input whose files have other names "
        "or columns, and dbt vars of the source in vars.yml. See mappings/.",
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--warehouse", help="Folder of the warehouse. Default: warehouse/ of the project."
    ),
]


def main() -> None:
    """Entry point: a mistake of the user gets a message, never a traceback."""
    try:
        app()
    except EvergreenError as error:
        _fail(str(error), error.exit_code)
    except (OSError, duckdb.Error) as error:
        _fail(f"{type(error).__name__}: {error}", EvergreenError.exit_code)
    except KeyboardInterrupt:
        _fail("stopped; the published version is as it was", STOPPED)


def _fail(message: str, exit_code: int) -> None:
    err.print(f"[red]evergreen:[/red] {escape(message)}", soft_wrap=True)
    sys.exit(exit_code)


@app.callback(invoke_without_command=True)
def about(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    """A customer-lifecycle warehouse: raw orders, logins and surveys in, audited marts out.

    Start with `evergreen demo-data`, then `evergreen refresh`.
    """
    if version:
        out.print(__version__)
        raise typer.Exit


@app.command()
def load(landing: Landing, mapping: Mapping = None, warehouse: Folder = None) -> None:
    """Load landed files into the schema raw of the work file, as text.

    Loading is idempotent: the same file twice changes nothing, a changed file replaces its own
    rows, a file that has left the folder is reported and its rows stay. A plain `dbt build` then
    builds the marts.
    """
    from evergreen.load import load as run
    from evergreen.refresh import lock

    place = _warehouse(warehouse)
    with _Steps() as steps, lock(place):
        report = run(
            place, landing.absolute(), _absolute(mapping), lambda line: steps("load", line)
        )
    for line in report.lines():
        out.print(escape(line), soft_wrap=True)
    out.print(f"{report.landed_count:,} rows in {place.work_file}")


@app.command()
def fit(warehouse: Folder = None) -> None:
    """Fit the models of customer value and of churn on the work file.

    How often customers buy and drop out: BG/NBD or MBG/NBD, whichever does better on the last
    quarter of the history (39 weeks at most), fitted again on all of it. What a purchase day is
    worth: Gamma-Gamma. Who stops in the next 90 days: a ridge logistic regression on past cut-off
    dates. All of it is fitted again at past dates with what was known then, which is what
    marts.score_backtests judges scores by. The parameters are rows of marts.model_parameters after
    the next build; scores are SQL over them, so a plain `dbt build` needs no fit. `evergreen
    refresh` fits by itself when it is due.

    Value needs 500 buyers, 180 days of history and some with 3 or more purchase days; churn needs
    100 cases of it and as many of staying (seed thresholds). A model that does not converge, or
    does worse on held-out days than the current one, is not written: exit code 9.
    """
    from evergreen.fit import fit as run
    from evergreen.refresh import lock

    place = _warehouse(warehouse)
    with _Steps() as steps, lock(place):
        report = run(place, lambda line: steps("fit", line))
    out.print(f"As of {report.as_of_date or 'no day, for no row is dated'}:")
    for line in report.lines():
        out.print(escape(line), soft_wrap=True)
    if report.fit_id:
        out.print(f"Written as {report.fit_id}. Next: evergreen refresh, or dbt build.")
    if report.refusals or not report.fit_id:
        raise typer.Exit(NOT_FITTED)


@app.command()
def refresh(
    landing: Landing,
    mapping: Mapping = None,
    warehouse: Folder = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            "--as-of",
            formats=["%Y-%m-%d"],
            help="Build the marts as of this day; later rows are left out and counted. Default: "
            "the last day with an accepted order, login or survey.",
        ),
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", help="Target of profiles.yml. Default: duckdb.")
    ] = None,
    variables: Annotated[
        str | None,
        typer.Option(
            "--vars",
            help="dbt vars as YAML, over those of the mapping and of dbt_project.yml: "
            "'{source_timezone: Europe/Berlin}'.",
        ),
    ] = None,
) -> None:
    """Load, build, fit where due, audit and publish. Readers see all of it or nothing.

    The marts are built aside, tested by dbt, audited by Great Expectations and swapped in as one
    DuckDB file, <warehouse>/published/evergreen.duckdb, schemas marts and metrics. The models of
    value and of churn are fitted when their parameters are missing or older than the var
    refit_after_days (30, in days of data); a fit that fails or is refused stops nothing. At last
    the dashboard is drawn from what was published; if that fails, the old one stays.
    """
    from evergreen.build import project_variables
    from evergreen.dashboard import build_dashboard
    from evergreen.refresh import read_variables
    from evergreen.refresh import refresh as run

    place, given, source = _warehouse(warehouse), _variables(variables), _absolute(mapping)
    with _Steps() as steps:
        report = run(
            place,
            landing.absolute(),
            source,
            as_of.date() if as_of else None,
            target,
            given,
            steps,
        )
        currency = (project_variables() | read_variables(source) | given)["reporting_currency"]
        try:
            pages = build_dashboard(place, currency=currency, progress=partial(steps, "draw")).index
        except Exception as error:  # whatever it is, the marts are published
            told = f"{type(error).__name__}: {error}"
            report.warnings.append(f"warning: the dashboard could not be drawn: {told}")
            pages = None
    for line in report.load_lines:
        out.print(escape(line), soft_wrap=True)
    for line in report.fit_lines:
        out.print(f"fit: {escape(line)}", soft_wrap=True)
    for warning in report.warnings:
        err.print(f"[yellow]{escape(warning)}[/yellow]", soft_wrap=True)
    marts = Table(box=None, pad_edge=False)
    marts.add_column("mart")
    marts.add_column("rows", justify="right")
    for name, rows in report.rows.items():
        marts.add_row(name, f"{rows:,}")
    out.print(marts)
    out.print(
        f"As of {report.as_of_date or 'no day, for no row is dated'}: "
        f"{report.landed_count:,} rows landed, "
        f"{report.duplicate_count:,} duplicates, {report.quarantined_count:,} quarantined; "
        f"{report.check_count} dbt tests and {report.expectation_count} expectations.",
        soft_wrap=True,
    )
    out.print(f"Published: {report.published_file}", soft_wrap=True)
    if pages:
        out.print(f"Dashboard: {pages}", soft_wrap=True)
    out.print(f"Data Docs: {report.data_docs}", soft_wrap=True)


@app.command()
def publish(
    parquet: Annotated[
        Path,
        typer.Option(
            "--parquet",
            help="Folder to write to: new, empty, or written by this command before.",
        ),
    ],
    warehouse: Folder = None,
) -> None:
    """Write the published marts as Parquet files too, for tools that cannot read a DuckDB file.

    Each becomes <folder>/marts/<mart>.parquet, compressed with zstd; metrics, where the file has
    them, lie in <folder>/metrics. Money stays decimal(18,2), text stays as it is, descriptions are
    key-value metadata of the files.

    The folder is replaced as a whole and at once, so it must hold nothing else. A file that is
    open stays readable; a program that opens files one by one during the swap may see some of the
    old version and some of the new: each file's metadata and each row tell the as-of date.
    """
    from evergreen.export import export_parquet

    place = _warehouse(warehouse)
    with _Steps() as steps:
        report = export_parquet(place, parquet.absolute(), lambda line: steps("write", line))
    out.print(
        f"{sum(report.rows.values()):,} rows in {len(report.rows)} files: {report.folder}",
        soft_wrap=True,
    )


@app.command("demo-data")
def demo_data(
    folder: Annotated[Path, typer.Option("--out", help="Folder to write to.")],
    customers: Annotated[int, typer.Option(min=0, help="Customers to simulate.")] = 2000,
    months: Annotated[int, typer.Option(min=1, help="Months of history up to 2024-12-31.")] = 24,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")] = 1,
    dirt: Annotated[
        float, typer.Option(min=0, max=0.5, help="Share of bad rows, as real feeds have them.")
    ] = 0.0,
    file_format: Annotated[str, typer.Option("--format", help="csv or parquet.")] = "csv",
) -> None:
    """Write all twelve inputs of the contract, simulated, with planted truths."""
    from evergreen.demo import generate

    with _Steps() as steps:
        try:
            report = generate(
                customers,
                months,
                seed,
                folder,
                dirt,
                file_format,
                lambda done, total: steps("simulate", f"{done:,} of {total:,} customers"),
            )
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    rows = sum(report.rows.values())
    out.print(
        f"{rows:,} rows in {len(report.rows)} files, {report.dirt_count:,} of them dirty: {folder}"
    )
    out.print(f"Next: evergreen refresh --landing {folder}", soft_wrap=True)


@app.command()
def erase(
    customer: Annotated[
        str,
        typer.Argument(help="A customer's source id, or an e-mail address.", show_default=False),
    ],
    warehouse: Folder = None,
    is_sure: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    landing: Annotated[
        Path | None,
        typer.Option(
            "--landing",
            help="Folder to search for files that still hold the person. Default: that of the last "
            "refresh. They are listed, and yours to delete.",
        ),
    ] = None,
) -> None:
    """Erase one person: all rows, in every file of the warehouse and its exports, for good.

    All ids that are folded into the same person go. What only counts people may still count them.
    Salted hashes of the ids and addresses stay, so that a later delivery does not bring the person
    back. A receipt is left in <warehouse>/receipts. Killed or failed half-way? Run it again.
    """
    from evergreen.erase import Person
    from evergreen.erase import erase as run

    place = _warehouse(warehouse)
    with _Steps() as steps:

        def confirm(person: Person) -> bool:
            steps.pause()
            out.print(
                f"{len(person.ids)} ids, {len(person.addresses)} addresses. Rows that name them:",
                soft_wrap=True,
            )
            _print_table([{"input": name, "rows": n} for name, n in person.rows.items()])
            for address in sorted(person.shared):
                out.print(f"{escape(address)} stays: other customers have it too.", soft_wrap=True)
            return is_sure or typer.confirm("Erase them? This cannot be undone")

        report = run(place, customer, confirm, _absolute(landing), steps)
    if report is None:
        out.print("Nothing was changed.")
        raise typer.Exit(1)
    out.print(
        f"Erased: {sum(report.rows.values()):,} rows. Receipt: {report.receipt}", soft_wrap=True
    )
    searched = f"Searched after it: {report.searched_count:,} files, nothing found."
    if report.vague_count:
        searched += f" Not searched for: {report.vague_count} ids too short to be told from others."
    out.print(f"Written anew: {escape(', '.join(report.rewritten))}. {searched}", soft_wrap=True)
    if report.landed:
        err.print(
            "[yellow]Landed files that still hold the person, yours to delete:[/yellow] "
            + escape(", ".join(report.landed)),
            soft_wrap=True,
        )


@app.command()
def status(warehouse: Folder = None) -> None:
    """Say what readers see, how the last refresh went, and what was set aside and why.

    And how far to trust the scores: what they foretold on past days, beside what simple rules would
    have said, as means over the cut-off dates. Where a score does not beat the rules it says so.
    """
    from evergreen.status import read_status

    place = _warehouse(warehouse)
    found = read_status(place)
    if found.published:
        run = found.published
        out.print(
            f"Published {run['ended_at']:%Y-%m-%d %H:%M} UTC, as of {run['as_of_date']}: "
            f"{run['landed_count']:,} rows landed, {run['quarantined_count']:,} quarantined; "
            f"{run['dbt_check_count']} dbt tests, {run['expectation_count']} expectations, "
            f"{run['failed_check_count']} warnings.",
            soft_wrap=True,
        )
    _print_table(found.inputs)
    if found.reasons:
        out.print("Set aside most often (all of them: marts.quarantined_rows):")
        _print_table(found.reasons)
    _print_scores(found)
    for problem in found.problems:
        err.print(f"[red]problem:[/red] {escape(problem)}", soft_wrap=True)
    if found.problems:
        raise typer.Exit(UNHEALTHY)


@app.command()
def metrics(
    name: Annotated[
        str | None, typer.Argument(help="One metric: its definition and each month.")
    ] = None,
    question: Annotated[
        str | None,
        typer.Option(
            "--question",
            help="Only metrics of one question: customers, lifecycle, retention, value, voice, "
            "advocacy, cross_sell, contact or trust.",
        ),
    ] = None,
    warehouse: Folder = None,
) -> None:
    """List the published metrics with their values, and one in full.

    A metric of months is given for the last month that is over and can be judged, beside the month
    before and as a line of the last twelve; a state is that of the as-of date. After a refresh with
    --vars '{baseline_date: 2024-06-30}' the comparison is each metric as it stood on that day. The
    same numbers: mf query, and the schema metrics of the published file.
    """
    from evergreen.show_metrics import read_lines, read_months, shown

    place = _warehouse(warehouse)
    lines = read_lines(place, question, name)
    if name:
        (line,) = lines
        out.print(f"{line['label']} ({line['type']}, {line['unit']})", soft_wrap=True)
        out.print(escape(line["description"]), soft_wrap=True)
        for month in read_months(place, name):
            running = "" if month["is_complete"] else "  can still change"
            out.print(f"{month['month']:%Y-%m}  {shown(month['value'], line['unit'])}{running}")
    _print_metrics(lines)


@app.command()
def dashboard(
    warehouse: Folder = None,
    out_folder: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Folder to write to. Default: <warehouse>/dashboard. What an earlier run wrote "
            "there is replaced; a folder with other files is refused.",
        ),
    ] = None,
    currency: Annotated[
        str | None,
        typer.Option(
            "--currency",
            help="Currency to print beside amounts, where a mapping or --vars set another "
            "reporting_currency than dbt_project.yml. Nothing is converted.",
        ),
    ] = None,
) -> None:
    """Write a static site of the published marts: open index.html with any browser.

    No server, no network: charts, numbers and scripts are files beside each other. The published
    file is only read, and the site is swapped in whole.
    """
    from evergreen.dashboard import build_dashboard

    place = _warehouse(warehouse)
    with _Steps() as steps:
        report = build_dashboard(
            place, _absolute(out_folder), currency, lambda line: steps("draw", line)
        )
    out.print(
        f"{len(report.pages)} pages as of {report.as_of_date or 'no day, for no row is dated'}: "
        f"{report.drawn_count} of {report.section_count} sections have data.",
        soft_wrap=True,
    )
    out.print(f"Open: {report.index}", soft_wrap=True)


class _Steps:
    """Progress: one line that changes on a terminal; elsewhere one line as each step begins."""

    def __init__(self) -> None:
        self._live = err.status("") if err.is_terminal else None
        self._step = ""

    def __enter__(self) -> "_Steps":
        if self._live:
            self._live.start()
        return self

    def pause(self) -> None:
        """Leave the terminal to a question; the next step goes on below it."""
        if self._live:
            self._live.stop()

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def __call__(self, step: str, line: str) -> None:
        if self._live:
            self._live.start()
            self._live.update(f"{step}: {escape(line)}")
            return
        is_new, self._step = step != self._step, step
        if is_new:
            err.print(f"{step} ...")


def _print_metrics(lines: list[dict]) -> None:
    from evergreen.show_metrics import shown, shown_change, sparkline

    baseline = next((line["baseline_date"] for line in lines), None)
    as_of = next((line["as_of_date"] for line in lines), None)
    out.print(f"As of {as_of or 'no day, for no row is dated'}:")
    table = Table(box=None, pad_edge=False)
    table.add_column("metric", overflow="fold")  # the only column that may break: never a number
    table.add_column("month", no_wrap=True)
    then = f"on {baseline}" if baseline else "before"
    for title in ("now", then, "change"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("lately", no_wrap=True)
    question = ""
    for line in lines:
        if line["question"] != question:
            question = line["question"]
            table.add_row(f"[bold]{question}[/bold]")
        value, unit = line["value"], line["unit"]
        before = line["baseline_value"] if baseline else line["previous_value"]
        month = line["period_start"]
        table.add_row(
            f"  {line['metric']}",
            f"{month:%Y-%m}" if month else "",
            shown(value, unit),
            shown(before, unit) if baseline or month else "",
            shown_change(value, before, unit),
            sparkline(line["months"] or []),
        )
    # A pipe has no width to fit into.
    (out if out.is_terminal else Console(width=120, highlight=False)).print(table)


def _print_scores(found: "Status") -> None:
    if found.scores:
        out.print(
            "Scores on past days (all of it: marts.score_backtests). Error: Brier score of a "
            "probability, root mean square error of an amount; less is better. Ranking: AUC of a "
            "probability and of readiness, Spearman correlation of an amount, of suggested "
            "products the share of buyers who bought one of three; more is better.",
            soft_wrap=True,
        )
        _print_table(found.scores)
    elif found.scores is not None:
        out.print("Scores on past days: none, for no model was fitted on a past day.")
    for doubt in found.doubts:
        out.print(f"[yellow]{escape(doubt)}[/yellow]", soft_wrap=True)


def _print_table(rows: list[dict]) -> None:
    if not rows:
        return
    table = Table(box=None, pad_edge=False)
    for name, value in rows[0].items():
        table.add_column(
            name, justify="right" if isinstance(value, int | float) else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    out.print(table)


def _cell(value: object) -> str:
    if value is None:
        return "none"
    from evergreen.status import rounded

    if isinstance(value, float):
        return rounded(value)
    return f"{value:,}" if isinstance(value, int) else escape(str(value))


def _variables(text: str | None) -> dict:
    try:
        found = yaml.safe_load(text or "{}")
    except yaml.YAMLError as error:
        raise typer.BadParameter(f"--vars is no YAML: {error}") from error
    if not isinstance(found, dict):
        raise typer.BadParameter(
            f"--vars must be a YAML mapping such as '{{name: value}}', not {text}"
        )
    return found


def _warehouse(folder: Path | None) -> Warehouse:
    place = Warehouse(folder.absolute()) if folder else default_warehouse()
    if forbidden := set(str(place.folder)) & set("'\"#?"):
        raise typer.BadParameter(
            f"{place.folder}: no path with {' '.join(sorted(forbidden))} works for DuckDB and dbt"
        )
    return place


def _absolute(path: Path | None) -> Path | None:
    return path.absolute() if path else None
