"""The order of search results.

Rankings are fused by rank; recent precedents and good outcomes are preferred a little.
"""

from collections.abc import Iterable, Sequence
from operator import itemgetter

from bot.cases.precedent import CaseOutcome

# The usual constant of reciprocal rank fusion: it keeps the first ranks from dominating.
RANK_DAMPING = 60
GOOD_OUTCOMES = frozenset({CaseOutcome.WORKED, CaseOutcome.BY_HAND})
BAD_OUTCOME_WEIGHT = 0.97
# Of the weight of a precedent the first part stays, the second fades with its age in years.
LASTING_WEIGHT = 0.8
FADING_WEIGHT = 0.2


def fuse_rankings(rankings: Iterable[Sequence[int]]) -> list[tuple[int, float]]:
    """Merge rankings of keys by reciprocal rank fusion, the best first."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, key in enumerate(ranking):
            score = 1 / (RANK_DAMPING + rank)
            scores[key] = scores.get(key, 0.0) + score
    return sorted(scores.items(), key=itemgetter(1), reverse=True)


def preference(age_in_days: int, *, is_good: bool) -> float:
    """Weigh a precedent by age and outcome; the similarity still decides."""
    age_in_years = max(0.0, age_in_days / 365)
    recency = LASTING_WEIGHT + FADING_WEIGHT / (1 + age_in_years)
    outcome = 1.0 if is_good else BAD_OUTCOME_WEIGHT
    return outcome * recency
