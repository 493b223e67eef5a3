"""Who the customers are, when they buy, subscribe, leave and come back."""

from dataclasses import dataclass

import numpy as np

from evergreen.demo import vocabulary as v
from evergreen.demo.base import (
    DAY,
    END,
    FAR,
    HOUR,
    NA,
    Block,
    Ints,
    Rows,
    between,
    days,
    full,
    pick,
    poisson_times,
    rank_within,
    take,
)

KNOW, LIKE, TRUST, TRY = range(4)


@dataclass
class People:
    """One entry per customer of a block. Times in seconds, `NA` where it never happens."""

    number: Ints
    created: Ints
    archetype: Ints
    country: Ints
    source: Ints
    campaign: Ints
    reseller: Ints
    preferred: Ints
    has_consent: Ints
    is_test: Ints
    alias: Ints
    alias_shares_email: Ints
    depth: Ints
    is_buyer: Ints
    is_habit: Ints
    is_lapsing: Ints
    is_hollow: Ints
    satisfaction: Ints
    method: Ints
    order_rate: Ints
    dropout: Ints
    spend: Ints
    first_order: Ints
    last_order: Ints
    leave_at: Ints
    subscribed: Ints
    return_at: Ints
    return_leave_at: Ints
    locked_out: Ints

    def engagement(self, who: Ints, when: Ints, fade_days: float) -> Ints:
        """Share of their usual activity, 0-1: falls in a line to 0 on the day of leaving."""
        first = np.clip((self.leave_at[who] - when) / (fade_days * DAY), 0.0, 1.0)
        back = self.return_at[who]
        again = np.clip((self.return_leave_at[who] - when) / (fade_days * DAY), 0.0, 1.0)
        return np.where((back != NA) & (when >= back), again, first)

    def is_active(self, who: Ints, when: Ints) -> Ints:
        """Whether the customer has not left, or has come back, at that time."""
        return self.engagement(who, when, 1 / DAY) > 0


def acquire(block: Block) -> People:
    """Draw the customers of a block: origin, archetype and the traits that drive the rest."""
    rng, n, p = block.rng("customers"), block.size, block.behaviour
    number = np.arange(block.first, block.first + n)
    # Density grows from 0.6 to 1.4 of the mean over the calendar: a shop that grows.
    uniform = rng.random(n)
    position = (-0.6 + np.sqrt(0.36 + 1.6 * uniform)) / 0.8
    created = np.sort(block.start + (position * (END - HOUR - block.start)).astype(np.int64))
    archetype = pick(rng, p.archetype_shares, n)
    source = pick(rng, (0.36, 0.27, p.referral_share, 0.13, 0.09), n)
    campaign = _campaigns(rng, source)
    reseller = np.where(rng.random(n) < 0.08, rng.integers(0, len(v.RESELLERS), n), NA)
    willing = np.asarray(p.buyer_shares)[archetype]
    willing = willing * np.asarray(p.buyer_factors_by_source)[source]
    buyer = rng.random(n) < willing
    lapsing = (archetype == 2) & (campaign == v.FLASH_SALE)
    hollow = buyer & ~lapsing & (rng.random(n) < p.hollow_share)
    depth = np.where(buyer, pick(rng, (0, 0.15, 0.45, 0.4), n), pick(rng, (3, 3, 3, 2), n))
    habit = (depth > KNOW) & ~hollow & ~lapsing & (rng.random(n) < p.habit_share)
    has_alias = rng.random(n) < p.alias_share
    return People(
        number=number,
        created=created,
        archetype=archetype,
        country=pick(rng, v.COUNTRY_SHARES, n),
        source=source,
        campaign=campaign,
        reseller=reseller,
        preferred=pick(rng, v.CHANNEL_SHARES, n),
        has_consent=(rng.random(n) < 0.78).astype(np.int64),
        is_test=(rng.random(n) < p.test_share).astype(np.int64),
        alias=np.where(has_alias, number + block.population, NA),
        alias_shares_email=(rng.random(n) < 0.5).astype(np.int64),
        depth=depth,
        is_buyer=buyer,
        is_habit=habit,
        is_lapsing=lapsing,
        is_hollow=hollow,
        satisfaction=rng.normal(0.0, 1.0, n) + np.asarray((0.6, 0.1, -0.3, 0.0))[archetype],
        method=pick(rng, (0.6, 0.25, 0.15), n),
        **_traits(block, archetype, habit),
        first_order=full(n, NA),
        last_order=full(n, NA),
        leave_at=full(n, FAR),
        subscribed=full(n, 0),
        return_at=full(n, NA),
        return_leave_at=full(n, NA),
        locked_out=full(n, 0),
    )


def _campaigns(rng: np.random.Generator, source: Ints) -> Ints:
    campaign = full(len(source), NA)
    for position, choices in enumerate(v.CAMPAIGNS_OF_SOURCE):
        of_source = np.flatnonzero(source == position)
        if choices:
            drawn = rng.integers(0, len(choices), len(of_source))
            campaign[of_source] = np.asarray(choices)[drawn]
    return campaign


def _traits(block: Block, archetype: Ints, habit: Ints) -> dict[str, Ints]:
    """Gamma purchase rates, beta dropout chances, inverse-gamma mean spend (Gamma-Gamma)."""
    rng, n, p = block.rng("traits"), block.size, block.behaviour
    rate = rng.gamma(p.order_rate_shape, p.orders_per_day / p.order_rate_shape, n)
    dropout = rng.beta(p.dropout_a, p.dropout_b, n) * np.asarray(p.dropout_factors)[archetype]
    mean = p.spend_p * p.spend_gamma_cents / rng.gamma(p.spend_q, 1.0, n)
    return {
        "order_rate": rate * np.asarray(p.order_rate_factors)[archetype],
        "dropout": np.clip(dropout * np.where(habit, p.habit_dropout_factor, 1), 1e-4, 0.95),
        "spend": mean * np.asarray(p.spend_factors)[archetype],
    }


def purchases(block: Block, people: People) -> Rows:
    """Purchase times: Poisson at each one's rate, dropout with each one's chance after each.

    Sets `first_order`, `last_order` and `leave_at` of the people. A Poisson process cut after a
    geometric number of points is the (M)BG/NBD story of Fader, Hardie and Lee (2005) and
    Batislam, Denizel and Filiztekin (2007).
    """
    rng, n, p = block.rng("purchases"), block.size, block.behaviour
    first = people.created + HOUR + days(rng, 24.0, n)
    first = np.where(people.is_buyer & (first < END), first, NA)
    limit = np.where(people.is_hollow, 1, rng.geometric(people.dropout))
    start = np.where(first == NA, END, first)
    who, when = poisson_times(rng, start + 1, full(n, END), people.order_rate)
    rank = rank_within(who) + 1
    keep = rank < limit[who]
    late = when > first[who] + int(p.lapse_after_days * DAY)
    keep &= ~(people.is_lapsing[who] & late) | (rng.random(len(who)) < p.lapse_keep)
    repeat = {"who": who[keep], "when": when[keep]}
    buyers = np.flatnonzero(first != NA)
    rows = {
        "who": np.r_[buyers, repeat["who"]],
        "when": np.r_[first[buyers], repeat["when"]],
    }
    last = first.copy()
    np.maximum.at(last, repeat["who"], repeat["when"])
    count = np.bincount(rows["who"], minlength=n)
    gone = (first != NA) & ((count >= limit) | people.is_lapsing)
    lag = between(rng, 20, 90, n)
    browsing = people.created + days(rng, 40.0, n) + np.where(people.is_habit, 45 * DAY, DAY)
    people.first_order, people.last_order = first, last
    people.leave_at = np.where(first == NA, browsing, np.where(gone, last + lag, FAR))
    return rows


def subscribe(block: Block, people: People) -> Rows:
    """Subscriptions: trial, conversion, upgrade (an end and a start), cancellation.

    Subscribers leave when they cancel and not before, whatever their purchases do.
    """
    rng, n, p = block.rng("subscriptions"), block.size, block.behaviour
    chance = np.where(people.is_buyer, p.subscriber_share, np.where(people.depth == TRY, 0.35, 0))
    wants = (rng.random(n) < chance) & ~people.is_hollow & ~people.is_lapsing
    started = people.created + HOUR + days(rng, 30.0, n)
    has_trial = rng.random(n) < 0.8
    converts = ~has_trial | (rng.random(n) < p.trial_conversion)
    paid_from = started + np.where(has_trial, 14 * DAY, 0)
    tenure = days(rng, p.subscription_mean_days, n) * np.where(people.is_habit, 4, 1) + 25 * DAY
    upgrade_after = between(rng, 60, 400, n)
    plan, reason = pick(rng, (0.55, 0.35, 0.1), n), rng.integers(0, v.UPGRADED, n)
    upgrades = converts & (rng.random(n) < 0.35) & (upgrade_after < tenure) & (plan < 2)
    cancelled = paid_from + tenure
    who = np.flatnonzero(wants & (started < END) & (started < people.leave_at))
    subscriber = who[converts[who] & (paid_from[who] < END)]
    people.leave_at[subscriber] = cancelled[subscriber]
    people.subscribed[subscriber] = 1
    ended = np.where(converts, np.where(upgrades, paid_from + upgrade_after, cancelled), paid_from)
    why = np.where(upgrades, v.UPGRADED, np.where(converts, reason, v.NOT_CONVERTED))
    base = {
        "who": who,
        "when": started[who],
        "plan": plan[who],
        "trial_ends_at": np.where(has_trial, paid_from, NA)[who],
        "ended_at": ended[who],
        "cancel_reason": why[who],
    }
    again = who[upgrades[who] & (ended[who] < END)]
    more = {
        "who": again,
        "when": ended[again],
        "plan": plan[again] + 1,
        "trial_ends_at": full(len(again), NA),
        "ended_at": cancelled[again],
        "cancel_reason": reason[again],
    }
    return {name: np.r_[base[name], more[name]] for name in base}


def win_back(block: Block, people: People, orders: Rows) -> tuple[Rows, Rows]:
    """Contact the lost half a year after they left; some return. (touches, orders with returns)."""
    rng, n, p = block.rng("win_back"), block.size, block.behaviour
    touched = people.leave_at + between(rng, 185, 260, n)
    eligible = (people.first_order != NA) & (people.subscribed == 0) & ~people.is_hollow
    who = np.flatnonzero(eligible & ~people.is_lapsing & (touched < END))
    control = rng.random(n) < p.control_share
    returns = rng.random(n) < np.where(control, p.win_back_control, p.win_back_treated)
    back = touched + HOUR + days(rng, 8.0, n)
    limit = rng.geometric(people.dropout)
    back_who = who[returns[who] & (back[who] < END)]
    people.return_at[back_who] = back[back_who]
    start = np.where(people.return_at != NA, people.return_at, END)
    more_who, more_when = poisson_times(rng, start + 1, full(n, END), people.order_rate)
    keep = rank_within(more_who) + 1 < limit[more_who]
    again_who = np.r_[back_who, more_who[keep]]
    again_when = np.r_[people.return_at[back_who], more_when[keep]]
    last = full(n, NA)
    np.maximum.at(last, again_who, again_when)
    gone = np.bincount(again_who, minlength=n) >= limit
    people.return_leave_at = np.where(
        people.return_at == NA, NA, np.where(gone, last + between(rng, 20, 90, n), FAR)
    )
    answered = np.where(returns & ~control & (back < END), back - HOUR, NA)
    touches = {
        "who": who,
        "when": touched[who],
        "is_control": control[who].astype(np.int64),
        "responded_at": answered[who],
    }
    merged = {
        name: np.r_[orders[name], extra]
        for name, extra in (("who", again_who), ("when", again_when))
    }
    return touches, merged


def still_here(people: People, rows: Rows) -> Rows:
    """The rows that lie before their customer's leaving, or after the return."""
    return take(rows, people.is_active(rows["who"], rows["when"]))
