"""Survey scores, loyalty, attributes and share of wallet against plain pandas on landed files."""

import os
import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import landed_facts
import pandas as pd
import pandas_voice
import pytest
from built_marts import assert_mart_equals, built, mart, table, write_landing
from pandas_voice import Voice
from reference import Reference, answered_at, moment, seed

from evergreen.demo import generate
from evergreen.paths import PROJECT_DIR, Warehouse

SHARED = os.environ.get("EVERGREEN_SHARED_DATA")
needs_shared = pytest.mark.skipif(
    not SHARED, reason="EVERGREEN_SHARED_DATA does not name the folder of the larger real data"
)
KEYS = {
    "survey_scores": ["survey", "period_start", "segment", "segment_value"],
    "loyalty_index": ["customer_id", "month"],
    "attribute_priorities": ["attribute"],
    "share_of_wallet": ["customer_id", "month"],
}
ASKS_NO_MORE = {"olist": ["loyalty_index", "attribute_priorities", "share_of_wallet"]}
"""Marts of questions that a source does not ask: they are empty."""
PAST_DAY = date(2024, 9, 18)
RANDOM_DAY = date(2024, 5, 15)
ANSWER_COLUMNS = ["customer_id", "response_id", "survey", "question", "competitor", "score", "at"]
SEND_COLUMNS = ["customer_id", "survey", "competitor", "day", "is_answered"]
PAYMENTS = {"order_paid", "order_refunded", "subscription_month"}


@dataclass(frozen=True)
class Case:
    """A built warehouse and what was said in its files."""

    name: str
    warehouse: Warehouse
    voice: Voice


# ---- reading -------------------------------------------------------------------------------------


def contract(reference: Reference) -> Voice:
    """Files of the input contract: who is one person comes from the reference."""
    scales = {row["survey"]: row for row in seed("survey_scales")}
    answers, sends = [], []
    for row in reference.rows("surveys"):
        customer, survey = reference.home[row["customer_id"]], row["survey"]
        if customer not in reference.people:
            continue
        competitor, at = row["competitor"] or None, answered_at(row)
        is_answered = at is not None and at.date() <= reference.as_of
        if row["sent_at"] and (day := moment(row["sent_at"]).date()) <= reference.as_of:
            sends.append((customer, survey, competitor, day, is_answered))
        scale = scales.get(survey, {})
        low = row["scale_min"] or scale.get("scale_min")
        high = row["scale_max"] or scale.get("scale_max")
        if is_answered and row["score"] and low and high:
            low, high = Decimal(low), Decimal(high)
            score = 100.0 * float(Decimal(row["score"]) - low) / float(high - low)
            question = row["question"] or None
            answers.append((customer, row["response_id"], survey, question, competitor, score, at))
    answers = pd.DataFrame(answers, columns=ANSWER_COLUMNS)
    answers["day"] = [at.date() for at in answers["at"]]
    payments = [
        (person.customer_id, act.day, int(act.amount * 100))
        for person in reference.people.values()
        for act in person.known(reference.as_of)
        if act.name in PAYMENTS
    ]
    return Voice(
        reference.as_of,
        answers,
        pd.DataFrame(sends, columns=SEND_COLUMNS),
        pd.DataFrame(payments, columns=["customer_id", "day", "cents"]),
        landed_facts.folded_segments(reference),
    )


def olist(folder: Path) -> Voice:
    """Reviews of 1 to 5; an answer before its question has the time of the question."""
    facts = landed_facts.olist(folder)
    rows = landed_facts.read(folder / "olist_order_reviews_dataset.parquet")
    orders = landed_facts.read(folder / "olist_orders_dataset.parquet", "order_id, customer_id")
    people = landed_facts.read(
        folder / "olist_customers_dataset.parquet", "customer_id as id, customer_unique_id"
    )
    orders = orders.merge(people, left_on="customer_id", right_on="id", validate="one_to_one")
    orders["customer_id"] = orders["customer_unique_id"]
    rows = rows.merge(orders[["order_id", "customer_id"]], on="order_id", validate="many_to_one")
    asked = pd.to_datetime(rows["review_creation_date"])
    answered = pd.to_datetime(rows["review_answer_timestamp"])
    rows["at"] = answered.where(answered >= asked, asked)
    rows["response_id"] = rows["review_id"] + "-" + rows["order_id"]
    rows = rows.assign(survey="csat", question=None, competitor=None)
    rows["score"] = (rows["review_score"].astype(float) - 1) * 25
    rows["day"], as_of = rows["at"].dt.date, facts.as_of.date()
    rows["is_answered"] = rows["day"] <= as_of
    sends = rows.assign(day=asked.dt.date)
    return Voice(
        as_of,
        rows.loc[rows["is_answered"], [*ANSWER_COLUMNS, "day"]],
        sends.loc[sends["day"] <= as_of, SEND_COLUMNS],
        pd.DataFrame(columns=["customer_id", "day", "cents"]),
        facts.customers,
    )


# ---- answers of every kind, at random ------------------------------------------------------------

QUESTIONS = {
    "nps": ["", "How likely?"],
    "csat": [""],
    "ces": [""],
    "loyalty": ["satisfied", "Repurchase", "recommend", "trust", "timely", "care", "price"],
    "attribute": [
        "importance:price",
        "importance:Quality",
        "performance:price",
        "Performance: quality",
        "performance:support",
        "Speed",
        "performance:idle",
        "importance:unseen",
        "performance:theirs",
    ],
    "share_of_wallet": ["share"],
    "exit": ["reason"],
}
SCALES = {
    "nps": [("", "", 10), ("0", "10", 10), ("0", "5", 5), ("1", "10", 10), ("0", "100", 100)],
    "csat": [("", "", 5), ("0", "10", 10), ("1", "7", 7)],
    "ces": [("", "", 7), ("1", "5", 5), ("0", "3", 3)],
    "share_of_wallet": [("", "", 100), ("0", "10", 10)],
}
USUAL_SCALES = [("1", "5", 5), ("1", "7", 7), ("0", "10", 10)]
SHARES = {"nps": 4, "csat": 2, "ces": 2, "loyalty": 14, "attribute": 10, "share_of_wallet": 1}
TIMES = [
    datetime(2024, month, day, hour)
    for month in range(1, 7)
    for day in (1, 15, 28)
    for hour in (0, 23)
]


def random_landing(folder: Path) -> Path:
    """Few customers and few moments, so that answers meet: at one moment, of several brands."""
    draw = random.Random(3)
    people = [f"c{number:03}" for number in range(90)]
    accounts = [
        f"{who},2024-01-01,{draw.choice(['', 'a', 'b'])},{draw.choice(['', 'DE', 'US'])},"
        f"{draw.choice(['', 'ads'])},{people[0] if who in people[1:4] else ''},"
        f"{'true' if who in people[-4:] else ''}"
        for who in people
    ]
    orders = [
        f"o{number},{draw.choice(people)},{draw.choice(TIMES).isoformat()}Z,"
        f"{draw.randint(1, 9999) / 100},{draw.choice(['', '', '', '1.00'])}"
        for number in range(200)
    ]
    orders = [order for order in orders if float(order.split(",")[3]) > 1]
    old_order = f"old,{people[5]},2023-05-01T00:00:00Z,70,"
    surveys = [_random_survey(draw, number, people) for number in range(6000)]
    # What chance does not bring: nobody asked, and six top answers in one month.
    surveys.append(f"unasked,{people[50]},ces,,5,,,,,,2023-12-31T23:00:00Z")
    surveys += [
        f"s{number},{people[60]},loyalty,{question},5,1,5,,,,2023-12-31T23:00:00Z"
        for number, question in enumerate(QUESTIONS["loyalty"])
    ]
    surveys.append(f"s9,{people[60]},loyalty,care,4,1,5,,Acme,,2023-12-31T23:00:00Z")
    return write_landing(
        folder,
        customers=table(
            "customer_id,created_at,archetype,country,entry_source,merged_into,is_test", accounts
        ),
        orders=table("order_id,customer_id,ordered_at,amount,refund_amount", [*orders, old_order]),
        surveys=table(
            "response_id,customer_id,survey,question,score,scale_min,scale_max,answer,competitor,"
            "sent_at,responded_at",
            surveys,
        ),
    )


def _random_survey(draw: random.Random, number: int, people: list[str]) -> str:
    (survey,) = draw.choices(list(SHARES), weights=SHARES.values())
    question = draw.choice(QUESTIONS[survey])
    low, high, top = draw.choice(SCALES.get(survey, USUAL_SCALES))
    score = str(draw.randint(int(low or 1), top))
    if question.endswith(":idle"):
        score = str(top)  # everybody says the same
    competitor = draw.choice(["", "", "Acme", "Bolt", "Zed"])
    if question.endswith(":theirs"):
        competitor = "Zed"
    if draw.random() < 0.05:
        score = ""
    sent = draw.choice(TIMES)
    answered = sent + draw.choice([timedelta(0), timedelta(hours=1), timedelta(days=20)])
    sent_at, responded_at = f"{sent.isoformat()}Z", f"{answered.isoformat()}Z"
    fate = draw.random()
    if fate < 0.1:
        responded_at = ""  # answered when sent, or not at all where there is no score
    elif fate < 0.2:
        sent_at = ""
    who = draw.choice(people)
    return (
        f"r{number:05},{who},{survey},{question},{score},{low},{high},,{competitor},"
        f"{sent_at},{responded_at}"
    )


# ---- cases ---------------------------------------------------------------------------------------


def make_case(name: str, folder: Path) -> Case:
    landing, mapping, as_of = folder / "landing", None, None
    if name == "olist":
        landing, mapping = Path(SHARED) / "olist", PROJECT_DIR / "mappings" / "olist"
        voice = olist(landing)
    elif name == "random":
        as_of = RANDOM_DAY
        voice = contract(Reference(random_landing(landing), as_of))
    else:
        as_of = PAST_DAY if name == "demo_in_the_past" else date(2024, 12, 31)
        generate(customers=300, months=14, seed=8, out=landing)
        voice = contract(Reference(landing, as_of))
    return Case(name, built(folder / "warehouse", landing, KEYS, as_of, mapping), voice)


@pytest.fixture(
    scope="module",
    params=["random", "demo", "demo_in_the_past", pytest.param("olist", marks=needs_shared)],
)
def case(request, tmp_path_factory) -> Case:
    return make_case(request.param, tmp_path_factory.mktemp(request.param))


@pytest.mark.parametrize("name", KEYS)
def test_mart_equals_pandas(case: Case, name: str) -> None:
    if name in ASKS_NO_MORE.get(case.name, []):
        assert mart(case.warehouse, name, KEYS[name]) == {}
        return
    expected = getattr(pandas_voice, name)(case.voice)
    assert_mart_equals(case.warehouse, name, KEYS[name], expected)


def test_random_answers_meet_every_branch(tmp_path: Path) -> None:
    """A comparison proves nothing about what nobody answered."""
    voice = contract(Reference(random_landing(tmp_path), RANDOM_DAY))
    scores = pandas_voice.survey_scores(voice).values()
    assert {row["is_sufficient"] for row in scores} == {True, False}
    assert any(row["score_high"] == 100 and row["promoter_count"] for row in scores)
    assert any(row["response_rate"] is None for row in scores)
    loyalty = pandas_voice.loyalty_index(voice).values()
    assert {row["is_secure"] for row in loyalty} == {True, False, None}
    assert any(row["relative_index"] is not None for row in loyalty)
    attributes = pandas_voice.attribute_priorities(voice).values()
    assert {row["importance_source"] for row in attributes} == {"stated", "derived", None}
    assert {row["is_sufficient"] for row in attributes} == {True, False}
    wallets = pandas_voice.share_of_wallet(voice).values()
    assert {row["method"] for row in wallets} == {"stated", "wallet_allocation_rule"}
    assert any(row["brand_rank"] and row["brand_rank"] % 1 for row in wallets)
    assert any(row["estimated_wallet"] is None for row in wallets)
    said = voice.answers
    at_once = said.duplicated(["customer_id", "survey", "question", "competitor", "at"])
    assert at_once.any()
