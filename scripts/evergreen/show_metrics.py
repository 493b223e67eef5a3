"""The published metrics as lines for people: now, before or then, change, and the last months."""

import difflib

import duckdb

from evergreen.errors import InputRefused
from evergreen.paths import Warehouse

BARS = "▁▂▃▄▅▆▇█"
SHOWN_MONTHS = 12
DECIMALS = {
    "customers": 0,
    "count": 0,
    "currency": 2,
    "score": 1,
    "ratio": 2,
    "days": 1,
    "hours": 1,
}


def read_lines(
    warehouse: Warehouse, question: str | None = None, name: str | None = None
) -> list[dict]:
    """Metrics of the published file with their value, comparison and `months` (oldest first).

    Raises InputRefused where nothing is published, or no metric has the name or question.
    """
    found = _query(
        warehouse,
        f"""
        with numbered as (
            select
                metric,
                month,
                value,
                row_number() over (partition by metric order by month desc) as age
            from metrics.metric_months
            where is_complete
        ),

        lately as (
            select metric, list(value order by month) as months
            from numbered
            where age <= {SHOWN_MONTHS}
            group by metric
        )

        select metric_values.*, lately.months
        from metrics.metric_values
        left join lately on metric_values.metric = lately.metric
        order by metric_values.question, metric_values.metric
        """,
    )
    _refuse_unknown("metric", name, [line["metric"] for line in found])
    _refuse_unknown("question", question, [line["question"] for line in found])
    return [
        line
        for line in found
        if name in (None, line["metric"]) and question in (None, line["question"])
    ]


def read_months(warehouse: Warehouse, name: str) -> list[dict]:
    """Every month of one metric, and whether it can still change."""
    return _query(
        warehouse,
        "select month, value, is_complete from metrics.metric_months where metric = $1 "
        "order by month",
        [name],
    )


def shown(value: float | None, unit: str) -> str:
    """A value in its unit: rates in per cent, money to the cent, `unknown` for null."""
    if value is None:
        return "unknown"
    if unit == "rate":
        return f"{100 * value:.1f} %"
    return f"{value:,.{DECIMALS[unit]}f}"


def shown_change(now: float | None, then: float | None, unit: str) -> str:
    """How much more than then: points for rates, per cent for amounts and counts."""
    if now is None or then is None:
        return ""
    if unit == "rate":
        return f"{100 * (now - then):+.1f} points"
    if unit in ("score", "ratio", "days", "hours"):
        return f"{now - then:+.2f}"
    return f"{100 * (now - then) / abs(then):+.1f} %" if then else f"{now - then:+,.0f}"


def sparkline(values: list[float]) -> str:
    """The values as bars from their least to their greatest; nothing for fewer than two."""
    if len(values) < 2:
        return ""
    least, width = min(values), max(values) - min(values)
    steps = len(BARS) - 1
    return "".join(BARS[round(steps * (value - least) / width) if width else 0] for value in values)


def _query(warehouse: Warehouse, sql: str, arguments: list | None = None) -> list[dict]:
    file = warehouse.published_file
    if not file.exists():
        raise InputRefused(f"nothing is published at {file}: run `evergreen refresh --landing DIR`")
    try:
        with duckdb.connect(str(file), read_only=True) as con:
            found = con.execute(sql, arguments or [])
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    except duckdb.CatalogException as error:
        raise InputRefused(
            f"{file} was published by a version without metrics: refresh it once more"
        ) from error


def _refuse_unknown(what: str, given: str | None, known: list[str]) -> None:
    if given is None or given in known:
        return
    nearest = difflib.get_close_matches(given, known, n=1)
    hint = f" Did you mean {nearest[0]}?" if nearest else ""
    raise InputRefused(f"There is no {what} {given}.{hint} `evergreen metrics` lists them.")
