"""What every part of the demo model shares: calendar, parameters, random streams, columns of rows.

All quantities are whole numbers while the model runs: times are seconds since 1970 (UTC), money is
cents, words are positions in a vocabulary of `vocabulary.py`. `NA` stands for null everywhere.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

Ints = np.ndarray
Rows = dict[str, np.ndarray]

NA = -1
MINUTE, HOUR, DAY = 60, 3600, 86400
FAR = 1 << 40


def seconds(year: int, month: int, day: int) -> int:
    """Seconds since 1970 of a day's start, UTC."""
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


END = seconds(2025, 1, 1)
"""First second after the last day, 2024-12-31."""

OUTAGE = (seconds(2024, 7, 8), seconds(2024, 7, 22))
"""The two weeks (end excluded) in which no password works."""


def first_second(months: int) -> int:
    """Start of the first month of a calendar of `months` months that ends with 2024-12-31."""
    month = 2025 * 12 - months
    return seconds(month // 12, month % 12 + 1, 1)


@dataclass(frozen=True)
class Behaviour:
    """Parameters of the model. Rates are per day unless the name says otherwise, shares 0-1.

    Rates of archetypes come in the order champion, regular, bargain, occasional; those of sources
    in the order organic, ads, referral, partner, event.
    """

    archetype_shares: tuple[float, ...] = (0.15, 0.45, 0.22, 0.18)
    order_rate_factors: tuple[float, ...] = (1.6, 1.0, 1.1, 0.4)
    dropout_factors: tuple[float, ...] = (0.5, 1.0, 1.5, 1.1)
    spend_factors: tuple[float, ...] = (1.4, 1.0, 0.55, 1.1)
    buyer_shares: tuple[float, ...] = (0.75, 0.62, 0.6, 0.5)
    buyer_factors_by_source: tuple[float, ...] = (1.0, 0.82, 1.3, 1.0, 1.15)
    order_rate_shape: float = 2.0
    orders_per_day: float = 1 / 35
    dropout_a: float = 0.9
    dropout_b: float = 6.5
    spend_p: float = 6.0
    spend_q: float = 4.0
    spend_gamma_cents: float = 5500.0
    logins_per_day: float = 4 / 30
    login_rate_shape: float = 1.5
    events_per_login: float = 0.9
    newsletters_per_day: float = 0.5 / 30
    promotions_per_day: float = 0.25 / 30
    control_share: float = 0.2
    fade_days: float = 60.0
    subscriber_share: float = 0.3
    trial_conversion: float = 0.5
    subscription_mean_days: float = 260.0
    habit_share: float = 0.3
    habit_dropout_factor: float = 0.2
    lapse_keep: float = 0.06
    lapse_after_days: float = 60.0
    lockout_lost_share: float = 0.4
    hollow_share: float = 0.04
    case_share_after_camera: float = 0.6
    win_back_treated: float = 0.3
    win_back_control: float = 0.1
    alias_share: float = 0.03
    test_share: float = 0.005
    referral_share: float = 0.15
    ticket_share: float = 0.06
    survey_interval_days: int = 180
    offset_share: float = 0.08


@dataclass(frozen=True)
class Block:
    """A run of customers that is generated together.

    `first` is the number (from 1) of its first customer, `size` how many, `population` how many
    customers the whole data set has.
    """

    seed: int
    index: int
    first: int
    size: int
    population: int
    start: int
    behaviour: Behaviour

    def rng(self, stream: str) -> np.random.Generator:
        """The stream of that name: no other stream moves when more is drawn from this one."""
        key = (zlib.crc32(stream.encode()), self.index)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))


def days(rng: np.random.Generator, mean_days: float, size: int) -> Ints:
    """Exponential waiting times in seconds with that mean."""
    return (rng.exponential(mean_days * DAY, size) + 1).astype(np.int64)


def between(rng: np.random.Generator, low_days: float, high_days: float, size: int) -> Ints:
    """Uniform waiting times in seconds."""
    return (rng.uniform(low_days, high_days, size) * DAY).astype(np.int64)


def lognormal(rng: np.random.Generator, median_seconds: float, sigma: float, size: int) -> Ints:
    """Skewed waiting times in seconds, at least one second."""
    return (median_seconds * np.exp(rng.normal(0.0, sigma, size))).astype(np.int64) + 1


def pick(rng: np.random.Generator, shares: Sequence[float], size: int) -> Ints:
    """Positions drawn with these shares (they need not add up to one)."""
    edges = np.cumsum(np.asarray(shares, dtype=float))
    return np.searchsorted(edges / edges[-1], rng.random(size), side="right").astype(np.int64)


def poisson_times(
    rng: np.random.Generator, start: Ints, stop: Ints, rate_per_day: Ints | float
) -> tuple[Ints, Ints]:
    """Poisson process on [start, stop) of each customer: (customer position, time), sorted."""
    span = np.maximum(stop - start, 0)
    counts = rng.poisson(np.asarray(rate_per_day) * span / DAY)
    who = np.repeat(np.arange(len(start)), counts)
    when = start[who] + (rng.random(len(who)) * span[who]).astype(np.int64)
    order = np.lexsort((when, who))
    return who[order], when[order]


def rank_within(who: Ints) -> Ints:
    """0, 1, 2, ... within each run of equal values of a sorted array."""
    if not len(who):
        return who
    starts = np.r_[0, np.flatnonzero(np.diff(who)) + 1]
    return np.arange(len(who)) - np.repeat(starts, np.diff(np.r_[starts, len(who)]))


def known_by_end(when: Ints) -> Ints:
    """Times, with those after the last day null: they have not happened yet."""
    return np.where((when >= 0) & (when < END), when, NA)


def full(size: int, value: int) -> Ints:
    """A column of one value."""
    return np.full(size, value, dtype=np.int64)


def stack(*parts: Rows) -> Rows:
    """Rows of several parts below each other; a column that a part lacks is null there."""
    names = list(dict.fromkeys(name for part in parts for name in part))
    sizes = [len(next(iter(part.values()))) for part in parts]
    return {
        name: np.concatenate(
            [p.get(name, full(s, NA)) for p, s in zip(parts, sizes, strict=True)]
        ).astype(np.int64)
        for name in names
    }


def take(rows: Rows, keep: Ints) -> Rows:
    """The rows at these positions, or where this mask is true."""
    return {name: column[keep] for name, column in rows.items()}
