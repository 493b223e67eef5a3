"""Customers whose story is written out, each on both sides of one limit of a rule.

Every story is told from three first days, so that each past day of the tests has some that are over
and some that are not. Days count from the story's first day; a second moment of a day is a time.
"""

from collections.abc import Callable
from datetime import date, timedelta

FIRST_DAYS = (date(2021, 12, 6), date(2022, 8, 15), date(2023, 6, 20))
AS_OF_DATES = (date(2023, 2, 15), date(2024, 2, 29))
"""Those of test_lifecycle_reference, for what is counted back from today."""
MERGED_LATER = {
    f"f{number}-{name}" for number in range(len(FIRST_DAYS)) for name in ("early", "late")
}
NOON = "12:00:00"


class Story:
    """Adds rows of one customer."""

    def __init__(self, add: Callable, who: str, first_day: date) -> None:
        self.add_row, self.who, self.first_day = add, who, first_day

    def at(self, day: int, time: str = NOON) -> str:
        return f"{self.first_day + timedelta(day)}T{time}Z"

    def account(self, day: int = 0, **values: str) -> None:
        self.add_row("customers", customer_id=self.who, created_at=self.at(day), **values)

    def order(self, day: int, time: str = NOON, refund: tuple = (), **values: str) -> None:
        """`refund`: day, time and, unless it is in full, amount of it."""
        row = {"amount": "40.00"} | values
        if refund:
            row["refunded_at"] = self.at(*refund[:2])
            row["refund_amount"] = refund[2] if refund[2:] else row["amount"]
        self.add_row("orders", customer_id=self.who, ordered_at=self.at(day, time), **row)

    def trial(self, kind: str, day: int = 0, time: str = NOON, days: int = 14, **more: str) -> int:
        """Starts a trial and gives the day on which it ends."""
        if kind != "subscription":
            self.order(day, time, kind=kind, amount="0")
            return day
        self.subscription(day, time, trial_ends_at=self.at(day + days, time), **more)
        return day + days

    def subscription(self, day: int, time: str = NOON, **values: str) -> None:
        row = {"monthly_amount": "9.00", "plan": "a"} | values
        self.add_row("subscriptions", customer_id=self.who, started_at=self.at(day, time), **row)

    def login(self, day: int, time: str = NOON, **values: str) -> None:
        self.add_row("logins", customer_id=self.who, logged_in_at=self.at(day, time), **values)

    def touch(self, day: int, time: str = NOON, purpose: str = "promotion", **more: str) -> None:
        row = {"touched_at": self.at(day, time), "purpose": purpose, "cost": "1.10"} | more
        self.add_row("touches", customer_id=self.who, **row)

    def event(self, day: int, time: str = NOON) -> None:
        self.add_row(
            "events", customer_id=self.who, occurred_at=self.at(day, time), feature="search"
        )

    def answer(self, survey: str, day: int, time: str = NOON, **values: str) -> None:
        at = self.at(day, time)
        row = {"customer_id": self.who, "survey": survey, "sent_at": at, "responded_at": at}
        self.add_row("surveys", **row | values)

    def ticket(self, day: int, **values: str) -> None:
        self.add_row("tickets", customer_id=self.who, opened_at=self.at(day), **values)

    def refer(self, day: int, other: str = "", time: str = NOON) -> None:
        row = {"referred_at": self.at(day, time), "referred_customer_id": other}
        self.add_row("referrals", referrer_id=self.who, **row)


def tell_stories(add: Callable) -> None:
    for number, first_day in enumerate(FIRST_DAYS):
        for name, tell in stories().items():
            tell(Story(add, f"s{number}-{name}", first_day))
    for as_of in AS_OF_DATES:
        approach(add, as_of)
    fold_and_refer(add)


def approach(add: Callable, as_of: date) -> None:
    """Newcomers, trials and steps on both sides of the limits that count back from today."""

    def days_ago(days: int, name: str) -> Story:
        return Story(add, f"{as_of}-{days}-{name}", as_of - timedelta(days))

    # Of the five peers of each of the two idle ones four have used a feature: just enough.
    for number in range(4):
        story = days_ago(365, f"busy{number}")
        story.order(0)
        story.event(7)
    for days, name in ((365, "idle"), (365, "idle-too"), (366, "old")):
        days_ago(days, name).order(0)
    old = days_ago(366, "old-with-value")
    old.order(0)
    old.event(30)
    for days in (3, 4, 14, 15, 45, 46, 90, 91):
        days_ago(days, "bought").order(0)
        days_ago(days, "subscribed").subscription(0)
    for days in (14, 15):  # only the second step is missing, due today or since yesterday
        story = days_ago(days, "logged-in")
        story.order(0)
        story.login(1)
    for days in (89, 90, 91):
        days_ago(days, "sampled").trial("sample")
        # Free for good, so that they are neither paid nor ended.
        days_ago(days + 14, "subscribed-to-try").trial("subscription", monthly_amount="0")
    # The only trials of their months: over today, over tomorrow, and that of a customer not over.
    month = date(as_of.year - 2, 6, 15)
    for number, (days, is_existing) in enumerate(((90, False), (89, False), (90, True))):
        story = Story(add, f"{as_of}-long-{number}", month.replace(month=6 + number))
        ends = str(as_of - timedelta(days))
        story.subscription(0, trial_ends_at=ends, monthly_amount="0")
        if is_existing:
            other = Story(add, f"{as_of}-long-existing", story.first_day)
            other.order(-1)
            other.subscription(0, trial_ends_at=str(as_of), monthly_amount="0")
    days_ago(14, "trial-ends-today").trial("subscription")
    days_ago(13, "trial-ends-tomorrow").trial("subscription")


def stories() -> dict[str, Callable[[Story], None]]:
    """Name -> what happened."""
    told: dict[str, Callable[[Story], None]] = {}
    for kind in ("trial", "sample", "subscription"):
        for title, tell in TRIALS.items():
            told[f"{kind}-{title}"] = lambda story, kind=kind, tell=tell: tell(story, kind)
        for days in (0, 14, 89, 90, 91):
            told[f"{kind}-bought-{days}"] = lambda story, kind=kind, days=days: bought_after(
                story, kind, days
            )
    for table in (REFUNDS, TOUCHED, NEWCOMERS, LEAVERS):
        told |= table
    for number in range(8):
        told[f"champion-{number}"] = lambda story, number=number: champion(story, number)
    return told


# ---- trials: what became of them, and when value was seen ------------------------------------


def bought_after(story: Story, kind: str, days: int) -> None:
    """A trial subscription that nobody ends would be paid, so it ends unpaid."""
    ended = {"ended_at": story.at(14), "cancel_reason": "trial_not_converted"}
    ends = story.trial(kind, **(ended if kind == "subscription" else {}))
    story.order(ends + days)


def only_tried(story: Story, kind: str) -> int:
    ended = {"ended_at": story.at(10), "cancel_reason": "trial_not_converted"}
    return story.trial(kind, **(ended if kind == "subscription" else {}))


def said_no(story: Story, kind: str) -> None:
    only_tried(story, kind)
    story.answer("exit", 20, answer="price")


def said_no_at_the_start(story: Story, kind: str) -> None:
    """An exit survey at the very moment of the trial counts, one second earlier it does not."""
    story.trial(kind, time="12:00:00")
    story.answer("exit", 0, "12:00:00", answer="price")


def said_no_before(story: Story, kind: str) -> None:
    story.answer("exit", 0, "11:59:59", answer="price")
    story.trial(kind, days=200)


def said_no_and_bought(story: Story, kind: str) -> None:
    said_no(story, kind)
    story.order(30)


def free_for_good(story: Story, kind: str) -> None:
    """A plan that costs nothing is never paid; its end is the end of a trial."""
    story.trial(kind, **({"monthly_amount": "0"} if kind == "subscription" else {}))
    story.subscription(
        20, trial_ends_at=story.at(30), monthly_amount="0", ended_at=story.at(60), plan="free"
    )


def paid_just_before(story: Story, kind: str) -> None:
    story.order(0, "11:59:59")
    story.trial(kind)


def paid_at_once(story: Story, kind: str) -> None:
    story.order(0)
    story.trial(kind)


def paid_before_and_took_it_back(story: Story, kind: str) -> None:
    story.order(-10, refund=(5, NOON))
    story.trial(kind, days=100)


def tried_twice(story: Story, kind: str) -> None:
    """Only the first trial counts, though the second is what they bought after."""
    only_tried(story, kind)
    second = story.trial(kind, 100, **({"ended_at": story.at(114)} if kind[:3] == "sub" else {}))
    story.order(second + 3)


def saw_value(*events: tuple) -> Callable[[Story, str], None]:
    """Bought on day 40; when the product was used."""

    def tell(story: Story, kind: str) -> None:
        only_tried(story, kind)
        for day, time in events:
            story.event(day, time)
        story.order(40)

    return tell


def saw_value_undecided(story: Story, kind: str) -> None:
    only_tried(story, kind)
    story.event(90)


def saw_value_too_late(story: Story, kind: str) -> None:
    only_tried(story, kind)
    story.event(91 if kind != "subscription" else 15)


TRIALS = {
    "undecided": only_tried,
    "running": lambda story, kind: story.trial(kind, 100, days=60),
    "said-no": said_no,
    "said-no-at-the-start": said_no_at_the_start,
    "said-no-before": said_no_before,
    "said-no-and-bought": said_no_and_bought,
    "free": free_for_good,
    "paid-just-before": paid_just_before,
    "paid-at-once": paid_at_once,
    "paid-and-took-it-back": paid_before_and_took_it_back,
    "twice": tried_twice,
    "value-before-the-moment": saw_value((0, "08:00:00")),
    "value-the-day-before": saw_value((-1, NOON)),
    "value-on-the-last-day": saw_value((14, "23:59:59")),
    "value-a-day-later": saw_value((15, "00:00:00")),
    "value-on-the-day-of-the-sale": saw_value((40, "23:00:00")),
    "value-after-the-sale": saw_value((41, NOON)),
    "value-undecided": saw_value_undecided,
    "value-too-late": saw_value_too_late,
}


# ---- refunds: setbacks -----------------------------------------------------------------------


def took_it_back(story: Story) -> None:
    """Known, liked, trusted, bought; and back to trusted, or to what came since."""
    story.login(0)
    story.order(5, refund=(9, "10:00:00"))
    story.answer("nps", 7, score="9")
    story.touch(9, "10:00:00")
    story.touch(9, "10:00:01", cost="")
    story.touch(9, "10:00:00", is_control="true", cost="99.00")


def took_back_all_they_did(story: Story) -> None:
    story.order(0, refund=(3, NOON))
    story.order(30, refund=(200, NOON))


def tried_on_the_day_of_the_refund(story: Story) -> None:
    story.order(0, refund=(3, NOON))
    story.trial("sample", 3, "09:00:00")
    story.login(3, "18:00:00")


def liked_after_the_refund(story: Story) -> None:
    story.order(0, refund=(3, NOON))
    story.login(3, "18:00:00")


def referred_before_the_refund(story: Story) -> None:
    """On the same day: the rise comes first, and then nothing falls."""
    story.order(0, refund=(3, NOON))
    story.refer(3, time="09:00:00")


def bought_again_on_the_day_of_the_refund(story: Story) -> None:
    story.order(0, refund=(3, NOON))
    story.order(3, "09:00:00")


def bought_again_at_the_refund(story: Story) -> None:
    story.order(0, refund=(3, NOON))
    story.order(3, NOON)


def bought_again_after_the_refund(story: Story) -> None:
    story.order(0, refund=(3, NOON))
    story.order(3, "15:00:00")


def two_refunds_on_one_day(story: Story) -> None:
    story.order(0, refund=(8, "09:00:00"))
    story.order(2, refund=(8, "17:00:00"))
    story.touch(8, "12:00:00")


def refunds_day_after_day(story: Story) -> None:
    """Three purchase days; each refund leaves one less."""
    for day in (0, 2, 4):
        story.order(day, refund=(10 + day, NOON))


def refund_within_the_day(story: Story) -> None:
    """Never a paid order, beside one that is taken back on the same day."""
    story.order(0, refund=(6, "09:00:00"))
    story.order(6, "10:00:00", refund=(6, "20:00:00"))


def refund_at_midnight(story: Story) -> None:
    story.order(0, "23:59:59", refund=(1, "00:00:00"))
    story.login(1, "00:00:00")


def refund_in_part(story: Story) -> None:
    story.order(0, refund=(3, NOON, "39.99"), reseller_id="r3")
    story.order(200, reseller_id="r3")


REFUNDS = {
    "refund": took_it_back,
    "refund-of-all": took_back_all_they_did,
    "refund-tried": tried_on_the_day_of_the_refund,
    "refund-liked": liked_after_the_refund,
    "refund-referred": referred_before_the_refund,
    "refund-bought-before": bought_again_on_the_day_of_the_refund,
    "refund-bought-at": bought_again_at_the_refund,
    "refund-bought-after": bought_again_after_the_refund,
    "refund-two": two_refunds_on_one_day,
    "refund-three-days": refunds_day_after_day,
    "refund-within-the-day": refund_within_the_day,
    "refund-midnight": refund_at_midnight,
    "refund-in-part": refund_in_part,
}


# ---- touches at the moment of a change, entry sources, resellers, csat ------------------------


def touched_all_the_way(story: Story) -> None:
    """A touch at the moment of a change belongs to the stage before it."""
    story.account(entry_source="ads", entry_campaign="spring", reseller_id="r1")
    steps = (story.login, story.order, story.order)
    for day, step in zip((2, 10, 20), steps, strict=True):
        step(day)
        story.touch(day, cost="2.60")
        story.touch(day, "12:00:01", cost="40.00", direction="inbound")
        story.touch(day, is_control="true", cost="70.00")
    story.refer(30)
    story.touch(40)


def jumped(story: Story) -> None:
    """Trial, purchase and referral at one moment are one change."""
    story.account()
    story.order(3)
    story.trial("sample", 3)
    story.refer(3)


def bought_first_of_all(story: Story) -> None:
    story.order(0)


def touched_only(story: Story) -> None:
    """Never paid: all that they cost is cost of winning them."""
    story.account(entry_source="ads", entry_campaign="spring")
    for day in (0, 30, 60):
        story.touch(day, cost="2.61")


def held_out(story: Story) -> None:
    story.account()
    story.touch(3, "09:00:00", purpose="newsletter", is_control="true", cost="5.00")


def bought_elsewhere(story: Story) -> None:
    """Assigned to one reseller, bought through another, twice on one day."""
    story.account(reseller_id="r1")
    story.order(4, "09:00:00", reseller_id="r2")
    story.order(4, "10:00:00", reseller_id="r2")


def assigned_and_never_ordered(story: Story) -> None:
    story.account(reseller_id="r4")
    story.answer("csat", 5, "14:00:00", score="4", answer="could be better")


def assigned_and_took_it_back(story: Story) -> None:
    story.account(reseller_id="r4")
    story.order(4, refund=(9, NOON), reseller_id="r5")
    story.order(5, refund=(9, NOON))


def changed_their_mind(story: Story) -> None:
    """The latest csat counts: 75 of 100 is satisfied, 5 on a scale of 1 to 7 is not."""
    story.order(0, reseller_id="r3")
    story.answer("csat", 1, "15:00:01", score="5", scale_min="1", scale_max="7")
    story.answer("csat", 2, "15:00:01", score="75", scale_min="0", scale_max="100")
    story.answer("csat", 3, "15:00:01", answer="words without a score")
    story.answer("nps", 4, "15:00:01", score="0")


def was_satisfied_once(story: Story) -> None:
    story.order(0, reseller_id="r3")
    story.answer("csat", 1, "15:00:02", score="5")
    story.answer("csat", 1, "15:00:03", score="3", scale_min="0", scale_max="4")
    story.answer("csat", 150, "15:00:02", score="3")


def champion(story: Story, number: int) -> None:
    """Valuable and refers; all from a country where nobody else is from."""
    story.account(country="FR", archetype="champion", entry_source="event")
    story.order(1, amount=f"{300 + number // 2 * 10}.00")
    story.refer(20)


TOUCHED = {
    "touched": touched_all_the_way,
    "jumped": jumped,
    "bought-first": bought_first_of_all,
    "touched-only": touched_only,
    "held-out": held_out,
    "bought-elsewhere": bought_elsewhere,
    "assigned-never-ordered": assigned_and_never_ordered,
    "assigned-took-it-back": assigned_and_took_it_back,
    "satisfied-at-last": changed_their_mind,
    "satisfied-once": was_satisfied_once,
}


# ---- newcomers: the checklist and the follow-up -----------------------------------------------


def did_it_all_in_time(story: Story) -> None:
    """Each step on its due day."""
    story.order(0)
    for day in (3, 5, 14):
        story.login(day)
    story.event(14)
    story.answer("nps", 45, score="9")
    story.order(90)
    story.touch(0, "11:59:59", purpose="welcome")
    story.touch(0, NOON, purpose="welcome")


def did_it_all_late(story: Story) -> None:
    """Each step a day after it was due."""
    story.order(0)
    for day in (4, 5, 15):
        story.login(day)
    story.event(15)
    story.ticket(46, kind="question")
    story.order(91)
    story.touch(0, "11:59:59", purpose="follow_up")
    story.touch(50, purpose="thank_you")


def did_it_before(story: Story) -> None:
    """What was done on the day of the first payment counts, what was done before does not."""
    for day in (-3, -2, -1):
        story.login(day)
    story.event(-1)
    story.login(0, "08:00:00")
    story.order(0)
    story.order(0, "13:00:00")
    story.touch(1, purpose="follow_up", is_control="true")
    story.touch(1, purpose="education", direction="inbound")


def came_once(story: Story) -> None:
    """Everything but the second step."""
    story.order(0)
    story.login(1)
    story.event(1)
    story.ticket(2, kind="bug")
    story.order(7)
    story.add_row("surveys", customer_id=story.who, survey="follow_up", sent_at=story.at(9))


def only_subscribes(story: Story) -> None:
    """Two paid months are value; there is no order at all."""
    story.account(entry_source="organic")
    story.subscription(0)
    story.touch(31, purpose="value_review")


def subscribed_for_a_month(story: Story) -> None:
    story.subscription(0, ended_at=story.at(20), cancel_reason="price")


def tried_a_subscription(story: Story) -> None:
    """First pays when the trial ends."""
    story.trial("subscription")
    story.touch(0, purpose="welcome")
    story.touch(14, purpose="value_review")


def ordered_when_subscribing(story: Story) -> None:
    """Both first payments at one moment: the order is the first."""
    story.subscription(0)
    story.order(0)
    story.refer(9)


def first_order_taken_back(story: Story) -> None:
    """The second order is the first payment, as known today."""
    story.order(-20, refund=(-10, NOON))
    story.touch(-19, purpose="welcome")
    story.login(-15)
    story.order(0)
    story.touch(2, purpose="follow_up")


NEWCOMERS = {
    "in-time": did_it_all_in_time,
    "late": did_it_all_late,
    "before": did_it_before,
    "came-once": came_once,
    "subscribes": only_subscribes,
    "subscribed-for-a-month": subscribed_for_a_month,
    "tried-a-subscription": tried_a_subscription,
    "ordered-and-subscribed": ordered_when_subscribing,
    "first-order-taken-back": first_order_taken_back,
}


# ---- leavers, for the marts of retention -------------------------------------------------------


def locked_out(story: Story) -> None:
    """Failures at the moment of a success are before it; three after it are a lock-out."""
    story.order(0)
    story.order(90)
    story.login(91, outcome="success")
    for day, time in ((91, NOON), (92, NOON), (92, "12:00:01"), (100, NOON)):
        story.login(day, time, outcome="failure", method="password")


def nearly_locked_out(story: Story) -> None:
    story.order(0)
    for time in ("09:00:00", "09:00:01"):
        story.login(5, time, outcome="failure", method="sso")


def complained(story: Story) -> None:
    story.order(60)
    story.ticket(100, kind="complaint")
    story.ticket(99, kind="complaint", first_replied_at=story.at(150))
    story.ticket(98, kind="complaint", resolved_at=story.at(98))


def fell_silent(story: Story) -> None:
    """A rhythm of a week, then nothing."""
    for day in range(0, 120, 7):
        story.order(day)


def uses_less(story: Story) -> None:
    """Daily logins, then one."""
    story.order(0)
    for day in range(40, 110):
        story.login(day)
    story.login(150)


def won_back(story: Story, **contact: str) -> None:
    """Silent for 180 days, contacted, and back on the last day of the window."""
    story.account(has_consent="true")
    story.order(-35)
    story.answer("exit", 100, question="main_reason", answer="Too expensive", competitor="acme")
    story.touch(150, purpose="win_back", **contact)
    if not contact:
        story.touch(160, purpose="win_back")
        story.order(240)


def stayed_away(story: Story) -> None:
    story.subscription(-30, ended_at=story.at(40), cancel_reason="competitor")
    story.touch(60, purpose="win_back")
    story.touch(140, purpose="win_back")


LEAVERS = {
    "locked-out": locked_out,
    "nearly-locked-out": nearly_locked_out,
    "complained": complained,
    "silent": fell_silent,
    "uses-less": uses_less,
    "won-back": won_back,
    "not-contacted": lambda story: won_back(story, is_control="true"),
    "stayed-away": stayed_away,
}


# ---- who is who -------------------------------------------------------------------------------


def fold_and_refer(add: Callable) -> None:
    """Ids of one person: referrals between them, attributes of the folded, accounts made later."""
    for number, first_day in enumerate(FIRST_DAYS):
        kept, folded, other = (
            Story(add, f"f{number}-{name}", first_day) for name in ("kept", "folded", "other")
        )
        kept.account(country="", entry_source="ads")
        folded.account(1, country="DE", entry_source="event", merged_into=kept.who)
        other.account(2, country="GB")
        kept.refer(5, folded.who)
        folded.refer(6, kept.who)
        other.refer(7, folded.who)
        folded.order(8)
        other.order(8, amount="500.00")
        # Referred by an id of their own and by nobody else.
        alone, second = (Story(add, f"f{number}-{name}", first_day) for name in ("alone", "second"))
        alone.account(entry_source="referral", email=f"al{number}@example.org")
        second.account(1, entry_source="ads", email=f"AL{number}@example.org")
        alone.refer(3, second.who)
        second.order(10, reseller_id="r1")
        # Until this account is made in the last week of the story, the two are two customers.
        early, late = (Story(add, f"f{number}-{name}", first_day) for name in ("early", "late"))
        early.order(0)
        late.order(20, amount="60.00")
        late.account(230, merged_into=early.who, country="DE", reseller_id="r2")
        early.refer(30, late.who)
