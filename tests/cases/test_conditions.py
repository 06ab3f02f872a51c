"""Conditions in CEL: what they know, what they cost, and what is wrong with them."""

import contextlib
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.conditions import (
    MAX_CONDITION,
    VARIABLES,
    ConditionFailed,
    ConditionInvalid,
    compared_names,
    compile_condition,
    example_values,
    fact_names,
    parameter_names,
)

VALUES = {
    "plan": {"amount": 700.5, "actions": ["house.order_stock"], "targets": ["a", "b"]},
    "case": {"kind": "low_stock"},
    "time": {"hour": 19, "weekday": "sat"},
    "facts": {"stock": {"on_hand": 2, "title": "Cork"}},
    "used": {},
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("plan.amount > 500 && case.kind == 'low_stock'", True),
        ("plan.amount > 701", False),
        ("plan.amount * 2.0 > 1400.0", True),
        ("time.hour >= 18 || time.weekday in ['mon']", True),
        ("!(time.weekday in ['sat', 'sun'])", False),
        ("'b' in plan.targets", True),
        ("size(plan.targets) == 2 && case.kind.startsWith('low')", True),
        ("facts.stock.on_hand < 3 && facts.stock.title.contains('ork')", True),
        ("has(case.stake) && case.stake > 100.0", False),
        ('case.kind == "low_stock" ? plan.amount > 1.0 : false', True),
    ],
)
def test_a_condition_holds_by_its_values(text, holds):
    assert compile_condition(text).holds(VALUES) is holds


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("plan.amuont > 500", "there is no plan.amuont; did you mean plan.amount?"),
        ("plna.amount > 500", "there is no plna.amount; did you mean plan?"),
        ("amount > 500", "there is no amount; did you mean plan.amount?"),
        ("kind == 'x'", "there is no kind; did you mean case.kind?"),
        ("time.weekdy == 'sat'", "did you mean time.weekday?"),
        ("plan.amount.cents > 5", "plan.amount has no members"),
        ("plan.amount", "neither true nor false"),
        ("'yes'", "neither true nor false"),
        ("plan.amount * 2 > 500", "write 2.0"),
        ("plan.amount > '500'", "No such overload"),
        ("plan.amount >", "not a condition in CEL: at 14"),
        ("plan == plan", "plan alone says nothing"),
        ("plan.targets[0] == 'a'", "an index"),
        ("case['kind'] == 'x'", "alone says nothing"),
        ("plan.targets.all(x, x == 'a')", "there is no function all"),
        ("[1, 2].exists(x, x > 1)", "there is no function exists"),
        ("case.kind.matches('(a+)+')", "there is no function matches"),
        ("{'a': plan.amount}.a > 1.0", "a map is built"),
        ("case.kind == 'a\\'", "a backslash"),
        ("true // plan", "a comment"),
        ("case.kind == '''x'''", "a text of several lines"),
        ("(case.kind).size() > 0 && (case.kind).x == 1", "has no members"),
        ("r'x' == 'x'", "there is no r"),
        (f"true{' || true' * 99}", f"at most {MAX_CONDITION}"),
        ("(" * 200 + "true" + ")" * 200, "not a condition"),
    ],
)
def test_a_mistake_in_a_condition_is_told_before_any_case_meets_it(text, reason):
    with pytest.raises(ConditionInvalid) as caught:
        compile_condition(text)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("case.stake > 5.0", "stake is not known"),
        ("facts.invoice.total > 5", "invoice is not known"),
        ("facts.stock.title > 5", "No such overload"),
        ("facts.stock.on_hand", "neither true nor false"),
        ("facts.stock.on_hand / 0 == 1", "division by zero"),
    ],
)
def test_a_value_that_is_missing_or_of_another_type_fails(text, reason):
    with pytest.raises(ConditionFailed) as caught:
        compile_condition(text).holds(VALUES)
    assert reason in str(caught.value)


def test_each_name_has_an_example_of_its_type_and_a_description():
    for owner, members in VARIABLES.items():
        for member, (_, words) in members.items():
            assert words.strip(), f"{owner}.{member}"
    assert compile_condition("plan.amount > 1.0 && plan.reversible").holds(example_values())


def test_names_in_conditions_are_found_outside_their_texts():
    text = "case.kind in ['a', \"b\"] || case.kind == 'c' && facts.stock.on_hand > 1"
    assert list(compared_names(text, "case.kind")) == ["c", "a", "b"]
    assert fact_names("'facts.not.me' == 'x' || facts.till.sum > 1") == ["till"]
    assert parameter_names("action.parameters.quantity > 5 || 'action.parameters.no' == ''") == [
        "quantity"
    ]


@given(st.text(alphabet="pla n.amount>5'&|()[]!=?:,0x\"in", max_size=60))
def test_any_text_is_a_condition_or_is_refused_and_nothing_else_happens(text):
    try:
        condition = compile_condition(text)
    except ConditionInvalid:
        return
    with contextlib.suppress(ConditionFailed):
        assert condition.holds(example_values()) in {True, False}


def test_a_policy_without_rules_imports_no_library_for_conditions():
    code = (
        "import sys; from knowledge.library import load; load();"
        "print([name for name in sys.modules if name.split('.')[0] in {'cel', 'prompt_toolkit'}])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_conditions_import_no_libraries_for_terminals():
    code = (
        "import sys; from bot.cases.conditions import compile_condition as c; c('true');"
        "print([name for name in sys.modules if name in {'prompt_toolkit', 'rich', 'typer'}])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
