"""The share of strangers: cases of an unknown kind.

How sure recognition must be before it names a kind depends on how often there is none to name.
"""

from collections.abc import Iterable
from datetime import datetime

from bot.cases.precedent import Label, Precedent

# Before people have said anything, one case in twenty is expected to be of a new kind. That belief
# counts as much as this number of cases.
PRIOR_SHARE = 0.05
PRIOR_CASES = 100
#: The latest cases that are counted.
MAX_RECENT_CASES = 300


def stranger_share(labels: Iterable[Label], precedents: Iterable[Precedent]) -> float:
    """Estimate the share of strangers among the coming cases.

    Counted are the latest cases that people named, called new or decided. Imported history says
    nothing of what arrives.
    """
    cases: dict[str, tuple[datetime, bool]] = {}
    for precedent in precedents:
        if precedent.case_id:
            cases[precedent.case_id] = precedent.ended_at, False
    for label in labels:
        # The word of a person on the kind counts, not what was decided after it.
        cases[label.case_id] = label.at, not label.kind
    recent = sorted(cases.values())[-MAX_RECENT_CASES:]
    strangers = sum(is_stranger for _, is_stranger in recent)
    share = (PRIOR_SHARE * PRIOR_CASES + strangers) / (PRIOR_CASES + len(recent))
    # Cases whose source names their kind are among these, as precedents do not say which they are.
    # Such cases are no evidence that strangers are rare.
    return max(share, PRIOR_SHARE)
