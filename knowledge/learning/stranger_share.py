"""The share of strangers: cases of an unknown kind.

How sure recognition must be before it names a kind depends on how often there is none to name.
"""

from collections.abc import Iterable
from datetime import datetime

from bot.cases.kind_origin import KindSource
from bot.cases.precedent import Label, Precedent

# Before people have said anything, one case in twenty is expected to be of a new kind. That belief
# counts as much as this number of cases, so it weighs less with each case that is seen.
PRIOR_SHARE = 0.05
PRIOR_CASES = 100
#: The latest cases that are counted.
MAX_RECENT_CASES = 300


def stranger_share(labels: Iterable[Label], precedents: Iterable[Precedent]) -> float:
    """Estimate the share of strangers among coming cases of recognition.

    Counted are the latest of those that people named, called new, corrected or decided. Neither
    imported history nor cases whose source names their kind say anything of it.
    """
    cases: dict[str, tuple[datetime, float]] = {}
    for precedent in precedents:
        strangeness = _strangeness_of(precedent)
        if precedent.case_id and strangeness is not None:
            cases[precedent.case_id] = precedent.ended_at, strangeness
    for label in labels:
        # The word of a person on the kind counts, not what was decided after it.
        cases[label.case_id] = label.at, float(_is_stranger(label))
    recent = sorted(cases.values())[-MAX_RECENT_CASES:]
    strangers = sum(strangeness for _, strangeness in recent)
    return (PRIOR_SHARE * PRIOR_CASES + strangers) / (PRIOR_CASES + len(recent))


def _is_stranger(label: Label) -> bool:
    """Tell whether recognition should have named no kind.

    What it took for another kind was a stranger to that one: an error of naming, which a surer
    recognition would not have made.
    """
    return not label.kind or label.origin.is_corrected


def _strangeness_of(precedent: Precedent) -> float | None:
    """Return the probability that a decided case was a stranger.

    None where recognition was not asked.
    """
    origin = precedent.kind_origin
    if origin.source is KindSource.SIGNAL:
        return None
    if origin.is_corrected:
        return 1.0
    is_confirmed = origin.source is not KindSource.UNKNOWN and precedent.is_kind_known
    # Of the others nobody knows: they leave the belief where it is.
    return 0.0 if is_confirmed else PRIOR_SHARE
