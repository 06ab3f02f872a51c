"""The measures of one case: each sort of life, folded from the entries that the rules write."""

import pytest

from bot.cases.lifecycle import State
from bot.cases.results import AgreementType
from bot.measures.case_measures import CaseFold, Work, fold_case
from tests.cases.making import ANA, NOW, OMAR
from tests.measures import lives
from tests.measures.lives import MINUTE

LIVES = lives.every_life()


def measures(name: str):
    return fold_case(LIVES[name].entries)


@pytest.mark.parametrize("name", LIVES)
def test_a_fold_that_stops_anywhere_and_goes_on_gives_the_same(name):
    entries = LIVES[name].entries
    for place in range(len(entries)):
        fold = CaseFold()
        for entry in entries[:place]:
            fold.add(entry)
        fold.measures()
        for entry in entries[place:]:
            fold.add(entry)
        assert fold.measures() == measures(name)


def test_no_entries_are_no_case():
    assert fold_case([]) is None


def test_an_approval_is_an_act_and_a_decision_of_its_person():
    case = measures("accepted")
    assert case.ending.agreement is AgreementType.AS_RECOMMENDED
    assert [(act.person, act.is_decision) for act in case.acts] == [(ANA.id, True)]
    assert (case.work, case.has_rework) == (Work.BY_PLAN, False)
    assert case.opened_at == NOW
    assert case.decided_at == NOW + 2 * MINUTE
    assert case.ended_at == NOW + 5 * MINUTE


def test_an_edit_is_told_from_an_acceptance():
    case = measures("edited")
    assert case.ending.agreement is AgreementType.AFTER_EDIT
    assert len(case.acts) == 2


def test_what_policy_let_run_is_nobodys_act():
    case = measures("alone")
    assert case.ending.is_automatic
    assert case.ending.agreement is None
    assert case.acts == ()
    assert case.decided_at is not None


def test_a_plan_that_ran_alone_and_failed_was_not_handled_alone():
    case = measures("alone, then by hand")
    assert (case.ending.state, case.ending.is_automatic) == (State.RESOLVED, False)
    assert (case.work, case.is_put_right) == (Work.BY_HAND, True)
    assert case.has_rework


def test_a_hand_over_is_waited_for_until_somebody_acts():
    case = measures("handed over")
    (wait,) = case.hand_overs
    assert wait.until - wait.since == 20 * MINUTE
    assert case.is_rerouted
    assert [act.person for act in case.acts] == [ANA.id, OMAR.id]
    # Nobody has answered this one.
    assert fold_case(lives.proposed().do(lives.hand_over).entries).hand_overs == ()


def test_only_what_comes_back_after_a_resolution_is_a_leak():
    life = LIVES["reopened"]
    assert measures("reopened").leaks == (life.entries[-1].at,)
    assert measures("reopened").ending is None
    assert measures("cleared and back").leaks == ()


def test_a_mistake_that_is_reported_is_a_leak_once_for_a_resolution():
    life = lives.carried_out(lives.run_alone()).do(lives.report_mistake)
    reported_at = life.entries[-1].at
    assert fold_case(life.entries).leaks == (reported_at,)
    again = life.do(lives.recur(reopen=True))
    assert fold_case(again.entries).leaks == (reported_at,)


def test_an_undone_step_is_rework():
    case = measures("undone")
    assert case.ending.undone_count == 1
    assert case.has_rework
    assert not measures("rejected").has_rework


def test_an_open_case_has_no_end():
    case = measures("open")
    assert (case.ended_at, case.ending, case.decided_at) == (None, None, None)
    assert case.is_recognised
