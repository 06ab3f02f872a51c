"""Cost and savings: only what the assumptions allow, and every decision subtracted."""

from decimal import Decimal

from bot.measures.catalogue import Sample, cost_per_case, money_saved, time_saved
from bot.measures.effort import Assumptions, Effort, effort_of
from bot.measures.outcomes import Outcomes
from bot.measures.totals import Totals
from bot.measures.values import Sum


def assumptions(**changes) -> Assumptions:
    values = {
        "minutes_by_hand": Decimal(12),
        "minutes_per_decision": Decimal(2),
        "cost_per_minute": Decimal("0.5"),
        "currency": "GBP",
    }
    return Assumptions(**{**values, **changes})


#: Ten ended: seven plans did the work, one of them with rework, one person did it by hand.
TOTALS = Totals(
    outcomes=Outcomes(resolutions=8, rejections=2), clean=7, clean_plans=6, by_hand=1, acts=11
)


def test_work_is_decisions_and_what_was_done_by_hand():
    effort = effort_of(TOTALS, assumptions())
    assert effort.minutes_spent == 11 * 2 + 12
    assert effort.minutes_saved == 6 * 12 - 11 * 2
    sample = Sample(totals=TOTALS, effort=effort)
    assert cost_per_case(sample) == Sum(34 * 0.5 / 10, "GBP")
    assert time_saved(sample) == Sum(50)
    assert money_saved(sample) == Sum(25.0, "GBP")


def test_nothing_is_saved_where_people_only_reject():
    rejected = Totals(outcomes=Outcomes(rejections=5), acts=5)
    assert effort_of(rejected, assumptions()).minutes_saved == -10


def test_without_an_assumption_nothing_is_claimed():
    silent = effort_of(TOTALS, assumptions(minutes_by_hand=None))
    assert silent == Effort()
    assert time_saved(Sample(totals=TOTALS, effort=silent)) == Sum(None)
    free = effort_of(TOTALS, assumptions(cost_per_minute=None))
    assert free.minutes_saved == 50
    assert cost_per_case(Sample(totals=TOTALS, effort=free)) == Sum(None)


def test_currencies_are_never_added_up():
    euros = effort_of(TOTALS, assumptions(currency="EUR"))
    both = effort_of(TOTALS, assumptions()) + euros
    assert both.minutes_saved == 100
    assert money_saved(Sample(totals=TOTALS, effort=both)) == Sum(None)
    assert money_saved(Sample(totals=TOTALS, effort=euros)).currency == "EUR"
