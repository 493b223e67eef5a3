"""The chart kinds of the dashboard, as Vega-Lite specifications over data named `rows`.

Colours are names of CSS variables, which app.js replaces by the colours of the theme in use; so a
chart follows light and dark without a second specification. Each function returns a chart: a
function of the rows, for domains and heights that depend on them.
"""

import json
from collections.abc import Iterable, Sequence

import altair as alt

from evergreen.dashboard.formats import kind_of, label_of, plain
from evergreen.dashboard.sections import Chart, Rows

ACCENT, LOSS, QUIET = "var(--c1)", "var(--c2)", "var(--c6)"
SERIES = tuple(f"var(--c{number})" for number in (1, 2, 3, 4, 5, 6, 7))
RAMP = tuple(f"var(--seq{number})" for number in range(5))
INK, MUTED, LINE, SURFACE = "var(--ink)", "var(--muted)", "var(--line)", "var(--surface)"

STATES = ("prospect", "new", "active", "reactivated", "declining", "dormant", "lost")
STATE_COLOURS = tuple(f"var(--state-{state})" for state in STATES)
STAGES = ("know", "like", "trust", "try", "buy", "repeat", "refer")

FORMATS = {"percent": ".1%", "money": ",.0f", "count": ",.0f", "days": ",.0f", "number": ",.3~f"}
ROW_HEIGHT = 28
SHORT = "abs(datum.value) >= 10000 ? format(datum.value, '.3~s') : format(datum.value, ',.2~f')"
"""Labels of amounts on an axis: thousands as k only where the digits would crowd."""
WORDS = "replace(datum.label, /_/g, ' ')"
"""Labels of codes, in words."""
HEIGHT = 260


def finished(chart: alt.TopLevelMixin, height: int | None = HEIGHT) -> dict:
    """The specification that goes into a page: as wide as its place, without config and schema."""
    spec = chart.to_dict(validate=True)
    for name in ("config", "$schema", "datasets"):
        spec.pop(name, None)
    if "facet" not in spec:
        spec["width"] = "container"
        if height:
            spec["height"] = height
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    return spec


def _data() -> alt.NamedData:
    return alt.NamedData(name="rows")


def _typed(names: Sequence[str], rows: Rows, column: str) -> list:
    """An order of names as the data have them: a column of numbers is sorted by numbers."""
    if any(isinstance(row[column], int) for row in rows):
        return [int(name) for name in names]
    return list(names)


def _count(rows: Rows, name: str) -> int:
    """How many different values a column has: the height of a chart of names goes with it.

    A height in steps would make Vega-Lite warn that it cannot fit both ways.
    """
    return len({row[name] for row in rows})


def _title(name: str, labels: dict[str, str]) -> str:
    return labels.get(name, label_of(name))


def _is_month(name: str) -> bool:
    return kind_of(name) in ("month", "date")


def tips(
    names: Iterable[str], kinds: dict[str, str] | None = None, labels: dict[str, str] | None = None
) -> list[alt.Tooltip]:
    """A tooltip line for each column, formatted by its kind."""
    found = []
    for name in names:
        kind = (kinds or {}).get(name, kind_of(name))
        title = _title(name, labels or {})
        if kind in FORMATS and kind != "number":
            tip = alt.Tooltip(f"{name}:Q", format=FORMATS[kind], title=title)
        elif kind == "number":
            tip = alt.Tooltip(f"{name}:N", title=title)
        else:
            tip = alt.Tooltip(f"{name}:N", title=title)
        found.append(tip)
    return found


def _month_axis(name: str) -> alt.X:
    """Months as steps that are named: no time zone can move them."""
    return alt.X(
        f"{name}:O",
        title=None,
        axis=alt.Axis(
            labelExpr=f"substring(datum.label, 0, {7 if kind_of(name) == 'month' else 10})",
            labelAngle=0,
            labelOverlap="greedy",
            labelSeparation=12,
        ),
    )


def _y(name: str, kind: str, title: str | None, zero: bool = True) -> alt.Y:
    return alt.Y(
        f"{name}:Q",
        title=title,
        axis=_measure_axis(kind),
        scale=alt.Scale(zero=zero, nice=True),
    )


def _measure_axis(kind: str, **more: object) -> alt.Axis:
    """An axis of figures: shares in per cent, large amounts short."""
    if kind == "percent":
        return alt.Axis(format=".0%", tickCount=5, **more)
    return alt.Axis(labelExpr=SHORT, tickCount=5, **more)


def _names_axis(limit: int = 170) -> alt.Axis:
    """An axis of names: codes in words, no line, no ticks."""
    return alt.Axis(
        labelExpr=WORDS,
        labelLimit=limit,
        ticks=False,
        domain=False,
        labelPadding=8,
    )


def line(
    x: str,
    y: str,
    *,
    low: str | None = None,
    high: str | None = None,
    series: str | None = None,
    order: Sequence[str] = (),
    kind: str | None = None,
    step: bool = False,
    reference: float | None = None,
    zero: bool = True,
    title: str | None = None,
    x_title: str | None = None,
    x_kind: str = "number",
    tooltip: Sequence[str] = (),
    labels: dict[str, str] | None = None,
    height: int = HEIGHT,
) -> Chart:
    """A line over months or over a number, with an interval as a band where there is one."""

    def chart(rows: Rows) -> dict:
        unit = kind or kind_of(y)
        is_month = _is_month(x)
        across = (
            _month_axis(x)
            if is_month
            else alt.X(
                f"{x}:Q",
                title=x_title or _title(x, labels or {}),
                axis=_measure_axis(x_kind, grid=False),
            )
        )
        names = [name for name in order if any(row.get(series) == name for row in rows)]
        colour = (
            alt.Color(
                f"{series}:N",
                title=None,
                legend=alt.Legend(labelExpr=WORDS, symbolOpacity=1),
                scale=alt.Scale(domain=names, range=list(SERIES[: len(names)]))
                if names
                else alt.Scale(range=list(SERIES)),
            )
            if series
            else alt.value(ACCENT)
        )
        curve = "step-after" if step else "linear"
        base = alt.Chart(_data()).encode(x=across)
        layers = []
        if reference is not None:
            layers.append(
                alt.Chart(_data())
                .mark_rule(strokeDash=[3, 3], color=MUTED)
                .encode(y=alt.datum(reference))
            )
        if low and high:
            layers.append(
                base.mark_area(opacity=0.16, interpolate=curve, line=False).encode(
                    y=_y(low, unit, title, zero), y2=f"{high}:Q", color=colour
                )
            )
            if sum(row[low] is not None for row in rows) < 6:
                # Points that stand alone have no band between them.
                layers.append(
                    base.mark_rule(opacity=0.4, strokeWidth=1.5).encode(
                        y=_y(low, unit, title, zero), y2=f"{high}:Q", color=colour
                    )
                )
        layers.append(
            base.mark_line(strokeWidth=2.25, interpolate=curve).encode(
                y=_y(y, unit, title, zero), color=colour
            )
        )
        shown = [x, *([series] if series else []), y, *([low, high] if low and high else [])]
        points = base.mark_point(
            filled=True,
            size=34,
            opacity=0 if step or len(rows) > 120 else 1,
            stroke=SURFACE,
            strokeWidth=1,
        ).encode(
            y=_y(y, unit, title, zero),
            color=colour,
            tooltip=tips([*shown, *tooltip], {y: unit, low: unit, high: unit}, labels),
        )
        layers.append(points)
        return finished(alt.layer(*layers), height)

    return chart


def bars(
    category: str,
    value: str,
    *,
    kind: str | None = None,
    order: Sequence[str] = (),
    colours: Sequence[str] = (),
    tooltip: Sequence[str] = (),
    labels: dict[str, str] | None = None,
    text_format: str | None = None,
    low: str | None = None,
    high: str | None = None,
    reference: float | None = None,
    title: str | None = None,
    row_height: int = ROW_HEIGHT,
    label_limit: int = 170,
) -> Chart:
    """Horizontal bars with the value at their end; with an interval, dots and whiskers."""

    def chart(rows: Rows) -> dict:
        unit = kind or kind_of(value)
        found = list(dict.fromkeys(row[category] for row in rows))
        names = [name for name in order if name in found] or found
        y = alt.Y(
            f"{category}:N",
            sort=names,
            title=None,
            axis=_names_axis(label_limit),
        )
        kinds = {value: unit, **({low: unit, high: unit} if low and high else {})}
        tip = tips(
            [category, value, *([low, high] if low and high else []), *tooltip], kinds, labels
        )
        base = alt.Chart(_data()).encode(y=y)
        colour = (
            alt.Color(
                f"{category}:N",
                scale=alt.Scale(domain=list(order), range=list(colours)),
                legend=None,
            )
            if colours
            else alt.value(ACCENT)
        )
        axis = _measure_axis(unit, title=title)
        layers = []
        if reference is not None:
            layers.append(
                alt.Chart(_data())
                .mark_rule(strokeDash=[3, 3], color=MUTED)
                .encode(x=alt.datum(reference))
            )
        if low and high:
            x = alt.X(f"{value}:Q", axis=axis)
            layers.append(
                base.mark_rule(strokeWidth=2, opacity=0.45).encode(
                    x=alt.X(f"{low}:Q", axis=axis), x2=f"{high}:Q", color=colour
                )
            )
            layers.append(
                base.mark_point(filled=True, size=70, opacity=1).encode(
                    x=x, color=colour, tooltip=tip
                )
            )
        else:
            top = max((float(row[value] or 0) for row in rows), default=0) * 1.26 or 1
            bottom = min((float(row[value] or 0) for row in rows), default=0) * 1.26
            x = alt.X(
                f"{value}:Q",
                axis=None if title is None else axis,
                scale=alt.Scale(domain=[min(0.0, bottom), top], nice=False),
            )
            layers.append(
                base.mark_bar(height={"band": 0.62}, cornerRadiusEnd=2).encode(
                    x=x, color=colour, tooltip=tip
                )
            )
            layers.append(
                base.mark_text(align="left", dx=6, color=INK).encode(
                    x=x,
                    text=alt.Text(f"{value}:Q", format=text_format or FORMATS[unit]),
                )
            )
        return finished(alt.layer(*layers), row_height * _count(rows, category))

    return chart


def columns(
    x: str,
    value: str,
    *,
    kind: str | None = None,
    tooltip: Sequence[str] = (),
    labels: dict[str, str] | None = None,
    height: int = HEIGHT,
) -> Chart:
    """Upright bars over months or steps."""

    def chart(rows: Rows) -> dict:
        unit = kind or kind_of(value)
        across = _month_axis(x) if _is_month(x) else alt.X(f"{x}:O", title=_title(x, labels or {}))
        drawn = (
            alt.Chart(_data())
            .mark_bar(width={"band": 0.72}, cornerRadiusEnd=2)
            .encode(
                x=across,
                y=_y(value, unit, None),
                color=alt.value(ACCENT),
                tooltip=tips([x, value, *tooltip], {value: unit}, labels),
            )
        )
        return finished(drawn, height)

    return chart


def dots(
    category: str,
    value: str,
    *,
    low: str,
    high: str,
    series: str,
    order: Sequence[str],
    kind: str = "number",
    reference: float | None = None,
    title: str | None = None,
    tooltip: Sequence[str] = (),
    labels: dict[str, str] | None = None,
) -> Chart:
    """A dot with its range for each category and series, the series beneath each other."""

    def chart(rows: Rows) -> dict:
        names = [name for name in order if any(row[series] == name for row in rows)]
        axis = _measure_axis(kind, title=title, grid=True)
        scale = alt.Scale(zero=False, nice=True)
        y = alt.Y(f"{category}:N", title=None, sort=None, axis=_names_axis(210))
        colour = alt.Color(
            f"{series}:N",
            title=None,
            scale=alt.Scale(domain=names, range=list(SERIES[: len(names)])),
            legend=alt.Legend(labelExpr=WORDS, symbolOpacity=1),
        )
        base = alt.Chart(_data()).encode(
            y=y, color=colour, yOffset=alt.YOffset(f"{series}:N", sort=names)
        )
        layers = []
        if reference is not None:
            layers.append(
                alt.Chart(_data())
                .mark_rule(strokeDash=[3, 3], color=MUTED)
                .encode(x=alt.datum(reference))
            )
        kinds = {value: kind, low: kind, high: kind}
        layers += [
            base.mark_rule(strokeWidth=2, opacity=0.45).encode(
                x=alt.X(f"{low}:Q", axis=axis, scale=scale), x2=f"{high}:Q"
            ),
            base.mark_point(filled=True, size=64, opacity=1).encode(
                x=alt.X(f"{value}:Q", axis=axis, scale=scale),
                tooltip=tips([category, series, value, low, high, *tooltip], kinds, labels),
            ),
        ]
        return finished(alt.layer(*layers), 18 * len(names) * _count(rows, category))

    return chart


def stacked(
    x: str,
    value: str,
    series: str,
    *,
    order: Sequence[str],
    colours: Sequence[str] = SERIES,
    kind: str | None = None,
    share: bool = False,
    horizontal: bool = False,
    tooltip: Sequence[str] = (),
    labels: dict[str, str] | None = None,
    title: str | None = None,
    height: int = HEIGHT,
) -> Chart:
    """Bars of parts. What is negative hangs below the line; `share` fills each bar to the whole."""

    def chart(rows: Rows) -> dict:
        unit = kind or kind_of(value)
        ranks = {name: number for number, name in enumerate(order)}
        names = [name for name in order if any(row[series] == name for row in rows)]
        used = [colours[ranks[name]] for name in names]
        colour = alt.Color(
            f"{series}:N",
            title=None,
            scale=alt.Scale(domain=names, range=used),
            legend=alt.Legend(labelExpr=WORDS, symbolOpacity=1),
        )
        size = alt.X if horizontal else alt.Y
        length = size(
            f"{value}:Q",
            title=title,
            stack="normalize" if share else "zero",
            axis=_measure_axis("percent" if share else unit),
        )
        rank = alt.Order("part_rank:Q")
        calculated = alt.Chart(_data()).transform_calculate(
            part_rank=f"indexof({json.dumps(names)}, datum['{series}'])"
        )
        tip = tips([x, series, value, *tooltip], {value: unit}, labels)
        if horizontal:
            y = alt.Y(
                f"{x}:N",
                sort=list(dict.fromkeys(row[x] for row in rows)),
                title=None,
                axis=_names_axis(),
            )
            drawn = calculated.mark_bar(height={"band": 0.62}).encode(
                x=length, y=y, color=colour, order=rank, tooltip=tip
            )
            return finished(drawn, ROW_HEIGHT * _count(rows, x))
        across = _month_axis(x) if _is_month(x) else alt.X(f"{x}:O", title=_title(x, labels or {}))
        drawn = calculated.mark_bar(width={"band": 0.78}).encode(
            x=across, y=length, color=colour, order=rank, tooltip=tip
        )
        return finished(drawn, height)

    return chart


def heat(
    x: str,
    y: str,
    value: str,
    *,
    kind: str | None = None,
    x_order: Sequence[str] = (),
    y_order: Sequence[str] = (),
    x_title: str | None = None,
    y_title: str | None = None,
    top: float | None = None,
    text: bool = True,
    tooltip: Sequence[str] = (),
    labels: dict[str, str] | None = None,
    row_height: int = 26,
) -> Chart:
    """A grid of cells, darker for more, with the figure in the cell where there is room."""

    def chart(rows: Rows) -> dict:
        unit = kind or kind_of(value)
        figures = [float(row[value]) for row in rows if row[value] is not None]
        high = top or max(figures, default=1) or 1
        columns = len({row[x] for row in rows})

        def axis(name: str, names: Sequence[str], title: str | None, channel: type) -> alt.X:
            expression = WORDS
            if _is_month(name):
                expression = "substring(datum.label, 0, 7)"
            return channel(
                f"{name}:O",
                sort=_typed(names, rows, name) if names else "ascending",
                title=title,
                axis=alt.Axis(
                    labelExpr=expression,
                    labelAngle=0,
                    ticks=False,
                    domain=False,
                    labelOverlap="greedy" if channel is alt.X else False,
                    labelSeparation=6,
                ),
            )

        base = alt.Chart(_data()).encode(
            x=axis(x, x_order, x_title, alt.X), y=axis(y, y_order, y_title, alt.Y)
        )
        cells = base.mark_rect(stroke=SURFACE, strokeWidth=1.5, cornerRadius=2).encode(
            color=alt.Color(
                f"{value}:Q",
                scale=alt.Scale(domain=[0, high], range=list(RAMP), clamp=True),
                legend=None,
            ),
            tooltip=tips([y, x, value, *tooltip], {value: unit}, labels),
        )
        layers = [cells]
        if text and columns <= 24:
            short = {"percent": ".0%", "money": "~s", "count": ",.0f"}.get(unit, ",.0f")
            figure = base.transform_filter(f"isValid(datum['{value}'])").mark_text(fontSize=10.5)
            layers.append(
                figure.encode(
                    text=alt.Text(f"{value}:Q", format=short),
                    color=alt.condition(
                        f"datum['{value}'] > {high * 0.73}",
                        alt.value("var(--on-seq)"),
                        alt.value("var(--seq-ink)"),
                    ),
                )
            )
        spec = finished(alt.layer(*layers), row_height * _count(rows, y))
        if columns > 12:
            spec["usermeta"] = {"hide_text_below": columns * 26}
        return spec

    return chart


def funnel(
    category: str,
    value: str,
    rate: str,
    *,
    order: Sequence[str],
    tooltip: Sequence[str] = (),
    labels: dict[str, str] | None = None,
) -> Chart:
    """Bars that narrow from step to step, each with its count and its rate of the step before."""

    def chart(rows: Rows) -> dict:
        y = alt.Y(
            f"{category}:N",
            sort=list(order),
            title=None,
            axis=alt.Axis(ticks=False, domain=False, labelPadding=8),
        )
        top = max((float(row[value] or 0) for row in rows), default=0) * 1.32 or 1
        x = alt.X(f"{value}:Q", axis=None, scale=alt.Scale(domain=[0, top], nice=False))
        base = alt.Chart(_data()).encode(y=y, x=x)
        text = (
            f"format(datum['{value}'], ',') + (datum['{category}'] == '{order[0]}' || "
            f"!isValid(datum['{rate}']) ? '' : ' · ' + format(datum['{rate}'], '.1%'))"
        )
        layers = [
            base.mark_bar(height={"band": 0.7}, cornerRadiusEnd=2).encode(
                color=alt.value(ACCENT), tooltip=tips([category, value, rate, *tooltip], {}, labels)
            ),
            base.transform_calculate(said=text)
            .mark_text(align="left", dx=6, color=INK)
            .encode(text="said:N"),
        ]
        return finished(alt.layer(*layers), 34 * _count(rows, category))

    return chart


def scatter(
    x: str,
    y: str,
    *,
    series: str | None = None,
    order: Sequence[str] = (),
    size: str | None = None,
    kind: str | None = None,
    diagonal: bool = False,
    label: str | None = None,
    tooltip: Sequence[str] = (),
    labels: dict[str, str] | None = None,
    x_title: str | None = None,
    y_title: str | None = None,
    height: int = 300,
) -> Chart:
    """Points; with `diagonal` the line on which both are equal, for foretold against observed."""

    def chart(rows: Rows) -> dict:
        unit_x, unit_y = kind or kind_of(x), kind or kind_of(y)
        figures = [float(row[name]) for row in rows for name in (x, y) if row[name] is not None]
        scale = alt.Scale(nice=True, zero=True)
        if diagonal:
            scale = alt.Scale(domain=[0, max(figures, default=1) or 1], nice=True)
        across = alt.X(
            f"{x}:Q",
            title=x_title or _title(x, labels or {}),
            scale=scale,
            axis=_measure_axis(unit_x, grid=True),
        )
        up = alt.Y(
            f"{y}:Q",
            title=y_title or _title(y, labels or {}),
            scale=scale,
            axis=_measure_axis(unit_y),
        )
        names = [name for name in order if any(row.get(series) == name for row in rows)]
        colour = (
            alt.Color(
                f"{series}:N",
                title=None,
                scale=alt.Scale(domain=names, range=list(SERIES[: len(names)]))
                if names
                else alt.Scale(range=list(SERIES)),
                legend=alt.Legend(labelExpr=WORDS, symbolOpacity=1),
            )
            if series
            else alt.value(ACCENT)
        )
        encoding = {
            "x": across,
            "y": up,
            "color": colour,
            "tooltip": tips(
                [*(n for n in (label, series) if n), x, y, *tooltip],
                {x: unit_x, y: unit_y},
                labels,
            ),
        }
        if size:
            encoding["size"] = alt.Size(f"{size}:Q", legend=None, scale=alt.Scale(range=[40, 400]))
        layers = []
        if diagonal:
            end = max(figures, default=1) or 1
            layers.append(
                alt.Chart(_data())
                .mark_rule(strokeDash=[4, 4], color=MUTED)
                .encode(
                    x=alt.datum(0, type="quantitative"),
                    y=alt.datum(0, type="quantitative"),
                    x2=alt.datum(end),
                    y2=alt.datum(end),
                )
            )
        mark = {"filled": True, "opacity": 0.9, "stroke": SURFACE, "strokeWidth": 1}
        if not size:
            mark["size"] = 80
        layers.append(alt.Chart(_data()).mark_point(**mark).encode(**encoding))
        if label:
            layers.append(
                alt.Chart(_data())
                .mark_text(align="left", dx=9, fontSize=11, color=MUTED)
                .encode(x=across, y=up, text=f"{label}:N")
            )
        return finished(alt.layer(*layers), height)

    return chart


def bridge(step: str, low: str, high: str, change: str, role: str, *, kind: str = "money") -> Chart:
    """A waterfall: each step hangs between `low` and `high`; `role` is level, gain or loss."""

    def chart(rows: Rows) -> dict:
        names = list(dict.fromkeys(row[step] for row in rows))
        x = alt.X(
            f"{step}:N",
            sort=names,
            title=None,
            axis=alt.Axis(
                labelAngle=0, ticks=False, labelOverlap=False, labelLimit=96, labelFontSize=11
            ),
        )
        colour = alt.Color(
            f"{role}:N",
            title=None,
            legend=None,
            scale=alt.Scale(domain=["level", "gain", "loss"], range=[QUIET, ACCENT, LOSS]),
        )
        base = alt.Chart(_data()).encode(x=x)
        drawn = base.mark_bar(width={"band": 0.62}, cornerRadius=2).encode(
            y=alt.Y(f"{low}:Q", title=None, axis=_measure_axis(kind)),
            y2=f"{high}:Q",
            color=colour,
            tooltip=tips([step, change], {change: kind}),
        )
        said = f"abs(datum['{change}']) >= 10000 ? format(datum['{change}'], '.3~s')"
        text = (
            base.transform_calculate(said=f"{said} : format(datum['{change}'], ',.0f')")
            .mark_text(dy=-8, fontSize=11, color=INK)
            .encode(y=f"{high}:Q", text="said:N")
        )
        spec = finished(alt.layer(drawn, text), 280)
        spec["usermeta"] = {"turn_labels_below": len(names) * 72}
        return spec

    return chart


def small_multiples(
    panel: str,
    x: str,
    y: str,
    *,
    low: str | None = None,
    high: str | None = None,
    kind: str | None = None,
    order: Sequence[str] = (),
    step: bool = False,
    labels: dict[str, str] | None = None,
    x_title: str | None = None,
    height: int = 130,
    smallest: int = 300,
) -> Chart:
    """The same small line for each value of `panel`, side by side on one scale."""

    def chart(rows: Rows) -> dict:
        unit = kind or kind_of(y)
        names = [name for name in order if any(row[panel] == name for row in rows)]
        names = names or list(dict.fromkeys(row[panel] for row in rows))
        across = (
            _month_axis(x)
            if _is_month(x)
            else alt.X(f"{x}:Q", title=x_title, axis=alt.Axis(grid=False, tickCount=4))
        )
        curve = "step-after" if step else "linear"
        base = alt.Chart().encode(x=across)
        layers = []
        if low and high:
            layers.append(
                base.mark_area(opacity=0.16, interpolate=curve).encode(
                    y=_y(low, unit, None), y2=f"{high}:Q", color=alt.value(ACCENT)
                )
            )
        layers.append(
            base.mark_line(strokeWidth=2, interpolate=curve).encode(
                y=_y(y, unit, None), color=alt.value(ACCENT), tooltip=tips([panel, x, y], {y: unit})
            )
        )
        drawn = alt.layer(*layers, data=_data()).properties(height=height, width=smallest)
        faceted = drawn.facet(
            facet=alt.Facet(
                f"{panel}:N",
                sort=names,
                title=None,
                header=alt.Header(
                    labelExpr=WORDS,
                    labelAnchor="start",
                    labelFontWeight=600,
                    labelColor=INK,
                ),
            ),
            columns=3,
        )
        spec = finished(faceted)
        spec.pop("autosize")
        spec["usermeta"] = {"panel_width": smallest, "panel_count": len(names)}
        return spec

    return chart


def tree(node: str, parent: str, value: str, *, tooltip: Sequence[str] = ()) -> Chart:
    """A tree from left to right, drawn by Vega itself: a row for each node, roots without parent.

    For the referral tree: `value` sets the size of a node.
    """

    def chart(rows: Rows) -> dict:
        shown = [f"'{label_of(name)}': datum['{name}']" for name in (node, value, *tooltip)]
        leaves = len({row[node] for row in rows} - {row[parent] for row in rows})
        return {
            "usermeta": {"engine": "vega"},
            "$schema": "https://vega.github.io/schema/vega/v6.json",
            "height": max(160, 18 * leaves),
            "padding": 5,
            "autosize": {"type": "fit", "contains": "padding"},
            "data": [
                {
                    "name": "rows",
                    "transform": [
                        {"type": "stratify", "key": node, "parentKey": parent},
                        {
                            "type": "tree",
                            "method": "tidy",
                            "size": [{"signal": "height"}, {"signal": "width - 120"}],
                            "as": ["tree_y", "tree_x", "depth", "children"],
                        },
                    ],
                },
                {
                    "name": "links",
                    "source": "rows",
                    "transform": [
                        {"type": "treelinks"},
                        {
                            "type": "linkpath",
                            "orient": "horizontal",
                            "shape": "diagonal",
                            "sourceX": "source.tree_x",
                            "sourceY": "source.tree_y",
                            "targetX": "target.tree_x",
                            "targetY": "target.tree_y",
                        },
                    ],
                },
            ],
            "scales": [
                {
                    "name": "area",
                    "type": "linear",
                    "domain": {"data": "rows", "field": value},
                    "range": [30, 320],
                    "zero": True,
                }
            ],
            "marks": [
                {
                    "type": "path",
                    "from": {"data": "links"},
                    "encode": {
                        "update": {"path": {"field": "path"}, "stroke": {"value": LINE}},
                    },
                },
                {
                    "type": "symbol",
                    "from": {"data": "rows"},
                    "encode": {
                        "update": {
                            "x": {"field": "tree_x"},
                            "y": {"field": "tree_y"},
                            "size": {"scale": "area", "field": value},
                            "fill": {"value": ACCENT},
                            "tooltip": {"signal": "{" + ", ".join(shown) + "}"},
                        }
                    },
                },
                {
                    "type": "text",
                    "from": {"data": "rows"},
                    "encode": {
                        "update": {
                            "x": {"field": "tree_x"},
                            "y": {"field": "tree_y"},
                            "dx": {"value": 10},
                            "baseline": {"value": "middle"},
                            "fontSize": {"value": 11},
                            "fill": {"value": INK},
                            "text": {"field": node},
                        }
                    },
                },
            ],
        }

    return chart


def sparkline(values: Sequence[object], width: int = 120, height: int = 28) -> dict | None:
    """A line without axes as SVG paths; None for fewer than two figures. Gaps stay gaps."""
    figures = [None if value is None else float(plain(value)) for value in values]
    known = [value for value in figures if value is not None]
    if len(known) < 2:
        return None
    low, span = min(known), (max(known) - min(known)) or 1.0
    step = (width - 6) / max(len(figures) - 1, 1)
    path, pen, last = [], "M", (0.0, 0.0)
    for number, value in enumerate(figures):
        if value is None:
            pen = "M"
            continue
        last = (3 + number * step, height - 3 - (value - low) / span * (height - 6))
        path.append(f"{pen}{last[0]:.1f} {last[1]:.1f}")
        pen = "L"
    return {
        "path": " ".join(path),
        "x": f"{last[0]:.1f}",
        "y": f"{last[1]:.1f}",
        "width": width,
        "height": height,
    }
