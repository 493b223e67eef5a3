"""Who is about to leave, why, whether the score can be believed, and who came back."""

import re

from evergreen.dashboard import charts
from evergreen.dashboard.formats import show, signed, words
from evergreen.dashboard.sections import Page, Rows, Section, Shown, asked_for, biggest, total

LEVELS = ("critical", "high", "watch", "low", "not_predicted")
SCORED = LEVELS[:4]
LEVEL_COLOURS = ("var(--c7)", "var(--c2)", "var(--state-declining)", "var(--c1)", "var(--c6)")
METHODS = ("model", "recency_rule", "last_period_repeated")
FIT = (
    "A churn score needs 100 cases of leaving and 100 of staying on past dates. Add "
    f"{asked_for(('orders', 'logins'))} and refresh."
)


def without_figures(rows: Rows) -> Rows:
    """Reasons without the customer's own figure, added up, the most frequent 8."""
    found: dict[str, dict] = {}
    for row in rows:
        name = re.sub(r"[\d.,]+( %)?", "...", row["reason"].split(":")[0])
        kept = found.setdefault(name, {"reason": name, "customer_count": 0, "revenue_at_risk": 0.0})
        kept["customer_count"] += row["customer_count"]
        kept["revenue_at_risk"] += float(row["revenue_at_risk"] or 0)
    ranked = sorted(found.values(), key=lambda row: (-row["customer_count"], row["reason"]))
    return ranked[:8]


def level_summary(rows: Rows, shown: Shown) -> str:
    """Of those who have a score: who has none is neither at risk nor safe."""
    scored = [row for row in rows if row["risk_level"] in SCORED]
    everyone = sum(row["customer_count"] for row in scored)
    if not everyone:
        return "Nobody has a churn score, so nobody knows."
    count = sum(row["customer_count"] for row in scored if row["risk_level"] in LEVELS[:2])
    return (
        f"{show(count, 'count')} of {show(everyone, 'count')} with a score "
        f"({show(count / everyone, 'percent')}) more probably leave than stay."
    )


def risk_summary(rows: Rows, shown: Shown) -> str:
    """The same of their revenue."""
    scored = [row for row in rows if row["risk_level"] in SCORED]
    if not scored:
        return "Nobody has a churn score, so nobody knows."
    amounts = {row["risk_level"]: float(row["revenue_at_risk"] or 0) for row in scored}
    risky, whole = sum(amounts.get(level, 0) for level in LEVELS[:2]), sum(amounts.values())
    share = show(risky / whole if whole else None, "percent")
    return (
        f"{show(risky, 'money', shown.currency)} a year are with customers at high or critical "
        f"risk, {share} of all with a score."
    )


def _reason_summary(rows: Rows, shown: Shown) -> str:
    first = rows[0]
    return (
        f"First of the reasons: {first['reason'].lower()}, for "
        f"{show(first['customer_count'], 'count')} customers."
    )


def _warning_summary(rows: Rows, shown: Shown) -> str:
    first = rows[0]
    return (
        f"Most frequent: {words(first['warning'])}, {show(first['customer_count'], 'count')} "
        f"customers with {show(first['revenue_at_risk'], 'money', shown.currency)} a year."
    )


def calibration_summary(rows: Rows, shown: Shown) -> str:
    """How far foretold and observed lie apart, over all tenths, for each score."""
    parts = []
    for score in dict.fromkeys(row["score"] for row in rows):
        found = [row for row in rows if row["score"] == score]
        size = sum(row["customer_count"] for row in found)
        foretold = sum(row["foretold_rate"] * row["customer_count"] for row in found) / size
        observed = sum(row["observed_rate"] * row["customer_count"] for row in found) / size
        parts.append(
            f"{words(score)}: {show(foretold, 'percent')} foretold, {show(observed, 'percent')} "
            "observed"
        )
    return f"On average {'; '.join(parts)}."


def _time_summary(rows: Rows, shown: Shown) -> str:
    last = rows[-1]["cutoff_date"]
    now = {row["method"]: row["auc"] for row in rows if row["cutoff_date"] == last}
    parts = [f"{words(name)} {now[name]:.2f}" for name in METHODS if name in now]
    return f"At the last cut-off, {last}: {', '.join(parts)}."


def _exit_summary(rows: Rows, shown: Shown) -> str:
    lost = sum(row["customer_count"] for row in rows)
    winnable = sum(row["winnable_count"] or 0 for row in rows)
    return (
        f"{show(lost, 'count')} customers are lost; the reason of {show(winnable, 'count')} can "
        "be answered."
    )


def win_back_facts(rows: Rows, shown: Shown) -> list[dict]:
    """Contacts, returns, and what the contact itself did."""
    row = rows[0]
    band = f"{row['benchmark_low']:.0%} to {row['benchmark_high']:.0%}"
    interval = "no control group"
    if row["uplift_low"] is not None:
        interval = (
            f"95% interval {signed(row['uplift_low'] * 100, 1)} to "
            f"{signed(row['uplift_high'] * 100, 1)} points"
        )
    uplift = None if row["uplift"] is None else f"{signed(row['uplift'] * 100, 1)} points"
    facts = [
        ("contacted", "Contacted", show(row["contacted_count"], "count"), ""),
        ("won_back", "Won back", show(row["won_back_count"], "count"), ""),
        ("rate", "Win-back rate", show(row["win_back_rate"], "percent"), f"the books say {band}"),
        (
            "control",
            "Came back unasked",
            show(row["control_win_back_rate"], "percent"),
            f"of {show(row['control_count'], 'count')} withheld",
        ),
        ("uplift", "Effect of asking", uplift or show(None, ""), interval),
        ("conclusion", "Conclusion", words(row["conclusion"]), ""),
    ]
    return [
        {"id": key, "label": label, "value": value, "note": note, "tone": ""}
        for key, label, value, note in facts
    ]


PAGE = Page(
    slug="churn",
    title="Churn",
    lead="Who is about to leave and why, whether the score was right before, and what bringing "
    "customers back did.",
    sections=(
        Section(
            id="churn-levels",
            title="How many customers are about to leave?",
            query="churn_levels",
            definition="Customers by their probability of leaving within 90 days: low below 25%, "
            "watch below 50%, high below 75%, critical above. Who ever ordered, logged in or "
            "subscribed and is not lost.",
            subject="churn risk",
            inputs=("orders", "logins"),
            chart=charts.bars(
                "risk_level",
                "customer_count",
                order=LEVELS,
                colours=LEVEL_COLOURS,
                tooltip=("customer_share", "revenue_at_risk"),
            ),
            summary=level_summary,
            count=total("customer_count"),
        ),
        Section(
            id="churn-revenue",
            title="How much revenue could go with them?",
            query="churn_levels",
            definition="Revenue at risk: net revenue of orders of the last 365 days, refunds taken "
            "off, plus 12 times the monthly recurring revenue, of all customers in the level.",
            subject="churn risk",
            inputs=("orders", "subscriptions"),
            chart=charts.bars(
                "risk_level",
                "revenue_at_risk",
                order=LEVELS,
                colours=LEVEL_COLOURS,
                tooltip=("customer_count",),
            ),
            summary=risk_summary,
            count=total("customer_count"),
        ),
        Section(
            id="churn-reasons",
            title="What speaks for their leaving?",
            query="churn_reasons",
            definition="The feature that adds most to the log-odds of churn, of customers at high "
            "or critical risk who are not lost, the 8 most frequent. No proven cause. Each "
            "customer's own figure is in customer_churn_risk.",
            subject="reasons of risk",
            inputs=("orders", "logins"),
            prepare=without_figures,
            chart=charts.bars(
                "reason", "customer_count", tooltip=("revenue_at_risk",), label_limit=230
            ),
            summary=_reason_summary,
            count=total("customer_count"),
            remedy="No customer is at high risk, or no churn score was fitted yet. " + FIT,
        ),
        Section(
            id="churn-warnings",
            title="Which early warnings stand?",
            query="churn_warnings",
            definition="Warnings by rule, without a model: silence beyond the own rhythm, falling "
            "logins, failing logins and others. A customer may have several.",
            subject="early warnings",
            inputs=("logins", "orders"),
            chart=charts.bars(
                "warning", "customer_count", tooltip=("revenue_at_risk", "latest_since_date")
            ),
            summary=_warning_summary,
            count=total("customer_count"),
            count_of="warnings",
            remedy="No customer shows a warning.",
        ),
        Section(
            id="churn-calibration",
            title="Did as many leave as the score said?",
            query="churn_calibration",
            definition="Ten groups of customers by their score, at past cut-off dates: mean "
            "probability foretold then, and share who left in the 90 days after. On the dashed "
            "line both are equal.",
            subject="the churn score on past days",
            inputs=("orders", "logins"),
            chart=charts.scatter(
                "foretold_rate",
                "observed_rate",
                series="score",
                order=("churn_probability_90d", "contract_churn_probability_90d"),
                diagonal=True,
                tooltip=("decile", "customer_count"),
                x_title="foretold",
                y_title="observed",
            ),
            summary=calibration_summary,
            count=total("customer_count"),
            count_of="forecasts",
            remedy=FIT,
            kinds={"decile": "count"},
        ),
        Section(
            id="churn-over-time",
            title="Does the score beat simple rules?",
            query="churn_over_time",
            definition="AUC at each cut-off date: probability that one who left was ranked above "
            "one who stayed; 0.5 (dashed) is chance. Customers without a contract. The rules cost "
            "nothing: days of silence, and the last period again.",
            subject="the churn score on past days",
            inputs=("orders", "logins"),
            chart=charts.line(
                "cutoff_date",
                "auc",
                series="method",
                order=METHODS,
                reference=0.5,
                kind="number",
                zero=False,
                tooltip=("brier", "customer_count", "churned_rate"),
                labels={"auc": "AUC"},
                height=300,
            ),
            summary=_time_summary,
            count=biggest("customer_count"),
            remedy=FIT,
            labels={"auc": "AUC"},
        ),
        Section(
            id="churn-exit",
            title="Why did the lost ones leave?",
            query="churn_exit_reasons",
            definition="Customers who are lost on this day, by the reason they stated or showed. "
            "Winnable: the reason can be answered. Revenue lost: what they paid in the 365 days "
            "before.",
            subject="lost customers",
            inputs=("orders", "surveys"),
            chart=charts.bars(
                "reason",
                "customer_count",
                tooltip=("share_of_lost", "winnable_count", "revenue_lost", "won_back_count"),
            ),
            summary=_exit_summary,
            count=total("customer_count"),
            remedy="Nobody is lost.",
            width="full",
        ),
        Section(
            id="churn-win-back",
            title="Does asking bring them back?",
            query="churn_win_back",
            definition="Lost customers who paid within 90 days of a win-back contact / those "
            "contacted, of months old enough, beside customers from whom it was withheld. Below "
            "30 contacts chance rules.",
            subject="win-back contacts",
            inputs=("touches",),
            kind="facts",
            width="full",
            cards=win_back_facts,
        ),
    ),
)
