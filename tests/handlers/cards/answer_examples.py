"""Answers to questions, one of each sort."""

from dataclasses import replace
from datetime import timedelta

from bot.cases.approval import Person
from bot.views.answers import Answer, Figure, Offer
from bot.views.query import Act
from bot.views.thread_orders import Confirmation, OrderKind, ThreadOrder
from tests.cases.making import NOW
from tests.handlers.cards.examples import (
    automatic_case,
    high_risk_case,
    low_risk_case,
    medium_risk_case,
    referred_case,
    resolved_case,
    row,
    rows,
    snoozed_case,
)

BEN = Person("T1/UBEN", "Ben Okafor")


def case_list():
    """Answer "what waits on me?": rows with the buttons of their states, for this asker."""
    undecided = replace(row(referred_case(), 4), is_decidable=False)
    return Answer(
        text="Four wait on you, £12,460.00 together; the oldest since Tue 24 Nov.",
        rows=(
            row(medium_risk_case(), 1),
            row(high_risk_case(), 2),
            row(snoozed_case(), 3),
            undecided,
        ),
        total=4,
        reading="open cases waiting on you",
    )


def long_list():
    return Answer(
        text="23 are open, £31,020.00 together; the oldest since Mon 16 Nov.",
        rows=rows(low_risk_case(), range(1, 11)),
        total=23,
        reading="open cases",
    )


def nearest():
    return Answer(
        text="None of £5,000.00 or more waits on you.",
        facts=("Two of £5,000.00 or more wait on others, £12,460.00 together.",),
        rows=rows(high_risk_case(), (5, 6)),
        total=2,
        rows_title="The nearest:",
        reading="open cases of £5,000.00 or more waiting on you",
    )


def count():
    return Answer(
        text="Three were opened overnight, £1,240.00 together.",
        rows=rows(low_risk_case(), (1, 2, 3)),
        total=3,
        reading="cases opened overnight (Thu 26 Nov, 18:00 to 08:00)",
    )


def money():
    return Answer(
        text="£7,260.00 and €90.00 are at stake in the 4 that are overdue.",
        table=(
            Figure(label="Pounds", value="£7,260.00", number=7260.0),
            Figure(label="Euros", value="€90.00", number=90.0),
        ),
        table_titles=("Currency", "At stake"),
        reading="the money at stake in overdue cases",
    )


def groups():
    return Answer(
        text="12 are open, most with @floor-managers.",
        table=(
            Figure(label="@floor-managers", value="7", number=7.0),
            Figure(label="@ops-leads", value="3", number=3.0),
            Figure(label="@finance", value="2", number=2.0),
        ),
        table_titles=("Team", "Open"),
        reading="how many open cases, by team",
    )


def trend():
    values = (3, 5, 0, 2, 9, 1, 4)
    figures = []
    for place, value in enumerate(values):
        label = f"{['Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed', 'Thu'][place]} {20 + place} Nov"
        figures.append(Figure(label=label, value=str(value), number=float(value)))
    return Answer(
        text="24 were opened in the last seven days, most on Tue 24 Nov.",
        table=tuple(figures),
        table_titles=("Day", "Opened"),
        is_trend=True,
        reading="how many cases opened in the last 7 days, by day",
    )


def one_case():
    return Answer(
        text="EX-1 was approved by Ana Duarte on Tue 24 Nov, 16:12.",
        facts=(
            "Ordered 24 bottles of Merlot from Northwind: done, 1 minute later.",
            "It can be taken back until 17:00 today.",
        ),
        rows=(row(resolved_case(), 1),),
        total=1,
        reading="who decided EX-1",
    )


def offered_approval():
    """Answer "approve EX-1 for me"."""
    confirmation = Confirmation(
        case=replace(medium_risk_case(), id="EX-1"),
        order=ThreadOrder(kind=OrderKind.APPROVE),
    )
    return Answer(
        text="Words decide nothing; this button does.",
        offers=(Offer(act=Act.APPROVE, confirmation=confirmation),),
        reading="a request to approve EX-1",
    )


def other_offers():
    case = low_risk_case()
    offers = (
        Offer(act=Act.EDIT, row=row(case, 1)),
        Offer(act=Act.CLAIM, row=row(case, 2)),
        Offer(act=Act.TAKE_BACK, row=row(resolved_case(), 3)),
        Offer(act=Act.PAUSE, scope="kind:low_stock", note="the supplier is closed"),
        Offer(act=Act.REMIND, row=row(case, 4), person=BEN),
    )
    return Answer(text="Here is what you asked for; nothing has been done yet.", offers=offers)


def desk_offers():
    offers = (
        Offer(act=Act.RESUME, scope="kind:low_stock"),
        Offer(act=Act.STAND_IN, person=BEN, until=NOW + timedelta(days=3)),
        Offer(act=Act.RAISE, note="Table 12 says the wine is corked"),
        Offer(act=Act.REMIND, person=BEN),
        Offer(act=Act.SNOOZE, row=row(low_risk_case(), 1)),
    )
    return Answer(text="Here is what you asked for; nothing has been done yet.", offers=offers)


def two_readings():
    return Answer(
        text="That can be read in two ways. Which did you mean?",
        choices=(
            "open cases of “Running low” over £500.00",
            "cases of “Running low” opened in the last 5 days",
        ),
    )


def small_talk():
    return Answer(text="Good morning. Two things wait on you.", examples=("What waits on me?",))


def left_aside():
    return Answer(
        text="Two are open, £624.00 together; the oldest since Sat 21 Nov.",
        rows=rows(low_risk_case(), (1, 2)),
        total=2,
        reading="open cases of “Running low”",
        left_aside=("stuck", "zanzibar"),
        read_by="small-model",
    )


def automatic():
    return Answer(
        text="One ran without a person yesterday.",
        rows=(row(automatic_case(), 9),),
        total=1,
        reading="cases run without a person, ended yesterday",
    )


ANSWER_EXAMPLES = {
    "list": case_list,
    "long list": long_list,
    "nearest": nearest,
    "count": count,
    "money": money,
    "groups": groups,
    "trend": trend,
    "one case": one_case,
    "offered approval": offered_approval,
    "other offers": other_offers,
    "desk offers": desk_offers,
    "two readings": two_readings,
    "small talk": small_talk,
    "left aside": left_aside,
    "automatic": automatic,
}
