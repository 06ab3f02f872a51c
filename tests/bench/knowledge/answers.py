"""The answers of a plan model to new cases, and what was promised of them."""

import numpy as np

from tests.bench.knowledge.figures import (
    coverage_estimate,
    report_calibration,
    report_promises_by_group,
    share_of,
)


class Answers:
    """Answers as a card gives them, beside what was right."""

    def __init__(self):
        self.rows, self.groups, self._answers, self._right = [], [], [], []
        self._shares, self._confidences, self._targets, self._is_unlike = [], [], [], []

    def add(self, estimate, right, *, group, row=0):
        """Add an answer; what is unlike the past is answered by the shares, without a word on it."""
        actions = {action: share for action, share in estimate.shares.items() if action}
        best = max(actions, key=actions.__getitem__)
        guarantee = estimate.guarantee_of(best)
        confidence = estimate.confidence_of(best)
        self.rows.append(row)
        self.groups.append(group)
        self._answers.append(best)
        self._right.append(right)
        self._shares.append(actions[best])
        self._confidences.append(np.nan if confidence is None else confidence)
        self._targets.append(guarantee.target if guarantee else 0.0)
        self._is_unlike.append(estimate.is_unlike_past)

    @property
    def is_right(self):
        return np.array(self._answers) == np.array(self._right)

    def figures(self):
        """Return the figures of all answers; those without a confidence come last."""
        is_right, confidences = self.is_right, np.array(self._confidences)
        is_unlike = np.array(self._is_unlike)
        ranks = np.nan_to_num(confidences, nan=-1.0)
        return {
            "top_1": share_of(is_right),
            "coverage_at_90": coverage_estimate(ranks, is_right, 0.90),
            "coverage_at_90_by_share": coverage_estimate(np.array(self._shares), is_right, 0.90),
            "unlike_past": share_of(is_unlike),
            "right_when_unlike": share_of(is_right[is_unlike]),
        }

    def report_promises(self, name):
        """Report each target: how often it was promised, and how often right in each week."""
        report_promises_by_group(
            name, targets=self._targets, is_right=self.is_right, groups=self.groups
        )
        confidences = np.array(self._confidences)
        has_confidence = ~np.isnan(confidences)
        report_calibration(name, confidences[has_confidence], self.is_right[has_confidence])
