"""Figures over comparisons, and the sentences that a pull request shows."""

from bot.cases.evaluation import Course, Expectation
from bot.cases.evaluation_summary import EvaluationSummary
from tests.cases.test_evaluation import comparison, judgement, step

APPROVED = Expectation(approved_steps=step(24))


def summary(*comparisons):
    total = EvaluationSummary()
    for one in comparisons:
        total.add(one)
    return total


def test_the_figures_say_how_many_would_take_another_way():
    same = comparison(judgement(step(24)), judgement(step(24)), APPROVED)
    alone = comparison(judgement(step(24)), judgement(step(24), Course.ALONE), APPROVED)
    asks = comparison(judgement(step(24), Course.ALONE), judgement(step(24)))
    total = summary(same, alone, asks)
    assert total.sentences() == [
        "2 of 3 would differ.",
        "1 of 3 would now run alone.",
        "1 of 3 would now go to people.",
        "People decided on 2: the desk agreed on 2, and would agree on 2.",
        "Worse: 0. Better: 0.",
    ]
    assert total.to_plain()["courses_now"] == {"alone": 1, "ask": 2, "refused": 0, "no_plan": 0}


def test_what_is_worse_and_what_is_better_is_counted():
    worse = comparison(judgement(step(24)), judgement(step(25)), APPROVED)
    better = comparison(judgement(step(25)), judgement(step(24)), APPROVED)
    total = summary(worse, better, better)
    assert (total.regressions, total.improvements) == (1, 2)
    assert total.sentences()[-1] == "Worse: 1. Better: 2."
