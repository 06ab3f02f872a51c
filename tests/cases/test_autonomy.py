"""The gate: counts, the lower bound, drift, and what no record makes good."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.agreement import DecisionScore
from bot.cases.autonomy import (
    clopper_pearson_lower,
    fall_chance,
    judge_record,
    next_stage,
    obstacles_to,
)
from bot.cases.autonomy_rule import AutonomyRule
from bot.cases.case import BadOutcome
from bot.cases.policy import ActionLimit, Stage
from bot.lazy_module import LazyModule
from tests.cases.making import NOW
from tests.world import policy

# A second of CPU in every worker that collects, for two tests.
stats = LazyModule("scipy.stats")
DAY = timedelta(days=1)
RULE = AutonomyRule(decisions=60, agreement=0.9, confidence=0.95)


def score(number: int, *, agrees: bool = True, **changes) -> DecisionScore:
    base = DecisionScore(
        kind="low_stock",
        action="house.order_stock",
        case_id=f"EX-{number}",
        revision=1,
        decided_at=NOW - timedelta(hours=number),
        stage=Stage.SUPERVISED,
        is_alone=False,
        is_comparable=True,
        action_agrees=agrees,
        parameters_agree=agrees,
        bad_outcome=None,
        bad_reason="",
        bad_at=None,
    )
    return replace(base, **changes)


def record(count: int, misses: tuple[int, ...] = ()) -> list[DecisionScore]:
    """Return scores in the order of time, as they are read."""
    return [score(number, agrees=number not in misses) for number in range(count, 0, -1)]


def test_the_gate_opens_on_enough_agreement():
    gate = judge_record(record(62, (7, 31)), RULE, now=NOW)
    assert gate.is_open
    assert (gate.decisions, gate.agreements) == (62, 60)
    assert 0.90 < gate.lower_bound < 60 / 62
    assert gate.misses == ("EX-31", "EX-7")
    assert gate.evidence.lower_bound_permille == int(gate.lower_bound * 1000)


def test_one_decision_too_few_keeps_it_closed():
    gate = judge_record(record(59), RULE, now=NOW)
    assert gate.reasons == ("1 more comparable decision of people, 60 in all",)
    assert judge_record(record(60), RULE, now=NOW).is_open


def test_the_lower_bound_counts_and_not_the_share():
    # 93 % agreement, of which only 86 % is sure.
    gate = judge_record(record(60, (3, 20, 40, 55)), RULE, now=NOW)
    assert gate.agreements / gate.decisions > RULE.agreement
    assert not gate.is_open
    assert gate.reasons == ("people must agree more: surely 85 % by now, and 90 % are needed",)


def test_one_bad_outcome_in_the_window_keeps_it_closed():
    bad = score(30, bad_outcome=BadOutcome.UNDONE)
    scores = sorted([*record(70), bad], key=lambda one: one.decided_at)
    gate = judge_record(scores, RULE, now=NOW)
    assert gate.bad_cases == ("EX-30",)
    assert "EX-30" in gate.reasons[0]
    later = NOW + RULE.window + DAY
    assert judge_record([bad], RULE, now=later).bad_cases == ()


def test_a_bad_outcome_of_what_ran_alone_counts_too():
    bad = score(30, is_alone=True, is_comparable=False, bad_outcome=BadOutcome.COMPLAINT)
    assert not judge_record([*record(70), bad], RULE, now=NOW).is_open


def test_what_is_older_than_the_window_counts_no_more():
    assert judge_record(record(70), RULE, now=NOW + RULE.window).decisions == 0


def test_what_was_decided_before_a_demotion_counts_no_more():
    gate = judge_record(record(70), RULE, now=NOW, since=NOW - timedelta(hours=10, minutes=30))
    assert gate.decisions == 10


def test_what_is_not_comparable_does_not_count():
    scores = [replace(one, is_comparable=False) for one in record(100)]
    assert judge_record(scores, RULE, now=NOW).decisions == 0


def test_agreement_that_fell_of_late_keeps_it_closed():
    rule = replace(RULE, agreement=0.8)
    recent_misses = (1, 3, 5, 7, 9, 11)
    assert (
        "people agreed less of late than before"
        in judge_record(record(100, recent_misses), rule, now=NOW).reasons
    )
    # As many misses, long ago or spread out, are no drift.
    for misses in ((91, 93, 95, 97, 99, 100), (10, 30, 50, 70, 90, 95)):
        assert judge_record(record(100, misses), rule, now=NOW).is_open


def test_policy_keeps_what_no_record_makes_good():
    rules = policy(
        actions={"house.order_stock": ActionLimit(alone=True), "house.other": ActionLimit()}
    )
    assert obstacles_to(Stage.AUTONOMOUS, "house.order_stock", rules) == ()
    assert obstacles_to(Stage.AUTONOMOUS, "house.other", rules)
    assert obstacles_to(Stage.SUPERVISED, "house.other", rules) == ()
    assert obstacles_to(Stage.SUPERVISED, "house.unlisted", rules)
    gate = judge_record(record(70), RULE, now=NOW, obstacles=("policy lets it never run alone",))
    assert not gate.is_open


def test_stages_are_earned_one_by_one():
    assert [next_stage(stage) for stage in Stage] == [Stage.SUPERVISED, Stage.AUTONOMOUS, None]


# From the published tables: with no miss the bound is alpha to the power of 1/n.
@pytest.mark.parametrize(
    ("successes", "trials", "confidence", "bound"),
    [(20, 20, 0.95, 0.8609), (59, 59, 0.95, 0.9505), (29, 30, 0.95, 0.8514), (0, 10, 0.95, 0.0)],
)
def test_the_bound_is_that_of_the_tables(successes, trials, confidence, bound):
    assert clopper_pearson_lower(successes, trials, confidence) == pytest.approx(bound, abs=5e-4)


def test_the_bound_is_that_of_scipy():
    for trials in (1, 5, 20, 62, 400):
        for successes in range(0, trials + 1, max(1, trials // 7)):
            exact = stats.binomtest(successes, trials, alternative="greater").proportion_ci(
                0.95, "exact"
            )
            assert clopper_pearson_lower(successes, trials, 0.95) == pytest.approx(
                exact.low, abs=1e-9
            )


def test_the_chance_of_a_fall_is_fishers():
    for earlier_hits, recent_hits in ((30, 30), (30, 25), (28, 20), (20, 28), (0, 0), (31, 30)):
        earlier = [True] * earlier_hits + [False] * (31 - earlier_hits)
        recent = [True] * recent_hits + [False] * (31 - recent_hits)
        table = [[recent_hits, 31 - recent_hits], [earlier_hits, 31 - earlier_hits]]
        expected = stats.fisher_exact(table, alternative="less").pvalue
        assert fall_chance([*earlier, *recent]) == pytest.approx(expected)
    assert fall_chance([]) == 1.0
