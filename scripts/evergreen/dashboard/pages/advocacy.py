"""Who speaks for the brand, what that has to do with loyalty and value, and what to ask next."""

from evergreen.dashboard import charts
from evergreen.dashboard.charts import ACCENT, QUIET
from evergreen.dashboard.formats import show, words
from evergreen.dashboard.sections import Page, Rows, Section, Shown, biggest, total

TIERS = ("lover", "liker", "lurker")
TIER_COLOURS = (ACCENT, "var(--seq2)", "var(--seq1)")
THIRDS = ("highest third", "middle third", "lowest third", "never paid")
THIRD_COLOURS = ("var(--seq4)", "var(--seq3)", "var(--seq2)", QUIET)
LOYALTY = ("0 to 20", "20 to 40", "40 to 60", "60 to 80", "80 to 100")
DEEDS = ("75 to 100", "50 to 75", "25 to 50", "under 25", "no deed")
STEPS = ("sent", "joined", "counted", "bought", "bought again")


def _now_summary(rows: Rows, shown: Shown) -> str:
    seen = {row["tier"]: row for row in rows if row["whose"] == "observed"}
    return (
        f"{show(seen['lover']['customer_share'], 'percent')} are lovers, the texts say 1%. "
        f"{show(seen['liker']['customer_count'], 'count')} likers are one deed away."
    )


def _month_summary(rows: Rows, shown: Shown) -> str:
    lovers = [row for row in rows if row["tier"] == "lover"]
    first = next((row for row in lovers if row["customer_count"]), lovers[0])
    last = lovers[-1]
    return (
        f"Lovers: {show(first['customer_share'], 'percent')} in {first['month']:%Y-%m}, "
        f"{show(last['customer_share'], 'percent')} in {last['month']:%Y-%m}."
    )


def percent_facts(rows: Rows, shown: Shown) -> list[dict]:
    """What the tiers bring and what moving one per cent would."""
    row = rows[0]
    money = shown.currency
    facts = [
        (
            "lover",
            "Referred revenue of a lover",
            show(row["referral_revenue_per_lover"], "money", money),
            "of 365 days, on average",
        ),
        (
            "liker",
            "Referred revenue of a liker",
            show(row["referral_revenue_per_liker"], "money", money),
            "of 365 days, on average",
        ),
        (
            "customers",
            "Were 1% of customers lovers more",
            show(row["effect_of_one_percent_customers_value"], "money", money),
            f"{show(float(row['one_percent_customers']), 'count')} customers, as the lovers of "
            "today",
        ),
        (
            "likers",
            "Were 1% of likers lovers",
            show(row["effect_of_one_percent_of_likers_value"], "money", money),
            "an upper bound: who is asked is not who volunteers",
        ),
    ]
    return [
        {"id": key, "label": label, "value": value, "note": note, "tone": ""}
        for key, label, value, note in facts
    ]


def _quadrant_summary(rows: Rows, shown: Shown) -> str:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["quadrant"]] = counts.get(row["quadrant"], 0) + row["customer_count"]
    silent = counts.get("loyal_silent", 0)
    loyal = silent + counts.get("loyal_advocate", 0)
    if not loyal:
        return "Nobody is loyal yet by this measure."
    return (
        f"{show(silent, 'count')} of {show(loyal, 'count')} loyal customers say nothing about us; "
        f"{show(counts.get('disloyal_advocate', 0), 'count')} advocates are not loyal."
    )


def _axes_summary(rows: Rows, shown: Shown) -> str:
    everyone = sum(row["customer_count"] for row in rows)
    quiet = sum(row["customer_count"] for row in rows if row["advocacy_band"] == "no deed")
    return f"{show(quiet / everyone, 'percent')} of {show(everyone, 'count')} have done no deed."


def _correlation_summary(rows: Rows, shown: Shown) -> str:
    pair = next((row for row in rows if row["pair"] == "loyalty and advocacy"), rows[0])
    if pair["spearman"] is None:
        return "Not enough customers to say."
    low, high = pair["spearman_low"], pair["spearman_high"]
    ends = "" if low is None else f" (95% interval {low:.2f} to {high:.2f})"
    holds = low is not None and low <= 0 <= high
    verdict = "the one says nothing sure about the other" if holds else "they go together"
    return f"{pair['pair'].capitalize()}: {pair['spearman']:.2f}{ends}: {verdict}."


def _referral_summary(rows: Rows, shown: Shown) -> str:
    counts = {row["step"]: row["referral_count"] for row in rows}
    return (
        f"{show(counts['bought'], 'count')} of {show(counts['sent'], 'count')} referrals "
        f"({show(counts['bought'] / counts['sent'], 'percent')}) led to a first purchase."
    )


def source_facts(rows: Rows, shown: Shown) -> list[dict]:
    """How far the word of mouth carries."""
    row = rows[0]
    facts = [
        ("referrers", "Customers who refer", show(row["referrer_count"], "count"), ""),
        ("sent", "Referrals", show(row["sent_count"], "count"), ""),
        ("converted", "Bought", show(row["converted_count"], "count"), "counted for one referrer"),
        (
            "second",
            "By those referred in turn",
            show(row["second_generation_count"], "count"),
            "second generation",
        ),
        (
            "revenue",
            "Referred revenue",
            show(row["referred_revenue"], "money", shown.currency),
            "of all time",
        ),
        (
            "viral",
            "Viral coefficient",
            show(row["viral_coefficient"], "number"),
            "new buyers for each customer; 1 feeds itself",
        ),
    ]
    return [
        {"id": key, "label": label, "value": value, "note": note, "tone": ""}
        for key, label, value, note in facts
    ]


def with_root(rows: Rows) -> Rows:
    """One root above all trees: the drawing needs a single one. Only nodes whose parent is in."""
    nodes = {row["node"] for row in rows}
    root = "Top trees"
    while root in nodes:
        root += " "
    revenue = sum(row["referred_revenue"] for row in rows if row["parent"] is None)
    found = [{"node": root, "parent": None, "generation": 0, "referred_revenue": revenue}]
    for row in rows:
        if row["parent"] is None or row["parent"] in nodes:
            found.append(
                {
                    "node": row["node"],
                    "parent": row["parent"] or root,
                    "generation": row["generation"],
                    "referred_revenue": row["referred_revenue"],
                }
            )
    return found


def trees(rows: Rows) -> dict:
    """The trees without the root above them, so that three generations fit on a phone."""
    spec = charts.tree("node", "parent", "referred_revenue", tooltip=("generation",))(rows)
    deepest = max((row["generation"] for row in rows), default=1)
    column = f"((width - 96) / {max(deepest - 1, 1)})"
    nodes, links = spec["data"]
    nodes["transform"][1]["size"] = [
        {"signal": "height"},
        {"signal": f"{column} * {deepest}"},
    ]
    nodes["transform"].append(
        {"type": "formula", "as": "tree_x", "expr": f"datum.tree_x - {column} + 8"}
    )
    links["transform"].insert(1, {"type": "filter", "expr": "datum.source.depth > 0"})
    spec["data"].append(
        {
            "name": "shown",
            "source": "rows",
            "transform": [{"type": "filter", "expr": "datum.depth > 0"}],
        }
    )
    spec["scales"][0]["domain"] = {"data": "shown", "field": "referred_revenue"}
    for mark in spec["marks"][1:]:
        mark["from"] = {"data": "shown"}
    spec["marks"][2]["encode"]["update"] |= {"limit": {"value": 96}, "dx": {"value": 13}}
    return spec


def _tree_summary(rows: Rows, shown: Shown) -> str:
    first = next(row for row in rows if row["generation"] == 1)
    return (
        f"The tree of most revenue starts with {first['node']}: "
        f"{show(first['referred_revenue'], 'money', shown.currency)} from those referred."
    )


def asked(rows: Rows) -> Rows:
    """Those of whom something is asked."""
    return [row for row in rows if row["decision"] == "ask"]


def unasked(rows: Rows) -> Rows:
    """Those of whom nothing is asked, by reason."""
    return [row for row in rows if row["decision"] != "ask"]


def _ask_summary(rows: Rows, shown: Shown) -> str:
    first = rows[0]
    everyone = sum(row["customer_count"] for row in rows)
    return (
        f"{show(everyone, 'count')} customers can be asked, most for a {words(first['what'])} "
        f"({show(first['customer_count'], 'count')})."
    )


def _unasked_summary(rows: Rows, shown: Shown) -> str:
    first = rows[0]
    return (
        f"Most often: {words(first['what'])}, {show(first['customer_count'], 'count')} customers."
    )


PAGE = Page(
    slug="advocacy",
    title="Advocacy",
    lead="Who speaks for the brand by deeds, whom they bring, and whom to ask for what.",
    sections=(
        Section(
            id="advocacy-now",
            title="How many speak for us, against 90/9/1?",
            query="advocacy_now",
            definition="Lover: an advocacy act or a converted referral in 365 days. Liker: "
            "promoter "
            "or satisfied, without a deed. Lurker: the rest. The texts' split is a claim about "
            "online communities.",
            subject="customers",
            inputs=("customers", "advocacy_acts"),
            chart=charts.stacked(
                "whose",
                "customer_share",
                "tier",
                order=TIERS,
                colours=TIER_COLOURS,
                horizontal=True,
                tooltip=("customer_count",),
            ),
            summary=_now_summary,
            count=lambda rows: sum(row["customer_count"] or 0 for row in rows),
            nothing="a claim",
        ),
        Section(
            id="advocacy-months",
            title="Do they become more?",
            query="advocacy_months",
            definition="Share of all customers known at the end of the month, by tier.",
            subject="customers",
            inputs=("customers", "advocacy_acts"),
            chart=charts.stacked(
                "month",
                "customer_share",
                "tier",
                order=TIERS,
                colours=TIER_COLOURS,
                tooltip=("customer_count",),
                height=200,
            ),
            summary=_month_summary,
            count=lambda rows: sum(
                row["customer_count"] for row in rows if row["month"] == rows[-1]["month"]
            ),
        ),
        Section(
            id="advocacy-one-percent",
            title="What is one per cent worth?",
            query="advocacy_one_percent",
            definition="Revenue a year of those referred, per lover and per liker; that difference "
            "times one per cent of customers or of likers. It holds only if the new lovers refer "
            "as the old ones do.",
            subject="referred revenue",
            inputs=("referrals",),
            kind="facts",
            width="full",
            cards=percent_facts,
        ),
        Section(
            id="advocacy-quadrants",
            title="Are the loyal ones those who speak, and what are they worth?",
            query="advocacy_quadrants",
            definition="Loyal: loyalty score (behaviour and answers, no deeds) of 50 or more. "
            "Advocate: a deed in 365 days. Colour: third of the value percentile.",
            subject="customers",
            inputs=("customers", "orders"),
            chart=charts.stacked(
                "quadrant",
                "customer_count",
                "value_third",
                order=THIRDS,
                colours=THIRD_COLOURS,
                horizontal=True,
            ),
            summary=_quadrant_summary,
            count=total("customer_count"),
        ),
        Section(
            id="advocacy-correlations",
            title="Does loyalty foretell advocacy?",
            query="advocacy_correlations",
            definition="Spearman's rank correlation of the three axes over customers who have "
            "paid, "
            "with the 95% interval. 0 (dashed): the one says nothing about the other.",
            subject="the three axes (30 customers at least)",
            inputs=("orders", "advocacy_acts"),
            chart=charts.bars(
                "pair",
                "spearman",
                low="spearman_low",
                high="spearman_high",
                reference=0,
                kind="number",
                tooltip=("customer_count",),
                row_height=44,
            ),
            summary=_correlation_summary,
            count=biggest("customer_count"),
            measures=("spearman",),
        ),
        Section(
            id="advocacy-axes",
            title="How do loyalty and deeds lie together?",
            query="advocacy_axes",
            definition="Customers with a loyalty score, by bands of both scores. The mean value "
            "percentile of each cell is in the tooltip and the table.",
            subject="loyalty scores",
            inputs=("orders", "logins"),
            chart=charts.heat(
                "loyalty_band",
                "advocacy_band",
                "customer_count",
                x_order=LOYALTY,
                y_order=DEEDS,
                x_title="loyalty score",
                y_title="advocacy score",
                tooltip=("mean_value_percentile",),
                row_height=38,
            ),
            summary=_axes_summary,
            count=total("customer_count"),
            kinds={"mean_value_percentile": "percent"},
        ),
        Section(
            id="advocacy-referrals",
            title="What becomes of a referral?",
            query="advocacy_referrals",
            definition="Referrals and invitations of all time, without those of oneself or in a "
            "circle. Joined: known as a customer since. Counted: nobody referred them before. "
            "Rate: "
            "of the step before.",
            subject="referrals",
            inputs=("referrals",),
            chart=charts.funnel("step", "referral_count", "step_rate", order=STEPS),
            summary=_referral_summary,
            count=biggest("referral_count"),
            count_of="referrals",
            nothing="",
        ),
        Section(
            id="advocacy-sources",
            title="How far does the word carry?",
            query="advocacy_sources",
            definition="All customers who referred somebody. Viral coefficient: converted "
            "referrals "
            "/ customers who have paid.",
            subject="referrals",
            inputs=("referrals",),
            kind="facts",
            width="full",
            cards=source_facts,
        ),
        Section(
            id="advocacy-tree",
            title="Whose referrals bring most?",
            query="advocacy_tree",
            definition="The 8 trees of most referred revenue: the 4 best referrals of each, and "
            "the "
            "2 best of these. Ids only. Size: what they and those below paid; in the first column "
            "only those below.",
            subject="referrals that led to a purchase",
            inputs=("referrals",),
            prepare=with_root,
            chart=trees,
            summary=_tree_summary,
            count=lambda rows: len(rows) - 1,
            width="full",
            kinds={"generation": "count"},
            nothing="",
        ),
        Section(
            id="advocacy-asks",
            title="Whom to ask for what?",
            query="advocacy_asks",
            definition="The first ask (review, testimonial, referral, reference, case study) not "
            "done "
            "yet. Asked of promoters, and of lovers who are no detractors; not of who is lost, "
            "refused consent or has an open complaint.",
            subject="next asks",
            inputs=("surveys", "advocacy_acts"),
            prepare=asked,
            chart=charts.bars("what", "customer_count"),
            summary=_ask_summary,
            count=total("customer_count"),
            remedy="Nobody can be asked now, or no customer was landed.",
            labels={"what": "Ask"},
            hidden=("decision",),
        ),
        Section(
            id="advocacy-unasked",
            title="Why is nothing asked of the rest?",
            query="advocacy_asks",
            definition="Customers without a next ask, by the first reason that stops it.",
            subject="customers who are not asked",
            inputs=("surveys",),
            prepare=unasked,
            chart=charts.bars("what", "customer_count"),
            summary=_unasked_summary,
            count=total("customer_count"),
            remedy="Every customer can be asked for something, or none was landed.",
            labels={"what": "Reason"},
            hidden=("decision",),
        ),
    ),
)
