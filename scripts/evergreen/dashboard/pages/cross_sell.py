"""Who is ready for more, of what, and what stands in the way."""

from evergreen.dashboard import charts
from evergreen.dashboard.charts import ACCENT, LOSS, QUIET
from evergreen.dashboard.formats import show, words
from evergreen.dashboard.intervals import known
from evergreen.dashboard.sections import Page, Rows, Section, Shown, biggest, total

RESULTS = ("passed", "unknown", "stopped")
SCORES = ("100", "75", "50", "25", "0")
SCORE_COLOURS = ("var(--seq4)", "var(--seq3)", "var(--seq2)", "var(--seq1)", QUIET)
STATES = ("adopted", "tried", "lapsed", "unused", "unknown")
STATE_COLOURS = (ACCENT, "var(--seq2)", "var(--state-declining)", "var(--state-prospect)", QUIET)


def _gate_summary(rows: Rows, shown: Shown) -> str:
    stopped = [row for row in rows if row["result"] == "stopped"]
    if not stopped:
        return "No gate stops anybody."
    worst = max(stopped, key=lambda row: row["customer_count"])
    everyone = sum(r["customer_count"] for r in rows if r["gate"] == rows[0]["gate"])
    return (
        f"The narrowest gate is '{worst['gate']}': it stops "
        f"{show(worst['customer_count'], 'count')} of {show(everyone, 'count')} owners."
    )


def _block_summary(rows: Rows, shown: Shown) -> str:
    ready = next((row for row in rows if row["stopped_by"] == "ready"), None)
    if ready is None:
        return "Nobody is ready for an offer."
    text = (
        f"{show(ready['customer_count'], 'count')} ({show(ready['customer_share'], 'percent')}) "
        "are ready"
    )
    if ready["expected_value"] is None:
        return f"{text}; what an offer brings is not known."
    value = show(ready["expected_value"], "money", shown.currency)
    return f"{text}; offers to them are expected to bring {value}."


def _tier_summary(rows: Rows, shown: Shown) -> str:
    parts = []
    for tier in dict.fromkeys(row["value_tier"] for row in rows):
        found = [row for row in rows if row["value_tier"] == tier]
        size = sum(row["customer_count"] for row in found)
        ready = sum(row["ready_count"] for row in found)
        parts.append(f"{tier} {show(ready / size, 'percent')}")
    return f"Ready for an offer: {', '.join(parts)}."


def _product_summary(rows: Rows, shown: Shown) -> str:
    first = rows[0]
    return (
        f"Most often first: {first['product']}, for {show(first['customer_count'], 'count')} "
        f"customers, of whom {show(first['ready_count'], 'count')} are ready now."
    )


def named_pairs(rows: Rows) -> Rows:
    """A pair as one name."""
    found = []
    for row in rows:
        pair = f"{row['owned_product']} \N{RIGHTWARDS ARROW} {row['next_product']}"
        found.append({"pair": pair, **row})
    return found


def _pair_summary(rows: Rows, shown: Shown) -> str:
    first = rows[0]
    return (
        f"Who owns {first['owned_product']} also owns {first['next_product']} "
        f"{first['lift']:.2f} times as often as others (95% interval {first['lift_low']:.2f} to "
        f"{first['lift_high']:.2f})."
    )


def _feature_summary(rows: Rows, shown: Shown) -> str:
    known = [row for row in rows if row["state"] != "unknown"]
    if not known:
        return "The use of no feature is known."
    lapsed = max(known, key=lambda r: (r["state"] == "lapsed", r["customer_count"]))
    return (
        f"Most often given up: {words(lapsed['feature'])}, by "
        f"{show(lapsed['customer_count'], 'count')} customers."
        if lapsed["state"] == "lapsed"
        else "No feature was given up."
    )


def _count_summary(rows: Rows, shown: Shown) -> str:
    known = [row for row in rows if row["retention_rate"] is not None]
    one = next((row for row in known if row["products"] == "1"), known[0])
    best = max(known, key=lambda row: row["retention_rate"])
    return (
        f"With one product {show(one['retention_rate'], 'percent')} stayed, at best "
        f"{show(best['retention_rate'], 'percent')} ({best['products']} products). Who stays buys "
        "more: no proof that a second product keeps them."
    )


PAGE = Page(
    slug="cross-sell",
    title="Cross-sell",
    lead="Who is ready for more and of what, and what has to be put right before anything is "
    "offered.",
    sections=(
        Section(
            id="cross-sell-gates",
            title="Which gates do customers pass?",
            query="cross_sell_gates",
            definition="Each customer who owns something, before each gate: uses it, says they are "
            "satisfied, has no open complaint, is at no high risk of leaving, and got no pitch "
            "in 30 "
            "days. Unknown is not passed.",
            subject="owners of a product",
            inputs=("orders",),
            chart=charts.stacked(
                "gate",
                "customer_count",
                "result",
                order=RESULTS,
                colours=(ACCENT, QUIET, LOSS),
                horizontal=True,
                share=True,
            ),
            summary=_gate_summary,
            count=lambda rows: sum(
                row["customer_count"] for row in rows if row["gate"] == rows[0]["gate"]
            ),
            count_of="owners",
        ),
        Section(
            id="cross-sell-blocks",
            title="What stops an offer first?",
            query="cross_sell_blocks",
            definition="The first gate that a customer does not pass, or ready. Expected value: "
            "of the "
            "first suggestion, before costs; some would buy it anyway.",
            subject="owners of a product",
            inputs=("orders",),
            chart=charts.bars(
                "stopped_by", "customer_count", tooltip=("customer_share", "expected_value")
            ),
            summary=_block_summary,
            count=total("customer_count"),
            count_of="owners",
        ),
        Section(
            id="cross-sell-tiers",
            title="Are the valuable ones ready?",
            query="cross_sell_tiers",
            definition="Readiness score, 25 for each of four gates passed (adopted, satisfied, at "
            "low risk, not pitched lately), by value tier.",
            subject="owners of a product",
            inputs=("orders",),
            chart=charts.stacked(
                "value_tier",
                "customer_count",
                "readiness_score",
                order=SCORES,
                colours=SCORE_COLOURS,
                horizontal=True,
                share=True,
                tooltip=("ready_count",),
            ),
            summary=_tier_summary,
            count=total("customer_count"),
            count_of="owners",
        ),
        Section(
            id="cross-sell-product-count",
            title="Do owners of more stay longer?",
            query="cross_sell_product_count",
            definition="Share still customers, by the number of products they owned at the start "
            "of "
            "the window, with the 95% interval. Below 30 customers nothing is drawn.",
            subject="owners of a product",
            inputs=("order_items",),
            chart=known(
                charts.bars(
                    "products",
                    "retention_rate",
                    low="retention_low",
                    high="retention_high",
                    tooltip=("customer_count", "retained_count"),
                    row_height=36,
                ),
                "retention_rate",
                zero=False,
            ),
            summary=_count_summary,
            count=total("customer_count"),
            measures=("retention_rate",),
            kinds={"retention_low": "percent", "retention_high": "percent"},
        ),
        Section(
            id="cross-sell-products",
            title="What is suggested to whom?",
            query="cross_sell_products",
            definition="Customers by their first suggestion: never a product they own, the most "
            "probable within 90 days. The 15 most frequent.",
            subject="suggestions",
            inputs=("order_items",),
            chart=charts.bars(
                "product",
                "customer_count",
                tooltip=("ready_count", "mean_probability", "mean_lift", "ready_expected_value"),
            ),
            summary=_product_summary,
            count=total("customer_count"),
        ),
        Section(
            id="cross-sell-pairs",
            title="Which products go together?",
            query="cross_sell_pairs",
            definition="Lift: how much likelier owners of the first own the second than all "
            "owners; "
            "shrunken towards the base rate, with the 95% interval; 1 (dashed) is chance. The 15 "
            "pairs whose lower end is highest.",
            subject="pairs of products with enough owners",
            inputs=("order_items",),
            prepare=named_pairs,
            chart=known(
                charts.bars(
                    "pair",
                    "lift",
                    low="lift_low",
                    high="lift_high",
                    reference=1,
                    kind="number",
                    tooltip=("pair_count", "owner_count", "confidence_share", "base_rate"),
                    label_limit=230,
                ),
                "lift",
                zero=False,
            ),
            summary=_pair_summary,
            count=biggest("owner_count"),
            count_of="owners of the first",
            hidden=("owned_product", "next_product"),
        ),
        Section(
            id="cross-sell-features",
            title="Which features are used, and which given up?",
            query="cross_sell_features",
            definition="Adopted: used on 3 days or more, the last of them in the last 56 days. "
            "Tried: on "
            "fewer. Lapsed: not since. Unknown: no use of any feature is recorded for them.",
            subject="the use of features",
            inputs=("events",),
            chart=charts.stacked(
                "feature",
                "customer_count",
                "state",
                order=STATES,
                colours=STATE_COLOURS,
                horizontal=True,
                share=True,
                tooltip=("teach_next_count",),
            ),
            summary=_feature_summary,
            count=lambda rows: sum(
                row["customer_count"] for row in rows if row["feature"] == rows[0]["feature"]
            ),
            width="full",
        ),
    ),
)
