"""Shares with their interval, and charts of what is known."""

from collections.abc import Callable
from math import sqrt

from evergreen.dashboard.sections import Chart, Rows

Z = 1.959964
"""For 95 %."""


def wilson(hits: int, size: int) -> tuple[float, float] | None:
    """Lower and upper end of the share hits / size; None without cases."""
    if size <= 0:
        return None
    share, weight = hits / size, Z * Z / size
    middle = (share + weight / 2) / (1 + weight)
    half = Z * sqrt(share * (1 - share) / size + weight / (4 * size)) / (1 + weight)
    return max(0.0, middle - half), min(1.0, middle + half)


def with_interval(hits: str, size: str, name: str, smallest: int = 30) -> Callable[[Rows], Rows]:
    """Rows with the share `<name>_rate` and its ends; null below `smallest` cases."""

    def prepared(rows: Rows) -> Rows:
        found = []
        for row in rows:
            count = int(row[size] or 0)
            share = low = high = None
            if count >= smallest:
                share = int(row[hits]) / count
                low, high = wilson(int(row[hits]), count)
            ends = {f"{name}_rate": share, f"{name}_rate_low": low, f"{name}_rate_high": high}
            found.append({**row, **ends})
        return found

    return prepared


def known(chart: Chart, measure: str, zero: bool = True) -> Chart:
    """The chart of the rows whose measure is known: the others stay in the table.

    With `zero` false the axis need not begin at 0, which dots and whiskers do not ask for.
    """

    def drawn(rows: Rows) -> dict:
        spec = chart([row for row in rows if row[measure] is not None])
        layers = spec.get("layer", [spec])
        for part in [spec, *(layer for layer in layers if "data" in layer)]:
            part["transform"] = [
                {"filter": f"isValid(datum['{measure}'])"},
                *part.get("transform", []),
            ]
        for layer in layers:
            across = layer["encoding"].get("x", {})
            if not zero and "field" in across:
                across["scale"] = {**across.get("scale", {}), "zero": False, "nice": True}
        return spec

    return drawn
