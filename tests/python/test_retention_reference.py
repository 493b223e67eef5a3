"""Login problems, early warnings and winning back against a brute-force reference."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import pytest
import reference_retention
import retention_stories
from built_marts import Rows, assert_mart_equals, built, query
from reference import Reference
from reference_retention import Retention

from evergreen.demo import generate
from evergreen.paths import Warehouse

KEYS = {
    "login_problems": ["customer_id"],
    "early_warnings": ["customer_id", "warning"],
    "win_back_candidates": ["customer_id"],
    "win_back_results": ["month"],
}
END, OUTAGE = date(2024, 12, 31), date(2024, 7, 15)
"""The last day, and one in the middle of the two weeks in which no password works."""
MONTHS = {END: 18, OUTAGE: 24}
"""Long enough before each day for customers to be lost and won back."""


@dataclass
class Case:
    """Built marts, and the same from the reference, worked out once."""

    warehouse: Warehouse
    data: Retention

    @cached_property
    def expected(self) -> dict[str, Rows]:
        return {mart: getattr(reference_retention, mart)(self.data) for mart in KEYS}

    def values(self, mart: str, column: str) -> Counter:
        return Counter(row[column] for row in self.expected[mart].values())

    def story(self, mart: str, name: str, *more: str) -> dict | None:
        return self.expected[mart].get((f"story-{name}", *more))


@pytest.fixture(scope="module", params=[END, OUTAGE], ids=str)
def case(request, tmp_path_factory) -> Case:
    """The demo, with the customers of the stories among its own."""
    as_of = request.param
    folder = tmp_path_factory.mktemp(str(as_of))
    landing = folder / "landing"
    generate(customers=800, months=MONTHS[as_of], seed=4, out=landing)
    retention_stories.tell(landing, as_of)
    marts = (*KEYS, "row_accounting")
    warehouse = built(folder / "warehouse", landing, marts, as_of if as_of != END else None)
    return Case(warehouse, Retention(Reference(landing, as_of)))


@pytest.mark.parametrize("mart", KEYS)
def test_mart_equals_the_reference_cell_by_cell(case: Case, mart: str) -> None:
    assert_mart_equals(case.warehouse, mart, KEYS[mart], case.expected[mart])


def test_inputs_are_clean(case: Case) -> None:
    """The reference checks nothing."""
    set_aside = "quarantined_count > 0 or duplicate_count > 0"
    found = query(case.warehouse, f"select input from marts.row_accounting where {set_aside}")
    assert found == []


# A comparison proves nothing about rows that nobody has


def test_reference_has_every_kind_of_row(case: Case) -> None:
    warnings = Counter(warning for _, warning in case.expected["early_warnings"])
    assert warnings.keys() == {
        "declining_usage",
        "own_rhythm_silence",
        "locked_out",
        "complaint_unanswered",
    }
    assert min(warnings.values()) >= 3
    # Whichever state wins, the new can be silent and the dormant decline.
    by_state = {
        (warning, row["state"]) for (_, warning), row in case.expected["early_warnings"].items()
    }
    assert by_state >= {("own_rhythm_silence", "new"), ("declining_usage", "dormant")}
    assert case.values("win_back_candidates", "reason_source").keys() == {
        "exit_survey",
        "cancellation",
        "login_problem",
        "none",
    }
    assert case.values("win_back_candidates", "is_winnable").keys() == {True, False, None}
    assert {"other", "not_stated"} < case.values("win_back_candidates", "reason").keys()
    rates = case.values("win_back_candidates", "return_rate_90d")
    assert rates[None] and len(rates) > 10
    assert case.values("win_back_candidates", "priority")[None]


def test_reference_has_mature_and_early_months_with_and_without_control(case: Case) -> None:
    assert case.values("win_back_results", "conclusion").keys() >= {
        "too_early",
        "no_control",
        "no_uplift_shown",
    }
    whole = case.expected["win_back_results"][(None,)]
    assert whole["contacted_count"] > whole["won_back_count"] > 0
    assert whole["control_count"] > whole["control_won_back_count"] > 0
    assert whole["lost_contacted_count"] < whole["contacted_count"]


def test_outage_locks_out_many(case: Case) -> None:
    problems = case.expected["login_problems"]
    in_outage = sum(row["days_locked_out"] <= 7 for row in problems.values())
    assert (in_outage > 50) == (case.data.as_of == OUTAGE)
    assert case.values("login_problems", "method")["password"] > 30


# The reference itself, by hand


def test_reference_counts_failures_after_the_last_success(case: Case) -> None:
    assert case.story("login_problems", "failures-2") is None
    assert case.story("login_problems", "failures-then-success") is None
    three = case.story("login_problems", "failures-3")
    assert (three["failed_login_streak"], three["days_locked_out"]) == (3, 4)
    assert three["method"] == "password"
    assert case.story("login_problems", "failures-without-success")["last_success_at"] is None
    assert case.story("login_problems", "failures-of-a-subscriber")["revenue_at_risk"] == 120


@pytest.mark.parametrize(
    ("name", "warning", "is_warned"),
    [
        ("complaint-today", "complaint_unanswered", False),
        ("complaint-yesterday", "complaint_unanswered", True),
        ("complaint-answered", "complaint_unanswered", False),
        ("complaint-resolved", "complaint_unanswered", False),
        ("complaint-of-a-prospect", "complaint_unanswered", True),
        ("question", "complaint_unanswered", False),
        ("silent-30-of-10", "own_rhythm_silence", False),
        ("silent-31-of-10", "own_rhythm_silence", True),
        ("silent-40-of-20", "own_rhythm_silence", False),
        ("silent-41-of-20", "own_rhythm_silence", True),
        ("failures-3", "locked_out", True),
        ("failures-of-the-lost", "locked_out", False),
    ],
)
def test_reference_warns_from_the_first_day_over_the_limit(
    case: Case, name: str, warning: str, is_warned: bool
) -> None:
    found = case.story("early_warnings", name, warning)
    assert (found is not None) == is_warned
    if is_warned and warning == "own_rhythm_silence":
        assert found["since_date"] == case.data.as_of


@pytest.mark.parametrize(
    ("name", "source", "text", "reason"),
    [
        ("exit-tie", "exit_survey", "Missing Feature", "missing_feature"),
        ("exit-last-wins", "exit_survey", "competitor", "competitor"),
        ("exit-before-the-spell", "none", None, "not_stated"),
        ("exit-on-its-first-day", "exit_survey", "price", "price"),
        ("exit-of-no-group", "exit_survey", "The Weather", "other"),
        ("exit-over-cancellation", "exit_survey", "no longer needed", "no_longer_needed"),
        ("cancelled-with-upgrade-later", "cancellation", "poor_support", "poor_support"),
        ("cancelled-by-upgrade-only", "none", None, "not_stated"),
        ("cancelled-of-no-group", "cancellation", "moved_away", "other"),
        ("cancelled-before-the-spell", "none", None, "not_stated"),
        ("cancelled-over-lockout", "cancellation", "price", "price"),
        ("failures-of-the-lost", "login_problem", None, "locked_out"),
    ],
)
def test_reference_takes_the_latest_statement_of_the_spell(
    case: Case, name: str, source: str, text: str | None, reason: str
) -> None:
    found = case.story("win_back_candidates", name)
    assert (found["reason_source"], found["stated_reason"], found["reason"]) == (
        source,
        text,
        reason,
    )


def test_reference_does_not_ask_again_within_the_window(case: Case) -> None:
    for days, is_ranked in ((89, False), (90, False), (91, True)):
        found = case.story("win_back_candidates", f"asked-{days}-days-ago")
        assert (found["priority"] is not None) == is_ranked, days
    counts = [
        case.story("win_back_candidates", f"asked-{name}")["win_back_contact_count"]
        for name in ("on-lost-date", "before-lost-date")
    ]
    assert counts == [1, 0]
    assert case.story("win_back_candidates", "exit-with-rival")["competitor"] == "Bolt"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("back-on-day-90", [(150, True, True)]),
        ("back-on-day-91", [(151, True, False)]),
        ("back-at-the-moment", [(150, True, False)]),
        ("back-but-refunded", [(150, True, False)]),
        ("back-by-subscription", [(150, True, True)]),
        ("back-by-login-only", [(150, True, False)]),
        ("subscribed-all-along", [(150, True, False)]),
        ("back-of-control", [(150, False, True)]),
        ("asked-and-held-at-once", [(150, True, False)]),
        ("held-then-asked", [(150, False, True)]),
        ("asked-again-after-90", [(200, True, False)]),
        ("asked-again-after-91", [(200, True, False), (109, True, True)]),
        ("asked-each-60-days", [(200, True, False)]),
    ],
)
def test_reference_counts_episodes(case: Case, name: str, expected: list[tuple]) -> None:
    person = case.data.people[f"story-{name}"]
    found = [
        ((case.data.as_of - one.day).days, one.is_treated, one.is_won)
        for one in reference_retention.episodes_of(case.data, person)
    ]
    assert found == expected


def test_newcombe_interval_is_the_published_one() -> None:
    """Newcombe 1998, table II, method 10: 56/70 against 48/80, and 9/10 against 3/10."""
    assert reference_retention.newcombe(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert reference_retention.newcombe(9, 10, 3, 10) == pytest.approx((0.1705, 0.8090), abs=5e-5)
