"""The command line: `evergreen load | fit | refresh | rollback | metrics | dashboard | publish |
erase | status`, and `demo-data`."""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
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
from evergreen.errors import EvergreenError, NothingToDo, machine_error
from evergreen.paths import Warehouse, default_warehouse

if TYPE_CHECKING:
    from evergreen.json_lines import JsonLines
    from evergreen.refresh import RefreshReport
    from evergreen.status import Status
    from evergreen.versions import Version

UNHEALTHY = 8
NOT_FITTED = 9
STOPPED = 130
TERMINATED = 143

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=(
        "Exit codes: 0 done; 1 a fault of Evergreen itself; 2 wrong usage; 3 input refused; 4 "
        "build or test failed; 5 audit failed; 6 another command holds the warehouse; 7 could not "
        "publish; 8 `status` found a problem or an old version; 9 `fit` kept the last parameters; "
        "10 no room, no right or no memory on this machine; 11 the working file is damaged; 12 "
        "nothing to resume or to roll back to; 13 `erase` left "
        "something to do; 130 stopped by Ctrl-C; 143 by SIGTERM. After each "
        "of them the published version is as it was."
    ),
)
_lines: list["JsonLines"] = []
"""The log in JSON, where one is written: its last line must be the end, however that comes."""
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


class LogFormat(StrEnum):
    """How a refresh tells what it does."""

    TEXT = "text"
    JSON = "json"


def main() -> None:
    """Entry point: a mistake of the user gets a message, never a traceback."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        app()
    except EvergreenError as error:
        _fail(str(error), error.exit_code)
    except (OSError, duckdb.Error) as error:
        _fail(f"{type(error).__name__}: {error}", EvergreenError.exit_code)
    except KeyboardInterrupt:
        _fail("stopped; the published version is as it was", STOPPED)


def _stop(*_: object) -> None:
    """SIGTERM ends the process at once: an exception would get lost in libraries that catch it.

    That is as safe as a kill: the next command finds the lock free, and tidies up.
    """
    told = "stopped by SIGTERM; the published version is as it was"
    with contextlib.suppress(RuntimeError):  # a line was just being written
        if _lines:
            _lines[-1].end("interrupted", TERMINATED, told)
        else:
            os.write(2, f"evergreen: {told}\n".encode())
    os._exit(TERMINATED)


@contextlib.contextmanager
def _explained(place: Warehouse) -> Iterator[None]:
    """Errors of the machine and of the working file say what to do."""
    try:
        yield
    except (OSError, MemoryError, duckdb.Error) as error:
        raise machine_error(error, place.folder, place.work_file) or error from error


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
    from evergreen.locking import lock

    place = _warehouse(warehouse)
    with _explained(place), _Steps() as steps, lock(place):
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
    from evergreen.locking import lock

    place = _warehouse(warehouse)
    with _explained(place), _Steps() as steps, lock(place):
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
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on where the last refresh failed. Steps that are done are skipped; refused "
            "where files, options or code have changed since.",
        ),
    ] = False,
    log_format: Annotated[
        LogFormat,
        typer.Option(
            "--log-format",
            help="text for people; json writes one object per line to stdout and nothing else: "
            "time, refresh_id, step, event, message. The last has status and exit_code.",
        ),
    ] = LogFormat.TEXT,
) -> None:
    """Load, build, fit where due, audit and publish. Readers see all of it or nothing.

    The marts are built aside, tested by dbt, audited by Great Expectations and swapped in as one
    DuckDB file, <warehouse>/published/evergreen.duckdb, schemas marts and metrics. The models of
    value and of churn are fitted when their parameters are missing or older than the var
    refit_after_days (30, in days of data); a fit that fails or is refused stops nothing. At last
    the dashboard is drawn from what was published; if that fails, the old one stays.
    """
    place, given = _warehouse(warehouse), _variables(variables)
    asked = (place, landing.absolute(), _absolute(mapping), as_of.date() if as_of else None, target)
    if log_format is LogFormat.JSON:
        _refresh_in_json(asked, given, resume)
        return
    with _explained(place), _Steps() as steps:
        report, pages = _refresh(asked, given, resume, steps, _print_event)
    _print_report(report, pages)


def _refresh(
    asked: tuple,
    given: dict,
    resume: bool,
    progress: Callable[[str, str], None] | None,
    listener: Callable[[dict], None],
) -> tuple["RefreshReport", Path | None]:
    """Refresh, then draw the dashboard; it may fail, for the marts are published."""
    from evergreen.build import project_variables
    from evergreen.dashboard import build_dashboard
    from evergreen.refresh import read_variables
    from evergreen.refresh import refresh as run

    place, _, mapping, *_ = asked
    report = run(*asked, given, progress, resume, listener)
    currency = (project_variables() | read_variables(mapping) | given)["reporting_currency"]
    draw = partial(progress, "draw") if progress else lambda line: None
    try:
        return report, build_dashboard(place, currency=currency, progress=draw).index
    except Exception as error:  # whatever it is, the marts are published
        told = f"warning: the dashboard could not be drawn: {type(error).__name__}: {error}"
        report.warnings.append(told)
        listener(
            {"refresh_id": report.refresh_id, "event": "warning", "step": "draw"}
            | {"message": told}
        )
        return report, None


def _refresh_in_json(asked: tuple, given: dict, resume: bool) -> None:
    """A refresh that says all that it has to say, its end included, as lines of JSON."""
    from evergreen.json_lines import JsonLines

    lines = JsonLines()
    _lines.append(lines)
    try:
        with _explained(asked[0]):
            report, _ = _refresh(asked, given, resume, None, lines)
    except KeyboardInterrupt:
        lines.end("interrupted", STOPPED, "stopped; the published version is as it was")
        raise typer.Exit(STOPPED) from None
    except Exception as error:
        known = isinstance(error, EvergreenError)
        code = error.exit_code if known else EvergreenError.exit_code
        told = str(error) if known else f"{type(error).__name__}: {error}"
        lines.end(error.status if known else "fault", code, told)
        raise typer.Exit(code) from None
    lines.end(
        "published",
        0,
        f"as of {report.as_of_date or 'no day'}: {report.landed_count} rows landed, "
        f"{report.quarantined_count} quarantined",
        as_of_date=report.as_of_date,
        landed_count=report.landed_count,
        quarantined_count=report.quarantined_count,
        published_count=sum(report.rows.values()),
        warning_count=len(report.warnings),
    )


def _print_event(event: dict) -> None:
    """What people should know of a refresh besides its progress."""
    if event["event"] == "recovered":
        err.print(escape(event["message"]), soft_wrap=True)
    elif event["event"] == "step_skipped":
        err.print(f"{event['step']}: {event['message']}", soft_wrap=True)


def _print_report(report: "RefreshReport", pages: Path | None) -> None:
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
def rollback(
    refresh_id: Annotated[
        str | None,
        typer.Argument(help="Version to go to. Default: the one before what readers see."),
    ] = None,
    is_list: Annotated[bool, typer.Option("--list", help="Only list the versions kept.")] = False,
    warehouse: Folder = None,
) -> None:
    """Give readers an older version again, at once. The next refresh publishes anew.

    The last published versions are kept, as many as the var keep_versions says (3). The swap is
    that of a refresh: a reader sees the one version or the other. Nothing is lost: the version that
    readers saw is kept as well, so that `evergreen rollback ITS_ID` takes this back.
    """
    from evergreen.locking import lock
    from evergreen.versions import list_versions, note_rollback
    from evergreen.versions import rollback as run

    place = _warehouse(warehouse)
    if is_list:
        _print_versions(list_versions(place))
        return
    if not place.folder.exists():
        raise NothingToDo(f"{place.folder} is no warehouse: there is nothing to roll back to.")
    with _explained(place), lock(place):
        before, version = run(place, refresh_id)
        unnoted = note_rollback(place, before, version)
    out.print(
        f"Readers see {version.refresh_id} again, as of {version.as_of_date}, in place of "
        f"{before or 'nothing'}. The next refresh publishes anew. Draw the dashboard of this "
        "version: evergreen dashboard",
        soft_wrap=True,
    )
    if unnoted:
        err.print(f"[yellow]warning: not noted: {escape(unnoted)}[/yellow]", soft_wrap=True)


def _print_versions(kept: list["Version"]) -> None:
    for version in kept:
        when = version.published_at
        published = f"published {when:%Y-%m-%d %H:%M} UTC, " if when else ""
        seen = "  readers see this one" if version.is_read else ""
        out.print(
            f"{version.refresh_id}  {published}as of {version.as_of_date}, "
            f"{version.customer_count:,} customers{seen}",
            soft_wrap=True,
        )
    if not kept:
        out.print("No version is kept: the next refresh keeps the one that it publishes.")


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
        raise typer.Exit(STOPPED)
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
def status(
    warehouse: Folder = None,
    max_age_hours: Annotated[
        float | None,
        typer.Option(
            "--max-age-hours",
            min=0,
            help="A published version that is older is a problem: exit code 8.",
        ),
    ] = None,
    output: Annotated[
        LogFormat, typer.Option("--format", help="text for people, json for monitors.")
    ] = LogFormat.TEXT,
) -> None:
    """Say whether readers are served, how the last refresh went, and what to do next.

    Then what was set aside and why, and how far to trust the scores: what they foretold on past
    days, beside what simple rules would have said, as means over the cut-off dates. Where a score
    does not beat them it says so. Exit code 8 where there is a problem.
    """
    from evergreen.status import read_status

    place = _warehouse(warehouse)
    found = read_status(place, max_age_hours)
    code = UNHEALTHY if found.problems else 0
    if output is LogFormat.JSON:
        told = {"is_healthy": not found.problems, "exit_code": code} | asdict(found)
        sys.stdout.write(json.dumps(told, default=str, indent=2) + "\n")
        raise typer.Exit(code)
    _print_published(found)
    _print_table(found.inputs)
    if found.reasons:
        out.print("Set aside most often (all of them: marts.quarantined_rows):")
        _print_table(found.reasons)
    _print_scores(found)
    for notice in found.notices:
        err.print(escape(notice), soft_wrap=True)
    for problem, remedy in zip(found.problems, found.remedies, strict=True):
        err.print(f"[red]problem:[/red] {escape(problem)}", soft_wrap=True)
        err.print(f"what to do: {escape(remedy)}", soft_wrap=True)
    raise typer.Exit(code)


def _print_published(found: "Status") -> None:
    run = found.published
    if not run:
        return
    age = f", {found.age_hours:,.1f} hours ago" if found.age_hours is not None else ""
    out.print(
        f"Published {run['ended_at']:%Y-%m-%d %H:%M} UTC{age}, as of {run['as_of_date']}: "
        f"{run['landed_count']:,} rows landed, {run['quarantined_count']:,} quarantined; "
        f"{run['dbt_check_count']} dbt tests, {run['expectation_count']} expectations, "
        f"{run['failed_check_count']} warnings.",
        soft_wrap=True,
    )


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
