"""The order of search results.

Searches are fused by how far their scores stand out; recent precedents and good outcomes are
preferred a little.
"""

import math
from collections.abc import Iterable, Sequence
from operator import itemgetter

from bot.cases.precedent import CaseOutcome

# Scores that differ by less than this part of the highest are noise, and do not stand out.
MIN_SPREAD = 0.05
# One standard score is worth so much of the weight of a precedent.
PREFERENCE_SCALE = 5.0
GOOD_OUTCOMES = frozenset({CaseOutcome.WORKED, CaseOutcome.BY_HAND})
BAD_OUTCOME_WEIGHT = 0.97
# Of the weight of a precedent the first part stays, the second fades with its age in years.
LASTING_WEIGHT = 0.8
FADING_WEIGHT = 0.2

ScoredKeys = Sequence[tuple[int, float]]


def fuse_scores(searches: Iterable[ScoredKeys]) -> list[tuple[int, float]]:
    """Merge searches by the sum of their standard scores, the best first.

    What a search did not find has the lowest of its scores.
    """
    totals: dict[int, float] = {}
    for scored_keys in searches:
        for key, score in _above_lowest(scored_keys):
            totals[key] = totals.get(key, 0.0) + score
    return sorted(totals.items(), key=itemgetter(1), reverse=True)


def _above_lowest(scored_keys: ScoredKeys) -> list[tuple[int, float]]:
    """Count by how many standard deviations each score is above the lowest."""
    scores = [score for _, score in scored_keys]
    if not scores:
        return []
    lowest = min(scores)
    # Above the lowest: a sum of squares loses no digits there.
    heights = [score - lowest for score in scores]
    mean = sum(heights) / len(heights)
    variance = sum([height * height for height in heights]) / len(heights) - mean * mean
    spread = max(math.sqrt(max(variance, 0.0)), MIN_SPREAD * max(max(scores), -lowest))
    if not spread:
        return [(key, 0.0) for key, _ in scored_keys]
    return [(key, (score - lowest) / spread) for key, score in scored_keys]


def preference(age_in_days: int, *, is_good: bool) -> float:
    """Weigh a precedent by age and outcome; the similarity still decides."""
    age_in_years = max(0.0, age_in_days / 365)
    recency = LASTING_WEIGHT + FADING_WEIGHT / (1 + age_in_years)
    outcome = 1.0 if is_good else BAD_OUTCOME_WEIGHT
    return outcome * recency
