"""What contacts brought, how customers were treated and what is next, against plain Python."""

import csv
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import duckdb
import hard_customers
import pytest
import reference_contact
from built_marts import (
    HEADERS,
    SHOWN,
    Rows,
    assert_mart_equals,
    build_marts,
    built,
    differences,
    mart,
)
from contact_stories import AS_OF, BARE, BARE_SEGMENT, ContactStories
from reference import Reference
from reference_contact import PLAN_INPUTS, Contacts, Plan
from reference_retention import newcombe

from evergreen.demo import generate
from evergreen.fit import fit
from evergreen.paths import PROJECT_DIR, Warehouse
from evergreen.refresh import refresh

MARTS = ("contact_plan", "contact_audit", "touch_effects", *PLAN_INPUTS)
BARE_MARTS = ("survey_scores", "share_of_wallet")
EFFECT_KEY = ["purpose", "segment", "segment_value"]
FOLDERS = ("voice", "advocacy", "cross_sell", "contact")
ABSENT = ("touches", "tickets", "events", "order_items", "products")
CASES = ("demo", "hard", "stories", "no_consent")


@dataclass
class Case:
    """A built warehouse and its reference."""

    name: str
    warehouse: Warehouse
    contacts: Contacts

    @cached_property
    def plan(self) -> Plan:
        marts = {name: mart(self.warehouse, name, key) for name, key in PLAN_INPUTS.items()}
        return Plan(self.contacts, marts)

    @cached_property
    def planned(self) -> Rows:
        return self.plan.rows()

    @cached_property
    def published_plan(self) -> Rows:
        return mart(self.warehouse, "contact_plan", ["customer_id"])

    def home(self, row: dict) -> str:
        return self.contacts.reference.home[row["customer_id"]]


@pytest.fixture(scope="module", params=CASES)
def case(request, tmp_path_factory) -> Case:
    folder = tmp_path_factory.mktemp(request.param)
    landing, as_of, marts = folder / "landing", AS_OF, MARTS
    if request.param == "demo":
        as_of = date(2024, 12, 31)
        generate(customers=1500, months=24, seed=8, out=landing, dirt=0.0)
    elif request.param == "hard":
        as_of = hard_customers.LAST_DAY
        hard_customers.write(hard_customers.HardCustomers(count=250, seed=11).tables, landing)
    elif request.param == "stories":
        ContactStories(count=500, seed=1).write(landing)
        marts = (*MARTS, *BARE_MARTS)
    else:
        ContactStories(count=200, seed=2).write(landing, without=("has_consent", "archetype"))
    warehouse = built(folder / "warehouse", landing, marts, as_of)
    if request.param == "demo":
        fit(warehouse)
        build_marts(warehouse, marts, as_of)
    return Case(request.param, warehouse, Contacts(Reference(landing, as_of)))


# ---- cell by cell ------------------------------------------------------------------------------


def test_touch_effects(case: Case) -> None:
    expected = reference_contact.touch_effects(case.contacts)
    assert_mart_equals(case.warehouse, "touch_effects", EFFECT_KEY, expected)


def test_contact_audit(case: Case) -> None:
    expected = reference_contact.contact_audit(case.contacts)
    assert_mart_equals(case.warehouse, "contact_audit", ["customer_id"], expected)


def test_contact_plan(case: Case) -> None:
    found = case.published_plan
    lines = differences(case.planned, found)
    assert not lines, f"{len(lines)} differences, first:\n" + "\n".join(lines[:SHOWN])
    columns, recomputed = (next(iter(rows.values())).keys() for rows in (found, case.planned))
    assert columns - recomputed == {"customer_id", "reason"}
    assert all(row["reason"] for row in found.values())


def test_interval_as_published() -> None:
    """The examples of Newcombe 1998, table II, method 10."""
    published = {
        (56, 70, 48, 80): (0.0524, 0.3339),
        (9, 10, 3, 10): (0.1705, 0.8090),
        (6, 7, 2, 7): (0.0582, 0.8062),
        (5, 56, 0, 29): (-0.0381, 0.1926),
        (0, 10, 0, 20): (-0.1611, 0.2775),
        (10, 10, 0, 20): (0.6791, 1.0),
    }
    for counts, interval in published.items():
        assert newcombe(*counts) == pytest.approx(interval, abs=5.1e-5)


# ---- a comparison proves nothing about answers that nobody gets --------------------------------


def test_every_answer_is_given(case: Case) -> None:
    effects = reference_contact.touch_effects(case.contacts).values()
    audit = reference_contact.contact_audit(case.contacts).values()
    plan = case.planned.values()
    seen = {
        "action": {row["action"] for row in plan},
        "channel_source": {row["channel_source"] for row in plan},
        "consent": {row["consent"] for row in plan},
        "effect_basis": {row["effect_basis"] for row in plan},
        "conclusion": {row["conclusion"] for row in effects},
        "is_pitched_too_early": {row["is_pitched_too_early"] for row in audit},
        "is_silent_after_sale": {row["is_silent_after_sale"] for row in audit},
        "is_asked_twice": {row["is_asked_twice"] for row in audit},
        "stopped_by": stopped(case.plan),
    }
    wanted = {
        "demo": {
            "action": {
                *("training", "answer_complaint", "cross_sell", "value_review", "win_back"),
                *("help_to_log_in", "onboarding_step", "teach_feature", "ask_for_advocacy"),
                *("gift", "call", "nothing"),
            },
            "effect_basis": {None, "backtest"},
            "conclusion": {"no_control", "too_few", "no_uplift_shown"},
            "channel_source": {None, "play", "behaviour", "stated"},
            "is_silent_after_sale": {None, False, True},
        },
        "hard": {"action": {"thank"}, "consent": {"given", "refused", "unknown"}},
        "stories": {
            "action": {"coupon", "win_back", "follow_up"},
            "effect_basis": {None, "control_group"},
            "conclusion": {"uplift_shown", "not_by_chance"},
            "is_pitched_too_early": {None, False, True},
            "is_asked_twice": {False, True},
            "stopped_by": {"consent", "complaint", "rest"},
        },
        "no_consent": {"consent": {"not_kept"}, "action": {"win_back", "call"}},
    }
    for column, values in wanted[case.name].items():
        assert seen[column] >= values, f"{column}: {values - seen[column]} never given"


def stopped(plan: Plan) -> set[str | None]:
    by_sign = {play["sign"]: play for play in plan.plays}
    return {
        plan.stopped_by(who, by_sign[sign])
        for who in plan.reference.people
        for sign in plan.signs(who)
    }


# ---- what must hold whatever the plan says -----------------------------------------------------


def test_each_customer_has_one_plan(case: Case) -> None:
    people = {(who,) for who in case.contacts.reference.people}
    assert case.published_plan.keys() == people
    assert mart(case.warehouse, "contact_audit", ["customer_id"]).keys() == people
    places = [row["priority"] for row in case.published_plan.values() if row["priority"]]
    assert sorted(places) == list(range(1, len(places) + 1))


def test_nobody_is_sold_to_without_consent(case: Case) -> None:
    """Read from the landed accounts: one id that did not consent is enough."""
    rows = case.contacts.reference.rows("customers")
    given = {case.home(row) for row in rows if row["has_consent"] == "true"}
    given -= {case.home(row) for row in rows if row["has_consent"] == "false"}
    sold_to = {who for (who,), row in case.published_plan.items() if row["is_marketing"]}
    assert sold_to
    if case.name == "no_consent":
        assert not given
    else:
        assert sold_to <= given


def test_nothing_is_asked_of_who_has_an_open_complaint(case: Case) -> None:
    pitches = {play["play"] for play in case.plan.plays if play["is_pitch"] == "true"}
    complaining = {
        case.home(row)
        for row in case.contacts.reference.rows("tickets")
        if row["kind"] == "complaint"
        and (not row["resolved_at"] or row["resolved_at"] < row["opened_at"])
    }
    plan = case.published_plan
    sold = {who for (who,), row in plan.items() if row["action"] in pitches}
    assert complaining & case.contacts.reference.people.keys()
    assert sold and not sold & complaining


def test_marketing_leaves_a_week_after_the_last_contact(case: Case) -> None:
    audit = mart(case.warehouse, "contact_audit", ["customer_id"])
    for key, row in case.published_plan.items():
        last, day = audit[key]["last_contact_date"], row["not_before_date"]
        if day is not None:
            assert day >= case.contacts.as_of
        if row["is_marketing"] and last:
            assert (day - last).days >= 7


def test_a_refusal_is_given_as_the_reason(case: Case) -> None:
    """The description promises what stopped it; these are told that nothing is due."""
    if case.name != "demo":
        pytest.skip("the demo has enough of them")
    risks = mart(case.warehouse, "customer_churn_risk", ["customer_id"])
    reasons = {
        row["reason"].partition(";")[0]
        for key, row in case.published_plan.items()
        if row["action"] == "nothing"
        and row["consent"] == "refused"
        and risks.get(key, {}).get("state") in ("dormant", "declining")
    }
    assert reasons == {"Consent refused"}


# ---- who told us nothing -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def bare(case: Case) -> dict[str, dict[str, list[dict]]]:
    """Mart -> bare customer -> rows. Nothing but an order, and nothing but an account."""
    if case.name != "stories":
        pytest.skip("bare customers are in the stories")
    names = ("customer_advocacy", "feature_adoption", "cross_sell_readiness", "contact_audit")
    found = {}
    for name in (*names, "contact_plan", "share_of_wallet"):
        with duckdb.connect(str(case.warehouse.work_file), read_only=True) as con:
            rows = con.execute(f"from marts.{name}").df().astype(object)
        rows = rows.where(rows.notna(), None)
        found[name] = {who: rows[rows["customer_id"] == who].to_dict("records") for who in BARE}
    return found


def test_who_told_nothing_is_unknown_and_not_zero(bare) -> None:
    unknown = {
        "customer_advocacy": "nps_class latest_nps_score repurchase_score usage_score next_ask"
        " recovered_complaint_count last_deed_date",
        "feature_adoption": "state use_day_count next_feature first_used_date last_used_date",
        "cross_sell_readiness": "is_satisfied is_healthy next_product_1 probability_1 lift_1"
        " expected_value",
        "contact_audit": "educational_share days_to_follow_up last_early_pitch_date"
        " last_contact_date",
        "contact_plan": "channel channel_source expected_effect effect_basis",
    }
    with_rows = {"feature_adoption": BARE[:1], "cross_sell_readiness": BARE[:1]}
    for name, columns in unknown.items():
        for who in BARE:
            assert bool(bare[name][who]) == (who in with_rows.get(name, BARE)), (name, who)
            for row in bare[name][who]:
                told = {column: row[column] for column in columns.split()}
                assert told == dict.fromkeys(columns.split()), (name, who)
    assert not any(bare["share_of_wallet"].values())


def test_what_is_known_of_them_is_said(bare) -> None:
    """An account alone was never sold anything; one order of six weeks ago met with silence."""
    bought, joined = ({name: rows[who] for name, rows in bare.items()} for who in BARE)
    assert bought["cross_sell_readiness"][0]["adoption_basis"] == "purchases"
    assert bought["cross_sell_readiness"][0]["blocked_by"] == "not_adopted"
    assert {row["next_ask_blocked_by"] for row in bought["customer_advocacy"]} == {
        "opinion_unknown"
    }
    audits = [rows["contact_audit"][0] for rows in (bought, joined)]
    assert [row["is_silent_after_sale"] for row in audits] == [True, None]
    assert [row["is_pitched_too_early"] for row in audits] == [False, False]
    assert [row["first_paid_date"] is None for row in audits] == [False, True]
    assert joined["customer_advocacy"][0]["loyalty_score"] is None
    assert joined["customer_advocacy"][0]["value_percentile"] is None
    assert joined["contact_plan"][0]["reason"] == "Has not bought yet"


def test_a_segment_that_was_never_asked_has_no_score(case: Case) -> None:
    if case.name != "stories":
        pytest.skip("bare customers are in the stories")
    key = ["survey", "period_start", "segment", "segment_value"]
    values = {value for *_, value in mart(case.warehouse, "survey_scores", key)}
    assert values > {"a", "b"} and BARE_SEGMENT not in values
    effects = {value for *_, value in mart(case.warehouse, "touch_effects", EFFECT_KEY)}
    assert effects > {"a", "b"} and BARE_SEGMENT not in effects


# ---- tables that nobody keeps ------------------------------------------------------------------


@pytest.fixture(scope="module")
def scarce(tmp_path_factory) -> dict[str, list[dict]]:
    """Mart -> published rows, from orders, logins and accounts alone."""
    folder = tmp_path_factory.mktemp("scarce")
    generate(customers=150, months=14, seed=5, out=folder / "landing", dirt=0.0)
    for table in ABSENT:
        (folder / "landing" / f"{table}.csv").unlink()
    (folder / "landing" / "surveys.csv").write_text(HEADERS["surveys"] + "\n")
    warehouse = Warehouse(folder / "warehouse")
    refresh(warehouse, folder / "landing")
    with duckdb.connect(str(warehouse.published_file), read_only=True) as con:
        found = {}
        for name in marts_of(FOLDERS):
            rows = con.execute(f"from marts.{name}")
            columns = [column[0] for column in rows.description]
            found[name] = [dict(zip(columns, row, strict=True)) for row in rows.fetchall()]
    return found


def marts_of(folders: tuple[str, ...]) -> list[str]:
    files = [file for name in folders for file in (PROJECT_DIR / "models/marts" / name).glob("*")]
    return sorted(file.stem for file in files if file.suffix == ".sql")


EMPTY = {
    *("survey_scores", "loyalty_index", "attribute_priorities", "complaints"),
    *("unfiled_complaints", "product_quality", "product_affinity", "product_count_retention"),
    *("touch_effects", "feature_adoption"),
}
UNKNOWN = {
    "customer_advocacy": "nps_class latest_nps_score repurchase_score recovered_complaint_count",
    "cross_sell_readiness": "is_satisfied next_product_1 probability_1 lift_1 expected_value",
    "contact_audit": "educational_share days_to_follow_up last_early_pitch_date last_contact_date",
    "contact_plan": "effect_basis expected_effect",
    "promises_kept": "first_score_30d",
    "support_hours": "mean_wait_seconds median_wait_seconds long_wait_rate mean_reply_hours",
}


def test_every_mart_is_published_without_most_inputs(scarce) -> None:
    assert len(scarce) >= 22
    assert {name for name, rows in scarce.items() if not rows} == EMPTY


def test_what_nobody_keeps_is_unknown(scarce) -> None:
    for name, columns in UNKNOWN.items():
        for column in columns.split():
            assert {row[column] for row in scarce[name]} == {None}, f"{name}.{column}"


def test_plans_rest_on_what_is_left(scarce) -> None:
    plans = scarce["contact_plan"]
    assert {row["action"] for row in plans} >= {"win_back", "call", "nothing"}
    assert {row["channel_source"] for row in plans} <= {None, "stated", "play"}
    assert {row["not_before_date"] for row in plans} == {None, plans[0]["as_of_date"]}
    assert {row["is_asked_twice"] for row in scarce["contact_audit"]} == {False}
    assert {row["ticket_count"] for row in scarce["support_hours"]} == {0}
    assert {row["adoption_basis"] for row in scarce["cross_sell_readiness"]} <= {
        "logins",
        "purchases",
    }


def test_no_step_is_overdue_that_nobody_could_show(scarce) -> None:
    """Without events nobody has used a feature, as far as anybody knows."""
    shown = [row["reason"] for row in scarce["contact_plan"] if row["action"] == "onboarding_step"]
    assert shown and not any("use_a_feature" in reason for reason in shown)


def test_the_stories_lie_on_both_sides_of_the_as_of_date(tmp_path: Path) -> None:
    """Else the past would not be tested."""
    landing = ContactStories(count=50, seed=1).write(tmp_path / "landing")
    for table, time in (
        ("touches", "touched_at"),
        ("surveys", "sent_at"),
        ("orders", "ordered_at"),
    ):
        with (landing / f"{table}.csv").open(newline="") as lines:
            days = [row[time][:10] for row in csv.DictReader(lines)]
        assert min(days) <= str(AS_OF) < max(days)
