"""Logins with the outage, and feature events with the habit."""

import numpy as np

from evergreen.demo import vocabulary as v
from evergreen.demo.base import (
    DAY,
    END,
    FAR,
    HOUR,
    NA,
    OUTAGE,
    Block,
    Ints,
    Rows,
    full,
    pick,
    poisson_times,
    stack,
    take,
)
from evergreen.demo.people import KNOW, LIKE, People

SUCCESS, FAILURE = 0, 1
PASSWORD = 0


def logins(block: Block, people: People) -> Rows:
    """Attempts to log in: a rate of each customer's own that fades before they leave.

    During the outage every attempt with a password fails and is repeated twice. A share of the
    customers who met it never comes back: sets `locked_out` and `leave_at` of those.
    """
    rng, n, p = block.rng("logins"), block.size, block.behaviour
    rate = rng.gamma(p.login_rate_shape, p.logins_per_day / p.login_rate_shape, n)
    rate *= np.where(people.depth == KNOW, 0.0, np.where(people.depth == LIKE, 0.4, 1.0))
    rate[people.first_order != NA] += p.logins_per_day / 8
    stop = np.where(people.return_at != NA, END, np.minimum(people.leave_at, END))
    who, when = poisson_times(rng, people.created + HOUR, stop, rate)
    keep = rng.random(len(who)) < people.engagement(who, when, p.fade_days)
    who, when = who[keep], when[keep]
    locked = (people.method[who] == PASSWORD) & (when >= OUTAGE[0]) & (when < OUTAGE[1])
    _lock_out(rng, people, np.unique(who[locked]), p.lockout_lost_share)
    keep = locked | (people.locked_out[who] == 0) | (when < OUTAGE[0])
    return _attempts(rng, people, who[keep], when[keep], locked[keep])


def _lock_out(rng: np.random.Generator, people: People, met: Ints, share: float) -> None:
    """Let a share of those who met the outage leave for good at its end."""
    lost = met[rng.random(len(met)) < share]
    people.locked_out[lost] = 1
    people.leave_at[lost] = OUTAGE[1]
    people.return_at[lost] = NA
    people.return_leave_at[lost] = NA


def _attempts(
    rng: np.random.Generator, people: People, who: Ints, when: Ints, locked: Ints
) -> Rows:
    """Each wish to log in as rows: a slip before some, two retries after each locked one."""
    slip = ~locked & (rng.random(len(who)) < 0.04)
    base = {"who": who, "when": when, "outcome": locked.astype(np.int64)}
    before = {"who": who[slip], "when": when[slip] - rng.integers(15, 90, slip.sum())}
    retries = []
    for low, high in ((20, 90), (100, 240)):
        later = when[locked] + rng.integers(low, high, locked.sum())
        retries.append({"who": who[locked], "when": np.minimum(later, OUTAGE[1] - 1)})
    failures = [part | {"outcome": full(len(part["who"]), FAILURE)} for part in (before, *retries)]
    rows = stack(base, *failures)
    rows["method"] = people.method[rows["who"]]
    return rows


def events(block: Block, people: People, attempts: Rows) -> Rows:
    """Feature uses after logins; `reports` within 30 days only for those with the habit."""
    rng, p = block.rng("events"), block.behaviour
    opened = np.flatnonzero(attempts["outcome"] == SUCCESS)
    source = np.repeat(opened, rng.poisson(p.events_per_login, len(opened)))
    who = attempts["who"][source]
    when = attempts["when"][source] + rng.integers(5, 1800, len(source))
    # Everyone finds the features in their own order: a feature is theirs with a chance that grows.
    feature = pick(rng, v.FEATURE_SHARES, len(who))
    reach = ((people.number[who] * 2654435761) >> 7) % 97 / 97 + (when - people.created[who]) / (
        200 * DAY
    )
    feature = np.where(feature / len(v.FEATURES) > reach + 0.35, 0, feature)
    age = when - people.created[who]
    curious = rng.random(len(who)) < np.where(people.is_habit[who], 0.25, 0.04)
    feature = np.where(curious & (people.is_habit[who] | (age > 40 * DAY)), v.REPORTS, feature)
    rows = {"who": who, "when": when, "feature": feature}
    rows = stack(rows, _habit(rng, people))
    rows["quantity"] = np.minimum(rng.geometric(0.55, len(rows["who"])), 50)
    return take(rows, rows["when"] < END)


def _habit(rng: np.random.Generator, people: People) -> Rows:
    """Three early uses of `reports` by each customer with the habit, on days 1 to 28."""
    who = np.repeat(np.flatnonzero(people.is_habit), 3)
    when = people.created[who] + (rng.uniform(1, 28, len(who)) * DAY).astype(np.int64)
    here = people.is_active(who, when)
    rows = {"who": who, "when": when, "feature": full(len(who), v.REPORTS)}
    return take(rows, here)


def end_locked_subscriptions(people: People, rows: Rows) -> Rows:
    """Subscriptions of those whom the outage lost end with it; the future is not known yet."""
    gone = people.locked_out[rows["who"]] == 1
    rows = take(rows, ~gone | (rows["when"] < OUTAGE[1]))
    cut = (people.locked_out[rows["who"]] == 1) & (rows["ended_at"] > OUTAGE[1])
    rows["ended_at"] = np.where(cut, np.maximum(OUTAGE[1], rows["when"] + 1), rows["ended_at"])
    rows["cancel_reason"] = np.where(cut, v.LOCKED_OUT, rows["cancel_reason"])
    open_now = (rows["ended_at"] >= END) | (rows["ended_at"] >= FAR)
    rows["ended_at"] = np.where(open_now, NA, rows["ended_at"])
    rows["cancel_reason"] = np.where(open_now, NA, rows["cancel_reason"])
    return rows
