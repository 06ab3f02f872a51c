"""The way through a tree: each turn, and everything that is not foreseen."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.case import Step
from bot.cases.entries import StepState
from bot.cases.execution import StepKind, next_step
from bot.cases.plan import Cause, FactType, StepInput
from bot.cases.plan_tree import (
    TreeMove,
    convert_fact,
    convert_facts,
    find_way,
    is_within,
    resolve_inputs,
)
from bot.cases.tree_shape import grow
from tests.cases.making import NOW, action, approved, plan, with_fields
from tests.cases.trees import HOLD, RETURNS

FACTS = {"signal": {"product_id": 1}}
ANSWERS = st.one_of(
    st.sampled_from(["held", "returned", "lost", ""]), st.integers(), st.booleans(), st.none()
)


def tree(**changes):
    shape = grow(HOLD, FACTS)
    actions = tuple(
        action(name=step.action, summary=step.action, returns=RETURNS.get(step.step_name, {}))
        for step in HOLD.chain()
    )
    return replace(
        plan(actions=actions), branches=shape.branches, facts=dict(shape.facts), **changes
    )


def record(state=StepState.LANDED, **facts) -> Step:
    return Step(state=state, key="k", detail="", at=NOW, facts=facts)


HELD = record(answer="held", held_until="2026-12-01")


def test_a_tree_begins_with_its_first_step():
    assert find_way(tree(), []) == find_way(tree(), ())
    assert (find_way(tree(), []).turn, find_way(tree(), []).step) == (TreeMove.BEGIN, 0)


@pytest.mark.parametrize(
    ("first", "turn", "step"),
    [
        (HELD, TreeMove.BEGIN, 1),
        (record(answer="returned"), TreeMove.BEGIN, 2),
        (record(StepState.REFUSED), TreeMove.BEGIN, 3),
        (record(answer="lost"), TreeMove.ASK, 2),
        (record(), TreeMove.ASK, 1),
        (record(answer=True), TreeMove.ASK, 1),
        (record(answer="held"), TreeMove.ASK, 1),
        (record(answer="held", held_until="2027-12-01"), TreeMove.ASK, 1),
    ],
)
def test_what_a_step_came_to_decides_what_is_next(first, turn, step):
    way = find_way(tree(), [first])
    assert (way.turn, way.step) == (turn, step)
    assert bool(way.reason) is (turn is TreeMove.ASK)


def test_after_the_last_step_of_its_path_a_tree_has_ended():
    skipped = record(StepState.SKIPPED)
    assert find_way(tree(), [HELD, record()]).turn is TreeMove.END
    assert find_way(tree(), [record(answer="returned"), skipped, record()]).turn is TreeMove.END
    assert (
        find_way(tree(), [record(StepState.REFUSED), skipped, skipped, record()]).turn
        is TreeMove.END
    )


def test_evidence_in_a_condition_is_that_of_the_plan():
    elsewhere = tree()
    elsewhere = replace(elsewhere, facts={"signal.product_id": 2})
    assert find_way(elsewhere, [record(answer="returned")]).turn is TreeMove.ASK


def test_a_step_that_may_be_left_out_is_left_out():
    branches = list(tree().branches)
    branches[2] = replace(branches[2], may_be_skipped=True)
    assert find_way(tree(), [record(answer="lost")]).turn is TreeMove.ASK
    skipping = replace(tree(), branches=tuple(branches))
    assert find_way(skipping, [record(answer="lost")]).turn is TreeMove.END


def test_a_dry_run_leaves_out_what_it_cannot_know():
    assert find_way(tree(mode="dry-run"), [record()]).turn is TreeMove.END


@given(answer=ANSWERS, day=st.one_of(st.none(), st.integers(), st.dates().map(str), st.text()))
def test_whatever_a_system_says_only_a_foreseen_step_begins(answer, day):
    """No answer makes the tree guess: what begins has its condition and all its bounds."""
    facts = {name: value for name, value in (("answer", answer), ("held_until", day)) if value}
    subject = tree()
    way = find_way(subject, [record(**facts)])
    if way.turn is TreeMove.BEGIN and way.step == 1:
        assert answer == "held"
        assert "2026-11-21" <= resolve_inputs(subject, [record(**facts)], 1)["day"] <= "2026-12-21"
    elif way.turn is TreeMove.BEGIN:
        assert (answer, way.step) == ("returned", 2)
    else:
        assert way.turn is TreeMove.ASK


# --- facts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "kind", "result"),
    [
        ("7", FactType.INTEGER, 7),
        (7.0, FactType.INTEGER, 7),
        (7.5, FactType.INTEGER, None),
        (True, FactType.INTEGER, None),
        (float("nan"), FactType.INTEGER, None),
        (10**20, FactType.INTEGER, None),
        (12.5, FactType.DECIMAL, "12.5"),
        ("inf", FactType.DECIMAL, None),
        ("2026-12-01", FactType.DATE, "2026-12-01"),
        ("01.12.2026", FactType.DATE, None),
        (20261201, FactType.DATE, None),
        ("held", FactType.TEXT, "held"),
        ("", FactType.TEXT, None),
        ("x" * 501, FactType.TEXT, None),
        ("two\nlines", FactType.TEXT, None),
        (7, FactType.TEXT, None),
        (True, FactType.BOOLEAN, True),
        ("yes", FactType.BOOLEAN, None),
        (None, FactType.TEXT, None),
    ],
)
def test_a_fact_is_of_its_type_or_not_told(value, kind, result):
    assert convert_fact(value, kind) == result


def test_only_declared_facts_are_kept():
    kept = convert_facts({"answer": "held", "secret": "x"}, {"answer": FactType.TEXT})
    assert kept == {"answer": "held"}


@pytest.mark.parametrize(
    ("value", "is_inside"), [(1, True), (5, True), (0, False), (6, False), ("3", False)]
)
def test_a_number_is_within_its_bounds(value, is_inside):
    limit = StepInput(fact="a.b", type=FactType.INTEGER, minimum=1, maximum=5, words="w")
    assert is_within(limit, value) is is_inside


def test_a_text_is_one_of_those_that_are_listed():
    limit = StepInput(fact="a.b", type=FactType.TEXT, one_of=("gold", "blue"), words="w")
    assert (is_within(limit, "blue"), is_within(limit, "red")) == (True, False)


def test_the_causes_keep_their_names():
    assert [cause.value for cause in Cause] == ["landed", "refused", "otherwise"]


def test_branches_that_form_no_tree_begin_nothing():
    """No plan is made so; one that were would stop, and not run as a list."""
    subject = tree()
    loop = replace(subject.branches[0], after=0)
    for branches in (subject.branches[:2], (loop, *subject.branches[1:])):
        broken = replace(subject, branches=branches)
        assert not broken.is_tree
        assert next_step(with_fields(approved(), plan=broken)).next is StepKind.ASK
