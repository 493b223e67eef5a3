"""The first page: key figures, where customers stand, what moved revenue, what to do today."""

from datetime import date, timedelta

from evergreen.dashboard import charts
from evergreen.dashboard.formats import change, show, signed, words
from evergreen.dashboard.sections import Page, Rows, Section, Shown, total

HEADLINES = (
    "net_revenue",
    "month_end_mrr",
    "active_customer_count",
    "new_buyer_count",
    "customer_churn_rate",
    "retention_rate_month_3",
    "subscription_net_retention_rate",
    "nps",
    "revenue_at_risk",
    "predicted_value_365d",
    "ready_customer_count",
    "loyal_advocate_rate",
)
"""Metrics of the cards, in order. What the published file does not have is skipped."""

UNITS = {
    "currency": "money",
    "rate": "percent",
    "count": "count",
    "customers": "count",
    "days": "days",
    "score": "score",
}
MONTH_COUNT = 13

GAINS = (("new", "New"), ("reactivated", "Reactivated"), ("expansion", "Expansion"))
LOSSES = (("contraction", "Contraction"), ("churned", "Churned"))


def headlines(rows: Rows) -> Rows:
    """The metrics of the cards in their order, each with its last months."""
    found: dict[str, Rows] = {}
    for row in rows:
        found.setdefault(row["metric"], []).append(row)
    return [row for name in HEADLINES for row in found.get(name, [])[-MONTH_COUNT:]]


def figure_cards(rows: Rows, shown: Shown) -> list[dict]:
    """A card for each metric: the value, what it was, and its months as a line."""
    by_metric: dict[str, Rows] = {}
    for row in rows:
        by_metric.setdefault(row["metric"], []).append(row)
    return [_card(months, shown) for months in by_metric.values()]


def _card(months: Rows, shown: Shown) -> dict:
    row = months[0]
    kind = UNITS.get(row["unit"], "number")
    month = f"{row['period_start']:%Y-%m}" if row["period_start"] else None
    moved = change(row["value"], row["previous_value"], kind, shown.currency)
    against = f"on {_month_before(row['period_start'])}" if month else ""
    if moved is None:
        moved = change(row["value"], row["baseline_value"], kind, shown.currency)
        against = f"since {row['baseline_date']}"
    values = [found["month_value"] for found in months if found["month"]]
    return {
        "id": row["metric"],
        "label": row["label"],
        "description": row["description"],
        "value": _value(row["value"], kind, shown.currency),
        "is_null": row["value"] is None,
        "change": moved,
        "against": against,
        "month": month,
        "note": "" if month else f"on {shown.as_of_date}",
        "spark": charts.sparkline(values),
        "spark_label": f"{row['label']}, the last {len(values)} months",
    }


def _month_before(day: date) -> str:
    return f"{day - timedelta(days=1):%Y-%m}"


def _value(value: object, kind: str, currency: str) -> str:
    return show(value, kind, currency)


def movement_steps(rows: Rows) -> Rows:
    """One row per stream and step of the bridge; `low` and `high` say where the bar hangs."""
    found = []
    for row in rows:
        level = float(row["opening"])
        found.append(_step(row, "Opening", 0.0, level, level, "level"))
        for sign, role, steps in ((1, "gain", GAINS), (-1, "loss", LOSSES)):
            for name, label in steps:
                size = float(row[name] or 0)
                found.append(_step(row, label, level, level + sign * size, sign * size, role))
                level += sign * size
        closing = float(row["closing"])
        found.append(_step(row, "Closing", 0.0, closing, closing, "level"))
    return found


def _step(row: dict, step: str, start: float, end: float, amount: float, role: str) -> dict:
    return {
        "stream": row["stream"],
        "month": row["month"],
        "step": step,
        "amount": amount,
        "low": min(start, end),
        "high": max(start, end),
        "role": role,
        "customer_count": row["closing_customer_count"],
    }


def orders_only(rows: Rows) -> Rows:
    """Steps of the stream of orders."""
    return movement_steps([row for row in rows if row["stream"] == "orders"])


def subscriptions_only(rows: Rows) -> Rows:
    """Steps of the stream of subscriptions."""
    return movement_steps([row for row in rows if row["stream"] == "subscriptions"])


def _movement_summary(rows: Rows, shown: Shown) -> str:
    opening, closing = rows[0]["amount"], rows[-1]["amount"]
    month = f"{rows[0]['month']:%Y-%m}"
    moved = change(closing, opening, "money")
    return (
        f"{month}: {show(closing, 'money', shown.currency)}, {moved} on the month before "
        f"({show(opening, 'money', shown.currency)})."
    )


def _state_summary(rows: Rows, shown: Shown) -> str:
    paying = {row["state"]: row["customer_count"] for row in rows}
    everyone = sum(paying.values())
    buyers = everyone - paying.get("prospect", 0)
    kept = buyers - paying.get("lost", 0)
    share = show(kept / buyers if buyers else None, "percent")
    return (
        f"{show(buyers, 'count')} of {show(everyone, 'count')} customers have paid. "
        f"{show(kept, 'count')} of these are not lost ({share})."
    )


def _nps_summary(rows: Rows, shown: Shown) -> str:
    known = [row for row in rows if row["nps"] is not None]
    last = known[-1]
    return (
        f"{last['month']:%Y-%m}: {signed(last['nps'])}, with 95% confidence between "
        f"{signed(last['nps_low'])} and {signed(last['nps_high'])}, "
        f"from {show(last['response_count'], 'count')} answers."
    )


def _action_summary(rows: Rows, shown: Shown) -> str:
    first = rows[0]
    count = sum(row["customer_count"] for row in rows)
    return (
        f"{show(count, 'count')} customers have something to do next. First: "
        f"{words(first['action'])}, {show(first['customer_count'], 'count')} customers with "
        f"{show(first['revenue_at_risk'], 'money', shown.currency)} a year."
    )


def trust_facts(rows: Rows, shown: Shown) -> list[dict]:
    """The last refresh in seven short figures."""
    row = rows[0]
    landed, aside = row["landed_count"], row["quarantined_count"]
    failed = row["failed_check_count"]
    share = aside / landed if landed else None
    return [
        {"id": "ended", "label": "Refreshed", "value": f"{row['ended_at']:%Y-%m-%d}",
         "note": f"{row['ended_at']:%H:%M} UTC", "tone": ""},
        {"id": "landed", "label": "Rows landed", "value": show(landed, "count"), "note": "",
         "tone": ""},
        {"id": "quarantined", "label": "Set aside", "value": show(aside, "count"),
         "note": f"{show(share, 'percent')} of rows", "tone": ""},
        {"id": "dbt_checks", "label": "dbt tests", "value": show(row["dbt_check_count"], "count"),
         "note": "", "tone": ""},
        {"id": "expectations", "label": "Expectations",
         "value": show(row["expectation_count"], "count"), "note": "", "tone": ""},
        {"id": "failed", "label": "Failed or warned", "value": show(failed, "count"),
         "note": "all passed" if failed == 0 else "see the page Trust",
         "tone": "alert" if failed else ""},
    ]  # fmt: skip


def movement_section(stream: str, what: str, inputs: tuple[str, ...]) -> Section:
    """The bridge of one stream."""
    return Section(
        id=f"overview-movements-{stream}",
        title=f"What moved revenue of {stream}, month on month?",
        query="overview_movements",
        definition=f"{what} New: first month with revenue. Reactivated: back after a month or more "
        "of zero. Expansion and contraction: more or less from the same customers. Churned: fell "
        "to zero. Opening and all movements give the closing, to the cent.",
        subject=f"revenue of {stream} in two months",
        inputs=inputs,
        prepare=orders_only if stream == "orders" else subscriptions_only,
        chart=charts.bridge("step", "low", "high", "amount", "role"),
        summary=_movement_summary,
        count=lambda rows: rows[-1]["customer_count"] if rows else None,
        count_of="customers with revenue",
        hidden=("low", "high", "role", "customer_count"),
        labels={"amount": "Amount"},
    )


PAGE = Page(
    slug="overview",
    title="Overview",
    lead="How the customer base does, what changed, and what to do today.",
    sections=(
        Section(
            id="overview-figures",
            title="Key figures",
            query="overview_figures",
            definition="Figures with a month are those of the last whole month, beside the month "
            "before. The others are as of the day above. Each line shows whole months, on its own "
            "scale. Point at a figure for its definition.",
            subject="key figures",
            inputs=("orders",),
            kind="cards",
            width="full",
            prepare=headlines,
            cards=figure_cards,
            remedy="They are the metrics of the schema metrics, which the published file does not "
            "have. Run `evergreen refresh --landing DIR` with this version to add them.",
            kinds={
                "value": "number",
                "previous_value": "number",
                "baseline_value": "number",
                "month_value": "number",
            },
            hidden=("description", "period_start"),
        ),
        Section(
            id="overview-states",
            title="Where do customers stand?",
            query="overview_states",
            definition="Each customer has one state. New: first paid 90 days ago or less. "
            "Reactivated: back after 180 silent days. Declining: logs in half as often as usual. "
            "Dormant: silent over twice the own gap. Lost: nothing for 180 days, or the last "
            "subscription ended. Share: of all customers.",
            subject="customers",
            inputs=("orders", "logins"),
            chart=charts.bars(
                "state",
                "customer_count",
                order=charts.STATES,
                colours=charts.STATE_COLOURS,
                tooltip=("customer_share",),
            ),
            summary=_state_summary,
            count=total("customer_count"),
        ),
        Section(
            id="overview-actions",
            title="What is there to do today?",
            query="overview_actions",
            definition="Customers by the one next action of the contact plan, the most pressing "
            "first. Complaints and consent come before any offer. Revenue at risk: net revenue of "
            "365 days plus 12 times the monthly recurring revenue.",
            subject="the contact plan",
            inputs=("orders", "logins"),
            chart=charts.bars(
                "action",
                "customer_count",
                tooltip=("revenue_at_risk", "expected_effect"),
                row_height=42,
            ),
            summary=_action_summary,
            count=total("customer_count"),
            count_of="customers with an action",
            width="tall",
            remedy="No customer has an action: the plan is empty, or nobody was landed yet.",
        ),
        Section(
            id="overview-nps",
            title="Would customers recommend us?",
            query="overview_nps",
            definition="Net promoter score: share of 9 and 10 less share of 0 to 6, in points, the "
            "latest answer of each customer in the month. Band: 95% interval. Months with fewer "
            "than 30 answers have no score.",
            subject="NPS answers",
            inputs=("surveys",),
            chart=charts.line(
                "month",
                "nps",
                low="nps_low",
                high="nps_high",
                reference=0,
                tooltip=("response_count",),
                kind="number",
            ),
            summary=_nps_summary,
            count=total("response_count"),
            count_of="answers",
            measures=("nps",),
            kinds={"nps": "number", "nps_low": "number", "nps_high": "number"},
            labels={"nps": "NPS", "nps_low": "NPS low", "nps_high": "NPS high"},
        ),
        movement_section("orders", "Net revenue of orders, by month of the order.", ("orders",)),
        movement_section(
            "subscriptions",
            "Monthly recurring revenue at the end of the month.",
            ("subscriptions",),
        ),
        Section(
            id="overview-trust",
            title="Can these numbers be trusted?",
            query="trust_last_refresh",
            definition="The refresh that these pages show. Landed: rows in all inputs. Set aside: "
            "rows that broke a rule, kept with their reasons. Failed: of dbt tests and "
            "expectations, warnings included.",
            subject="refreshes",
            inputs=("orders",),
            kind="facts",
            width="full",
            cards=trust_facts,
            remedy="Run `evergreen refresh --landing DIR`: a plain dbt build keeps no log of runs.",
        ),
    ),
)
