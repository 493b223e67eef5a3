"""Facts for `pandas_retention`, read from the files of each source as they landed."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
from pandas_retention import SEGMENTS, Facts, to_cents
from reference import Reference, moment


def read(file: Path, columns: str = "*") -> pd.DataFrame:
    """Columns of a Parquet file, as text."""
    with duckdb.connect() as con:
        return con.execute(f"select {columns} from read_parquet($1)", [str(file)]).df()


def cdnow(file: Path, customer: str, money: str) -> Facts:
    """Purchases of CDs; those of 0 dollars are no paid orders."""
    rows = read(file, f"{customer} as customer_id, date, {money} as amount")
    rows["day"] = pd.to_datetime(rows["date"], format="%Y%m%d")
    rows["cents"] = cents(rows["amount"])
    orders = rows.loc[rows["cents"] > 0, ["customer_id", "day", "cents"]]
    return facts(rows["day"].max(), orders, acts={"any": [orders]})


def olist(folder: Path) -> Facts:
    """Times are local to the shop, and days are cut there."""
    orders = read(folder / "olist_orders_dataset.parquet")
    people = read(folder / "olist_customers_dataset.parquet", "customer_id, customer_unique_id")
    payments = read(folder / "olist_order_payments_dataset.parquet")
    reviews = read(folder / "olist_order_reviews_dataset.parquet")
    orders = orders.merge(people, on="customer_id", validate="one_to_one")
    orders = orders.drop(columns="customer_id").rename(
        columns={"customer_unique_id": "customer_id"}
    )
    orders["day"] = days(orders["order_purchase_timestamp"])
    payments["cents"] = cents(payments["payment_value"])
    orders = orders.merge(
        payments.groupby("order_id")["cents"].sum(),
        left_on="order_id",
        right_index=True,
        how="left",
    )
    is_paid = ~orders["order_status"].isin(["canceled", "unavailable"]) & (orders["cents"] > 0)
    paid = orders[is_paid].astype({"cents": "int64"})
    reviews = reviews.merge(orders[["order_id", "customer_id"]], on="order_id")
    # An answer before its question is impossible: the question's time stands in for it.
    asked = pd.to_datetime(reviews["review_creation_date"])
    answered = pd.to_datetime(reviews["review_answer_timestamp"])
    reviews["day"] = answered.where(answered >= asked, asked).dt.normalize()
    as_of = max(orders["day"].max(), answered.max().normalize(), asked.max())
    return facts(
        as_of,
        paid,
        acts={"any": [paid, reviews]},
        customers=pd.DataFrame({"country": "BR"}, index=people["customer_unique_id"].unique()),
    )


def ravenstack(folder: Path) -> Facts:
    """A day of use is a login and, unless it was used zero times, an event."""
    accounts = read(folder / "ravenstack_accounts.parquet").rename(
        columns={"account_id": "customer_id"}
    )
    plans = read(folder / "ravenstack_subscriptions.parquet").rename(
        columns={"account_id": "customer_id"}
    )
    usage = read(folder / "ravenstack_feature_usage.parquet").merge(
        plans[["subscription_id", "customer_id"]], on="subscription_id", validate="many_to_one"
    )
    usage["day"] = days(usage["usage_date"])
    logins = latest(usage, "usage_id")
    events = latest(usage[usage["usage_count"].astype(int) > 0], "usage_id")
    exits = read(folder / "ravenstack_churn_events.parquet").rename(
        columns={"account_id": "customer_id"}
    )
    tickets = read(folder / "ravenstack_support_tickets.parquet").rename(
        columns={"account_id": "customer_id"}
    )
    exits["day"], tickets["day"] = days(exits["churn_date"]), days(tickets["submitted_at"])
    accounts["day"], plans["day"] = days(accounts["signup_date"]), days(plans["start_date"])
    plans["end_day"], plans["cents"] = days(plans["end_date"]), cents(plans["mrr_amount"])
    as_of = max(usage["day"].max(), exits["day"].max())
    # An open trial has lasted to the last day of use.
    trial_end = plans["end_day"].fillna(usage["day"].max())
    trials = plans[(plans["is_trial"] == "TRUE") & (trial_end > plans["day"])]
    is_paid = (plans["cents"] > 0) & ~(plans["end_day"] <= plans["day"])
    return facts(
        as_of,
        plans.iloc[:0],
        plans[is_paid].rename(columns={"day": "first_day"}),
        acts={"login": [logins], "any": [accounts, logins, events, exits, tickets, trials]},
        customers=accounts.rename(
            columns={"industry": "archetype", "referral_source": "entry_source"}
        ).set_index("customer_id"),
    )


def contract(reference: Reference) -> Facts:
    """Files of the input contract: folding and what each customer did come from the reference."""
    as_of = reference.as_of
    orders = [
        {"customer_id": reference.home[row["customer_id"]], **order}
        for row in reference.rows("orders")
        if (order := paid_order(row, reference))
    ]
    plans = [
        {"customer_id": reference.home[row["customer_id"]], **plan}
        for row in reference.rows("subscriptions")
        if (plan := paid_plan(row, reference))
    ]
    named = {"order_paid": "order", "login_success": "login"}
    acts = [
        (person.customer_id, activity, act.day)
        for person in reference.people.values()
        for act in person.known(as_of)
        for activity in {named.get(act.name), "any" if act.name in reference.engaging else None}
        if activity
    ]
    acts = pd.DataFrame(acts, columns=["customer_id", "activity", "day"])
    acts["day"] = pd.to_datetime(acts["day"])
    orders = of_people(orders, ["customer_id", "day", "cents"], reference)
    plans = of_people(plans, ["customer_id", "first_day", "end_day", "cents"], reference)
    plans["first_day"] = pd.to_datetime(plans["first_day"])
    plans["end_day"] = pd.to_datetime(plans["end_day"])
    orders["day"] = pd.to_datetime(orders["day"])
    return Facts(
        pd.Timestamp(as_of), acts.drop_duplicates(), orders, plans, folded_segments(reference)
    )


def paid_order(row: dict, reference: Reference) -> dict | None:
    """Day and cents of a paid order, less what was given back by the as-of date."""
    at, amount = moment(row["ordered_at"]), Decimal(row["amount"])
    is_standard = (row["kind"] or "standard") == "standard"
    if not is_standard or row["status"] == "cancelled" or not amount:
        return None
    refund = Decimal(row["refund_amount"] or 0)
    if row["status"] == "refunded" and not refund:
        refund = amount
    given_back = max(moment(row["refunded_at"]) if row["refunded_at"] else at, at)
    is_known = given_back.date() <= reference.as_of
    if at.date() > reference.as_of or (is_known and refund == amount):
        return None
    rate = rate_on(reference, row["currency"], at.date())
    net = to_cents(amount * rate) - (to_cents(refund * rate) if is_known else 0)
    return {"day": at.date(), "cents": net}


def paid_plan(row: dict, reference: Reference) -> dict | None:
    """First day, last day and cents of a subscription that was ever paid."""
    starts = moment(row["started_at"])
    pays_from = max(starts, moment(row["trial_ends_at"])) if row["trial_ends_at"] else starts
    ends = moment(row["ended_at"]) if row["ended_at"] else None
    amount = Decimal(row["monthly_amount"])
    if not amount or pays_from.date() > reference.as_of or (ends and ends <= pays_from):
        return None
    cents_a_month = to_cents(amount * rate_on(reference, row["currency"], starts.date()))
    return {
        "first_day": pays_from.date(),
        "end_day": ends.date() if ends else None,
        "cents": cents_a_month,
    }


def rate_on(reference: Reference, currency: str, day: date) -> Decimal:
    if currency in ("", "USD"):
        return Decimal(1)
    (rate,) = {
        Decimal(row["rate"])
        for row in reference.rates
        if row["currency"] == currency
        and date.fromisoformat(row["valid_from"]) <= day <= date.fromisoformat(row["valid_to"])
    }
    return rate


def of_people(rows: list[dict], columns: list[str], reference: Reference) -> pd.DataFrame:
    """Without the rows of test customers."""
    frame = pd.DataFrame(rows, columns=columns)
    return frame[frame["customer_id"].isin(reference.people.keys())].reset_index(drop=True)


def folded_segments(reference: Reference, columns: tuple[str, ...] = SEGMENTS) -> pd.DataFrame:
    """The survivor's own attribute, else the smallest of the ids folded into it."""
    rows = pd.DataFrame(reference.rows("customers"), columns=["customer_id", *columns])
    rows = rows.replace("", None)
    rows["home"] = rows["customer_id"].map(reference.home)
    own = rows[rows["customer_id"] == rows["home"]].set_index("home")[list(columns)]
    any_id = rows.groupby("home")[list(columns)].agg(lambda values: values.dropna().min())
    return own.reindex(list(reference.people)).fillna(any_id)


def facts(
    as_of: pd.Timestamp,
    orders: pd.DataFrame,
    subscriptions: pd.DataFrame | None = None,
    *,
    acts: dict[str, list[pd.DataFrame]],
    customers: pd.DataFrame | None = None,
) -> Facts:
    """Facts of files that need no folding. Acts of kind order are the orders."""
    parts = [
        part[["customer_id", "day"]].assign(activity=activity)
        for activity, frames in ({"order": [orders]} | acts).items()
        for part in frames
    ]
    every = pd.concat(parts).drop_duplicates()
    people = customers if customers is not None else pd.DataFrame(index=every["customer_id"])
    people = people[~people.index.duplicated()].reindex(columns=list(SEGMENTS))
    if subscriptions is None:
        subscriptions = orders.iloc[:0].rename(columns={"day": "first_day"}).assign(end_day=pd.NaT)
    return Facts(
        as_of,
        every[every["day"] <= as_of],
        orders[orders["day"] <= as_of],
        subscriptions[subscriptions["first_day"] <= as_of],
        people,
    )


def latest(rows: pd.DataFrame, key: str) -> pd.DataFrame:
    """Of rows with one id the one with the latest day; all of them go where two share it."""
    newest = rows[rows["day"] == rows.groupby(key)["day"].transform("max")].drop_duplicates()
    return newest[~newest.duplicated(key, keep=False)]


def days(texts: pd.Series) -> pd.Series:
    return pd.to_datetime(texts).dt.normalize()


def cents(texts: pd.Series) -> pd.Series:
    return texts.map(lambda text: to_cents(Decimal(text)))
