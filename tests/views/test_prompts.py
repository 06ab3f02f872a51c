"""The questions that the agent pane suggests."""

from itertools import product

import pytest

from bot.views.prompts import MAX_PROMPTS, PromptFacts, suggest_prompts


@pytest.mark.parametrize(
    ("facts", "first"),
    [
        ({"waiting": 2, "late": 1, "is_decider": True}, "What waits on me?"),
        ({"is_decider": True, "is_lead": True}, "Who is holding things up?"),
        ({"is_decider": True}, "What is due today?"),
        ({"may_raise": True}, "What did I raise?"),
        ({}, "What is open?"),
    ],
)
def test_the_most_useful_question_comes_first(facts, first):
    assert suggest_prompts(PromptFacts(**facts))[0] == first


def test_there_are_always_four_and_none_twice():
    flags = (False, True)
    for waiting, late, is_decider, is_lead, may_raise in product(
        (0, 3), (0, 1), flags, flags, flags
    ):
        facts = PromptFacts(
            waiting=waiting,
            late=late,
            is_decider=is_decider,
            is_lead=is_lead,
            may_raise=may_raise,
        )
        prompts = suggest_prompts(facts)
        assert len(set(prompts)) == len(prompts) == MAX_PROMPTS
