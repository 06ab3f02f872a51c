"""Sliding windows of past actions, against counting all of them anew."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from bot.cases.limits import sum_used
from bot.cases.recent_actions import PastAction, RecentActions
from tests.cases.making import NOW, action, plan
from tests.world import policy

WINDOWS = (timedelta(hours=1), timedelta(days=1), timedelta(days=7))
NAMES, TARGETS, PEOPLE = ("house.a", "house.b"), ("t1", "t2", "t3"), ("", "T1/U1", "T1/U2")
PAST = st.lists(
    st.builds(
        PastAction,
        at=st.integers(0, 24 * 9).map(lambda hours: NOW + timedelta(hours=hours)),
        name=st.sampled_from(NAMES),
        target=st.sampled_from(TARGETS),
        requester=st.sampled_from(PEOPLE),
        currency=st.just("GBP"),
        amount=st.integers(0, 50).map(Decimal),
    ),
    max_size=30,
).map(lambda past: sorted(past, key=lambda one: one.at))


@given(
    past=PAST,
    requester=st.sampled_from([None, *PEOPLE[1:]]),
    targets=st.lists(st.sampled_from(TARGETS), min_size=1, max_size=3),
    later=st.integers(0, 48),
)
def test_usage_of_sliding_windows_is_what_counting_anew_gives(past, requester, targets, later):
    actions = tuple(action(name="house.a", target=target) for target in targets)
    proposal = plan(actions=actions, requester=requester)
    recent = RecentActions(WINDOWS)
    for one in past:
        recent.add([one])
        # It is asked in between, so that windows move on before the end.
        recent.usage(proposal, one.at)
    now = (past[-1].at if past else NOW) + timedelta(hours=later)
    usage = recent.usage(proposal, now)
    rules = policy()
    for window in WINDOWS:
        rows = list(usage.of("house.a", window))
        inside = [one for one in past if one.name == "house.a" and one.at > now - window]
        assert sum(row.times for row in rows) == len(inside)
        assert sum_used(rows, rules) == sum(one.amount for one in inside)
        for target in targets:
            own = [row for row in rows if row.target == target]
            assert sum(row.times for row in own) == sum(one.target == target for one in inside)
        if requester:
            own = [row for row in rows if row.requester == requester]
            expected = Counter(one.requester for one in inside)[requester]
            assert sum(row.times for row in own) == expected


def test_currencies_are_not_mixed():
    recent = RecentActions(WINDOWS)
    one = PastAction(
        at=NOW, name="house.a", target="t1", requester="", currency="GBP", amount=Decimal(5)
    )
    recent.add([one, replace(one, currency="EUR", amount=Decimal(7))])
    proposal = plan(actions=(action(name="house.a", target="t1"),))
    rows = recent.usage(proposal, NOW + timedelta(minutes=1)).rows
    assert {(row.currency, row.amount) for row in rows} == {("GBP", 5), ("EUR", 7)}
