"""Churn risk and backtests against plain Python: every prediction, every metric, every reason."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import duckdb
import pytest
from built_marts import SHOWN, build_marts, built, differences, table, write_landing
from reference import Reference, moment
from reference_retention import usage_trend
from reference_scores import (
    FEATURES,
    Backtests,
    Fits,
    reasons,
    recommended_play,
    risk_level,
    score_backtests,
    wording,
)

from evergreen.demo import generate
from evergreen.fit import fit
from evergreen.paths import Warehouse

ELSEWHERE = ("next_product_probability", "readiness_score")
"""Recounted in test_products_pandas and test_readiness_reference."""
MARTS = ("score_backtests", "customer_churn_risk", "login_problems", "customer_lifecycle")
END = date(2024, 12, 31)
SAME = ("days_silent", "typical_gap_days", "overdue_ratio", "usage_trend", "failed_login_streak")
"""Columns that the mart takes over from today's snapshot."""


@dataclass
class Scored:
    """A warehouse with fits, built again after them."""

    warehouse: Warehouse
    landing: Path
    as_of: date

    def rows(self, relation: str, *key: str) -> dict[tuple, dict]:
        with duckdb.connect(str(self.warehouse.work_file), read_only=True) as con:
            found = con.execute(f"from {relation}")
            columns = [column[0] for column in found.description]
            rows = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
        by_key = {tuple(row[name] for name in key): row for row in rows}
        assert not key or len(by_key) == len(rows), f"{relation}: several rows with one key"
        return by_key if key else dict(enumerate(rows))

    @cached_property
    def fits(self) -> Fits:
        return Fits(self.rows("raw.model_parameters").values())

    @cached_property
    def snapshots(self) -> dict[tuple, dict]:
        return self.rows("intermediate.int_customer_snapshots", "customer_id", "cutoff_date")

    @cached_property
    def today(self) -> dict[tuple, dict]:
        return {(who,): row for (who, _), row in self.snapshots.items() if row["is_as_of"]}

    @cached_property
    def predictions(self) -> dict[tuple, dict]:
        key = ("score", "method", "horizon_days", "cutoff_date", "customer_id")
        rows = self.rows("intermediate.int_backtest_predictions", *key)
        return {found: row for found, row in rows.items() if found[0] not in ELSEWHERE}

    @cached_property
    def risks(self) -> dict[tuple, dict]:
        return self.rows("marts.customer_churn_risk", "customer_id")


@pytest.fixture(scope="module")
def scored(tmp_path_factory) -> Scored:
    """Large enough for a model of subscribers at some cut-offs, and too small at others."""
    folder = tmp_path_factory.mktemp("scored")
    generate(customers=3000, months=24, seed=11, out=folder / "landing")
    warehouse = built(folder / "warehouse", folder / "landing", MARTS)
    fit(warehouse)
    build_marts(warehouse, MARTS)
    return Scored(warehouse, folder / "landing", END)


def assert_same(expected: dict, got: dict) -> None:
    assert expected, "no rows expected: the comparison shows nothing"
    lines = differences(expected, got)
    assert not lines, f"{len(lines)} differences, first:\n" + "\n".join(lines[:SHOWN])


# ---- churn -------------------------------------------------------------------------------------


def test_features_are_the_transformed_figures(scored: Scored) -> None:
    expected = {
        key: {"churn_basis": row["churn_basis"], "cutoff_number": row["cutoff_number"]}
        | {
            name: None if row[name] is None else transform(float(row[name]))
            for name, transform in FEATURES.items()
        }
        for key, row in scored.snapshots.items()
    }
    found = scored.rows("intermediate.int_churn_features", "customer_id", "cutoff_date")
    assert_same(expected, found)


def test_probability_level_and_figures_are_those_of_the_fit(scored: Scored) -> None:
    expected = {}
    for key, row in scored.today.items():
        probability = scored.fits.churn_probability(row, scored.as_of)
        expected[key] = {
            "churn_basis": row["churn_basis"],
            "churn_probability_90d": probability,
            "risk_level": risk_level(probability),
            "is_predictable": True,
            "unpredictable_reason": None,
            "as_of_date": scored.as_of,
            **{name: row[name] for name in SAME},
        }
    assert_same(expected, scored.risks)
    assert Counter(row["risk_level"] for row in expected.values()).keys() == {
        "low",
        "watch",
        "high",
        "critical",
    }


def test_order_probability_is_that_of_the_fit(scored: Scored) -> None:
    buyers = {key: row for key, row in scored.today.items() if row["frequency"] is not None}
    found = scored.fits.order_forecasts(list(buyers.values()), scored.as_of, 90)[0].tolist()
    expected = {key: {"order_probability_90d": None} for key in scored.today}
    expected |= {
        key: {"order_probability_90d": value} for key, value in zip(buyers, found, strict=True)
    }
    assert_same(expected, scored.risks)


def test_state_and_money_are_those_of_the_other_marts(scored: Scored) -> None:
    states = scored.rows("marts.customer_lifecycle", "customer_id")
    money = scored.rows("intermediate.int_customer_pulse", "customer_id")
    acts = [
        row
        for row in scored.rows("intermediate.int_customer_activities").values()
        if row["voided_date"] is None
    ]
    expected = {}
    for key in scored.today:
        state = states[key]["state"]
        expected[key] = {
            "state": state,
            "is_lost": state == "lost",
            "revenue_at_risk": money[key]["revenue_at_risk"],
            "last_order_at": None,
            "last_login_at": None,
        }
    columns = {"order_paid": "last_order_at", "login_success": "last_login_at"}
    for act in acts:
        key, column = (act["customer_id"],), columns.get(act["activity"])
        if column and key in expected:
            latest = expected[key][column]
            expected[key][column] = max(act["activity_at"], latest or act["activity_at"])
    assert_same(expected, scored.risks)


def test_reasons_are_the_three_largest_contributions_in_words(scored: Scored) -> None:
    lines, seen = [], Counter()
    for key, row in scored.today.items():
        expected = reasons(scored.fits, row, scored.as_of)
        found = [scored.risks[key][f"reason_{place}"] for place in (1, 2, 3)]
        seen.update(expected)
        for place in range(3):
            reason, words = expected[place] if place < len(expected) else None, found[place]
            if not says(reason, words, row):
                lines.append(f"{key} {place + 1}: expected {reason}, got {words}")
    assert not lines, f"{len(lines)} differences, first:\n" + "\n".join(lines[:SHOWN])
    assert len(seen) > 10


def says(reason: tuple[str, str] | None, words: str | None, snapshot: dict) -> bool:
    """Whether the words are those of the reason, with the figure as it is before any transform."""
    if reason is None or words is None:
        return reason is None and words is None
    before, after = wording(*reason).split("{value}")
    found = re.fullmatch(re.escape(before) + r"(-?[0-9.]+)" + re.escape(after), words)
    figure = float(snapshot[reason[0]]) * (100 if reason[0] == "usage_trend" else 1)
    rounding = 0.05 if reason[0] == "overdue_ratio" else 0.5
    return bool(found) and abs(float(found.group(1)) - figure) <= rounding + 1e-9


def test_plays_of_the_demo(scored: Scored) -> None:
    assert_same(expected_plays(scored), scored.risks)


def expected_plays(scored: Scored) -> dict[tuple, dict]:
    """Who stands where is taken from other marts; touches and consent from the landed files."""
    reference = Reference(scored.landing, scored.as_of)
    lifecycle = scored.rows("marts.customer_lifecycle", "customer_id")
    locked_out = scored.rows("marts.login_problems", "customer_id")
    touches, consent = {}, {}
    for row in reference.rows("touches"):
        sent = moment(row["touched_at"]).date()
        if row["is_control"] != "true" and row["direction"] != "inbound" and sent <= scored.as_of:
            answered = moment(row["responded_at"]).date() if row["responded_at"] else None
            is_answered = answered is not None and answered <= scored.as_of
            who = reference.home[row["customer_id"]]
            touch = (sent, row["purpose"], answered if is_answered else None)
            touches.setdefault((who,), []).append(touch)
    for row in reference.rows("customers"):
        if row["has_consent"]:
            key = (reference.home[row["customer_id"]],)
            consent[key] = consent.get(key, True) and row["has_consent"] == "true"
    return {
        key: {
            "recommended_play": recommended_play(
                lifecycle[key]["state"],
                key in locked_out
                and (scored.as_of - locked_out[key]["last_failure_at"].date()).days < 180,
                consent.get(key),
                lifecycle[key]["state_since"] if lifecycle[key]["state"] == "declining" else None,
                touches.get(key, []),
                scored.as_of,
            )
        }
        for key in scored.today
    }


# ---- backtests ---------------------------------------------------------------------------------


def test_predictions_of_every_method_are_those_of_plain_python(scored: Scored) -> None:
    outcomes = scored.rows("intermediate.int_snapshot_outcomes", "customer_id", "cutoff_date")
    found = Backtests(scored.fits, scored.snapshots, outcomes).predictions()
    expected = {
        key: {"predicted": predicted, "observed": observed}
        for key, (predicted, observed) in found.items()
    }
    assert_same(expected, scored.predictions)
    assert len({(score, method) for score, method, *_ in expected}) == 7 * 3
    # Of a year ago there were too few buyers on some of the six days.
    assert 0 < len({day for _, _, horizon, day, _ in expected if horizon == 365}) < 6


def test_metrics_are_those_of_scikit_learn_and_scipy(scored: Scored) -> None:
    given = {key: (row["predicted"], row["observed"]) for key, row in scored.predictions.items()}
    expected = score_backtests(given, scored.as_of)
    key = ("score", "method", "cutoff_date", "decile")
    found = scored.rows("marts.score_backtests", *key)
    found = {case: row for case, row in found.items() if case[0] not in ELSEWHERE}
    assert_same(expected, found)
    hits = {"new_buyer_count", "hit_rate_1", "hit_rate_3"}
    assert {row[column] for row in found.values() for column in hits} == {None}
    recomputed = {*key, *next(iter(expected.values()))}
    assert {*next(iter(found.values()))} <= recomputed | hits
    for column in ("is_more_accurate", "is_better_ranked"):
        assert {row[column] for row in expected.values()} == {True, False, None}


def test_methods_of_a_score_cover_the_same_customers(scored: Scored) -> None:
    groups: dict[tuple, dict[str, set]] = {}
    for score, method, _, day, customer in scored.predictions:
        groups.setdefault((score, day), {}).setdefault(method, set()).add(customer)
    for methods in groups.values():
        assert len({frozenset(customers) for customers in methods.values()}) == 1


# ---- plays by hand -------------------------------------------------------------------------------

PLAYS_END = date(2024, 6, 30)
FADING = (*range(-200, -59), *range(-51, 1, 9))
"""Days of logins: daily, then every nine days. The trend is below a half from day -29 on."""
TOUCHES = {
    # name: consent, touches (day, purpose, day of the answer, other columns), play
    "nothing-tried": ("true", (), "training"),
    "consent-unknown": ("", (), "training"),
    "consent-refused": ("false", (), None),
    "lesson-14-days-ago": ("true", ((-14, "education"),), "coupon"),
    "lesson-13-days-ago": ("true", ((-13, "education"),), "training"),
    "seminar-14-days-ago": ("true", ((-14, "seminar"),), "coupon"),
    "lesson-on-the-first-day": ("true", ((-29, "education"),), "coupon"),
    "lesson-the-day-before": ("true", ((-30, "education"),), "training"),
    "lesson-answered": ("true", ((-14, "education", -13),), "training"),
    "lesson-answered-late": ("true", ((-20, "education", -1),), "training"),
    "lesson-answered-tomorrow": ("true", ((-14, "education", 1),), "coupon"),
    "one-of-two-answered": ("true", ((-20, "education"), (-15, "seminar", -14)), "training"),
    "lesson-held-back": ("true", ((-14, "education", None, "control"),), "training"),
    "lesson-asked-for": ("true", ((-14, "education", None, "inbound"),), "training"),
    "lesson-to-who-refused": ("false", ((-14, "education"),), None),
    "promotion-14-days-ago": ("true", ((-14, "promotion"),), "call"),
    "promotion-13-days-ago": ("true", ((-13, "promotion"),), "training"),
    "promotion-the-day-before": ("true", ((-30, "promotion"),), "training"),
    "promotion-answered": ("true", ((-14, "promotion", -2),), "training"),
    "promotion-and-lesson": ("true", ((-14, "promotion"), (-14, "education")), "call"),
    "promotion-answered-lesson-not": (
        "true",
        ((-14, "promotion", -9), (-14, "education")),
        "coupon",
    ),
    "newsletter": ("true", ((-14, "newsletter"),), "training"),
}
OTHERS = {
    # name: consent, days of orders, of logins, of failures, play
    "locked-out": ("true", (-300,), FADING, (0, 0, 0), "help_to_log_in"),
    "locked-out-refused": ("false", (-300,), FADING, (0, 0, 0), "help_to_log_in"),
    "two-failures": ("true", (-300,), FADING, (0, 0), "training"),
    "lost": ("", (-300,), (), (), "win_back"),
    "lost-refused": ("false", (-300,), (), (), None),
    "lost-locked-out": ("true", (-300,), (), (-9, -8, -7), "help_to_log_in"),
    "dormant": ("true", (-140, -130, -120, -110), (), (), "call"),
    "dormant-refused": ("false", (-140, -130, -120, -110), (), (), None),
    "active": ("true", (-140, -100, -60, -20), (), (), None),
    "prospect-locked-out": ("true", (), (-20,), (-9, -8, -7), "help_to_log_in"),
}


@pytest.fixture(scope="module")
def plays(tmp_path_factory) -> Scored:
    folder = tmp_path_factory.mktemp("plays")
    landing = write_landing(folder / "landing", **play_tables())
    warehouse = built(folder / "warehouse", landing, MARTS, PLAYS_END)
    return Scored(warehouse, landing, PLAYS_END)


def play_tables() -> dict[str, str]:
    orders, logins, customers, touches = [], [], [], []
    stories = {name: (consent, (-300,), FADING, ()) for name, (consent, *_) in TOUCHES.items()}
    stories |= {name: story[:4] for name, story in OTHERS.items()}
    for name, (consent, bought, used, failed) in stories.items():
        customers.append(f"{name},{on(-400)},{consent}")
        orders += [f"{name}{day},{name},{on(day)},10" for day in bought]
        logins += [f"{name}{day},{name},{on(day)},success" for day in used]
        logins += [f"{name}f{n},{name},{on(day, 18)},failure" for n, day in enumerate(failed)]
    for name, (_, sent, _) in TOUCHES.items():
        for number, (day, purpose, *more) in enumerate(sent):
            answered, how = (*more, None, None)[:2] if more else (None, None)
            direction = "inbound" if how == "inbound" else "outbound"
            is_control = str(how == "control").lower()
            replied = "" if answered is None else on(answered)
            row = (f"{name}{number}", name, on(day), direction, purpose, is_control, replied)
            touches.append(",".join(row))
    return {
        "orders": table("order_id,customer_id,ordered_at,amount", orders),
        "logins": table("login_id,customer_id,logged_in_at,outcome", logins),
        "customers": table("customer_id,created_at,has_consent", customers),
        "touches": table(
            "touch_id,customer_id,touched_at,direction,purpose,is_control,responded_at", touches
        ),
    }


def on(day: int, hour: int = 12) -> str:
    return f"{PLAYS_END + timedelta(day)}T{hour:02d}:00:00Z"


def test_the_decline_of_the_stories_begins_29_days_ago() -> None:
    def trend(day: int) -> float:
        known = [PLAYS_END + timedelta(each) for each in FADING if each <= day]
        return usage_trend(known, PLAYS_END + timedelta(day))

    assert trend(-30) >= 0.5
    assert all(trend(day) < 0.5 for day in range(-29, 1))


@pytest.mark.parametrize("name", [*TOUCHES, *OTHERS])
def test_plays_by_hand(plays: Scored, name: str) -> None:
    play = (TOUCHES | OTHERS)[name][-1]
    assert plays.risks[(name,)]["recommended_play"] == play
    assert expected_plays(plays)[(name,)]["recommended_play"] == play


def test_without_a_fit_there_is_a_reason_instead_of_a_probability(plays: Scored) -> None:
    """Figures and plays are there all the same."""
    for row in plays.risks.values():
        assert not row["is_predictable"]
        assert row["churn_probability_90d"] is row["risk_level"] is row["reason_1"] is None
        assert re.search(r"fewer .* than the \d+ needed: \d+", row["unpredictable_reason"])
    assert json.dumps(sorted(who for (who,) in plays.risks)) == json.dumps(
        sorted([*TOUCHES, *OTHERS])
    )
