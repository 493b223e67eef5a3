"""What customers say: scores, complaints, waits, reasons to leave, promises, products."""

import altair as alt

from evergreen.dashboard import charts
from evergreen.dashboard.charts import ACCENT, INK, LINE, LOSS, MUTED, QUIET, SURFACE
from evergreen.dashboard.formats import show, signed, words
from evergreen.dashboard.intervals import known, with_interval
from evergreen.dashboard.sections import Chart, Page, Rows, Section, Shown, biggest, total

ENOUGH, TOO_FEW = "enough answers", "not enough answers"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
OUTCOMES = (
    "recovered",
    "not recovered",
    "too early to say",
    "open",
    "unknown",
)
OUTCOME_COLOURS = (ACCENT, "var(--state-declining)", "var(--seq2)", LOSS, QUIET)
AXES = ("how well we do it (0-100)", "how much it matters (0-100)")
LATENESS = (
    "early",
    "on the day",
    "1 to 2 days late",
    "3 to 6 days late",
    "7 days late or more",
)
SCALES = {"nps": "NPS", "csat": "CSAT", "ces": "CES"}


def scores(score: str, *, reference: float | None = None) -> Chart:
    """A score a month with its interval; months of too few answers are grey."""

    def chart(rows: Rows) -> dict:
        colour = alt.Color(
            "answers:N",
            title=None,
            scale=alt.Scale(domain=[ENOUGH, TOO_FEW], range=[ACCENT, QUIET]),
            legend=alt.Legend(symbolOpacity=1),
        )
        lowest, highest = (-100, 100) if score == "nps" else (0, 100)
        axis = alt.Axis(values=list(range(lowest, 101, 50 if score == "nps" else 25)))
        scale = alt.Scale(domain=[lowest, highest], nice=False)
        base = alt.Chart(alt.NamedData(name="rows")).encode(x=charts._month_axis("month"))
        up = alt.Y(f"{score}:Q", title=None, axis=axis, scale=scale)
        layers = []
        if reference is not None:
            layers.append(
                alt.Chart(alt.NamedData(name="rows"))
                .mark_rule(strokeDash=[3, 3], color=MUTED)
                .encode(y=alt.datum(reference))
            )
        layers.append(
            base.mark_rule(strokeWidth=5, opacity=0.28, strokeCap="round").encode(
                y=alt.Y(f"{score}_low:Q", title=None, axis=axis, scale=scale),
                y2=f"{score}_high:Q",
                color=colour,
            )
        )
        layers.append(
            base.mark_point(filled=True, size=64, opacity=1, stroke=SURFACE, strokeWidth=1).encode(
                y=up,
                color=colour,
                tooltip=[
                    alt.Tooltip("month:N", title="Month"),
                    alt.Tooltip(f"{score}:Q", title=SCALES[score], format=".1f"),
                    alt.Tooltip(f"{score}_low:Q", title="Low", format=".1f"),
                    alt.Tooltip(f"{score}_high:Q", title="High", format=".1f"),
                    alt.Tooltip("response_count:Q", title="Answers"),
                ],
            )
        )
        return charts.finished(alt.layer(*layers), 240)

    return chart


def quadrants(rows: Rows) -> dict:
    """Importance against performance, the means as lines; grey where too few answered."""
    data = alt.NamedData(name="rows")
    values = [float(r[n]) for r in rows for n in ("importance", "performance") if r[n] is not None]
    low, high = max(0, min(values) - 8), min(100, max(values) + 8)
    scale = alt.Scale(domain=[low, high], nice=False)
    across = alt.X("performance:Q", title=AXES[0], scale=scale)
    up = alt.Y("importance:Q", title=AXES[1], scale=scale)
    base = alt.Chart(data).encode(x=across, y=up)
    lines = [
        alt.Chart(data)
        .mark_rule(color=LINE, strokeWidth=1.5)
        .encode(x=alt.X("mean_performance:Q", scale=scale, title=AXES[0])),
        alt.Chart(data)
        .mark_rule(color=LINE, strokeWidth=1.5)
        .encode(y=alt.Y("mean_importance:Q", scale=scale, title=AXES[1])),
    ]
    colour = alt.condition(f"datum.verdict == '{TOO_FEW}'", alt.value(QUIET), alt.value(ACCENT))
    points = base.mark_point(filled=True, size=110, opacity=1).encode(
        color=colour,
        tooltip=charts.tips(
            ("attribute", "verdict", "importance", "performance", "gap_to_best", "answer_count")
        ),
    )
    text = base.mark_text(align="left", dx=10, color=INK).encode(text="attribute:N")
    corners = [
        alt.Chart(data)
        .transform_aggregate(attribute_count="count()")
        .mark_text(align=align, fontSize=11, color=MUTED, fontStyle="italic")
        .encode(x=alt.value(x), y=alt.value(y), text=alt.value(name))
        for name, align, x, y in (
            ("mend first", "left", 8, 12),
            ("keep up", "right", alt.expr("width - 8"), 12),
            ("low priority", "left", 8, alt.expr("height - 10")),
            ("more than needed", "right", alt.expr("width - 8"), alt.expr("height - 10")),
        )
    ]
    return charts.finished(alt.layer(*lines, *corners, points, text), 320)


def without_empty(rows: Rows) -> Rows:
    """Attributes that both were asked about."""
    return [r for r in rows if r["importance"] is not None and r["performance"] is not None]


def now_facts(rows: Rows, shown: Shown) -> list[dict]:
    """The three scores with interval, answers and response."""
    by_survey = {row["survey"]: row for row in rows}
    facts = []
    for survey, label in SCALES.items():
        row = by_survey.get(survey)
        if row is None:
            continue
        score = row["score"]
        note = f"{show(row['response_count'], 'count')} customers"
        if score is not None:
            ends = [signed(row[end]) if survey == "nps" else f"{row[end]:.0f}%" for end in ENDS]
            note = f"95% interval {ends[0]} to {ends[1]}, {note}"
        value = show(None, "") if score is None else signed(score) if survey == "nps" else None
        value = value or f"{score:.1f}%"
        facts.append(_fact(survey, label, value, note))
        answered = f"{show(row['answered_count'], 'count')} of {show(row['sent_count'], 'count')}"
        facts.append(
            _fact(
                f"{survey}-response",
                f"{label} answered",
                show(row["response_rate"], "percent"),
                f"{answered} questions",
            )
        )
    return facts


ENDS = ("score_low", "score_high")


def _fact(key: str, label: str, value: str, note: str, tone: str = "") -> dict:
    return {"id": key, "label": label, "value": value, "note": note, "tone": tone}


def _score_summary(score: str, sign: bool) -> object:
    def summary(rows: Rows, shown: Shown) -> str:
        sure = [row for row in rows if row["answers"] == ENOUGH]
        asked = show(sum(row["response_count"] for row in rows), "count")
        if not sure:
            return (
                f"No single month has 30 answers ({asked} in {len(rows)} months): read no month "
                "by itself."
            )
        last = sure[-1]
        value = signed(last[score]) if sign else f"{last[score]:.0f}%"
        low, high = last[f"{score}_low"], last[f"{score}_high"]
        ends = f"{signed(low)} to {signed(high)}" if sign else f"{low:.0f}% to {high:.0f}%"
        return (
            f"Last month with enough answers, {last['month']:%Y-%m}: {value}, with 95% certainty "
            f"{ends}."
        )

    return summary


def _response_summary(rows: Rows, shown: Shown) -> str:
    sent = sum(row["sent_count"] for row in rows)
    answered = sum(row["answered_count"] for row in rows)
    return (
        f"{show(answered / sent, 'percent')} of {show(sent, 'count')} questions were answered. Who "
        "does not answer may think otherwise."
    )


def _priority_summary(rows: Rows, shown: Shown) -> str:
    first = rows[0]
    if first["verdict"] == TOO_FEW:
        return (
            f"Not enough answers ({first['answer_count']}; 30 are needed): the places may be "
            "chance, "
            "so they are grey."
        )
    concentrate = [row["attribute"] for row in rows if "concentrate" in row["quadrant"]]
    if concentrate:
        return f"Matters, and is done badly: {', '.join(concentrate)}."
    return f"First to mend: {first['attribute']} ({words(first['quadrant'])})."


def _complaint_summary(rows: Rows, shown: Shown) -> str:
    sums = {
        name: sum(r["complaint_count"] for r in rows if r["outcome"] == name) for name in OUTCOMES
    }
    judged = sums[OUTCOMES[0]] + sums[OUTCOMES[1]]
    text = f"{show(sums['open'], 'count')} are open."
    if judged:
        rate = show(sums[OUTCOMES[0]] / judged, "percent")
        text = f"{rate} of {show(judged, 'count')} who could be judged were recovered. {text}"
    return text


def weekdays(rows: Rows) -> Rows:
    """Names of days and hours; hours without tickets on any day are left out."""
    return [
        {
            "weekday": WEEKDAYS[int(row["weekday"]) - 1],
            "hours": f"{int(row['from_hour']):02d}-{int(row['from_hour']) + 3:02d}",
            **{name: row[name] for name in row if name not in ("weekday", "from_hour")},
        }
        for row in rows
    ]


def _hour_summary(rows: Rows, shown: Shown) -> str:
    worst = max(
        (row for row in rows if row["mean_wait_minutes"] is not None),
        key=lambda row: row["mean_wait_minutes"],
    )
    return (
        f"Longest: {worst['weekday']} {worst['hours']}, {worst['mean_wait_minutes']:.1f} minutes "
        "on "
        f"average of {show(worst['wait_count'], 'count')} waits, "
        f"{show(worst['long_wait_rate'], 'percent')} over 10 minutes."
    )


def silent_facts(rows: Rows, shown: Shown) -> list[dict]:
    """The texts' claim beside what the data say."""
    row = rows[0]
    claimed, seen = row["claimed_silent_per_complaint"], row["observed_silent_per_complaint"]
    return [
        _fact("complaints", "Complaints filed", show(row["complaint_count"], "count"), ""),
        _fact(
            "unfiled",
            "Said it in a survey only",
            show(row["unfiled_count"], "count"),
            f"by {show(row['unfiled_customer_count'], 'count')} customers who filed nothing",
        ),
        _fact(
            "observed",
            "Silent per complaint, our data",
            show(None if seen is None else float(seen), "number"),
            "left without complaining after a low score or an open problem",
        ),
        _fact(
            "claimed",
            "Silent per complaint, the texts",
            show(None if claimed is None else float(claimed), "number"),
            row["claim_source"] or "",
        ),
    ]


def _exit_summary(rows: Rows, shown: Shown) -> str:
    named = [row for row in rows if row["competitor"] != "(none named)"]
    lost = sum(row["customer_count"] for row in rows)
    gone = sum(row["customer_count"] for row in named)
    if not gone:
        return f"None of {show(lost, 'count')} lost customers named a competitor."
    return f"{show(gone, 'count')} of {show(lost, 'count')} lost customers named a competitor."


def exits(rows: Rows) -> dict:
    """Competitors as parts, those who named none in grey."""
    names = ["(none named)", *sorted({r["competitor"] for r in rows} - {"(none named)"})]
    drawn = charts.stacked(
        "reason",
        "customer_count",
        "competitor",
        order=names,
        colours=[QUIET, *charts.SERIES[:5]] + [charts.SERIES[6]] * len(names),
        horizontal=True,
        tooltip=("winnable_count", "revenue_lost"),
    )
    return drawn(rows)


def _promise_summary(rows: Rows, shown: Shown) -> str:
    orders = sum(row["order_count"] for row in rows)
    late = sum(row["order_count"] for row in rows if "late" in row["lateness"])
    text = f"{show(late / orders, 'percent')} of {show(orders, 'count')} orders came late."
    kept = [r for r in rows if "late" not in r["lateness"]]
    broken = [r for r in rows if "late" in r["lateness"]]
    rates = []
    for part in (kept, broken):
        judged = sum(r["judged_count"] for r in part)
        rates.append(sum(r["repeat_count"] for r in part) / judged if judged >= 30 else None)
    if None not in rates:
        text += (
            f" Bought again in 90 days: {show(rates[0], 'percent')} after a promise kept, "
            f"{show(rates[1], 'percent')} after a broken one."
        )
    return text


def products(rows: Rows) -> dict:
    """Repeat of each product's buyers against that of all."""
    reference = next((row["all_repeat_rate"] for row in rows), None)
    drawn = charts.bars(
        "product",
        "repeat_rate",
        low="repeat_rate_low",
        high="repeat_rate_high",
        reference=None if reference is None else float(reference),
        tooltip=("buyer_count", "return_rate", "complaint_rate"),
    )
    return known(drawn, "repeat_rate", zero=False)(rows)


def _product_summary(rows: Rows, shown: Shown) -> str:
    enough = [row for row in rows if row["repeat_rate"] is not None]
    sure = [row for row in enough if row["repeat_rate_high"] < row["all_repeat_rate"]]
    everyone = show(enough[0]["all_repeat_rate"], "percent")
    if not sure:
        return f"No product's buyers come back surely less often than all buyers ({everyone})."
    names = ", ".join(row["product"] for row in sure)
    return f"Buyers come back less often than all ({everyone}) after: {names}."


def _return_summary(rows: Rows, shown: Shown) -> str:
    enough = [row for row in rows if row["return_rate"] is not None]
    worst = max(enough, key=lambda row: row["return_rate"])
    return f"Most sent back: {worst['product']}, {show(worst['return_rate'], 'percent')} of pieces."


def _score_section(score: str, title: str, definition: str, width: str) -> Section:
    is_nps = score == "nps"
    return Section(
        id=f"voice-{score}",
        title=title,
        query=f"voice_{score}",
        definition=definition + " Bar: 95% interval. Grey: fewer than 30 answers.",
        subject=f"{SCALES[score]} answers",
        inputs=("surveys",),
        chart=scores(score, reference=0 if is_nps else None),
        summary=_score_summary(score, is_nps),
        count=total("response_count"),
        count_of="answers",
        width=width,
        kinds={name: "score" for name in (score, f"{score}_low", f"{score}_high")},
        labels={score: SCALES[score], f"{score}_low": "Low", f"{score}_high": "High"},
    )


PAGE = Page(
    slug="voice",
    title="Voice",
    lead="What customers say and what they do not say: scores, complaints, waits, and promises "
    "kept or broken.",
    sections=(
        Section(
            id="voice-now",
            title="What do they say, all in all?",
            query="voice_now",
            definition="NPS: share of 9-10 minus share of 0-6. CSAT: share of 4-5 of 5. CES: share "
            "of 5-7 of 7. The last answer of every customer. Answered: answers / questions sent.",
            subject="survey answers",
            inputs=("surveys",),
            kind="facts",
            width="full",
            cards=now_facts,
        ),
        _score_section(
            "nps",
            "Would they recommend us?",
            "NPS by month: share of 9-10 minus share of 0-6, the last answer of every customer in "
            "the month.",
            "full",
        ),
        _score_section(
            "csat", "Are they satisfied?", "CSAT by month: share of answers 4 and 5 of 5.", "half"
        ),
        _score_section(
            "ces", "Is it easy for them?", "CES by month: share of answers 5 to 7 of 7.", "half"
        ),
        Section(
            id="voice-responses",
            title="How many answer at all?",
            query="voice_responses",
            definition="Answers / questions sent in the month; a recent month can still rise. "
            "Months "
            "with fewer than 30 questions of the survey are not drawn.",
            subject="questions sent",
            inputs=("surveys",),
            chart=charts.line(
                "month",
                "response_rate",
                series="survey",
                order=("nps", "csat", "ces"),
                tooltip=("sent_count", "answered_count"),
            ),
            summary=_response_summary,
            count=total("sent_count"),
            count_of="questions",
            measures=("response_rate",),
        ),
        Section(
            id="voice-priorities",
            title="What should be mended first?",
            query="voice_priorities",
            definition="Mean importance and performance of each attribute, 0 to 100; the lines are "
            "the means. Above left: matters much, done badly. Grey: fewer than 30 answers.",
            subject="attributes asked about",
            inputs=("surveys",),
            prepare=without_empty,
            chart=quadrants,
            summary=_priority_summary,
            count=biggest("answer_count"),
            count_of="answers",
        ),
        Section(
            id="voice-complaints",
            title="What becomes of complaints?",
            query="voice_complaints",
            definition="Complaints by the month in which they were opened: still open, or "
            "resolved and "
            "then recovered (within 90 days an order, a high score or an advocacy act), not, or "
            "too "
            "early to say.",
            subject="complaints",
            inputs=("tickets",),
            chart=charts.stacked(
                "month",
                "complaint_count",
                "outcome",
                order=OUTCOMES,
                colours=OUTCOME_COLOURS,
            ),
            summary=_complaint_summary,
            count=total("complaint_count"),
            count_of="complaints",
            remedy="Nobody complained, or no ticket of kind complaint was landed: add tickets "
            "(columns ticket_id, customer_id, opened_at, kind) and refresh.",
        ),
        Section(
            id="voice-hours",
            title="When do they wait?",
            query="voice_hours",
            definition="Mean minutes on hold by weekday and hour of opening, in blocks of three "
            "hours. Empty: fewer than 5 waits measured.",
            subject="waits",
            inputs=("tickets",),
            prepare=weekdays,
            chart=charts.heat(
                "hours",
                "weekday",
                "mean_wait_minutes",
                kind="number",
                y_order=WEEKDAYS,
                tooltip=("wait_count", "long_wait_rate", "ticket_count"),
                row_height=34,
            ),
            summary=_hour_summary,
            count=total("ticket_count"),
            count_of="tickets",
            measures=("mean_wait_minutes",),
        ),
        Section(
            id="voice-silent",
            title="How many say nothing?",
            query="voice_silent",
            definition="Our data: customers who never complained and were lost within 180 days "
            "after a low score or a problem left open / complaints. The texts' figure is shown "
            "beside it and used nowhere.",
            subject="complaints",
            inputs=("tickets",),
            kind="facts",
            width="full",
            cards=silent_facts,
        ),
        Section(
            id="voice-promises",
            title="What does a broken promise do?",
            query="voice_promises",
            definition="Orders with a promised day: share of customers who bought again in the 90 "
            "days after, with the 95% interval (Wilson), by lateness. Below 30 orders nothing is "
            "drawn.",
            subject="orders with a promised date",
            inputs=("orders",),
            prepare=with_interval("repeat_count", "judged_count", "repeat"),
            chart=known(
                charts.bars(
                    "lateness",
                    "repeat_rate",
                    order=LATENESS,
                    low="repeat_rate_low",
                    high="repeat_rate_high",
                    tooltip=("order_count", "mean_score"),
                    row_height=36,
                ),
                "repeat_rate",
                zero=False,
            ),
            summary=_promise_summary,
            count=total("order_count"),
            count_of="orders",
            measures=("repeat_rate",),
            remedy="Add promised_at and delivered_at to orders, and refresh.",
        ),
        Section(
            id="voice-exit",
            title="Why do they leave, and to whom?",
            query="voice_exit",
            definition="Customers who are lost on this day, by the reason they stated or showed "
            "and "
            "the competitor they named.",
            subject="lost customers",
            inputs=("orders", "surveys"),
            chart=exits,
            summary=_exit_summary,
            count=total("customer_count"),
            remedy="Nobody is lost, or no order was landed.",
        ),
        Section(
            id="voice-products",
            title="After which products do they not come back?",
            query="voice_products",
            definition="Buyers who bought again within 90 days / buyers, with the 95% interval; "
            "dashed: all buyers. The 15 products with most buyers.",
            subject="products bought",
            inputs=("order_items",),
            chart=products,
            summary=_product_summary,
            count=biggest("buyer_count"),
            count_of="buyers of the first",
            measures=("repeat_rate",),
        ),
        Section(
            id="voice-returns",
            title="What is sent back?",
            query="voice_products",
            definition="Pieces returned / pieces of which it is known. Refunds and complaints "
            "per order "
            "are in the table. Below 30 pieces nothing is drawn. The 15 products with most buyers.",
            subject="products bought",
            inputs=("order_items",),
            chart=known(
                charts.bars(
                    "product",
                    "return_rate",
                    tooltip=("refund_rate", "complaint_rate", "order_count"),
                ),
                "return_rate",
                zero=True,
            ),
            summary=_return_summary,
            count=biggest("buyer_count"),
            count_of="buyers of the first",
            measures=("return_rate",),
        ),
    ),
)
