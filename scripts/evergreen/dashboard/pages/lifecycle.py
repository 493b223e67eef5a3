"""How far customers come, how they move between stages, and what that costs."""

from evergreen.dashboard import charts
from evergreen.dashboard.formats import show, words
from evergreen.dashboard.sections import Page, Rows, Section, Shown, biggest, total

RUNGS = ("prospect", "shopper", "customer", "member", "advocate", "raving_fan")


def _funnel_summary(rows: Rows, shown: Shown) -> str:
    steps = [row for row in rows if row["step_rate"] is not None]
    by_stage = {row["stage"]: row for row in rows}
    text = ""
    if "buy" in by_stage:
        bought = by_stage["buy"]
        text = f"{show(bought['reached_rate'], 'percent')} of all customers bought or went beyond. "
    if steps:
        worst = min(steps, key=lambda row: row["step_rate"])
        text += (
            f"The narrowest step is {worst['stage']}: {show(worst['step_rate'], 'percent')} of "
            "those before it."
        )
    return text


def _flow_summary(rows: Rows, shown: Shown) -> str:
    moves = sum(row["change_count"] for row in rows if not row["is_setback"])
    backs = sum(row["change_count"] for row in rows if row["is_setback"])
    most = max(rows, key=lambda row: row["change_count"])
    return (
        f"{show(moves, 'count')} advances and {show(backs, 'count')} setbacks in 365 days. The "
        f"most frequent: {most['from_stage']} to {most['to_stage']}, "
        f"{show(most['change_count'], 'count')} times."
    )


def _rung_summary(rows: Rows, shown: Shown) -> str:
    high = sum(row["customer_count"] for row in rows if row["loyalty_rung"] in RUNGS[4:])
    everyone = sum(row["customer_count"] for row in rows)
    return (
        f"{show(high, 'count')} customers ({show(high / everyone, 'percent')}) are advocates or "
        "raving fans."
    )


def _source_summary(rows: Rows, shown: Shown) -> str:
    enough = [row for row in rows if row["customer_count"] >= 30]
    if not enough:
        return "No source has brought 30 customers yet: compare none."
    best = max(enough, key=lambda row: row["buy_rate"])
    return (
        f"Most who buy come from {words(best['entry_source'])}: "
        f"{show(best['buy_rate'], 'percent')} of {show(best['customer_count'], 'count')}."
    )


def _investment_summary(rows: Rows, shown: Shown) -> str:
    known = [row for row in rows if row["cost_per_advance"] is not None]
    most = max(known, key=lambda row: row["cost_per_advance"])
    return (
        f"Moving on from {most['stage']} costs most: "
        f"{show(most['cost_per_advance'], 'money', shown.currency)} an advance."
    )


def _days_summary(rows: Rows, shown: Shown) -> str:
    known = [row for row in rows if row["median_days_to_advance"] is not None]
    longest = max(known, key=lambda row: row["median_days_to_advance"])
    return (
        f"Slowest is {longest['stage']}: half of those who moved on took "
        f"{show(longest['median_days_to_advance'], 'days')} or more."
    )


def _ideal_summary(rows: Rows, shown: Shown) -> str:
    sure = [row for row in rows if row["lift_low"] > 1]
    if not sure:
        return "No trait is surely more frequent among the best customers: every interval holds 1."
    first = sure[0]
    return (
        f"{words(first['trait'])} is {first['lift']:.1f} times as frequent among customers who are "
        f"valuable and refer as among the rest. Surely above 1: {len(sure)} of {len(rows)} traits."
    )


PAGE = Page(
    slug="lifecycle",
    title="Lifecycle",
    lead="Seven stages from the first sign of a customer to their first referral: how many come "
    "how far, how long it takes, and what moves them on.",
    sections=(
        Section(
            id="lifecycle-funnel",
            title="How far do customers come?",
            query="lifecycle_funnel",
            definition="Customers with evidence of the stage or of a later one, all entry months "
            "together. The rate is of the stage before. Stages without evidence are counted as "
            "skipped, never invented.",
            subject="stages of customers",
            inputs=("orders", "logins"),
            chart=charts.funnel(
                "stage",
                "customer_count",
                "step_rate",
                order=charts.STAGES,
                tooltip=("reached_rate", "with_evidence_count", "skipped_count"),
            ),
            summary=_funnel_summary,
            count=biggest("cohort_size"),
            labels={"customer_count": "Reached or beyond", "step_rate": "Of the stage before"},
        ),
        Section(
            id="lifecycle-flows",
            title="Between which stages do they move?",
            query="lifecycle_flows",
            definition="Changes of stage in the 365 days up to the as-of date, from the row to the "
            "column. A step to the left is a setback: a full refund took the stage away. The first "
            "sign of a customer is no change.",
            subject="changes of stage",
            inputs=("orders", "logins"),
            chart=charts.heat(
                "to_stage",
                "from_stage",
                "change_count",
                x_order=charts.STAGES,
                y_order=charts.STAGES,
                x_title="to",
                y_title="from",
                tooltip=("customer_count",),
                row_height=34,
            ),
            summary=_flow_summary,
            count=total("change_count"),
            count_of="changes",
        ),
        Section(
            id="lifecycle-cohorts",
            title="Do newer customers come as far?",
            query="lifecycle_cohorts",
            definition="Share of the customers first seen in a month who reached the stage or a "
            "later one by now. Younger months had less time: compare them downwards with care.",
            subject="customers by entry month",
            inputs=("orders", "logins"),
            chart=charts.heat(
                "entry_month",
                "stage",
                "reached_rate",
                y_order=charts.STAGES,
                top=1.0,
                tooltip=("cohort_size", "customer_count", "observed_days"),
                x_title="first seen in",
                row_height=30,
            ),
            count=lambda rows: sum({r["entry_month"]: r["cohort_size"] for r in rows}.values()),
            width="full",
        ),
        Section(
            id="lifecycle-states",
            title="How has the mix of states changed?",
            query="lifecycle_state_months",
            definition="Customers known by the end of each month, by their state then. The last "
            "month is that of the as-of date.",
            subject="customer months",
            inputs=("orders", "logins"),
            chart=charts.stacked(
                "month",
                "customer_count",
                "state",
                order=charts.STATES,
                colours=charts.STATE_COLOURS,
                tooltip=("customer_share",),
            ),
            count=lambda rows: sum(
                row["customer_count"] for row in rows if row["month"] == rows[-1]["month"]
            ),
            width="full",
        ),
        Section(
            id="lifecycle-rungs",
            title="How high on the loyalty ladder?",
            query="lifecycle_rungs",
            definition="Shopper: one purchase day. Customer: two or three. Member: four or more, "
            "or over a year. Advocate: an act of advocacy or a referral that paid. Raving fan: "
            "three or more of these.",
            subject="customers",
            inputs=("orders", "logins"),
            chart=charts.bars(
                "loyalty_rung", "customer_count", order=RUNGS, tooltip=("customer_share",)
            ),
            summary=_rung_summary,
            count=total("customer_count"),
        ),
        Section(
            id="lifecycle-ideal",
            title="What do the best customers have in common?",
            query="lifecycle_ideal",
            definition="Lift: share of a trait among customers who are valuable and refer / its "
            "share among all other buyers. Line: 95% interval. The 12 traits with the highest "
            "lower end. A trait that goes along is no proof of a cause.",
            subject="traits of the best customers (30 of them at least)",
            inputs=("customers", "referrals"),
            chart=charts.bars(
                "trait",
                "lift",
                low="lift_low",
                high="lift_high",
                reference=1,
                tooltip=("ideal_share", "rest_share"),
                title="lift",
                kind="number",
                row_height=36,
            ),
            summary=_ideal_summary,
            count=biggest("ideal_customer_count"),
            count_of="best customers",
            hidden=("trait",),
            width="tall",
        ),
        Section(
            id="lifecycle-sources",
            title="Which sources bring buyers?",
            query="lifecycle_sources",
            definition="Buyers / all customers whose first sign came from the source, whenever "
            "they bought. Cost of a buyer: touches before the first payment, those on people who "
            "never bought included.",
            subject="sources of customers",
            inputs=("customers",),
            chart=charts.bars(
                "entry_source",
                "buy_rate",
                tooltip=("customer_count", "refer_rate", "revenue_per_customer", "cost_per_buyer"),
            ),
            summary=_source_summary,
            count=biggest("all_customer_count"),
            hidden=("all_customer_count",),
        ),
        Section(
            id="lifecycle-investment",
            title="What does it take to move a customer on?",
            query="lifecycle_investment",
            definition="Cost of all touches of customers while in the stage / advances out of it. "
            "The last stage has none. Touches need a cost to count here.",
            subject="touches by stage",
            inputs=("touches",),
            chart=charts.bars(
                "stage",
                "cost_per_advance",
                order=charts.STAGES,
                tooltip=("touches_per_advance", "median_days_to_advance", "advance_count"),
                text_format=",.2f",
            ),
            summary=_investment_summary,
            count=biggest("customer_count"),
            measures=("cost_per_advance",),
        ),
        Section(
            id="lifecycle-days",
            title="How long do they stay in a stage?",
            query="lifecycle_investment",
            definition="Median days from entering the stage to the next advance, of the advances "
            "that were made. Who is still in the stage does not count.",
            subject="advances by stage",
            inputs=("orders", "logins"),
            chart=charts.bars(
                "stage",
                "median_days_to_advance",
                order=charts.STAGES,
                kind="days",
                text_format=",.1~f",
                tooltip=("advance_count",),
            ),
            summary=_days_summary,
            count=total("advance_count"),
            count_of="advances",
            measures=("median_days_to_advance",),
            kinds={"median_days_to_advance": "days"},
        ),
    ),
)
