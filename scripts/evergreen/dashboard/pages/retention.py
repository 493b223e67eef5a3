"""Who comes back, for how long, and what it does to revenue."""

from evergreen.dashboard import charts
from evergreen.dashboard.formats import show
from evergreen.dashboard.sections import Page, Rows, Section, Shown, biggest

PARTS = ("retained", "resurrected", "new", "churned")
PART_COLOURS = ("var(--c6)", "var(--c3)", "var(--c1)", "var(--c2)")


def cohort_size(rows: Rows) -> int:
    """Customers of all cohorts shown."""
    return sum({row["cohort_month"]: row["cohort_size"] for row in rows}.values())


def first_count(rows: Rows) -> int:
    """Customers watched on day 0, over all curves."""
    return sum(row["at_risk_count"] for row in rows if row["day"] == 0)


def most_watched(rows: Rows) -> Rows:
    """The six curves that start with the most customers, the largest first."""
    starts = {row["segment"]: row["at_risk_count"] for row in rows if row["day"] == 0}
    largest = sorted(starts, key=lambda name: (-starts[name], name))[:6]
    return [row for name in largest for row in rows if row["segment"] == name]


def _cohort_summary(rows: Rows, shown: Shown) -> str:
    parts = []
    for age in (1, 3, 12):
        cells = [row for row in rows if row["age_months"] == age]
        size = sum(row["cohort_size"] for row in cells)
        if size >= 30:
            rate = sum(row["retained_count"] for row in cells) / size
            parts.append(f"{show(rate, 'percent')} in month {age}")
    if not parts:
        return "Fewer than 30 customers are a month old: no average is shown."
    return f"Of all customers of these cohorts {', '.join(parts)} ordered again."


def _age_summary(rows: Rows, shown: Shown) -> str:
    names = {"order": "order", "login": "log in", "any": "do anything"}
    parts = [
        f"{show(row['retention_rate'], 'percent')} {names[row['activity']]}"
        for row in rows
        if row["age_months"] == 6
    ]
    return f"Six months on, {', '.join(parts)}." if parts else "No cohort is six months old yet."


def _growth_summary(rows: Rows, shown: Shown) -> str:
    month = rows[-1]["month"]
    now = {row["part"]: row["customer_count"] for row in rows if row["month"] == month}
    active = sum(now.get(part) or 0 for part in PARTS[:3])
    return (
        f"{month:%Y-%m}: {show(active, 'count')} customers ordered; "
        f"{show(now.get('new'), 'count')} new, {show(now.get('resurrected'), 'count')} back, "
        f"{show(-(now.get('churned') or 0), 'count')} of the month before did not."
    )


def _ratio_summary(rows: Rows, shown: Shown) -> str:
    parts = []
    for activity, what in (("order", "customers who order"), ("login", "customers who log in")):
        found = [row for row in rows if row["activity"] == activity]
        if found:
            parts.append(f"{found[-1]['quick_ratio']:.2f} for {what}")
    return f"{rows[-1]['month']:%Y-%m}: {' and '.join(parts)}. Above 1 their number grows."


def _survival_summary(rows: Rows, shown: Shown) -> str:
    at_year = [row for row in rows if row["day"] <= 365][-1]
    half = next((row for row in rows if row["kept_probability"] <= 0.5), None)
    last = rows[-1]["day"]
    text = (
        f"Half are lost within {show(half['day'], 'days')} of the first payment."
        if half
        else f"Within {show(last, 'days')} fewer than half were lost."
    )
    if last >= 365:
        text += (
            f" After a year {show(at_year['kept_probability'], 'percent')} are still customers "
            f"(95% interval {show(at_year['kept_low'], 'percent')} to "
            f"{show(at_year['kept_high'], 'percent')})."
        )
    return text


def _revenue_summary(rows: Rows, shown: Shown) -> str:
    parts = []
    for stream in ("subscriptions", "orders"):
        found = [row for row in rows if row["stream"] == stream]
        if found:
            last = found[-1]
            parts.append(
                f"{stream} {show(last['net_retention_rate'], 'percent')} ({last['month']:%Y-%m})"
            )
    return f"Net retention from one month to the next: {', '.join(parts)}."


PAGE = Page(
    slug="retention",
    title="Retention",
    lead="Whether customers come back, how long they stay, and what their staying or leaving does "
    "to revenue.",
    sections=(
        Section(
            id="retention-cohorts",
            title="Do customers come back to order?",
            query="retention_cohorts",
            definition="Customers of the cohort with a paid order in that month / all customers "
            "whose first paid order lies in the cohort month. Only months that are over. Refunded "
            "orders do not count.",
            subject="cohorts of buyers that are a month old",
            inputs=("orders",),
            chart=charts.heat(
                "age_months",
                "cohort_month",
                "retention_rate",
                x_title="months since the first order",
                tooltip=("cohort_size", "retained_count", "revenue_retention_ratio"),
            ),
            summary=_cohort_summary,
            count=cohort_size,
            count_of="buyers",
            width="full",
            kinds={"age_months": "count", "revenue_retention_ratio": "percent"},
        ),
        Section(
            id="retention-age",
            title="How many are still there after months?",
            query="retention_by_age",
            definition="Customers with the activity in that month of their age / customers of all "
            "cohorts old enough, weighted by size. Ages with fewer than 30 customers are left out.",
            subject="customers who are a month old (30 at least)",
            inputs=("orders", "logins"),
            chart=charts.line(
                "age_months",
                "retention_rate",
                series="activity",
                order=("any", "login", "order"),
                x_title="months since the first activity of the kind",
                tooltip=("customer_count", "cohort_count"),
            ),
            summary=_age_summary,
            count=biggest("customer_count"),
            kinds={"age_months": "count"},
        ),
        Section(
            id="retention-survival",
            title="How long do they stay customers?",
            query="retention_survival_all",
            definition="Kaplan-Meier: probability of not being lost so many days after the first "
            "payment. Who was not lost so far counts for as long as watched. Band: 95% interval. "
            "A point a week, while 10 or more are watched.",
            subject="customers who paid (10 at least)",
            inputs=("orders", "subscriptions"),
            chart=charts.line(
                "day",
                "kept_probability",
                low="kept_low",
                high="kept_high",
                step=True,
                x_title="days since the first payment",
                tooltip=("at_risk_count", "lost_count"),
                kind="percent",
            ),
            summary=_survival_summary,
            count=first_count,
            count_of="customers who ever paid",
            kinds={"day": "count", "kept_low": "percent", "kept_high": "percent"},
        ),
        Section(
            id="retention-growth",
            title="Where do active customers come from, and go?",
            query="retention_growth",
            definition="Customers with a paid order in the month: retained (also in the month "
            "before), resurrected (earlier, but not in the month before) and new. Below the line: "
            "active in the month before and not in this one.",
            subject="months of orders that are over",
            inputs=("orders",),
            chart=charts.stacked(
                "month", "customer_count", "part", order=PARTS, colours=PART_COLOURS
            ),
            summary=_growth_summary,
            count=lambda rows: sum(
                row["customer_count"] or 0
                for row in rows
                if row["month"] == rows[-1]["month"] and row["part"] != "churned"
            ),
            count_of="active in the last month",
            width="full",
        ),
        Section(
            id="retention-quick-ratio",
            title="Is the number of active customers growing?",
            query="retention_quick_ratio",
            definition="Quick ratio: (new + resurrected) / churned customers of the month. Above "
            "the dashed line more come than go. Months that are over.",
            subject="two months of activity",
            inputs=("orders", "logins"),
            chart=charts.line(
                "month",
                "quick_ratio",
                series="activity",
                order=("order", "login"),
                reference=1,
                tooltip=("active_count",),
                kind="number",
            ),
            summary=_ratio_summary,
            count=lambda rows: rows[-1]["active_count"] if rows else None,
            count_of="active in the last month",
        ),
        Section(
            id="retention-revenue",
            title="How much of last month's revenue stays?",
            query="retention_revenue",
            definition="Net retention: (opening - contraction - churned + expansion) / opening, "
            "month on month. Orders are bought when needed, so theirs is low by nature; it says "
            "most for subscriptions.",
            subject="two months of revenue",
            inputs=("orders", "subscriptions"),
            chart=charts.line(
                "month",
                "net_retention_rate",
                series="stream",
                order=("subscriptions", "orders"),
                reference=1,
                tooltip=("gross_retention_rate", "logo_churn_rate", "customer_count"),
            ),
            summary=_revenue_summary,
            count=lambda rows: sum({row["stream"]: row["customer_count"] for row in rows}.values()),
            count_of="customers at the last opening",
            measures=("net_retention_rate",),
        ),
        Section(
            id="retention-segments",
            title="Who stays longer?",
            query="retention_segments",
            definition="The same curve for kinds of first payment and entry sources, the six with "
            "the most customers, drawn while 30 or more are watched. Where bands overlap, the "
            "difference may be chance.",
            subject="segments of customers who paid (30 at least)",
            inputs=("orders", "customers"),
            prepare=most_watched,
            chart=charts.small_multiples(
                "segment",
                "day",
                "kept_probability",
                low="kept_low",
                high="kept_high",
                kind="percent",
                step=True,
                x_title="days since the first payment",
            ),
            count=lambda rows: max(
                (row["at_risk_count"] for row in rows if row["day"] == 0), default=None
            ),
            count_of="customers in the largest segment",
            width="full",
            kinds={"day": "count", "kept_low": "percent", "kept_high": "percent"},
        ),
    ),
)
