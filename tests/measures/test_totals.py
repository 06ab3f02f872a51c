"""Totals: sums that no order, no division and no bad clock can change."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cases.hours import ALWAYS, Hours
from bot.cases.lifecycle import TERMINAL, State
from bot.cases.results import AgreementType, EndedCases
from bot.measures.case_measures import CaseMeasures, PersonAct, Wait, Work, fold_case
from bot.measures.catalogue import MEASURES, Sample, number_of, take_all
from bot.measures.totals import ReportPeriod, Totals, add_up
from bot.measures.values import Share, Times
from tests.fakes.clock import NOON
from tests.measures import lives

#: Each example is a list of whole cases.
FEWER = settings(max_examples=40)
HOURS = 24 * 40
moments = st.integers(0, HOURS * 60).map(lambda minutes: NOON + timedelta(minutes=minutes))
OFFICE = Hours(days=frozenset(range(5)))


@st.composite
def endings(draw, kind):
    state = draw(st.sampled_from(sorted(TERMINAL)))
    is_automatic = state is State.RESOLVED and draw(st.booleans())
    agreement = None if is_automatic else draw(st.none() | st.sampled_from(AgreementType))
    return EndedCases(
        kind=kind,
        state=state,
        is_automatic=is_automatic,
        agreement=agreement,
        cases=1,
        reopened_count=draw(st.integers(0, 1)),
        undone_count=draw(st.integers(0, 1)),
    )


@st.composite
def cases(draw):
    opened_at = draw(moments)
    later = st.integers(0, 5_000).map(lambda minutes: opened_at + timedelta(minutes=minutes))
    ended_at = draw(st.none() | later)
    kind = draw(st.sampled_from(["low_stock", "unrecognised"]))
    people = st.sampled_from(["T1/UANA", "T1/UBEN", "T1/UCARLA", "T1/UOMAR"])
    waits = draw(st.lists(later, max_size=2))
    return CaseMeasures(
        kind=kind,
        team=draw(st.sampled_from(["floor-managers", "ops-leads"])),
        channel="C0STOCK",
        occurred_at=draw(st.none() | moments),
        opened_at=opened_at,
        decided_at=draw(st.none() | later),
        ended_at=ended_at,
        ending=draw(endings(kind)) if ended_at else None,
        work=draw(st.sampled_from(Work)),
        is_put_right=draw(st.booleans()),
        is_rerouted=draw(st.booleans()),
        is_escalated=draw(st.booleans()),
        acts=tuple(draw(st.lists(st.builds(PersonAct, later, people, st.booleans()), max_size=3))),
        hand_overs=tuple(Wait(at, at + timedelta(hours=1)) for at in waits),
        leaks=tuple(draw(st.lists(later, max_size=2))),
    )


def total(some, period, hours=ALWAYS) -> Totals:
    totals = Totals()
    for case in some:
        totals.add(case, period, hours)
    return totals


EVERYTHING = ReportPeriod(NOON, NOON + timedelta(days=400))


@FEWER
@given(st.lists(cases(), max_size=8), st.randoms())
def test_the_order_of_cases_does_not_matter(some, dice):
    others = list(some)
    dice.shuffle(others)
    assert total(some, EVERYTHING) == total(others, EVERYTHING)
    assert take_all(Sample(totals=total(some, EVERYTHING))) == take_all(
        Sample(totals=total(others, EVERYTHING))
    )


@FEWER
@given(st.lists(cases(), max_size=8), moments)
def test_two_periods_add_up_to_the_whole(some, border):
    first, second = ReportPeriod(NOON, border), ReportPeriod(border, EVERYTHING.until)
    parts = [total(some, first, OFFICE), total(some, second, OFFICE)]
    assert add_up(parts) == add_up(parts[::-1]) == total(some, EVERYTHING, OFFICE)


@FEWER
@given(st.lists(cases(), max_size=6), st.lists(cases(), max_size=6))
def test_two_groups_add_up_to_all_cases(some, others):
    parts = [total(some, EVERYTHING), total(others, EVERYTHING)]
    assert add_up(parts) == total([*some, *others], EVERYTHING)


@FEWER
@given(st.lists(cases(), max_size=8), moments, st.integers(0, 40))
def test_no_count_and_no_time_is_ever_negative(some, since, days):
    totals = total(some, ReportPeriod(since, since + timedelta(days=days)), OFFICE)
    for value in take_all(Sample(totals=totals)).values():
        match value:
            case Share(part=part, whole=whole):
                assert part >= 0
                assert whole >= 0
            case Times():
                assert (value.clock_p50 or 0) >= 0
                assert (value.clock_p90 or 0) >= (value.clock_p50 or 0)
                # Working hours are a part of all hours.
                assert (value.working_p90 or 0) <= (value.clock_p90 or 0)
            case _:
                assert (number_of(value) or 0) >= 0


#: What is counted against something else than the cases themselves.
OPEN_ENDED = {"exception_rate", "leaked_defects"}


@FEWER
@given(st.lists(cases(), max_size=8))
def test_a_share_is_a_part_of_its_whole(some):
    values = take_all(Sample(totals=total(some, EVERYTHING)))
    for measure in MEASURES:
        value = values[measure.name]
        if isinstance(value, Share) and measure.name not in OPEN_ENDED:
            assert value.part <= value.whole


@FEWER
@given(st.lists(cases(), max_size=8))
def test_every_ended_case_ended_in_one_way(some):
    totals = total(some, EVERYTHING)
    outcomes = totals.outcomes
    assert outcomes.endings == sum(case.ended_at is not None for case in some)
    assert outcomes.alone <= outcomes.resolutions
    assert totals.clean_plans <= totals.clean <= outcomes.resolutions


def test_lives_by_the_rules_are_counted_as_they_went():
    some = [fold_case(life.entries) for life in lives.every_life().values()]
    totals = total(some, ReportPeriod(NOON - timedelta(days=1), EVERYTHING.until))
    outcomes = totals.outcomes
    assert (totals.openings, outcomes.endings, outcomes.resolutions) == (12, 9, 6)
    assert (outcomes.alone, outcomes.rejections, outcomes.clearings) == (1, 2, 1)
    assert (totals.by_hand, totals.rework, totals.leaks, totals.reroutings) == (3, 3, 1, 1)
    assert (totals.clean, totals.clean_plans) == (3, 3)
    assert totals.waits.hand_overs.times().clock_p50 == 20 * 60


def test_a_period_ends_before_its_last_moment():
    (case,) = [fold_case(lives.proposed().entries)]
    at = case.opened_at
    assert total([case], ReportPeriod(at, at + timedelta(seconds=1))).openings == 1
    assert total([case], ReportPeriod(at - timedelta(seconds=1), at)).openings == 0
