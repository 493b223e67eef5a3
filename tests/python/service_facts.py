"""Facts for `pandas_service`, read from the files of each source as they landed."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pandas as pd
import reference
import reference_retention
from landed_facts import read
from pandas_service import ServiceFacts
from reference import Act, answered_at
from reference_retention import Retention

SCALES = {row["survey"]: row for row in reference.seed("survey_scales")}
BRAZIL = "America/Sao_Paulo"
TICKETS = ["ticket_id", "customer_id", "kind", "wait_seconds", "satisfaction", "is_timed"]
TICKET_TIMES = ["opened", "replied", "resolved"]
ORDER_TIMES = ["ordered", "promised", "delivered", "invoiced", "refunded"]
ORDERS = ["order_id", "customer_id", "status", "is_payable", "has_refund", "is_whole_refund"]
ANSWERS = ["response_id", "customer_id", "survey", "score", "competitor", "answer"]
LEAVERS = ["customer_id", "reason", "competitor", "is_winnable", "revenue"]
RETURNS = ["customer_id", "reason", "competitor", "is_won_back"]


def frame(rows: Iterable[dict], columns: list[str], times: Iterable[str] = ()) -> pd.DataFrame:
    """A frame that has its columns and types also when it is empty."""
    made = pd.DataFrame(list(rows), columns=[*columns, *times])
    for column in times:
        made[column] = pd.to_datetime(made[column]).astype("datetime64[ns]")
    return made


def number(text: str | None) -> float | None:
    return float(text) if text else None


# ---- files of the input contract ---------------------------------------------------------------


def contract(data: Retention) -> ServiceFacts:
    """Folding, states and money at risk come from the reference; the files must be clean."""
    known = {key: person.known(data.as_of) for key, person in data.people.items()}
    paid = {key: [act for act in acts if act.name == "order_paid"] for key, acts in known.items()}
    signs = [
        {"customer_id": key, "at": utc(act.at)}
        for key, acts in known.items()
        for act in acts
        if act.name in ("order_paid", "advocacy_act") or act.first
    ]
    return ServiceFacts(
        as_of=pd.Timestamp(data.as_of),
        tickets=frame(tickets(data), TICKETS, TICKET_TIMES),
        orders=frame(orders(data), [*ORDERS, "has_bad_delivery"], ORDER_TIMES),
        items=frame(
            (
                {**row, "quantity": number(row["quantity"])}
                | {"returned": number(row["returned_quantity"])}
                for row in data.reference.rows("order_items")
            ),
            ["order_id", "product_id", "quantity", "returned"],
        ),
        products=frame(data.reference.rows("products"), ["product_id", "name", "category"]),
        purchase_days=frame(
            ({"customer_id": key, "day": act.day} for key, acts in paid.items() for act in acts),
            ["customer_id"],
            ["day"],
        ).drop_duplicates(),
        answers=frame(answers(data), ANSWERS, ["answered"]),
        signs=frame(signs, ["customer_id"], ["at"]),
        losses=frame(
            (
                {"customer_id": key, "day": spell.first}
                for key, spells in data.spells.items()
                for spell in spells
                if spell.state == "lost"
            ),
            ["customer_id"],
            ["day"],
        ),
        leavers=frame(leavers(data, known), LEAVERS),
        returns=frame(returns(data), RETURNS),
        revenue_at_risk={key: data.revenue_at_risk(acts, key) for key, acts in known.items()},
    )


def utc(at) -> pd.Timestamp:
    return pd.Timestamp(at).tz_localize(None)


def time(text: str) -> pd.Timestamp:
    return utc(reference.moment(text)) if text else pd.NaT


def of_people(data: Retention, table: str) -> Iterable[dict]:
    """Rows of real customers, named by the id that survives."""
    for row in data.reference.rows(table):
        owner = data.reference.home[row["customer_id"]]
        if owner in data.people:
            yield {**row, "customer_id": owner}


def tickets(data: Retention) -> Iterable[dict]:
    for row in of_people(data, "tickets"):
        if data.happened(row["opened_at"]):
            done = {
                name: time(row[column]) if data.happened(row[column]) else pd.NaT
                for name, column in (("replied", "first_replied_at"), ("resolved", "resolved_at"))
            }
            # Satisfaction is told when a ticket is resolved.
            is_told = not row["resolved_at"] or data.happened(row["resolved_at"])
            yield {
                "ticket_id": row["ticket_id"],
                "customer_id": row["customer_id"],
                "kind": row["kind"] or None,
                "wait_seconds": number(row["wait_seconds"]),
                "satisfaction": number(row["satisfaction"]) if is_told else None,
                "is_timed": "T" in row["opened_at"],
                "opened": time(row["opened_at"]),
            } | done


def orders(data: Retention) -> Iterable[dict]:
    for row in of_people(data, "orders"):
        if data.happened(row["ordered_at"]):
            status, kind = row["status"] or "paid", row["kind"] or "standard"
            amount, refund = Decimal(row["amount"]), Decimal(row["refund_amount"] or 0)
            refund = amount if status == "refunded" and not refund else refund
            times = {name: time(row[f"{name}_at"]) for name in ORDER_TIMES}
            yield times | {
                "order_id": row["order_id"],
                "customer_id": row["customer_id"],
                "status": status,
                "is_payable": kind == "standard" and status != "cancelled" and amount > 0,
                "has_refund": refund > 0,
                "is_whole_refund": refund >= amount > 0,
                "has_bad_delivery": False,
            }


def answers(data: Retention) -> Iterable[dict]:
    for row in of_people(data, "surveys"):
        at = answered_at(row)
        if at and at.date() <= data.as_of:
            scale = SCALES.get(row["survey"], {})
            low, high = (
                float(row[end] or scale.get(end) or "nan") for end in ("scale_min", "scale_max")
            )
            yield {
                "response_id": row["response_id"],
                "customer_id": row["customer_id"],
                "survey": row["survey"],
                "score": 100 * (float(row["score"]) - low) / (high - low) if row["score"] else None,
                "competitor": row["competitor"] or None,
                "answer": row["answer"] or None,
                "answered": utc(at),
            }


def leavers(data: Retention, known: dict[str, list[Act]]) -> Iterable[dict]:
    """Who is lost today, and what they paid in the year before."""
    paying = ("order_paid", "order_refunded", "subscription_month")
    for (customer_id,), row in reference_retention.win_back_candidates(data).items():
        since = row["lost_date"] - timedelta(365)
        amounts = [
            act.amount
            for act in known[customer_id]
            if act.name in paying and since <= act.day < row["lost_date"]
        ]
        revenue = max(sum(amounts), Decimal(0)) if amounts else row["past_value"]
        yield {**row, "customer_id": customer_id, "revenue": revenue}


def returns(data: Retention) -> Iterable[dict]:
    """Who was lost and came back: what they had said by then, and whether we had asked."""
    said, ended = reference_retention.exit_answers(data), reference_retention.cancelled(data)
    for customer_id, person in data.people.items():
        spells = data.spells[customer_id]
        paid = [act.day for act in person.known(data.as_of) if act.is_payment]
        asked = list(reference_retention.episodes_of(data, person))
        for place, (lost, back) in enumerate(pairwise(spells), 1):
            if lost.state != "lost" or back.state == "prospect":
                continue
            begun = reference_retention.spell_start(spells[:place], min(paid, default=date.max))
            then = [
                [one for one in given[customer_id] if begun <= one.at.date() < back.first]
                for given in (said, ended)
            ]
            reason, _ = reference_retention.grouped(
                *reference_retention.reason_of(*then, is_locked_out=False)
            )
            yield {
                "customer_id": customer_id,
                "reason": reason,
                "competitor": reference_retention.latest_competitor(then[0]),
                "is_won_back": any(
                    one.is_treated and one.is_won and lost.first <= one.day <= back.first
                    for one in asked
                ),
            }


# ---- sources with names of their own -----------------------------------------------------------


def brazilian(texts: pd.Series) -> pd.Series:
    """Local times to UTC: skipped ones an hour later, repeated ones the later of the two."""
    local = pd.to_datetime(texts).dt.tz_localize(
        BRAZIL, ambiguous=False, nonexistent=pd.Timedelta(hours=1)
    )
    return local.dt.tz_convert("UTC").dt.tz_localize(None).astype("datetime64[ns]")


def olist(folder: Path) -> ServiceFacts:
    people = read(folder / "olist_customers_dataset.parquet", "customer_id, customer_unique_id")
    paid = read(folder / "olist_order_payments_dataset.parquet", "order_id, payment_value")
    paid = paid.assign(amount=paid["payment_value"].map(Decimal)).groupby("order_id")["amount"]
    rows = read(folder / "olist_orders_dataset.parquet").merge(people, on="customer_id")
    times = {
        "ordered": "order_purchase_timestamp",
        "promised": "order_estimated_delivery_date",
        "delivered": "order_delivered_customer_date",
    }
    states = {"delivered": "fulfilled", "shipped": "fulfilled", "created": "placed"}
    states |= dict.fromkeys(["invoiced", "processing", "approved"], "paid")
    states |= dict.fromkeys(["canceled", "unavailable"], "cancelled")
    made = pd.DataFrame(
        {
            "order_id": rows["order_id"],
            "customer_id": rows["customer_unique_id"],
            "status": rows["order_status"].map(states),
            "has_refund": False,
            "is_whole_refund": False,
            "invoiced": pd.Series(pd.NaT, rows.index, dtype="datetime64[ns]"),
            "refunded": pd.Series(pd.NaT, rows.index, dtype="datetime64[ns]"),
        }
        | {name: brazilian(rows[column]) for name, column in times.items()}
    )
    made["amount"] = made["order_id"].map(paid.sum())
    made = made[made["amount"].notna()]  # an order without any payment is quarantined
    made["is_payable"] = (made["status"] != "cancelled") & (made["amount"] > 0)
    made["has_bad_delivery"] = made["delivered"] < made["ordered"]
    made["delivered"] = made["delivered"].mask(made["has_bad_delivery"])
    reviews = olist_reviews(folder, rows)
    items = read(folder / "olist_order_items_dataset.parquet", "order_id, product_id")
    as_of = max(local_day(made["ordered"]).max(), local_day(reviews["answered"]).max())
    recent = made[
        made["is_payable"] & (local_day(made["ordered"]) > as_of - pd.Timedelta(days=365))
    ]
    at_risk = dict.fromkeys(rows["customer_unique_id"], Decimal(0))
    return nothing_else(
        as_of=as_of,
        orders=made,
        items=items.assign(quantity=1.0, returned=None),
        products=olist_products(folder),
        answers=reviews,
        revenue_at_risk=at_risk | recent.groupby("customer_id")["amount"].sum().to_dict(),
        zone=BRAZIL,
    )


def local_day(times: pd.Series) -> pd.Series:
    local = times.dt.tz_localize("UTC").dt.tz_convert(BRAZIL)
    return local.dt.tz_localize(None).dt.normalize()


def olist_reviews(folder: Path, orders: pd.DataFrame) -> pd.DataFrame:
    reviews = read(folder / "olist_order_reviews_dataset.parquet")
    reviews = reviews.merge(orders[["order_id", "customer_unique_id"]], on="order_id")
    asked, given = (
        brazilian(reviews[column]) for column in ("review_creation_date", "review_answer_timestamp")
    )
    words = reviews["review_comment_title"].str.cat(
        reviews["review_comment_message"], sep=": ", na_rep=""
    )
    words = words.str.replace("^: |: $", "", regex=True).str.strip()
    return pd.DataFrame(
        {
            "response_id": reviews["review_id"] + "-" + reviews["order_id"],
            "customer_id": reviews["customer_unique_id"],
            "survey": "csat",
            "score": (reviews["review_score"].astype(float) - 1) * 25,
            "competitor": None,
            "answer": words.where(words != "", None),
            # An answer before its question is impossible: the question's time stands in for it.
            "answered": given.where(given >= asked, asked),
        }
    )


def olist_products(folder: Path) -> pd.DataFrame:
    english = read(folder / "product_category_name_translation.parquet")
    english = dict(english.itertuples(index=False, name=None))
    rows = read(folder / "olist_products_dataset.parquet", "product_id, product_category_name")
    names = rows["product_category_name"].astype(object)
    names = [None if pd.isna(name) else english.get(name, name) for name in names]
    return pd.DataFrame({"product_id": rows["product_id"], "name": None, "category": names})


def ravenstack(folder: Path) -> ServiceFacts:
    """Tickets of a day without a time; replies and resolutions so long after its start."""
    rows = read(folder / "ravenstack_support_tickets.parquet")
    used = read(folder / "ravenstack_feature_usage.parquet", "usage_date as day")
    left = read(folder / "ravenstack_churn_events.parquet", "churn_date as day")
    opened = pd.to_datetime(rows["submitted_at"])
    minutes = pd.to_timedelta(rows["first_response_time_minutes"].astype(float), unit="m")
    hours = pd.to_timedelta(rows["resolution_time_hours"].astype(float), unit="h")
    as_of = max(pd.to_datetime(part["day"]).max() for part in (used, left))
    made = pd.DataFrame(
        {
            "ticket_id": rows["ticket_id"],
            "customer_id": rows["account_id"],
            "kind": None,
            "wait_seconds": None,
            "satisfaction": rows["satisfaction_score"].astype(float),
            "is_timed": False,
            "opened": opened,
            "replied": opened + minutes,
            "resolved": (opened + hours).fillna(pd.to_datetime(rows["closed_at"])),
        }
    )
    made = made[made["opened"] <= as_of]
    for column in ("replied", "resolved"):
        made[column] = made[column].where(made[column].dt.normalize() <= as_of)
    return nothing_else(as_of=as_of, tickets=made)


def nothing_else(**given) -> ServiceFacts:
    """Facts of a source that tells only some of it. A payable order is a paid one here."""
    empty = {
        "tickets": frame([], TICKETS, TICKET_TIMES),
        "orders": frame([], [*ORDERS, "has_bad_delivery"], ORDER_TIMES),
        "items": frame([], ["order_id", "product_id", "quantity", "returned"]),
        "products": frame([], ["product_id", "name", "category"]),
        "answers": frame([], ANSWERS, ["answered"]),
        "signs": frame([], ["customer_id"], ["at"]),
        "losses": frame([], ["customer_id"], ["day"]),
        "leavers": frame([], LEAVERS),
        "returns": frame([], RETURNS),
        "purchase_days": frame([], ["customer_id"], ["day"]),
    }
    if "orders" in given:
        paid = given["orders"][given["orders"]["is_payable"]]
        days = pd.DataFrame({"customer_id": paid["customer_id"], "day": local_day(paid["ordered"])})
        empty["purchase_days"] = days.drop_duplicates()
    return ServiceFacts(**empty | given)
