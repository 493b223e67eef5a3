"""Complaints, promises, products and support hours in plain pandas, from facts of any source.

Each function returns {key: {column: value}} with every column of the mart of its name.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from pandas_retention import Rows
from reference import seed

Z = 1.959963984540054
LIMITS = {row["threshold"]: float(row["value"]) for row in seed("thresholds")}
CLAIMS = {row["claim"]: row for row in seed("benchmarks")}
HOLD_SECONDS = 60 * float(CLAIMS["hold_time_minutes"]["high"])
SILENT = CLAIMS["silent_customers_per_complaint"]
NOBODY = "(none named)"


@dataclass(frozen=True)
class ServiceFacts:
    """What happened up to the as-of date, of folded, real customers. Times are UTC, without zone.

    tickets: ticket_id, customer_id, kind, wait_seconds, satisfaction (1-5), opened, replied,
    resolved, is_timed. orders: order_id, customer_id, status, ordered, promised, delivered,
    invoiced, refunded, is_payable, has_refund, is_whole_refund, has_bad_delivery. items: order_id,
    product_id, quantity, returned. products: product_id, name, category. purchase_days:
    customer_id, day. answers: response_id, customer_id, survey, score (0-100), competitor, answer,
    answered. signs (paid orders, acts of advocacy, subscriptions begun): customer_id, at.
    losses: customer_id, day. leavers (lost today): customer_id, reason, competitor, is_winnable,
    revenue. returns: customer_id, reason, competitor, is_won_back.
    """

    as_of: pd.Timestamp
    tickets: pd.DataFrame
    orders: pd.DataFrame
    items: pd.DataFrame
    products: pd.DataFrame
    purchase_days: pd.DataFrame
    answers: pd.DataFrame
    signs: pd.DataFrame
    losses: pd.DataFrame
    leavers: pd.DataFrame
    returns: pd.DataFrame
    revenue_at_risk: dict = field(default_factory=dict)
    zone: str = "UTC"

    def day(self, times: pd.Series) -> pd.Series:
        local = times.dt.tz_localize("UTC").dt.tz_convert(self.zone)
        return local.dt.tz_localize(None).dt.normalize()

    def known(self, times: pd.Series) -> pd.Series:
        """Times up to the as-of date; the rest did not happen yet."""
        return times.where(self.day(times) <= self.as_of)


def days_apart(first: pd.Series, last: pd.Series | pd.Timestamp) -> pd.Series:
    return (last - first).dt.days


def moment(value: pd.Timestamp):
    return None if pd.isna(value) else value.to_pydatetime()


def number(value) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def ratio(part: float, whole: float) -> float | None:
    return float(part) / float(whole) if whole else None


def wilson(count: int, total: int, sign: int) -> float | None:
    """Wilson 1927, solved for the bound as textbooks print it."""
    if not total:
        return None
    p, w = count / total, Z * Z / total
    return (p + w / 2 + sign * Z * math.sqrt(p * (1 - p) / total + w / (4 * total))) / (1 + w)


# ---- complaints --------------------------------------------------------------------------------


def opinions(facts: ServiceFacts) -> pd.DataFrame:
    """Scores that customers gave us."""
    answers = facts.answers
    is_ours = answers["survey"].isin(["nps", "csat", "ces"]) & answers["competitor"].isna()
    return answers[is_ours & answers["score"].notna()]


def low_scores(facts: ServiceFacts) -> pd.DataFrame:
    given = opinions(facts)
    is_detractor = (given["survey"] == "nps") & (given["score"] <= LIMITS["detractor_score"])
    is_low = (given["survey"] != "nps") & (given["score"] < LIMITS["dissatisfied_score"])
    return given[is_detractor | is_low]


def complaints(facts: ServiceFacts) -> Rows:
    tickets = facts.tickets[facts.tickets["kind"] == "complaint"]
    praise = opinions(facts)
    praise = praise[praise["score"] >= LIMITS["promoter_score"]]
    praise = praise[["customer_id", "answered"]].rename(columns={"answered": "at"})
    signs = pd.concat([facts.signs, praise]).groupby("customer_id")["at"].agg(sorted).to_dict()
    observed = silent_leavers(facts) if len(tickets) else None
    rows: Rows = {}
    for row in tickets.itertuples():
        is_resolved = not pd.isna(row.resolved)
        opened, resolved = (
            facts.day(pd.Series([at], dtype="datetime64[ns]"))[0]
            for at in (row.opened, row.resolved)
        )
        later = [
            at
            for at in signs.get(row.customer_id, [])
            if is_resolved
            and at > row.resolved
            and (facts.day(pd.Series([at]))[0] - resolved).days <= LIMITS["recovery_days"]
        ]
        is_open = is_resolved and (facts.as_of - resolved).days < LIMITS["recovery_days"]
        rows[(row.ticket_id,)] = {
            "customer_id": row.customer_id,
            "silent_estimate_source": SILENT["source"],
            "wait_seconds": number(row.wait_seconds),
            "reply_hours": number((row.replied - row.opened).total_seconds() / 3600),
            "resolution_hours": number((row.resolved - row.opened).total_seconds() / 3600),
            "days_open": ((resolved if is_resolved else facts.as_of) - opened).days,
            "satisfaction_score": number((row.satisfaction - 1) * 25),
            "silent_estimate": float(SILENT["low"]),
            "silent_estimate_observed": observed,
            "revenue_at_risk": facts.revenue_at_risk[row.customer_id],
            "is_long_wait": None
            if pd.isna(row.wait_seconds)
            else bool(row.wait_seconds > HOLD_SECONDS),
            "is_answered": is_resolved or not pd.isna(row.replied),
            "is_resolved": is_resolved,
            "is_recovered": True if later else None if is_open else False,
            "opened_date": facts.day(pd.Series([row.opened]))[0].date(),
            "opened_at": moment(row.opened),
            "first_replied_at": moment(row.replied),
            "resolved_at": moment(row.resolved),
            "recovered_at": moment(min(later, default=pd.NaT)),
            "as_of_date": facts.as_of.date(),
        }
    return rows


def silent_leavers(facts: ServiceFacts) -> float | None:
    """Customers who left after a problem without a word, for each who complained."""
    tickets = facts.tickets
    others = tickets[tickets["kind"].notna() & (tickets["kind"] != "complaint")]
    if others.empty and opinions(facts).empty:
        return None
    complainers = set(tickets.loc[tickets["kind"] == "complaint", "customer_id"])
    unsolved, low = others[others["resolved"].isna()], low_scores(facts)
    problems = pd.concat(
        [
            pd.DataFrame({"customer_id": part["customer_id"], "problem": facts.day(part[at])})
            for part, at in ((unsolved, "opened"), (low, "answered"))
        ]
    )
    problems = problems[~problems["customer_id"].isin(complainers)]
    met = problems.merge(facts.losses, on="customer_id")
    until = days_apart(met["problem"], met["day"])
    left = met[(until > 0) & (until <= LIMITS["lost_after_days"])]
    return left["customer_id"].nunique() / len(complainers)


def unfiled_complaints(facts: ServiceFacts) -> Rows:
    if facts.tickets.empty:
        return {}
    low = low_scores(facts).assign(day=lambda rows: facts.day(rows["answered"]))
    opened = facts.tickets.assign(opened=facts.day(facts.tickets["opened"]))
    near = low.merge(opened[["customer_id", "opened"]], on="customer_id")
    is_near = days_apart(near["day"], near["opened"]).abs() <= LIMITS["unfiled_complaint_days"]
    filed = set(near.loc[is_near, "response_id"])
    return {
        (row.response_id,): {
            "customer_id": row.customer_id,
            "survey": row.survey,
            "answer": None if pd.isna(row.answer) else row.answer,
            "scaled_score": float(row.score),
            "revenue_at_risk": facts.revenue_at_risk[row.customer_id],
            "answered_at": moment(row.answered),
            "as_of_date": facts.as_of.date(),
        }
        for row in low.itertuples()
        if row.response_id not in filed
    }


def exit_reasons(facts: ServiceFacts) -> Rows:
    """Keys: reason, competitor."""
    keys = ["reason", "competitor"]
    leavers, returns = (
        frame.assign(competitor=frame["competitor"].astype(object).fillna(NOBODY))
        for frame in (facts.leavers, facts.returns)
    )
    rows: Rows = {}
    for key in {*leavers[keys].itertuples(index=False, name=None)} | {
        *returns[keys].itertuples(index=False, name=None)
    }:
        lost, back = (
            frame[(frame["reason"] == key[0]) & (frame["competitor"] == key[1])]
            for frame in (leavers, returns)
        )
        told = lost["is_winnable"].dropna()
        rows[key] = {
            "customer_count": len(lost),
            "share_of_lost": ratio(len(lost), len(leavers)),
            "winnable_count": int((told == True).sum()) if len(told) else None,  # noqa: E712
            "revenue_lost": sum(lost["revenue"], start=0),
            "returned_count": back["customer_id"].nunique(),
            "won_back_count": back.loc[back["is_won_back"].astype(bool), "customer_id"].nunique(),
            "as_of_date": facts.as_of.date(),
        }
    return rows


# ---- promises and products ---------------------------------------------------------------------


def came_back(rows: pd.DataFrame, key: str, facts: ServiceFacts) -> pd.Series:
    """Whether another purchase day lies in the days after `start`; None while they are not over."""
    met = rows[[key, "customer_id", "start"]].merge(facts.purchase_days, on="customer_id")
    after = days_apart(met["start"], met["day"])
    again = set(met.loc[(after > 0) & (after <= LIMITS["repeat_purchase_days"]), key])
    is_over = days_apart(rows["start"], facts.as_of) >= LIMITS["repeat_purchase_days"]
    return rows[key].isin(again).astype(object).where(is_over, None)


def promises_kept(facts: ServiceFacts) -> Rows:
    orders = facts.orders[facts.orders["promised"].notna()].copy()
    is_undated = orders["delivered"].isna() & (orders["status"] == "fulfilled")
    if facts.orders["delivered"].isna().all():
        is_undated = orders["delivered"].isna()
    orders["is_undated"] = is_undated | orders["has_bad_delivery"]
    orders["delivered"], orders["invoiced"] = map(
        facts.known, (orders["delivered"], orders["invoiced"])
    )
    orders["start"] = facts.day(orders["ordered"])
    orders["again"] = came_back(orders, "order_id", facts)
    orders["score"] = orders["order_id"].map(first_scores(orders, facts))
    days = {name: facts.day(orders[name]) for name in ("promised", "delivered", "invoiced")}
    given_back = facts.day(orders["refunded"].fillna(orders["ordered"]))
    ends = given_back.where(orders["is_whole_refund"], facts.as_of).clip(upper=facts.as_of)
    is_there = orders["delivered"].notna()
    is_waited_for = ~is_there & (orders["status"] != "cancelled") & ~orders["is_undated"]
    overdue = days_apart(days["promised"], ends)
    late = days_apart(days["promised"], days["delivered"]).where(
        is_there, overdue.where(is_waited_for & (overdue > 0))
    )
    early = (days["invoiced"] < days["delivered"]).astype(object)
    early = early.where(is_there, True).where(orders["invoiced"].notna(), None)
    early = early.where(is_there | is_waited_for, None)
    is_settled = orders["is_whole_refund"] & (given_back <= facts.as_of) & ~is_there
    early = early.where(~is_settled, None)
    rows: Rows = {}
    for row, lateness, invoice in zip(orders.itertuples(), late, early, strict=True):
        is_late = None if pd.isna(lateness) else bool(lateness > 0)
        is_delivered = None if row.is_undated else not pd.isna(row.delivered)
        rows[(row.order_id,)] = {
            "customer_id": row.customer_id,
            "status": row.status,
            "days_late": None if pd.isna(lateness) else int(lateness),
            "first_score_30d": number(row.score),
            "is_delivered": is_delivered,
            "is_late": is_late,
            "is_invoiced_before_delivery": invoice,
            "is_red_flag": None if is_delivered is None else bool(is_late or invoice),
            "is_repeat_90d": row.again,
            "promised_date": facts.day(pd.Series([row.promised]))[0].date(),
            "ordered_at": moment(row.ordered),
            "promised_at": moment(row.promised),
            "delivered_at": moment(row.delivered),
            "invoiced_at": moment(row.invoiced),
            "as_of_date": facts.as_of.date(),
        }
    return rows


def first_scores(orders: pd.DataFrame, facts: ServiceFacts) -> dict:
    """Order -> the first CSAT or NPS score in the days after its delivery."""
    given = opinions(facts)
    given = given[given["survey"].isin(["csat", "nps"])].drop(columns="answer")
    met = orders[["order_id", "customer_id", "delivered"]].dropna().merge(given, on="customer_id")
    after = days_apart(facts.day(met["delivered"]), facts.day(met["answered"]))
    is_after = met["answered"] >= met["delivered"]
    met = met[is_after & (after <= LIMITS["score_after_delivery_days"])]
    met = met.sort_values(["answered", "response_id"]).drop_duplicates("order_id")
    return dict(zip(met["order_id"], met["score"], strict=True))


def product_quality(facts: ServiceFacts) -> Rows:
    orders = facts.orders[facts.orders["is_payable"]]
    given_back = facts.day(orders["refunded"].fillna(orders["ordered"])) <= facts.as_of
    orders = orders.assign(
        start=facts.day(orders["ordered"]), is_refunded=orders["has_refund"] & given_back
    )
    sold = facts.items.merge(orders, on="order_id", validate="many_to_one")
    firsts = sold.groupby(["product_id", "customer_id"])["start"].min().reset_index()
    firsts["pair"] = firsts["product_id"] + "\n" + firsts["customer_id"]
    firsts["again"] = came_back(firsts, "pair", facts)
    judged = firsts[firsts["again"].notna()]
    rate_of_all = ratio((judged["again"] == True).sum(), len(judged))  # noqa: E712
    per_order = sold.drop_duplicates(["product_id", "order_id"]).assign(
        complained=lambda rows: rows["order_id"].map(complained_about(orders, facts))
    )
    empty = {"sold": sold.iloc[:0], "orders": per_order.iloc[:0], "buyers": firsts.iloc[:0]}
    groups = {
        "sold": dict(list(sold.groupby("product_id"))),
        "orders": dict(list(per_order.groupby("product_id"))),
        "buyers": dict(list(firsts.groupby("product_id"))),
    }
    told = facts.products.set_index("product_id")[["name", "category"]].astype(object)
    told = told.where(told.notna(), None).to_dict("index")
    rows: Rows = {}
    for product in told.keys() | groups["sold"].keys():
        part = {name: groups[name].get(product, empty[name]) for name in groups}
        names = told.get(product, {"name": None, "category": None})
        rows[(product,)] = names | quality(part) | {"all_repeat_rate_90d": rate_of_all}
        rows[(product,)]["as_of_date"] = facts.as_of.date()
    return rows


def quality(part: dict[str, pd.DataFrame]) -> dict:
    """The figures of one product."""
    lines, orders, buyers = part["sold"], part["orders"], part["buyers"]
    checked = lines[lines["returned"].notna()]
    again = [value for value in buyers["again"] if value is not None]
    seen = [value for value in orders["complained"] if value is not None and value == value]
    returned = float(checked["returned"].sum()) if len(checked) or lines.empty else None
    return {
        "buyer_count": len(buyers),
        "order_count": len(orders),
        "quantity": float(lines["quantity"].sum()),
        "returned_quantity": returned,
        "return_rate": ratio(checked["returned"].sum(), checked["quantity"].sum()),
        "refunded_order_count": int(orders["is_refunded"].sum()),
        "refund_rate": ratio(orders["is_refunded"].sum(), len(orders)),
        "complaint_rate": ratio(sum(seen), len(seen)),
        "mature_buyer_count": len(again),
        "repeat_rate_90d": ratio(sum(again), len(again)),
        "repeat_rate_low": wilson(sum(again), len(again), -1),
        "repeat_rate_high": wilson(sum(again), len(again), 1),
        "is_sufficient": len(again) >= LIMITS["minimum_sample_count"],
    }


def complained_about(orders: pd.DataFrame, facts: ServiceFacts) -> dict:
    """Order -> whether a complaint followed; None while one may, or where no kind is known."""
    if facts.tickets["kind"].notna().sum() == 0:
        return dict.fromkeys(orders["order_id"])
    tickets = facts.tickets[facts.tickets["kind"] == "complaint"]
    met = orders.merge(tickets[["customer_id", "opened"]], on="customer_id")
    after = days_apart(met["start"], facts.day(met["opened"]))
    is_about = (met["opened"] >= met["ordered"]) & (after <= LIMITS["complaint_after_order_days"])
    hit = set(met.loc[is_about, "order_id"])
    is_over = days_apart(orders["start"], facts.as_of) >= LIMITS["complaint_after_order_days"]
    return {
        order: order in hit if over else None
        for order, over in zip(orders["order_id"], is_over, strict=True)
    }


# ---- hours -------------------------------------------------------------------------------------


def support_hours(facts: ServiceFacts) -> Rows:
    """Keys: weekday, hour."""
    tickets = facts.tickets
    local = tickets["opened"].dt.tz_localize("UTC").dt.tz_convert(facts.zone)
    tickets = tickets.assign(
        weekday=local.dt.day_of_week + 1,
        hour=local.dt.hour,
        reply=(tickets["replied"] - tickets["opened"]).dt.total_seconds() / 3600,
    )
    groups = dict(list(tickets.groupby(["weekday", "hour"])))
    rows: Rows = {}
    for key in ((weekday, hour) for weekday in range(1, 8) for hour in range(24)):
        here = groups.get(key, tickets.iloc[:0])
        waits = here["wait_seconds"].dropna().astype(float).to_numpy()
        long = int((waits > HOLD_SECONDS).sum())
        rows[key] = {
            "ticket_count": len(here),
            "untimed_ticket_count": int((~here["is_timed"].astype(bool)).sum()),
            "wait_count": len(waits),
            "mean_wait_seconds": float(np.mean(waits)) if len(waits) else None,
            "median_wait_seconds": float(np.median(waits)) if len(waits) else None,
            "long_wait_count": long if len(waits) else None,
            "long_wait_rate": ratio(long, len(waits)),
            "mean_reply_hours": number(here["reply"].mean()),
            "as_of_date": facts.as_of.date(),
        }
    return rows
