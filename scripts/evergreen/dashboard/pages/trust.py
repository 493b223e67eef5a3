"""Where every row went, which checks ran, and how far to trust the scores."""

from evergreen.dashboard import charts
from evergreen.dashboard.formats import show, words
from evergreen.dashboard.pages.overview import trust_facts
from evergreen.dashboard.sections import Page, Rows, Section, Shown, asked_for, biggest, total

METHODS = ("model", "recency_rule", "last_period_repeated", "popularity")
REFRESH = "Run `evergreen refresh --landing DIR`: a plain dbt build keeps no log of runs."
FIT = (
    "Scores need history: 500 buyers and 180 days of orders for value, 100 cases of leaving and "
    f"100 of staying for churn. Add {asked_for(('orders', 'logins'))} and refresh."
)


def _row_summary(rows: Rows, shown: Shown) -> str:
    landed = sum(row["landed_count"] for row in rows)
    aside = sum(row["quarantined_count"] for row in rows)
    lost = sum(
        row["landed_count"]
        - row["accepted_count"]
        - row["duplicate_count"]
        - row["quarantined_count"]
        - row["erased_count"]
        for row in rows
    )
    text = (
        f"{show(landed, 'count')} rows landed in {len(rows)} inputs; {show(aside, 'count')} "
        f"({show(aside / landed, 'percent')}) were set aside. "
    )
    if lost:
        return text + f"{show(lost, 'count')} rows are not accounted for: report it."
    return text + "Every row is accounted for."


def _reason_summary(rows: Rows, shown: Shown) -> str:
    first = rows[0]
    return (
        f"Most often: {words(first['reasons'])}, {show(first['row_count'], 'count')} rows; for "
        f"example {first['example']}. The mart quarantined_rows has each row with its text."
    )


def _ranking_summary(rows: Rows, shown: Shown) -> str:
    scores: dict[str, dict[str, float]] = {}
    for row in rows:
        scores.setdefault(row["score"], {})[row["method"]] = row["mean_auc"]
    beaten = [
        words(name)
        for name, found in scores.items()
        if "model" in found
        and len(found) > 1
        and found["model"] <= max(value for key, value in found.items() if key != "model")
    ]
    judged = sum("model" in found and len(found) > 1 for found in scores.values())
    if not judged:
        return "No score has a rule to be compared with."
    if not beaten:
        return f"All {judged} scores rank customers better than the rules that cost nothing."
    return (
        f"{judged - len(beaten)} of {judged} scores rank better than every simple rule. No better "
        f"than a rule: {', '.join(beaten)}."
    )


def _refresh_summary(rows: Rows, shown: Shown) -> str:
    failed = sum(not row["is_published"] for row in rows)
    count = len(rows)
    text = f"{count} refresh{'' if count == 1 else 'es'} shown"
    if not failed:
        return f"{text}, all published."
    return f"{text}, {failed} of them not published: readers kept the version before."


PAGE = Page(
    slug="trust",
    title="Trust",
    lead="Where every landed row went, which checks ran, and how often the scores were right on "
    "days gone by.",
    sections=(
        Section(
            id="trust-last",
            title="The refresh behind these pages",
            query="trust_last_refresh",
            definition="Landed: rows in all inputs. Set aside: rows that broke a rule, kept with "
            "their reasons. dbt tests check keys, values and logic; expectations check what "
            "arrives and how the tables drift. Failed: of both, warnings included.",
            subject="refreshes",
            inputs=("orders",),
            kind="facts",
            width="full",
            cards=trust_facts,
            remedy=REFRESH,
        ),
        Section(
            id="trust-rows",
            title="Where did every row go?",
            query="trust_rows",
            definition="Share of the rows of an input that were set aside. Landed = accepted + "
            "duplicates + set aside + erased, for rows and amounts: the table has all of them.",
            subject="landed rows",
            inputs=("orders", "logins", "surveys"),
            chart=charts.bars(
                "input",
                "quarantined_rate",
                tooltip=(
                    "landed_count",
                    "accepted_count",
                    "duplicate_count",
                    "quarantined_count",
                    "quarantined_amount",
                ),
            ),
            summary=_row_summary,
            count=total("landed_count"),
            count_of="rows",
        ),
        Section(
            id="trust-reasons",
            title="Why were rows set aside?",
            query="trust_reasons",
            definition="Rows by the reasons that were found, the 12 most frequent. A row may have "
            "several reasons at once. Nothing is dropped in silence.",
            subject="rows that were set aside",
            inputs=("orders",),
            chart=charts.bars("reasons", "row_count", tooltip=("input_count", "example")),
            summary=_reason_summary,
            count=biggest("all_row_count"),
            hidden=("all_row_count",),
            count_of="rows",
            remedy="None was: every landed row was accepted or was a duplicate.",
        ),
        Section(
            id="trust-ranking",
            title="Do the scores rank better than simple rules?",
            query="trust_ranking",
            definition="AUC: probability that a customer to whom it happened was ranked above one "
            "to whom it did not; 0.5 is chance. Mean over past cut-off dates, each foretold from "
            "what was known then. Line: lowest to highest cut-off.",
            subject="scores on past days",
            inputs=("orders", "logins"),
            chart=charts.dots(
                "score",
                "mean_auc",
                low="lowest_auc",
                high="highest_auc",
                series="method",
                order=METHODS,
                reference=0.5,
                title="AUC",
                tooltip=("cutoff_count",),
            ),
            summary=_ranking_summary,
            count=biggest("customer_count"),
            width="full",
            kinds={"mean_auc": "number", "lowest_auc": "number", "highest_auc": "number"},
            labels={"mean_auc": "AUC", "lowest_auc": "Lowest AUC", "highest_auc": "Highest AUC"},
            remedy=FIT,
        ),
        Section(
            id="trust-scores",
            title="All measures of the scores",
            query="trust_scores",
            definition="Means over the cut-off dates. AUC and Spearman: more is better. Brier and "
            "root mean square error (RMSE): less is better. Hit rate of 3: share of buyers who "
            "bought one of three suggested products.",
            subject="scores on past days",
            inputs=("orders", "logins"),
            kind="table",
            nothing="none",
            count=biggest("customer_count"),
            width="full",
            kinds={"auc": "number", "hit_rate_3": "percent"},
            labels={
                "auc": "AUC",
                "rmse": "RMSE",
                "hit_rate_3": "Hit rate of 3",
                "cutoff_count": "Dates",
                "customer_count": "Customers",
            },
            remedy=FIT,
        ),
        Section(
            id="trust-models",
            title="Which models score now?",
            query="trust_models",
            definition="Models whose parameters the scores use on this date. Their values are in "
            "the mart model_parameters, with standard errors.",
            subject="fitted models",
            inputs=("orders", "logins"),
            kind="table",
            nothing="none",
            width="full",
            remedy=FIT,
        ),
        Section(
            id="trust-refreshes",
            title="The last refreshes",
            query="trust_refreshes",
            definition="Runs of `evergreen refresh`, the latest first. A run that failed left the "
            "published version as it was.",
            subject="refreshes",
            inputs=("orders",),
            kind="table",
            nothing="none",
            summary=_refresh_summary,
            width="full",
            remedy=REFRESH,
        ),
    ),
)
