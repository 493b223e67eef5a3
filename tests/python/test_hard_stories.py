"""The stories of hard_stories end as they are told: the reference agrees with what was meant."""

from datetime import date, timedelta
from pathlib import Path

import hard_customers
import pytest
import reference_lifecycle
import reference_onboarding
from hard_stories import AS_OF_DATES, FIRST_DAYS, TRIALS
from reference import Reference, month_end
from reference_marts import customer_months, months_between

KINDS = ("trial", "sample", "subscription")
TRIAL_ENDINGS = {
    "undecided": {},
    "running": {},
    "said-no": {"is_declined": True},
    "said-no-at-the-start": {"is_declined": True},
    "said-no-before": {},
    "said-no-and-bought": {"is_in_window": True, "days_to_buy": 30},
    "free": {},
    "paid-just-before": {"is_existing": True},
    "paid-at-once": {"is_in_window": True, "days_to_buy": 0},
    "paid-and-took-it-back": {},
    "twice": {"days_to_buy": 103},
    "value-before-the-moment": {"has_seen_value": True, "days_to_buy": 40},
    "value-the-day-before": {"days_to_buy": 40},
    "value-on-the-last-day": {"has_seen_value": True},
    "value-a-day-later": {"has_seen_value": True},
    "value-on-the-day-of-the-sale": {"has_seen_value": True},
    "value-after-the-sale": {"has_seen_value": False},
    "value-undecided": {"has_seen_value": True, "is_declined": False},
    "value-too-late": {"has_seen_value": False, "is_declined": False},
    "bought-0": {"is_in_window": True},
    "bought-14": {"is_in_window": True},
    "bought-89": {"is_in_window": True},
    "bought-90": {"is_in_window": True},
    "bought-91": {"is_in_window": False},
}
"""What a trial or sample order ends in; without a word on it: undecided, no value seen."""
UNDECIDED = {"days_to_buy": None, "is_declined": False, "is_in_window": False}
SUBSCRIPTION_ENDINGS = {
    # Nobody ends these trials, so that they are paid later.
    "running": {"days_to_buy": 60},
    "said-no-at-the-start": {"days_to_buy": 14},
    "said-no-before": {"days_to_buy": 200},
    "paid-and-took-it-back": {"days_to_buy": 100},
    "twice": {"days_to_buy": 117, "is_in_window": False},
    # Trials that end unpaid are declined, unless something is bought after all.
    "undecided": {"is_declined": True},
    "free": {"is_declined": True},
    "value-undecided": {"has_seen_value": False, "is_declined": True},
    "value-too-late": {"has_seen_value": False, "is_declined": True},
    # Value counts until the trial is over.
    "value-a-day-later": {"has_seen_value": False},
    "value-on-the-day-of-the-sale": {"has_seen_value": False},
}
CHANGES = {
    "refund": "like buy trust!",
    "refund-of-all": "buy know! buy know!",
    "refund-tried": "buy try!",
    "refund-liked": "buy know! like",
    "refund-referred": "buy refer",
    "refund-bought-before": "buy",
    "refund-bought-at": "buy",
    "refund-bought-after": "buy know! buy",
    "refund-two": "buy repeat know!",
    "refund-three-days": "buy repeat buy! know!",
    "refund-within-the-day": "buy know!",
    "refund-midnight": "buy like!",
    "refund-in-part": "buy repeat",
    "jumped": "refer",
    "touched": "like buy repeat refer",
    "bought-first": "buy",
}
"""The stages that came after know; ! is a setback."""


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> Reference:
    folder: Path = tmp_path_factory.mktemp("stories")
    tables = hard_customers.HardCustomers(count=10, seed=1).tables
    return Reference(hard_customers.write(tables, folder), hard_customers.LAST_DAY)


@pytest.mark.parametrize("kind", KINDS)
def test_trials_end_as_told(reference: Reference, kind: str) -> None:
    assert TRIALS.keys() < TRIAL_ENDINGS.keys()
    for number in range(len(FIRST_DAYS)):
        for title, ending in TRIAL_ENDINGS.items():
            person = reference.people[f"s{number}-{kind}-{title}"]
            trials = [act for act in person.acts if act.name == reference_lifecycle.TRIALS[kind]]
            first = min(trials, key=lambda act: act.at)
            got = reference_lifecycle.trial(reference, person, kind, first)
            if kind == "subscription" and title in SUBSCRIPTION_ENDINGS:
                ending = SUBSCRIPTION_ENDINGS[title]
            expected = ending or UNDECIDED
            assert expected.items() <= got.items(), f"{person.customer_id}: {got}"


@pytest.mark.parametrize("story", CHANGES)
def test_stages_change_as_told(reference: Reference, story: str) -> None:
    for number in range(len(FIRST_DAYS)):
        changes = reference_lifecycle.changes(reference, reference.people[f"s{number}-{story}"])
        told = [change["to_stage"] + "!" * change["is_setback"] for change in changes]
        assert told == CHANGES[story].split()


def test_checklist_is_done_on_the_due_days_or_a_day_later(reference: Reference) -> None:
    steps = reference_onboarding.onboarding_steps(reference)
    newest = f"s{len(FIRST_DAYS) - 1}"
    for number in range(1, 6):
        in_time, late = steps[(f"{newest}-in-time", number)], steps[(f"{newest}-late", number)]
        assert (in_time["done_day"], in_time["is_late"]) == (in_time["due_day"], False)
        assert (late["done_day"], late["is_late"]) == (late["due_day"] + 1, True)
    assert not steps[(f"{newest}-before", 2)]["is_done"], "logins before the first payment"
    assert steps[(f"{newest}-before", 1)]["done_day"] == 0


def test_follow_up_at_the_moment_of_the_sale_counts_and_a_second_before_not(
    reference: Reference,
) -> None:
    progress = reference_onboarding.onboarding_progress(reference)
    newest = f"s{len(FIRST_DAYS) - 1}"
    told = {
        "in-time": 0,
        "late": 50,
        "before": None,
        "came-once": 9,
        "subscribes": 31,
        "first-order-taken-back": 2,
    }
    for story, days in told.items():
        assert progress[(f"{newest}-{story}",)]["days_to_follow_up"] == days, story


def test_newcomers_are_of_the_last_365_days_and_stalled_at_four_fifths(
    reference: Reference,
) -> None:
    steps = reference_onboarding.onboarding_steps(reference)
    as_of = AS_OF_DATES[-1]
    idle = steps[(f"{as_of}-365-idle", 3)]
    assert (idle["peer_count"], idle["peer_done_count"], idle["is_stalled"]) == (5, 4, True)
    assert (f"{as_of}-366-old", 1) not in steps
    assert not steps[(f"{as_of}-14-bought", 2)]["is_overdue"]
    assert steps[(f"{as_of}-15-logged-in", 2)]["is_sequence_stalled"]
    assert not steps[(f"{as_of}-14-logged-in", 2)]["is_sequence_stalled"]


def test_what_is_dated_after_a_day_vanishes_from_it() -> None:
    """But for the end of a trial, which is agreed when it begins."""
    tables = hard_customers.HardCustomers(count=30, seed=2).tables
    for day in (*AS_OF_DATES, FIRST_DAYS[0] + timedelta(3)):
        late = [
            f"{table} {column} {value}"
            for table, rows in hard_customers.cut(tables, day).items()
            for row in rows
            for column, value in row.items()
            if column.endswith("_at") and column != "trial_ends_at" and value[:10] > str(day)
        ]
        assert late == []


@pytest.mark.parametrize("as_of", AS_OF_DATES)
def test_transitions_replayed_to_the_end_of_a_month_give_its_stage(
    reference: Reference, as_of: date
) -> None:
    """The changes of a customer and their months are worked out in different ways."""
    reference = Reference(reference.folder, as_of)
    stages: dict[tuple, str] = {}
    for person in reference.people.values():
        if not person.acts:
            continue
        changes = reference_lifecycle.changes(reference, person)
        for month in months_between(person.first_seen, as_of):
            last_day = min(month_end(month), as_of)
            past = [change for change in changes if change["changed_at"].date() <= last_day]
            stages[(person.customer_id, month)] = past[-1]["to_stage"] if past else "know"
    months = customer_months(reference)
    assert stages == {key: row["stage"] for key, row in months.items()}
