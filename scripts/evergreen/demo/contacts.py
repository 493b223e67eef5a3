"""Touches: every contact, with its answer, dwell time, control group and cost."""

import numpy as np

from evergreen.demo import vocabulary as v
from evergreen.demo.base import (
    DAY,
    END,
    HOUR,
    MINUTE,
    NA,
    Block,
    Ints,
    Rows,
    between,
    days,
    full,
    known_by_end,
    lognormal,
    poisson_times,
    stack,
    take,
)
from evergreen.demo.people import KNOW, LIKE, TRUST, People

EMAIL, PHONE, WEB, IN_PERSON, POST = 0, 1, 2, 4, 5
COSTS = {
    "ad": 0,
    "gift": 1800,
    "seminar": 2500,
    "meeting": 4000,
    "follow_up": 350,
    "value_review": 900,
    "win_back": 250,
    "thank_you": 120,
}
"""Cents per touch; all others cost 5. Ads cost what their campaign costs."""
RESPONSES = {
    "welcome": 0.3,
    "education": 0.25,
    "newsletter": 0.12,
    "follow_up": 0.45,
    "value_review": 0.4,
    "promotion": 0.14,
    "cross_sell": 0.1,
    "renewal": 0.35,
    "thank_you": 0.15,
    "gift": 0.3,
    "seminar": 0.5,
    "meeting": 0.6,
    "ad": 0.0,
}
CONTROLLED = ("promotion", "cross_sell")


def touches(block: Block, people: People, orders: Rows, subs: Rows, calls: Rows) -> Rows:
    """All touches of a block. `calls` are the win-back touches, whose answers are decided."""
    rng = block.rng("touches")
    parts = [*_before_purchase(rng, block, people), *_after_purchase(rng, block, people, orders)]
    parts.append(_renewals(people, subs))
    rows = stack(*[part for part in parts if len(part["who"])] or [_touch("welcome", full(0, 0))])
    rows = take(rows, rows["when"] < END)
    rows = _respond(rng, block, people, rows)
    return stack(rows, _win_back(people, calls))


def _touch(
    purpose: str, who: Ints, when: Ints | None = None, channel: int = EMAIL, inbound: bool = False
) -> Rows:
    n = len(who)
    return {
        "who": who,
        "when": full(n, 0) if when is None else when,
        "purpose": full(n, v.PURPOSES.index(purpose)),
        "channel": full(n, channel),
        "direction": full(n, int(inbound)),
    }


def _before_purchase(rng: np.random.Generator, block: Block, people: People) -> list[Rows]:
    """Ad, welcome, content, newsletter, seminar, meeting: as far as each one goes."""
    everyone = np.arange(block.size)
    paid = np.flatnonzero(people.campaign != NA)
    liked, trusted = (np.flatnonzero(people.depth >= level) for level in (LIKE, TRUST))
    created = people.created
    views = np.repeat(liked, 1 + rng.poisson(1.2, len(liked)))
    signed = trusted[rng.random(len(trusted)) < 0.75]
    heard = trusted[rng.random(len(trusted)) < 0.3]
    met = trusted[rng.random(len(trusted)) < 0.12]
    letters, sent = poisson_times(
        rng,
        created + 5 * DAY,
        full(block.size, END),
        block.behaviour.newsletters_per_day * people.has_consent,
    )
    parts = [
        _touch("ad", paid, created[paid], WEB),
        _touch("welcome", everyone, created + lognormal(rng, 20 * MINUTE, 0.5, block.size)),
        _touch("content", views, created[views] + days(rng, 12, len(views)), WEB, True),
        _touch("newsletter", signed, created[signed] + days(rng, 8, len(signed)), WEB, True),
        _touch("seminar", heard, created[heard] + days(rng, 20, len(heard)), WEB, True),
        _touch("meeting", met, created[met] + days(rng, 15, len(met)), IN_PERSON, True),
        _touch("newsletter", letters, sent),
    ]
    parts[0]["campaign"] = people.campaign[paid]
    return [take(part, part["when"] < END - HOUR) for part in parts]


def _after_purchase(
    rng: np.random.Generator, block: Block, people: People, orders: Rows
) -> list[Rows]:
    """Follow-up, education, review, thanks, gifts, community, promotions, cross-selling."""
    p = block.behaviour
    buyers = np.flatnonzero(people.first_order != NA)
    first, stop = people.first_order, np.minimum(people.leave_at + 90 * DAY, END)
    begin = np.where(first == NA, END, first + 5 * DAY)
    called = buyers[rng.random(len(buyers)) < 0.8]
    taught = np.repeat(buyers, 2)
    count = np.bincount(orders["who"], minlength=block.size)
    often = np.flatnonzero((count >= 5) & (first != NA))
    best = np.flatnonzero((count >= 8) & (first != NA))
    allowed = people.has_consent
    promoted = poisson_times(rng, begin, stop, p.promotions_per_day * allowed)
    pitched = poisson_times(rng, begin, stop, p.promotions_per_day / 2 * allowed)
    social = poisson_times(
        rng,
        begin,
        np.minimum(people.leave_at, END),
        np.where(people.satisfaction > 0.8, 1 / 90, 0.0),
    )
    after = people.last_order
    return [
        _touch("follow_up", called, first[called] + between(rng, 2, 9, len(called)), PHONE),
        _touch("education", taught, first[taught] + between(rng, 3, 60, len(taught))),
        _touch("value_review", buyers, first[buyers] + between(rng, 80, 110, len(buyers)), PHONE),
        _touch("thank_you", often, after[often] + DAY),
        _touch("gift", best, after[best] + between(rng, 3, 30, len(best)), POST),
        _touch("promotion", *promoted),
        _touch("cross_sell", *pitched),
        _touch("community", *social, WEB, True),
    ]


def _renewals(people: People, subs: Rows) -> Rows:
    """A reminder 335 days after the start of each paid subscription that still runs."""
    when = subs["when"] + 335 * DAY
    runs = (subs["ended_at"] == NA) | (subs["ended_at"] > when)
    return _touch("renewal", subs["who"][runs], when[runs])


def _respond(rng: np.random.Generator, block: Block, people: People, rows: Rows) -> Rows:
    """Control groups are not contacted: no answer, no dwell time, no cost."""
    n, who, when = len(rows["who"]), rows["who"], rows["when"]
    rows.setdefault("campaign", full(n, NA))
    testable = np.isin(rows["purpose"], [v.PURPOSES.index(name) for name in CONTROLLED])
    control = testable & (rng.random(n) < block.behaviour.control_share)
    inbound = rows["direction"] == 1
    rate = np.asarray([RESPONSES.get(name, 0.0) for name in v.PURPOSES])[rows["purpose"]]
    rate = rate * np.where(people.is_active(who, when), 1.0, 0.1)
    rate = np.where(people.depth[who] == KNOW, 0.0, rate)
    answers = (rng.random(n) < rate) & ~control & ~inbound
    reply = known_by_end(np.where(answers, when + lognormal(rng, 5 * HOUR, 1.2, n), NA))
    reads = (reply != NA) | (inbound & (rows["channel"] == WEB))
    interest = 1.0 + 0.4 * people.depth[who]
    dwell = (lognormal(rng, 14, 0.9, n) * interest).astype(np.int64)
    cost = np.asarray([COSTS.get(name, 5) for name in v.PURPOSES])[rows["purpose"]]
    campaign_cost = np.asarray(v.CAMPAIGN_COSTS)[np.maximum(rows["campaign"], 0)]
    cost = np.where(rows["campaign"] != NA, campaign_cost, cost)
    return rows | {
        "is_control": control.astype(np.int64),
        "responded_at": reply,
        "dwell_seconds": np.where(reads, np.minimum(dwell, 3600), NA),
        "cost": np.where(control, 0, cost),
    }


def _win_back(people: People, calls: Rows) -> Rows:
    rows = _touch("win_back", calls["who"], calls["when"])
    gone = people.locked_out[calls["who"]] == 1
    return rows | {
        "is_control": calls["is_control"],
        "responded_at": np.where(gone, NA, calls["responded_at"]),
        "cost": np.where(calls["is_control"] == 1, 0, COSTS["win_back"]),
    }
