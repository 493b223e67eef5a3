"""The working page: whom to contact today, why and how, and what contacts have done so far."""

from evergreen.dashboard import charts
from evergreen.dashboard.charts import QUIET, SERIES
from evergreen.dashboard.formats import show, words
from evergreen.dashboard.intervals import known
from evergreen.dashboard.sections import Page, Rows, Section, Shown, biggest, total

CHANNELS = ("email", "phone", "sms", "web", "post", "chat", "in_person")
CONCLUSIONS = {
    "uplift_shown": "more bought",
    "loss_shown": "fewer bought",
    "no_uplift_shown": "no difference shown",
    "too_few": "too few to say",
    "no_control": "nothing to compare with",
    "not_by_chance": "not chosen by chance",
}


def _action_summary(rows: Rows, shown: Shown) -> str:
    everyone = sum(row["customer_count"] for row in rows)
    most = max(rows, key=lambda row: row["customer_count"])
    first = rows[0]
    text = (
        f"{show(everyone, 'count')} customers have one next step each. First by rank: "
        f"{words(first['action'])} ({show(first['customer_count'], 'count')})"
    )
    if most is first:
        return f"{text}, which is also the most frequent."
    size = show(most["customer_count"], "count")
    return f"{text}; most frequent: {words(most['action'])} ({size})."


def _channel_summary(rows: Rows, shown: Shown) -> str:
    sums: dict[str, int] = {}
    for row in rows:
        sums[row["channel"]] = sums.get(row["channel"], 0) + row["customer_count"]
    missing = sums.pop("none known", 0)
    if not sums:
        return "No channel is known for anybody."
    best = max(sums, key=lambda name: sums[name])
    return (
        f"Most by {words(best)} ({show(sums[best], 'count')}); no channel is known for "
        f"{show(missing, 'count')}."
    )


def channels(rows: Rows) -> dict:
    """Channels as parts of each action; unknown in grey, at the end."""
    found = list(dict.fromkeys(row["channel"] for row in rows))
    names = [name for name in CHANNELS if name in found]
    names += sorted(set(found) - set(names) - {"none known"})
    colours = [SERIES[place % 5] for place in range(len(names))]
    if "none known" in found:
        names.append("none known")
        colours.append(QUIET)
    drawn = charts.stacked(
        "action", "customer_count", "channel", order=names, colours=colours, horizontal=True
    )
    return drawn(rows)


def _risk_summary(rows: Rows, shown: Shown) -> str:
    whole = sum(float(row["revenue_at_risk"] or 0) for row in rows)
    effects = [float(row["expected_effect"]) for row in rows if row["expected_effect"] is not None]
    text = f"{show(whole, 'money', shown.currency)} a year are with customers in the plan."
    if not effects:
        return (
            f"{text} What contacting them brings is not known: no action was tried against a "
            "control group with a gain shown, nor did an offer score pass its backtest."
        )
    return f"{text} Where it was tried, {show(sum(effects), 'money', shown.currency)} are expected."


def _nothing_summary(rows: Rows, shown: Shown) -> str:
    first = rows[0]
    everyone = sum(row["customer_count"] for row in rows)
    return (
        f"Nothing is done for {show(everyone, 'count')}: {first['why_nothing'].lower()} "
        f"({show(first['customer_count'], 'count')}) comes first."
    )


def _plan_summary(rows: Rows, shown: Shown) -> str:
    counts = {row["consent"]: row["customer_count"] for row in rows}
    everyone = f"{show(sum(counts.values()), 'count')} customers, the most urgent first."
    if "not_kept" in counts:
        return f"{everyone} Nobody's consent is in the data: check it before you write."
    given = show(counts.get("given", 0), "count")
    return f"{everyone} {given} have consented to marketing; the rest are helped, never sold to."


def in_words(rows: Rows) -> Rows:
    """The conclusion as a sentence would have it."""
    return [
        {**row, "conclusion": CONCLUSIONS.get(row["conclusion"], words(row["conclusion"]))}
        for row in rows
    ]


def compared(rows: Rows) -> list[dict]:
    """Those with a fair comparison."""
    return [row for row in rows if None not in (row["uplift"], row["uplift_low"])]


def _effect_summary(rows: Rows, shown: Shown) -> str:
    known = compared(rows)
    shown_up = [row for row in known if row["uplift_low"] > 0]
    parts = [
        f"{words(row['purpose'])} {row['uplift'] * 100:+.1f} points "
        f"({row['uplift_low'] * 100:.0f} to {row['uplift_high'] * 100:.0f})"
        for row in known
    ]
    verdict = "" if shown_up else " No interval lies above 0: none is shown to sell."
    return f"More bought than without the contact: {'; '.join(parts)}.{verdict}"


def _response_summary(rows: Rows, shown: Shown) -> str:
    enough = [row for row in rows if row["touch_count"] >= 30 and row["response_rate"] is not None]
    if not enough:
        return "No purpose has 30 contacts yet."
    best = max(enough, key=lambda row: row["response_rate"])
    worst = min(enough, key=lambda row: row["response_rate"])
    return (
        f"Answered most: {words(best['purpose'])} ({show(best['response_rate'], 'percent')}); "
        f"least: {words(worst['purpose'])} ({show(worst['response_rate'], 'percent')})."
    )


def _audit_summary(rows: Rows, shown: Shown) -> str:
    worst = max(rows, key=lambda row: row["customer_share"] or 0)
    return (
        f"Most often: {worst['fault']}, {show(worst['customer_count'], 'count')} customers, "
        f"{show(worst['customer_share'], 'percent')} of those it could happen to."
    )


PAGE = Page(
    slug="contact",
    title="Contact plan",
    lead="One next step for each customer, in the order of urgency, and what earlier contacts did.",
    sections=(
        Section(
            id="contact-plan",
            title="Whom to contact now?",
            query="contact_plan",
            definition="One action a customer: the first play that is due and that nothing stops "
            "(consent, rest days, an open complaint). Ordered by the rank of the play, then by "
            "revenue at risk: orders of 365 days plus 12 months of subscription.",
            subject="the contact plan",
            inputs=("customers", "orders"),
            kind="plan",
            summary=_plan_summary,
            count=total("customer_count"),
            width="full",
            remedy="Nothing is due for anybody, or no customer was landed.",
        ),
        Section(
            id="contact-search",
            title="What do we know of one customer?",
            query="contact_search",
            definition="Every customer can be found by the beginning of the id, those without an "
            "action too. The list below counts them by state.",
            subject="customers",
            inputs=("customers", "orders"),
            kind="search",
            count=total("customer_count"),
            width="full",
        ),
        Section(
            id="contact-actions",
            title="What is to be done?",
            query="contact_actions",
            definition="Customers by their next action, in the order of the plays.",
            subject="next actions",
            inputs=("customers", "orders"),
            chart=charts.bars(
                "action",
                "customer_count",
                tooltip=("revenue_at_risk", "marketing_count", "no_channel_count", "first_date"),
            ),
            summary=_action_summary,
            count=total("customer_count"),
            remedy="Nothing is due for anybody, or no customer was landed.",
        ),
        Section(
            id="contact-channels",
            title="Where can they be reached?",
            query="contact_channels",
            definition="Channel of the play, else the one answered most often, else the one "
            "stated.",
            subject="next actions",
            inputs=("customers", "touches"),
            chart=channels,
            summary=_channel_summary,
            count=total("customer_count"),
            remedy="Nothing is due for anybody, or no customer was landed.",
        ),
        Section(
            id="contact-risk",
            title="How much revenue is with them, and what will it bring?",
            query="contact_actions",
            definition="Revenue at risk of customers with the action. Expected effect: only of "
            "actions with a gain shown against a control group, or of offers whose score passed "
            "its backtest.",
            subject="next actions",
            inputs=("orders", "subscriptions"),
            chart=charts.bars(
                "action", "revenue_at_risk", tooltip=("expected_effect", "customer_count")
            ),
            summary=_risk_summary,
            count=total("customer_count"),
            remedy="Nothing is due for anybody, or no customer was landed.",
        ),
        Section(
            id="contact-nothing",
            title="Why is nothing done for the rest?",
            query="contact_nothing",
            definition="Customers without an action, by the reason. What they would get otherwise "
            "is in the card of each.",
            subject="customers without an action",
            inputs=("customers", "orders"),
            chart=charts.bars(
                "why_nothing", "customer_count", tooltip=("revenue_at_risk",), row_height=38
            ),
            summary=_nothing_summary,
            count=total("customer_count"),
            remedy="Every customer has a next action, or none was landed.",
        ),
        Section(
            id="contact-effects",
            title="Which contacts sell more than silence does?",
            query="contact_effects",
            definition="Share who bought within 90 days of the contact, less the share of those "
            "from whom it was withheld, with the 95% interval; 0 (dashed) is no effect. Only "
            "with 30 on "
            "each side, and sides drawn by chance.",
            subject="contacts with a control group",
            inputs=("touches",),
            prepare=in_words,
            chart=known(
                charts.bars(
                    "purpose",
                    "uplift",
                    low="uplift_low",
                    high="uplift_high",
                    reference=0,
                    kind="percent",
                    tooltip=("conclusion", "contact_count", "control_count"),
                    row_height=44,
                ),
                "uplift",
            ),
            summary=_effect_summary,
            count=total("contact_count"),
            count_of="contacts",
            measures=("uplift",),
            kinds={"uplift": "percent", "uplift_low": "percent", "uplift_high": "percent"},
        ),
        Section(
            id="contact-responses",
            title="Which contacts are answered?",
            query="contact_effects",
            definition="Answered / contacts made, of all time. Surveys: answers / questions. An "
            "answer is no purchase.",
            subject="contacts",
            inputs=("touches",),
            prepare=in_words,
            chart=charts.bars(
                "purpose",
                "response_rate",
                tooltip=("touch_count", "dwell_over_10s_rate", "dwell_over_20s_rate"),
            ),
            summary=_response_summary,
            count=total("touch_count"),
            count_of="contacts",
            measures=("response_rate",),
            kinds={"uplift": "percent", "uplift_low": "percent", "uplift_high": "percent"},
        ),
        Section(
            id="contact-audit",
            title="How have we treated them?",
            query="contact_audit",
            definition="Customers to whom it happened / those to whom it could. Pitched too early: "
            "before they used what they had. Silent: nothing heard for 30 days after the first "
            "payment. Asked twice: what they had answered in 90 days.",
            subject="contacts made",
            inputs=("touches",),
            chart=charts.bars(
                "fault",
                "customer_share",
                tooltip=("customer_count", "judged_count"),
                row_height=38,
            ),
            summary=_audit_summary,
            count=biggest("judged_count"),
            width="full",
        ),
    ),
)
