"""Outcomes: counted alike from single cases and from groups of a tally."""

from bot.cases.lifecycle import State
from bot.cases.results import AgreementType, EndedCases
from bot.measures.outcomes import Outcomes, count_outcomes, share_accepted, share_alone
from bot.measures.values import Share


def group(state, cases=1, **changes) -> EndedCases:
    values = {
        "kind": "low_stock",
        "state": state,
        "is_automatic": False,
        "agreement": None,
        "cases": cases,
        "reopened_count": 0,
        "undone_count": 0,
    }
    return EndedCases(**{**values, **changes})


GROUPS = (
    group(State.RESOLVED, 3, is_automatic=True, reopened_count=1),
    group(State.RESOLVED, 4, agreement=AgreementType.AS_RECOMMENDED),
    group(State.RESOLVED, 2, agreement=AgreementType.AFTER_EDIT, undone_count=1),
    group(State.REJECTED, 1, agreement=AgreementType.OTHERWISE),
    # Policy let it begin, and the source gave the all-clear.
    group(State.CLEARED, 5, is_automatic=True),
    group(State.EXPIRED, 2),
    group(State.WITHDRAWN, 1),
)


def test_groups_are_added_up():
    outcomes = count_outcomes(GROUPS)
    assert outcomes == Outcomes(
        resolutions=9,
        alone=3,
        rejections=1,
        expiries=2,
        clearings=5,
        withdrawals=1,
        as_recommended=4,
        after_edit=2,
        otherwise=1,
        reopenings=1,
        undoings=1,
    )
    assert outcomes.endings == 18
    assert share_alone(outcomes) == Share(3, 18)
    assert share_accepted(outcomes) == Share(4, 7)


def test_a_group_counts_as_its_cases_one_by_one():
    single = [group(State.RESOLVED, 1, agreement=AgreementType.AS_RECOMMENDED)] * 4
    assert count_outcomes(single) == count_outcomes(GROUPS[1:2])
    assert count_outcomes([]) == Outcomes()
