"""What customers say and do for others: tickets, surveys, referrals, advocacy acts."""

import numpy as np

from evergreen.demo import vocabulary as v
from evergreen.demo.base import (
    DAY,
    END,
    HOUR,
    MINUTE,
    NA,
    OUTAGE,
    Block,
    Ints,
    Rows,
    between,
    days,
    full,
    known_by_end,
    lognormal,
    pick,
    stack,
    take,
)
from evergreen.demo.people import KNOW, People

HOUR_SHARES = (1, 1, 1, 1, 1, 1, 2, 4, 8, 12, 13, 12, 9, 9, 10, 10, 9, 7, 5, 4, 3, 2, 2, 1)
BUSY_HOURS = (9, 10, 11)


def tickets(block: Block, people: People, orders: Rows, attempts: Rows) -> Rows:
    """Tickets after orders (more after late and refunded ones) and from the locked out."""
    rng = block.rng("tickets")
    late = (orders["delivered_at"] != NA) & (orders["delivered_at"] > orders["promised_at"])
    refund = orders["refund_amount"] != NA
    chance = block.behaviour.ticket_share + np.where(late, 0.3, 0) + np.where(refund, 0.25, 0)
    hit = rng.random(len(chance)) < chance
    since = np.maximum(orders["when"], np.where(late, orders["delivered_at"], NA))[hit]
    usual = np.asarray((0, 2, 3, 1))[pick(rng, (0.6, 0.15, 0.15, 0.1), hit.sum())]
    kind = np.where(late[hit], 1, np.where(refund[hit], 3, usual))
    after_orders = {"who": orders["who"][hit], "when": since + days(rng, 3, len(since))}
    after_orders["kind"] = kind
    rows = stack(after_orders, _locked_out_tickets(rng, attempts))
    rows = take(rows, rows["when"] < END - DAY)
    rows["when"] = _office_hours(rng, rows["when"], people.created[rows["who"]])
    return _handled(rng, people, rows)


def _locked_out_tickets(rng: np.random.Generator, attempts: Rows) -> Rows:
    inside = (attempts["when"] >= OUTAGE[0]) & (attempts["when"] < OUTAGE[1])
    who = np.unique(attempts["who"][inside & (attempts["outcome"] == 1)])
    who = who[rng.random(len(who)) < 0.15]
    return {"who": who, "when": OUTAGE[1] + days(rng, 3, len(who)), "kind": full(len(who), 2)}


def _office_hours(rng: np.random.Generator, when: Ints, created: Ints) -> Ints:
    """Move times to the next day, at an hour when people call."""
    hour = pick(rng, HOUR_SHARES, len(when))
    moved = (when // DAY + 1) * DAY + hour * HOUR + rng.integers(0, HOUR, len(when))
    return np.minimum(np.maximum(moved, created), END - 1)


def _handled(rng: np.random.Generator, people: People, rows: Rows) -> Rows:
    n = len(rows["who"])
    busy = np.isin(rows["when"] // HOUR % 24, BUSY_HOURS)
    wait = (rng.exponential(np.where(busy, 9, 3.5)) * MINUTE).astype(np.int64)
    slow = lognormal(rng, 5 * HOUR, 1.0, n)
    replied = known_by_end(rows["when"] + slow)
    solved = replied + lognormal(rng, 20 * HOUR, 1.1, n)
    resolved = known_by_end(np.where((replied == NA) | (rng.random(n) < 0.09), NA, solved))
    feeling = 4.0 + 0.5 * people.satisfaction[rows["who"]] - wait / (10 * MINUTE) * 0.6
    feeling = feeling - np.where(slow > DAY, 1.0, 0.0) + rng.normal(0, 0.7, n)
    said = (resolved != NA) & (rng.random(n) < 0.45)
    score = np.clip(np.rint(feeling), 1, 5).astype(np.int64)
    return rows | {
        "wait_seconds": wait,
        "first_replied_at": replied,
        "resolved_at": resolved,
        "satisfaction": np.where(said, score, NA),
    }


class Experience:
    """How many bad things (late deliveries, complaints, bugs) a customer met, and when."""

    def __init__(self, orders: Rows, rows: Rows) -> None:
        late = (orders["delivered_at"] != NA) & (orders["delivered_at"] > orders["promised_at"])
        bad = np.isin(rows["kind"], (1, 2))
        who = np.r_[orders["who"][late], rows["who"][bad]]
        when = np.r_[orders["promised_at"][late], rows["when"][bad]]
        self._keys = np.sort(who * END * 2 + when)

    def bad(self, who: Ints, when: Ints) -> Ints:
        """Bad things between 120 and 14 days before: opinion lags two weeks behind experience."""
        key = who * END * 2 + when
        high = np.searchsorted(self._keys, key - 14 * DAY)
        low = np.searchsorted(self._keys, key - 120 * DAY)
        return np.clip(high - low, 0, 3)


def surveys(
    block: Block, people: People, orders: Rows, asked: Rows, subs: Rows, mood: Experience
) -> Rows:
    """Every survey of the contract: sent, perhaps answered, scored by experience and its lag."""
    rng = block.rng("surveys")
    buyers = np.flatnonzero(people.first_order != NA)
    every = block.behaviour.survey_interval_days
    sends = [_repeated(people, buyers, "nps", 30 * DAY, every)]
    paid = (orders["kind"] == 0) & (orders["status"] == v.FULFILLED)
    some = paid & (rng.random(len(paid)) < 0.18)
    sends.append(_send("csat", orders["who"][some], orders["delivered_at"][some] + 2 * DAY))
    done = asked["resolved_at"] != NA
    sends.append(_send("ces", asked["who"][done], asked["resolved_at"][done] + DAY))
    first = people.first_order[buyers]
    sends.append(_send("follow_up", buyers, first + 10 * DAY))
    drawn = rng.random(len(buyers))
    sends.append(_repeated(people, buyers[drawn < 0.35], "loyalty", 100 * DAY, 2 * every, 6))
    sends.append(_repeated(people, buyers[drawn > 0.9], "attribute", 60 * DAY, 2 * every, 15))
    sends.append(_repeated(people, buyers[drawn < 0.5], "value_review", 90 * DAY, 2 * every))
    sends.append(_repeated(people, buyers[drawn > 0.65], "share_of_wallet", 75 * DAY, every))
    cancelled = (subs["ended_at"] != NA) & (subs["cancel_reason"] != v.UPGRADED)
    sends.append(_send("exit", subs["who"][cancelled], subs["ended_at"][cancelled] + DAY))
    gone = buyers[(people.leave_at[buyers] < END) & (people.subscribed[buyers] == 0)]
    sends.append(_send("exit", gone, people.leave_at[gone] + 60 * DAY))
    rows = stack(*sends)
    rows = take(rows, rows["sent_at"] < END)
    return _answered(rng, people, rows, mood)


def _send(survey: str, who: Ints, sent: Ints, item: Ints | None = None) -> Rows:
    n = len(who)
    code = full(n, v.SURVEYS.index(survey))
    return {
        "who": who,
        "sent_at": sent,
        "survey": code,
        "item": full(n, 0) if item is None else item,
    }


def _repeated(
    people: People, who: Ints, survey: str, after: int, every_days: int, items: int = 1
) -> Rows:
    """Sent `after` seconds after the first order and again, until they leave; `items` questions."""
    start = people.first_order[who] + after
    stop = np.minimum(END, people.leave_at[who] + 30 * DAY)
    counts = np.maximum(0, -(-(stop - start) // (every_days * DAY)))
    send = np.repeat(np.arange(len(who)), counts)
    turn = np.arange(len(send)) - np.repeat(np.cumsum(counts) - counts, counts)
    sent = start[send] + turn * every_days * DAY
    item = np.tile(np.arange(items), len(send))
    return _send(survey, np.repeat(who[send], items), np.repeat(sent, items), item)


def _answered(rng: np.random.Generator, people: People, rows: Rows, mood: Experience) -> Rows:
    """Response, score and words. All questions of one send are answered together or not at all."""
    who, sent, survey = rows["who"], rows["sent_at"], rows["survey"]
    n = len(who)
    _, send = np.unique((who * 16 + survey) * END * 2 + sent, return_inverse=True)
    chance = np.where(people.is_active(who, sent), 0.42, 0.12) + 0.06 * people.satisfaction[who]
    replies = rng.random(send.max() + 1 if n else 0)[send] < chance
    lag = lognormal(rng, 30 * HOUR, 1.0, send.max() + 1 if n else 0)[send]
    responded = known_by_end(np.where(replies, sent + lag, NA))
    said = responded != NA
    bad = mood.bad(who, np.where(said, responded, sent))
    leaving = people.engagement(who, sent, 60.0) < 1
    feeling = people.satisfaction[who] - 0.9 * bad - 0.9 * leaving + rng.normal(0, 0.6, n)
    score, low, high = _score(rng, survey, rows["item"], feeling)
    question, competitor = _question(rng, survey, rows["item"])
    is_exit = survey == v.SURVEYS.index("exit")
    answer = np.where(is_exit, pick(rng, (3, 3, 2, 1, 1), n), pick(rng, (5, 2), n) + 6)
    answer = np.where(is_exit & (people.locked_out[who] == 1), 5, answer)
    return {
        "who": who,
        "when": sent,
        "sent_at": sent,
        "survey": survey,
        "question": question,
        "score": np.where(said, score, NA),
        "scale_min": np.where(said & (score != NA), low, NA),
        "scale_max": np.where(said & (score != NA), high, NA),
        "answer": np.where(said & (is_exit | (rng.random(n) < 0.1)), answer, NA),
        "competitor": np.where(said | (survey == v.SURVEYS.index("attribute")), competitor, NA),
        "responded_at": responded,
    }


SCALES = {
    "nps": (0, 10, 7.9, 1.5),
    "csat": (1, 5, 4.1, 0.7),
    "ces": (1, 7, 5.3, 1.0),
    "loyalty": (1, 5, 4.0, 0.7),
    "attribute": (1, 5, 3.7, 0.6),
    "value_review": (1, 5, 3.9, 0.7),
    "share_of_wallet": (0, 100, 45, 18),
    "follow_up": (1, 5, 4.2, 0.6),
}
"""Lowest, highest, mean score and points per unit of feeling."""


def _score(rng: np.random.Generator, survey: Ints, item: Ints, feeling: Ints) -> tuple:
    """Score on the survey's own scale; none for exit interviews."""
    table = np.asarray([SCALES.get(name, (NA, NA, NA, 0)) for name in v.SURVEYS], dtype=float)
    low, high, mean, slope = table[survey].T
    step = item % 5 * 0.1
    score = np.rint(mean - step + slope * feeling + rng.normal(0, 0.25, len(survey)))
    score = np.where(low == NA, NA, np.clip(score, low, high))
    return score.astype(np.int64), low.astype(np.int64), high.astype(np.int64)


def _question(rng: np.random.Generator, survey: Ints, item: Ints) -> tuple[Ints, Ints]:
    """Question and competitor. Attribute items: 5 importances, 5 of ours, 5 of a competitor."""
    code = {name: position for position, name in enumerate(v.SURVEYS)}
    rival = rng.integers(0, len(v.COMPETITORS), len(survey))
    question = full(len(survey), NA)
    single = {
        "exit": "main_reason",
        "value_review": "value_received",
        "share_of_wallet": "share_of_spend",
        "follow_up": "first_order_went_well",
    }
    for name, text in single.items():
        question[survey == code[name]] = v.QUESTIONS.index(text)
    question = np.where(survey == code["loyalty"], item, question)
    questions = len(v.LOYALTY_QUESTIONS)
    question = np.where(
        survey == code["attribute"], questions + np.minimum(item, item % 5 + 5), question
    )
    named = (survey == code["attribute"]) & (item >= 10)
    named |= np.isin(survey, (code["share_of_wallet"],))
    named |= (survey == code["exit"]) & (rng.random(len(survey)) < 0.45)
    return question, np.where(named, rival, NA)


def referrals(block: Block, people: People) -> Rows:
    """Invitations. Whoever came by referral is referred by an earlier buyer of the same block.

    Those for whom no such buyer is found become organic: sets `source` and `campaign`.
    """
    rng, n = block.rng("referrals"), block.size
    keen = (rng.random(n) < np.where(people.archetype == 0, 0.35, 0.08)) | people.is_hollow
    pool = np.flatnonzero((people.first_order != NA) & keen)
    pool = pool[np.argsort(people.first_order[pool], kind="stable")]
    referred = np.flatnonzero(people.source == v.REFERRAL)
    asked = people.created[referred] - between(rng, 0.1, 8, len(referred))
    reach = np.searchsorted(people.first_order[pool], asked)
    referrer = full(len(referred), NA)
    for _ in range(8):
        draw = np.minimum((rng.random(len(referred)) * reach).astype(np.int64), reach - 1)
        tried = np.where(reach > 0, pool[np.maximum(draw, 0)] if len(pool) else NA, NA)
        fits = (tried != NA) & (people.is_active(tried, asked) | people.is_hollow[tried])
        referrer = np.where((referrer == NA) & fits, tried, referrer)
    found = referrer != NA
    people.source[referred[~found]], people.campaign[referred[~found]] = 0, NA
    named = {"who": referrer[found], "when": asked[found], "referred": referred[found]}
    named["kind"] = (rng.random(found.sum()) < 0.25).astype(np.int64)
    return stack(named, _open_invitations(rng, people, pool))


def _open_invitations(rng: np.random.Generator, people: People, pool: Ints) -> Rows:
    """Invitations that nobody has taken up."""
    who = np.repeat(pool, rng.poisson(0.8, len(pool)))
    when = people.first_order[who] + between(rng, 5, 200, len(who))
    rows = {"who": who, "when": when, "kind": full(len(who), 1), "referred": full(len(who), NA)}
    return take(rows, (when < END) & people.is_active(who, when))


def advocacy_acts(block: Block, people: People) -> Rows:
    """Deeds: champions' over time, and two or more of those who never buy again."""
    rng, n = block.rng("advocacy_acts"), block.size
    mean = np.where(people.depth > KNOW, np.asarray((0.7, 0.15, 0.05, 0.08))[people.archetype], 0)
    mean = mean * np.exp(0.5 * people.satisfaction)
    count = np.where(people.is_hollow, 2 + rng.poisson(0.7, n), rng.poisson(mean))
    who = np.repeat(np.arange(n), np.where(people.first_order == NA, 0, count))
    when = people.first_order[who] + np.where(
        people.is_hollow[who], between(rng, 3, 45, len(who)), between(rng, 5, 400, len(who))
    )
    act = pick(rng, (0.5, 0.08, 0.04, 0.03, 0.15, 0.2), len(who))
    here = people.is_hollow[who] | people.is_active(who, when)
    return take({"who": who, "when": when, "act": act}, (when < END) & here)
