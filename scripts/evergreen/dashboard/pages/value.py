"""What customers are worth, how far it is concentrated, and how right the forecast was."""

from evergreen.dashboard import charts
from evergreen.dashboard.formats import show, words
from evergreen.dashboard.sections import Page, Rows, Section, Shown, asked_for, biggest, total

TIERS = ("platinum", "gold", "silver", "bronze")
FIT = (
    "A prediction needs 500 buyers, 180 days of history and some with 3 purchase days. Add "
    f"{asked_for(('orders',))} and refresh."
)
PAST = (
    "Forecasts are judged on past dates: by then 500 buyers and 180 days of history must be there, "
    "and 90 days must have followed. More history in orders brings it."
)


def shared(rows: Rows) -> Rows:
    """Rows with their share of all revenue so far."""
    whole = sum(float(row["historic_revenue"] or 0) for row in rows)
    return [
        row | {"revenue_share": float(row["historic_revenue"] or 0) / whole if whole else None}
        for row in rows
    ]


def _tier_summary(rows: Rows, shown: Shown) -> str:
    best = rows[0]
    everyone = sum(row["customer_count"] for row in rows)
    return (
        f"{words(best['value_tier']).capitalize()}: {show(best['customer_count'], 'count')} of "
        f"{show(everyone, 'count')} customers, {show(best['revenue_share'], 'percent')} of all "
        "revenue so far."
    )


def _concentration_summary(rows: Rows, shown: Shown) -> str:
    by_tenth = {row["decile"]: row for row in rows}
    first = by_tenth.get(1)
    if not first:
        return ""
    text = f"The best tenth brings {show(first['cumulative_revenue_share'], 'percent')} of revenue"
    if 2 in by_tenth:
        text += f", the best fifth {show(by_tenth[2]['cumulative_revenue_share'], 'percent')}"
    return text + "."


def _decile_summary(rows: Rows, shown: Shown) -> str:
    known = [row for row in rows if row["mean_predicted_value"] is not None]
    best, last = known[0], known[-1]
    return (
        f"The best tenth is expected to bring "
        f"{show(best['mean_predicted_value'], 'money', shown.currency)} each within a year, the "
        f"last {show(last['mean_predicted_value'], 'money', shown.currency)}."
    )


def _backtest_summary(rows: Rows, shown: Shown) -> str:
    parts = []
    for score in dict.fromkeys(row["score"] for row in rows):
        found = [row for row in rows if row["score"] == score]
        foretold = sum(row["foretold_revenue"] * row["customer_count"] for row in found)
        observed = sum(row["observed_revenue"] * row["customer_count"] for row in found)
        if observed:
            parts.append(f"{words(score)}: {(foretold - observed) / observed:+.1%} in total")
    return f"Foretold against observed, {', '.join(parts)}." if parts else ""


def _rule_summary(rows: Rows, shown: Shown) -> str:
    scores: dict[str, dict[str, float]] = {}
    for row in rows:
        scores.setdefault(row["score"], {})[row["method"]] = row["mean_spearman"]
    judged = [found for found in scores.values() if "model" in found and len(found) > 1]
    better = [
        found
        for found in judged
        if found["model"] > max(value for name, value in found.items() if name != "model")
    ]
    return (
        f"{len(better)} of {len(judged)} scores rank customers better than every simple rule."
        if judged
        else "No rule to compare with."
    )


def _segment_summary(rows: Rows, shown: Shown) -> str:
    first = rows[0]
    return (
        f"The largest group: {words(first['rfm_segment'])}, "
        f"{show(first['customer_count'], 'count')} customers with "
        f"{show(first['revenue_share'], 'percent')} of revenue so far."
    )


def _rfm_summary(rows: Rows, shown: Shown) -> str:
    everyone = sum(row["customer_count"] for row in rows)
    best = sum(
        row["customer_count"]
        for row in rows
        if row["rfm_recency"] >= 4 and row["rfm_frequency"] >= 4
    )
    return (
        f"{show(best, 'count')} customers ({show(best / everyone, 'percent')}) bought both lately "
        "and often: 4 or 5 on both scales."
    )


def _sensitivity_summary(rows: Rows, shown: Shown) -> str:
    five = {row["measure"]: row["growth_rate"] for row in rows if row["point_count"] == 5}
    parts = [f"{show(value, 'percent')} more {name}" for name, value in five.items()]
    known = "" if rows[0]["is_margin_known"] else " No costs are known: profit is revenue here."
    return f"Five points of retention bring {' and '.join(parts)}.{known}" if parts else known


def _next_summary(rows: Rows, shown: Shown) -> str:
    count = sum(row["customer_count"] for row in rows)
    return (
        f"{show(count, 'count')} customers are due within a year; in {rows[0]['month']:%Y-%m} "
        f"{show(rows[0]['customer_count'], 'count')}."
    )


PAGE = Page(
    slug="value",
    title="Value",
    lead="What customers brought and are expected to bring, how few of them bring most of it, and "
    "how right the forecast was before.",
    sections=(
        Section(
            id="value-tiers",
            title="Who brings the revenue?",
            query="value_tiers",
            definition="Net revenue so far (paid orders less refunds) by tier. Tiers follow the "
            "tenths of predicted value of a year; of past revenue where nothing is predicted.",
            subject="customers with a paid order",
            inputs=("orders",),
            prepare=shared,
            chart=charts.bars(
                "value_tier",
                "historic_revenue",
                order=TIERS,
                tooltip=("customer_count", "revenue_share", "predicted_value_365d"),
                row_height=56,
            ),
            summary=_tier_summary,
            count=total("customer_count"),
        ),
        Section(
            id="value-concentration",
            title="How concentrated is it?",
            query="value_concentration",
            definition="Customers with a paid order from the highest net revenue to the lowest: "
            "share of customers so far, and the share of all revenue that they bring.",
            subject="customers with a paid order",
            inputs=("orders",),
            chart=charts.line(
                "cumulative_customer_share",
                "cumulative_revenue_share",
                kind="percent",
                x_kind="percent",
                x_title="share of customers, the best first",
                tooltip=("net_revenue",),
            ),
            summary=_concentration_summary,
            count=total("customer_count"),
        ),
        Section(
            id="value-deciles",
            title="What will each tenth bring in a year?",
            query="value_deciles",
            definition="Mean expected margin of the next 365 days per customer, discounted. Line: "
            "mean of the 80% intervals of what a single customer may bring, which are wide. Tenth "
            "1 is the best.",
            subject="predicted value",
            inputs=("orders",),
            chart=charts.bars(
                "value_decile",
                "mean_predicted_value",
                low="mean_low_value",
                high="mean_high_value",
                kind="money",
                title="of a customer, in a year",
                tooltip=("customer_count", "mean_historic_revenue"),
            ),
            summary=_decile_summary,
            count=total("customer_count"),
            measures=("mean_predicted_value",),
            remedy=FIT,
            kinds={"value_decile": "count"},
        ),
        Section(
            id="value-backtest",
            title="Did they bring what was foretold?",
            query="value_backtest",
            definition="Ten groups of customers by their score, at past cut-off dates: mean net "
            "revenue foretold then, and observed in the days after. On the dashed line both are "
            "equal. Before margin and discount.",
            subject="predicted value on past days",
            inputs=("orders",),
            chart=charts.scatter(
                "foretold_revenue",
                "observed_revenue",
                series="score",
                order=("predicted_value_90d", "predicted_value_365d"),
                diagonal=True,
                tooltip=("decile", "customer_count"),
                x_title="foretold, of a customer",
                y_title="observed",
            ),
            summary=_backtest_summary,
            count=total("customer_count"),
            count_of="forecasts",
            remedy=PAST,
            kinds={"decile": "count"},
        ),
        Section(
            id="value-rules",
            title="Does the forecast beat simple rules?",
            query="value_rules",
            definition="Spearman rank correlation of foretold and observed, mean over past cut-off "
            "dates; 0 is chance, 1 perfect. Line: lowest to highest cut-off. Rules: who ordered "
            "lately goes on at the own rate; the last period again.",
            subject="predicted value on past days",
            inputs=("orders",),
            chart=charts.dots(
                "score",
                "mean_spearman",
                low="lowest_spearman",
                high="highest_spearman",
                series="method",
                order=("model", "recency_rule", "last_period_repeated"),
                title="rank correlation",
                tooltip=("cutoff_count",),
            ),
            summary=_rule_summary,
            count=biggest("customer_count"),
            width="full",
            remedy=PAST,
            kinds={"top_tenth_share": "percent"},
            labels={"mean_rmse": "Mean RMSE"},
        ),
        Section(
            id="value-rfm",
            title="Who bought lately, who bought often?",
            query="value_rfm",
            definition="Customers by fifths: recency (5 bought last) and frequency (5 bought most "
            "often). Equal values share a score, so fifths may differ in size.",
            subject="customers with a paid order",
            inputs=("orders",),
            chart=charts.heat(
                "rfm_frequency",
                "rfm_recency",
                "customer_count",
                y_order=("5", "4", "3", "2", "1"),
                x_title="frequency",
                y_title="recency",
                tooltip=("mean_historic_revenue",),
                row_height=44,
            ),
            summary=_rfm_summary,
            count=total("customer_count"),
            kinds={"rfm_recency": "count", "rfm_frequency": "count"},
        ),
        Section(
            id="value-segments",
            title="Which groups are they?",
            query="value_segments",
            definition="Customers with a paid order by the name of their three RFM scores (seed "
            "rfm_segments): recency, frequency, revenue.",
            subject="customers with a paid order",
            inputs=("orders",),
            prepare=shared,
            chart=charts.bars(
                "rfm_segment",
                "customer_count",
                tooltip=("revenue_share", "mean_historic_revenue", "mean_order_probability"),
            ),
            summary=_segment_summary,
            count=total("customer_count"),
        ),
        Section(
            id="value-next-orders",
            title="When are the next orders due?",
            query="value_next_orders",
            definition="Customers by the month in which half of those like them would have ordered "
            "again, given they still are customers. A window, not a promise.",
            subject="dates of next orders",
            inputs=("orders",),
            chart=charts.columns(
                "month",
                "customer_count",
                tooltip=("mean_expected_order_value", "mean_order_probability"),
            ),
            summary=_next_summary,
            count=total("customer_count"),
            remedy=FIT,
        ),
        Section(
            id="value-sensitivity",
            title="What is more retention worth?",
            query="value_sensitivity",
            definition="Growth of profit if so many more of a hundred customers stayed: in a year, "
            "and over a lifetime (1 / (1 - retention)). The books claim 25% to 125% for five "
            "points.",
            subject="retention of buyers over half a year",
            inputs=("orders",),
            chart=charts.line(
                "point_count",
                "growth_rate",
                series="measure",
                order=("profit of a lifetime", "profit of a year"),
                x_title="points of retention more",
            ),
            summary=_sensitivity_summary,
            count=biggest("customer_count"),
            hidden=("is_margin_known",),
        ),
    ),
)
