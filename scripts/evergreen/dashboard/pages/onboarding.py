"""How newcomers start: the checklist, the first value, the follow-up, the trial."""

from evergreen.dashboard import charts
from evergreen.dashboard.formats import show, words
from evergreen.dashboard.intervals import known, with_interval
from evergreen.dashboard.sections import Page, Rows, Section, Shown, biggest, total

AGES = ("0-30", "31-60", "61-90", "91-180", "181+")
NEWCOMERS = "Customers whose first payment lies in the last 365 days"
OUTCOMES = ("bought", "undecided", "declined")
OUTCOME_COLOURS = (charts.ACCENT, charts.QUIET, charts.LOSS)


def curve(rows: Rows) -> dict:
    """One line a step, in the order of the checklist."""
    steps = tuple(dict.fromkeys(row["step"] for row in rows))
    drawn = charts.line(
        "day",
        "done_rate",
        series="step",
        order=steps,
        x_title="days since the first payment",
        tooltip=("done_count", "customer_count", "due_day"),
    )
    return drawn(rows)


def ages(rows: Rows) -> dict:
    """The checklist in its order, not by name."""
    drawn = charts.heat(
        "age",
        "step",
        "done_rate",
        x_order=AGES,
        y_order=tuple(dict.fromkeys(row["step"] for row in rows)),
        x_title="age in days",
        tooltip=("peer_completion_rate", "customer_count"),
        row_height=38,
    )
    return drawn(rows)


def _curve_summary(rows: Rows, shown: Shown) -> str:
    at_30 = [row for row in rows if row["day"] == 30]
    if not at_30:
        return "No step can be judged at 30 days yet."
    last = min(at_30, key=lambda row: row["done_rate"])
    return (
        f"After 30 days the step behind is {words(last['step'])}: "
        f"{show(last['done_rate'], 'percent')} have done it."
    )


def _stalled_summary(rows: Rows, shown: Shown) -> str:
    most = max(rows, key=lambda row: row["stalled_count"])
    if not most["stalled_count"]:
        return "Nobody has stalled: no step is open that four in five peers have done."
    return (
        f"Most stall at {words(most['step'])}: {show(most['stalled_count'], 'count')} customers "
        "have not done what 80% of their peers had done at their age."
    )


def _ages_summary(rows: Rows, shown: Shown) -> str:
    gaps = [
        (float(row["done_rate"]) - float(row["peer_completion_rate"]), row)
        for row in rows
        if row["peer_completion_rate"] is not None and row["customer_count"] >= 30
    ]
    if not gaps:
        return "No age has 30 newcomers yet: compare none with their peers."
    gap, row = min(gaps, key=lambda pair: pair[0])
    if gap >= 0:
        return "At no age do newcomers lag behind those who were as old before them."
    return (
        f"Furthest behind their peers: {words(row['step'])} at {row['age']} days, "
        f"{show(row['done_rate'], 'percent')} against "
        f"{show(row['peer_completion_rate'], 'percent')}."
    )


def _value_summary(rows: Rows, shown: Shown) -> str:
    known = [row for row in rows if row["median_days"] is not None]
    last = known[-1]
    days = show(last["median_days"], "days")
    return f"Half of those who first paid in {last['cohort_month']:%Y-%m} saw value within {days}."


def _reached_summary(rows: Rows, shown: Shown) -> str:
    size = sum(row["customer_count"] for row in rows)
    reached = sum(row["reached_count"] for row in rows)
    return (
        f"{show(reached / size, 'percent')} of {show(size, 'count')} newcomers have reached value. "
        "The last months had less time."
    )


def with_sizes(rows: Rows) -> Rows:
    """The size of each group beside its name; kinds of fewer than 10 customers are one group."""
    sizes: dict[str, int] = {}
    for row in rows:
        sizes[row["follow_up"]] = sizes.get(row["follow_up"], 0) + row["customer_count"]
    small = {name for name, size in sizes.items() if size < 10 and name != "none"}
    rest = sum(sizes[name] for name in small)
    found: dict[tuple, dict] = {}
    for row in rows:
        name, size = row["follow_up"], sizes[row["follow_up"]]
        if name in small:
            name, size = "another", rest
        kept = found.setdefault(
            (name, row["state"]),
            {
                "group": f"{words(name)} ({size})",
                "follow_up": name,
                "state": row["state"],
                "customer_count": 0,
                "customer_share": 0.0,
            },
        )
        kept["customer_count"] += row["customer_count"]
        kept["customer_share"] = kept["customer_count"] / size
    return list(found.values())


def _follow_up_summary(rows: Rows, shown: Shown) -> str:
    sizes: dict[str, int] = {}
    active: dict[str, int] = {}
    for row in rows:
        name = row["follow_up"]
        sizes[name] = sizes.get(name, 0) + row["customer_count"]
        if row["state"] in ("active", "new", "reactivated"):
            active[name] = active.get(name, 0) + row["customer_count"]
    followed = sum(size for name, size in sizes.items() if name != "none")
    kept = sum(count for name, count in active.items() if name != "none")
    text = ""
    if followed:
        text = f"Active after 90 days: {show(kept / followed, 'percent')} of those followed up"
        text += f" ({show(followed, 'count')})"
    alone = sizes.get("none", 0)
    if alone < 30:
        return (
            f"{text or 'Nobody was followed up'}. Only {alone} were left alone: compare with care."
        )
    rate = show(active.get("none", 0) / alone, "percent")
    return (
        f"{text or 'Nobody was followed up'}, {rate} of those left alone ({show(alone, 'count')})."
    )


def habit_summary(rows: Rows, shown: Shown) -> str:
    sure = [row for row in rows if row["is_shown"]]
    if not sure:
        return "No habit sets the best customers apart beyond chance."
    first = sure[0]
    # A habit of the data, such as the use of a feature, has no line in the seed that says what.
    lesson = f" Show newcomers: {first['what_to_show'].lower()}." if first["what_to_show"] else ""
    return (
        f"{show(first['best_share'], 'percent')} of the best did it ({words(first['habit'])}), "
        f"{show(first['rest_share'], 'percent')} of the rest.{lesson}"
    )


def _trial_summary(rows: Rows, shown: Shown) -> str:
    sums = {name: sum(r["trial_count"] for r in rows if r["outcome"] == name) for name in OUTCOMES}
    return (
        f"Of {show(sum(sums.values()), 'count')} trials {show(sums['bought'], 'count')} led to a "
        f"purchase; {show(sums['undecided'], 'count')} are undecided."
    )


def named_kinds(rows: Rows) -> Rows:
    """Kind of trial and value seen as one name, with the interval of the conversion."""
    found = [{"trial": f"{r['trial_kind']}, {r['value_seen']}", **r} for r in rows]
    for row in found:
        row.pop("trial_kind")
        row.pop("value_seen")
    return with_interval("bought_count", "started_count", "conversion", smallest=10)(found)


def _kind_summary(rows: Rows, shown: Shown) -> str:
    known = [row for row in rows if row["conversion_rate"] is not None]
    best = max(known, key=lambda row: row["conversion_rate"])
    return (
        f"Best: {best['trial']}, {show(best['conversion_rate'], 'percent')} of "
        f"{show(best['started_count'], 'count')} bought in time."
    )


PAGE = Page(
    slug="onboarding",
    title="Onboarding",
    lead="Whether newcomers get going, where they stop, how soon they see value, and what that "
    "does to their staying.",
    sections=(
        Section(
            id="onboarding-curve",
            title="How soon do newcomers take each step?",
            query="onboarding_curve",
            definition=f"{NEWCOMERS}, who have reached that many days: share who had done the step "
            "by then. Days that fewer than 30 customers have reached are left out.",
            subject="the checklist of newcomers (30 at least)",
            inputs=("orders", "subscriptions"),
            chart=curve,
            summary=_curve_summary,
            count=biggest("customer_count"),
            count_of="newcomers",
            measures=("done_rate",),
            kinds={"day": "count", "due_day": "count"},
            width="full",
        ),
        Section(
            id="onboarding-stalled",
            title="Where do they get stuck?",
            query="onboarding_steps",
            definition=f"{NEWCOMERS}. Stalled: not done, although 80% of the peers had done it at "
            "the same age. Stopped here: overdue, and every step before it done.",
            subject="the checklist of newcomers",
            inputs=("orders", "subscriptions"),
            chart=charts.bars(
                "step",
                "stalled_count",
                tooltip=("overdue_count", "stopped_here_count", "late_count", "done_rate"),
                row_height=38,
            ),
            summary=_stalled_summary,
            count=biggest("customer_count"),
            count_of="newcomers",
            kinds={"due_day": "count"},
        ),
        Section(
            id="onboarding-ages",
            title="Are today's newcomers behind their peers?",
            query="onboarding_ages",
            definition="Share of newcomers of that age who have done the step. The table and the "
            "tooltip add what peers had done at the same age.",
            subject="the checklist of newcomers",
            inputs=("orders", "subscriptions"),
            chart=ages,
            summary=_ages_summary,
            count=lambda rows: sum(
                row["customer_count"] for row in rows if row["step"] == rows[0]["step"]
            ),
            count_of="newcomers",
        ),
        Section(
            id="onboarding-time-to-value",
            title="How long until they see value?",
            query="onboarding_cohorts",
            definition="Median days from the first payment to the first step marked as value, over "
            "all customers of the month, those still waiting included. Null while fewer than half "
            "have reached it.",
            subject="newcomers",
            inputs=("orders", "subscriptions"),
            chart=charts.line(
                "cohort_month",
                "median_days",
                tooltip=("p75_days", "customer_count"),
                kind="days",
            ),
            summary=_value_summary,
            count=total("customer_count"),
            count_of="newcomers",
            measures=("median_days",),
        ),
        Section(
            id="onboarding-reached",
            title="How many have seen value at all?",
            query="onboarding_cohorts",
            definition="Customers of the month of first payment who have reached a step marked as "
            "value / all of the month.",
            subject="newcomers",
            inputs=("orders", "subscriptions"),
            chart=charts.columns(
                "cohort_month",
                "reached_rate",
                tooltip=("reached_count", "customer_count", "complete_rate"),
            ),
            summary=_reached_summary,
            count=total("customer_count"),
            count_of="newcomers",
        ),
        Section(
            id="onboarding-follow-up",
            title="Does a follow-up go with staying?",
            query="onboarding_follow_up",
            definition="State 90 days after the first payment, by the first contact in the "
            "follow-up "
            "window. Customers of at least that age. Nobody was chosen by chance: it shows what "
            "goes "
            "together, no effect.",
            subject="newcomers who are 90 days old",
            inputs=("orders",),
            prepare=with_sizes,
            hidden=("group",),
            chart=charts.stacked(
                "group",
                "customer_count",
                "state",
                order=charts.STATES,
                colours=charts.STATE_COLOURS,
                share=True,
                horizontal=True,
                tooltip=("customer_share",),
            ),
            summary=_follow_up_summary,
            count=total("customer_count"),
            count_of="newcomers",
        ),
        Section(
            id="onboarding-habits",
            title="What did the best customers do first?",
            query="onboarding_habits",
            definition="Odds ratio of having done it in the first 30 days, best customers against "
            "the rest, with its 95% interval; 1 (dashed) is no difference. Habits of too few are "
            "not drawn.",
            subject="the first days of the best customers",
            inputs=("events", "logins"),
            chart=known(
                charts.bars(
                    "habit",
                    "odds_ratio",
                    low="odds_ratio_low",
                    high="odds_ratio_high",
                    reference=1,
                    kind="number",
                    title="odds ratio",
                    tooltip=("best_share", "rest_share"),
                ),
                "odds_ratio",
                zero=False,
            ),
            summary=habit_summary,
            count=lambda rows: rows[0]["best_count"] + rows[0]["rest_count"],
            measures=("odds_ratio",),
            kinds={"within_days": "count"},
        ),
        Section(
            id="onboarding-trials",
            title="What becomes of trials?",
            query="onboarding_trials",
            definition="Customers by the month of their first trial of a kind (trial, sample, "
            "subscription) who had not paid before: paid since, undecided so far, or declined.",
            subject="trials",
            inputs=("orders", "subscriptions"),
            chart=charts.stacked(
                "month", "trial_count", "outcome", order=OUTCOMES, colours=OUTCOME_COLOURS
            ),
            summary=_trial_summary,
            count=total("trial_count"),
            count_of="trials",
            remedy="Land orders of kind trial or sample, or subscriptions with a trial, and "
            "refresh.",
        ),
        Section(
            id="onboarding-trial-kinds",
            title="Do those who saw value buy?",
            query="onboarding_trial_kinds",
            definition="Customers who paid within the window of the trial / those who began it, of "
            "months that are over, with the 95% interval (Wilson). Who buys early had fewer days "
            "to "
            "see value: no effect is shown. Below 10 none is drawn.",
            subject="trials",
            inputs=("orders", "subscriptions"),
            prepare=named_kinds,
            chart=known(
                charts.bars(
                    "trial",
                    "conversion_rate",
                    low="conversion_rate_low",
                    high="conversion_rate_high",
                    tooltip=("started_count", "bought_count"),
                    label_limit=220,
                ),
                "conversion_rate",
                zero=False,
            ),
            summary=_kind_summary,
            count=total("started_count"),
            count_of="trials",
            measures=("conversion_rate",),
            remedy="Land orders of kind trial or sample, or subscriptions with a trial, and "
            "refresh.",
        ),
    ),
)
