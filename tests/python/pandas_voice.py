"""Survey scores, loyalty, attributes and share of wallet in plain pandas, from facts of any source.

A mart is {key: {column: value}}, with the columns and the key of the published one.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from math import sqrt

import pandas as pd
from pandas_retention import SEGMENTS
from scipy.stats import binomtest

Rows = dict[tuple, dict]
FIVE = ("repurchase", "recommend", "trust", "timely", "care")
SECURE = ("satisfied", "repurchase", "recommend")
SUFFICIENT = 30
EVERY = "all"


@dataclass(frozen=True)
class Voice:
    """What customers said up to the as-of date; of folded, real customers.

    answers: customer_id, response_id, survey, question, competitor, score (0-100, only answers that
    have one), at, day. sends: customer_id, survey, competitor, day, is_answered. payments:
    customer_id, day, cents (refunds negative). customers: by customer_id, the segments.
    """

    as_of: date
    answers: pd.DataFrame
    sends: pd.DataFrame
    payments: pd.DataFrame
    customers: pd.DataFrame


def month_of(days: pd.Series) -> pd.Series:
    return days.map(lambda day: day.replace(day=1))


def latest(answers: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """The last answer of each group; of two at one moment the one with the greater id."""
    ordered = answers.sort_values(["at", "response_id"])
    return ordered.groupby(columns, dropna=False, sort=False).tail(1)


def known(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


# ---- survey scores -------------------------------------------------------------------------------


def survey_scores(voice: Voice) -> Rows:
    """Keys: survey, period_start (None: all time), segment, segment_value."""
    groups = voice.customers.astype(object).where(voice.customers.notna(), "unknown")
    groups = groups.assign(all=EVERY)
    answers, sends = (
        rows[rows["survey"].isin(["nps", "csat", "ces"]) & rows["competitor"].isna()]
        .merge(groups, left_on="customer_id", right_index=True, validate="many_to_one")
        .assign(month=lambda frame: month_of(frame["day"]))
        for rows in (voice.answers, voice.sends)
    )
    rows: Rows = {}
    for survey in ("nps", "csat", "ces"):
        ours, asked = answers[answers["survey"] == survey], sends[sends["survey"] == survey]
        for month in sorted({*ours["month"], *asked["month"]}):
            said = latest(ours[ours["month"] == month], ["customer_id"])
            rows |= _window(voice, survey, month, said, asked[asked["month"] == month])
        if len(ours) or len(asked):
            rows |= _window(voice, survey, None, latest(ours, ["customer_id"]), asked)
    return rows


def _window(voice: Voice, survey: str, month, said: pd.DataFrame, asked: pd.DataFrame) -> Rows:
    rows: Rows = {}
    for segment in (EVERY, *SEGMENTS):
        for value in {*said[segment], *asked[segment]}:
            scores = said.loc[said[segment] == value, "score"]
            sent = asked.loc[asked[segment] == value, "is_answered"]
            rows[(survey, month, segment, value)] = {
                **_score(survey, scores),
                "sent_count": len(sent),
                "answered_count": int(sent.sum()),
                "response_rate": float(sent.mean()) if len(sent) else None,
                "as_of_date": voice.as_of,
            }
    return rows


def _score(survey: str, scores: pd.Series) -> dict:
    count = len(scores)
    promoters, detractors = int((scores >= 90).sum()), int((scores <= 60).sum())
    good = int((scores >= (75 if survey == "csat" else 66)).sum())
    is_nps = survey == "nps"
    score, low, high = None, None, None
    if count and is_nps:
        p, d = promoters / count, detractors / count
        half = 1.96 * sqrt((p + d - (p - d) ** 2) / count) * 100
        score = 100 * (p - d)
        low, high = max(score - half, -100.0), min(score + half, 100.0)
    elif count:
        interval = binomtest(good, count).proportion_ci(0.95, method="wilson")
        score, low, high = 100 * good / count, 100 * interval.low, 100 * interval.high
    return {
        "response_count": count,
        "score": score,
        "score_low": low,
        "score_high": high,
        "promoter_count": promoters if is_nps else None,
        "passive_count": count - promoters - detractors if is_nps else None,
        "detractor_count": detractors if is_nps else None,
        "favourable_count": None if is_nps else good,
        "is_sufficient": count >= SUFFICIENT,
    }


# ---- loyalty -------------------------------------------------------------------------------------


def loyalty_index(voice: Voice) -> Rows:
    """Keys: customer_id, month."""
    said = voice.answers[voice.answers["survey"] == "loyalty"]
    said = said.assign(question=said["question"].str.lower(), month=month_of(said["day"]))
    said = said[said["question"].isin({*FIVE, *SECURE})]
    rows: Rows = {}
    for (customer, month), part in said.groupby(["customer_id", "month"]):
        part = latest(part, ["question", "competitor"])
        ours = part[part["competitor"].isna()].set_index("question")["score"].to_dict()
        theirs = part[part["competitor"].notna() & (part["question"] != "satisfied")]
        means = theirs.groupby("competitor")["score"].mean().to_dict()
        best = min(means, key=lambda name: (-round(means[name], 9), name), default=None)
        five = [ours[question] for question in FIVE if question in ours]
        index = sum(five) / 5 if len(five) == 5 else None
        top = [ours.get(question) for question in SECURE]
        is_lower = any(score is not None and score < 100 for score in top)
        rows[(customer, month)] = {
            **{question: ours.get(question) for question in ("satisfied", *FIVE)},
            "answered_count": len(five),
            "loyalty_index": index,
            "competitor_count": len(means),
            "competitor_index": float(sum(means.values()) / len(means)) if means else None,
            "best_competitor": best,
            "best_competitor_index": means.get(best),
            "relative_index": index - means[best] if means and index is not None else None,
            "is_secure": False if is_lower else None if None in top else True,
            "as_of_date": voice.as_of,
        }
    return rows


# ---- attributes ----------------------------------------------------------------------------------


def split_question(text: str) -> tuple[str, str]:
    """What is measured, and of which attribute."""
    for measure in ("importance", "performance"):
        if text.lower().startswith(f"{measure}:"):
            return measure, text[len(measure) + 1 :].strip().lower()
    return "performance", text.strip().lower()


def attribute_scores(voice: Voice) -> pd.DataFrame:
    said = voice.answers[(voice.answers["survey"] == "attribute")]
    said = said[said["question"].notna()]
    parts = [split_question(text) for text in said["question"]]
    said = said.assign(measure=[part[0] for part in parts], topic=[part[1] for part in parts])
    said.loc[said["measure"] == "importance", "competitor"] = None
    return said[said["topic"] != ""]


def attribute_priorities(voice: Voice) -> Rows:
    """Keys: attribute."""
    said = latest(attribute_scores(voice), ["customer_id", "measure", "topic", "competitor"])
    rows = {
        (name,): _attribute(voice, part) | {"as_of_date": voice.as_of}
        for name, part in said.groupby("topic")
    }
    placed = {
        key: row
        for key, row in rows.items()
        if row["importance"] is not None and row["performance"] is not None
    }
    performance = _mean(row["performance"] for row in placed.values())
    for key, row in rows.items():
        alike = [
            other["importance"]
            for other in placed.values()
            if other["importance_source"] == row["importance_source"]
        ]
        row["mean_importance"], row["mean_performance"] = _mean(alike), performance
        row["quadrant"], row["fix_rank"] = None, None
        if key in placed:
            is_important = row["importance"] >= row["mean_importance"] - 1e-9
            is_strong = row["performance"] >= performance - 1e-9
            row["quadrant"] = {
                (True, False): "concentrate_here",
                (True, True): "keep_up",
                (False, False): "low_priority",
                (False, True): "possible_overkill",
            }[(is_important, is_strong)]

    def urgency(key: tuple) -> tuple:
        row = rows[key]
        loss = row["importance"] * (100 - row["performance"])
        return row["quadrant"] != "concentrate_here", -round(loss, 9), key

    for place, key in enumerate(sorted(placed, key=urgency), 1):
        rows[key]["fix_rank"] = place
    return rows


def _attribute(voice: Voice, part: pd.DataFrame) -> dict:
    stated = part.loc[part["measure"] == "importance", "score"]
    scored = part[part["measure"] == "performance"]
    ours = scored[scored["competitor"].isna()]
    theirs = scored.groupby("competitor")["score"].agg(["mean", "size"])
    best = min(
        theirs.index, key=lambda name: (-round(theirs.at[name, "mean"], 9), name), default=None
    )
    importance, source, behind = None, None, 0
    if len(stated):
        importance, source, behind = float(stated.mean()), "stated", len(stated)
    else:
        said = voice.answers
        whole = said[said["survey"].isin(["nps", "csat"]) & said["competitor"].isna()]
        whole = latest(whole, ["customer_id"]).set_index("customer_id")["score"]
        pairs = pd.DataFrame({"part": ours.set_index("customer_id")["score"], "whole": whole})
        pairs = pairs.dropna()
        if len(pairs) >= SUFFICIENT and (pairs.nunique() > 1).all():
            importance, source, behind = (
                100 * pairs["part"].corr(pairs["whole"]),
                "derived",
                len(pairs),
            )
    performance = known(ours["score"].mean())
    best_score = None if best is None else float(theirs.at[best, "mean"])
    has_gap = performance is not None and best is not None
    return {
        "importance": importance,
        "importance_source": source,
        "performance": performance,
        "best_competitor": best,
        "best_competitor_performance": best_score,
        "gap_to_best": performance - best_score if has_gap else None,
        "importance_answer_count": behind,
        "answer_count": len(ours),
        "competitor_answer_count": 0 if best is None else int(theirs.at[best, "size"]),
        "is_sufficient": min(behind, len(ours)) >= SUFFICIENT,
    }


def _mean(values) -> float | None:
    values = list(values)
    return sum(values) / len(values) if values else None


# ---- share of wallet -----------------------------------------------------------------------------


def share_of_wallet(voice: Voice) -> Rows:
    """Keys: customer_id, month."""
    rows = {
        key: share | _wallet(voice, key, share["wallet_share"]) | {"as_of_date": voice.as_of}
        for key, share in (_ranked(voice) | _stated(voice)).items()
    }
    return rows


def _stated(voice: Voice) -> Rows:
    said = voice.answers[voice.answers["survey"] == "share_of_wallet"]
    shares: Rows = {}
    for key, part in said.groupby(["customer_id", month_of(said["day"])]):
        own = part[part["competitor"].isna()]
        chosen = latest(own if len(own) else part, ["customer_id"])
        named = part["competitor"].nunique()
        shares[key] = {
            "method": "stated",
            "brand_count": named + 1 if named else None,
            "brand_rank": None,
            "wallet_share": chosen["score"].item() / 100,
        }
    return shares


def _ranked(voice: Voice) -> Rows:
    """Keiningham et al. 2011; a competitor stands against us where both were scored."""
    said = voice.answers
    others = said[said["survey"].isin(["loyalty", "nps"])]
    is_nps = others["survey"] == "nps"
    topics = others["question"].str.strip().str.lower().mask(is_nps, "nps")
    asked = attribute_scores(voice)
    every = pd.concat([others.assign(topic=topics), asked[asked["measure"] == "performance"]])
    every = every[every["topic"].notna()]
    shares: Rows = {}
    for key, part in every.groupby(["customer_id", month_of(every["day"])]):
        part = latest(part, ["survey", "topic", "competitor"])
        part = part.assign(question=part["survey"] + ":" + part["topic"])
        ours = part[part["competitor"].isna()].set_index("question")["score"]
        leads = {
            name: round((theirs - ours[theirs.index]).mean(), 9)
            for name, rival in part.groupby("competitor")
            if len(theirs := rival.set_index("question")["score"].filter(ours.index))
        }
        if not leads:
            continue
        brands = len(leads) + 1
        better = sum(lead > 0 for lead in leads.values())
        equal = sum(lead == 0 for lead in leads.values())
        places = range(better + 1, better + equal + 2)
        rank = sum(places) / len(places)
        shares[key] = {
            "method": "wallet_allocation_rule",
            "brand_count": brands,
            "brand_rank": rank,
            "wallet_share": (1 - rank / (brands + 1)) * 2 / brands,
        }
    return shares


def _wallet(voice: Voice, key: tuple, share: float) -> dict:
    customer, month = key
    next_month = (month + timedelta(31)).replace(day=1)
    last = min(next_month - timedelta(1), voice.as_of)
    paid = voice.payments[voice.payments["customer_id"] == customer]
    paid = paid[(paid["day"] <= last) & (paid["day"] > last - timedelta(365))]
    own = max(int(paid["cents"].sum()), 0)
    wallet = None
    if own and share:
        wallet = _to_cents(own / 100 / share)
    own = Decimal(own) / 100
    return {
        "own_revenue_365d": own,
        "estimated_wallet": wallet,
        "headroom": None if wallet is None else wallet - own,
    }


def _to_cents(amount: float) -> Decimal:
    """Half a cent goes up, and what floating point leaves of it is no less than half."""
    return Decimal(str(round(amount, 6))).quantize(Decimal("0.01"), ROUND_HALF_UP)
