"""The record of a plan model in people's answers since its training.

Answers to cards correct the confidence that is shown, and put an end to a promise that they speak
against. Both rest on what the model has not been trained on: what it has seen is in its curve and
in its certification already, and would count twice.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from bot.cases.precedent import Precedent
from bot.cases.promise import PromiseRecord, PromiseWeek, monday_of
from knowledge.learning.calibration import logistic
from knowledge.learning.plan_estimate import PlanEstimate

PERCENT = 100
#: The latest answers, from which the correction is computed. Of fewer, chance says more than truth.
MIN_ANSWERS = 50
MAX_ANSWERS = 200
#: Answers that say that the model is right as it is: fewer answers of people move it little.
PSEUDO_ANSWERS = 20.0
#: Cards show whole per cents, of which 0 and 100 have no logarithm of their odds.
MIN_CONFIDENCE = 0.005
#: A steeper or flatter curve than this is chance.
SLOPES = (0.25, 4.0)
# Holds the slope at 1 until many answers speak for another; where all had one confidence, always.
SLOPE_WEIGHT = 10.0
NEWTON_STEPS = 12
MAX_HALVINGS = 30
LOSS_TOLERANCE = 1e-9

#: At most so many of a hundred promises that are kept lapse nevertheless.
RISK = 0.05
#: How far below a promise the truth may be: the test bets on each alike.
SHORTFALLS = (0.05, 0.1, 0.2, 0.4)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardAnswer:
    """A person's answer to one card."""

    #: Its place in the order of changes.
    seq: int
    #: The confidence of the model, before any correction.
    confidence: float
    was_right: bool
    at: datetime
    #: How many of a hundred the card promised to be right.
    promise: int | None = None


def answer_of(precedent: Precedent, seq: int) -> CardAnswer | None:
    """Return the answer of a precedent.

    None where its card had no confidence.
    """
    decision = precedent.decision
    percent = decision.model_confidence
    if percent is None:
        # Cards of earlier releases showed what the model estimated.
        percent = decision.card_confidence
    if percent is None or not precedent.is_trainable:
        return None
    return CardAnswer(
        seq=seq,
        confidence=percent / PERCENT,
        was_right=precedent.was_right,
        at=precedent.ended_at,
        promise=decision.card_promise,
    )


@dataclass(frozen=True, slots=True)
class Correction:
    """A curve from the model's confidence to the one on the card."""

    slope: float = 1.0
    offset: float = 0.0

    def correct(self, confidence: float) -> float:
        """Return the confidence to show."""
        if self == NO_CORRECTION:
            return confidence
        return logistic(self.slope * _log_odds(confidence) + self.offset)


NO_CORRECTION = Correction()


@dataclass(frozen=True, slots=True)
class LiveRecord:
    """The correction and the promises of one kind since the training."""

    correction: Correction = NO_CORRECTION
    promises: tuple[PromiseRecord, ...] = field(default=())

    def confidence_of(self, action: str, estimate: PlanEstimate) -> float | None:
        """Return the corrected probability that an action is right."""
        confidence = estimate.confidence_of(action)
        return None if confidence is None else self.correction.correct(confidence)

    def lapse_of(self, percent: int) -> PromiseRecord | None:
        """Return the record of a promise if it has lapsed."""
        for promise in self.promises:
            if promise.percent == percent and promise.has_lapsed:
                return promise
        return None


NO_RECORD = LiveRecord()


def live_record(kind: str, answers: Iterable[CardAnswer]) -> LiveRecord:
    """Sum up the answers of a kind since its training."""
    sequence = sorted(answers, key=lambda answer: answer.seq)
    promises: dict[int, list[CardAnswer]] = {}
    for answer in sequence:
        if answer.promise is not None:
            promises.setdefault(answer.promise, []).append(answer)
    return LiveRecord(
        correction=fit_correction(sequence[-MAX_ANSWERS:]),
        promises=tuple(
            promise_record(kind, percent, of_promise)
            for percent, of_promise in sorted(promises.items(), reverse=True)
        ),
    )


# --- correction -----------------------------------------------------------------------------------


def fit_correction(answers: Sequence[CardAnswer]) -> Correction:
    """Fit Platt's curve to answers, pulled to no correction.

    The pull is that of ``PSEUDO_ANSWERS`` answers at the same confidences, each as right as the
    model says.
    """
    if len(answers) < MIN_ANSWERS:
        return NO_CORRECTION
    share = PSEUDO_ANSWERS / len(answers)
    points = []
    for answer in answers:
        # An answer and its part of the pull have one target between them.
        target = (answer.was_right + share * answer.confidence) / (1 + share)
        points.append((_log_odds(answer.confidence), target))
    # Begun where the whole is right: from far away Newton's steps go astray.
    mean_odds = sum(odds for odds, _ in points) / len(points)
    mean_target = sum(target for _, target in points) / len(points)
    curve = Correction(1.0, _log_odds(mean_target) - mean_odds)
    for _ in range(NEWTON_STEPS):
        better = _improve(curve, points, 1 + share)
        if better == curve:
            break
        curve = better
    return curve


def _improve(curve: Correction, points: Sequence[tuple[float, float]], weight: float) -> Correction:
    """Go along Newton's step as far as the loss falls."""
    loss = _loss(curve, points, weight)
    by_slope, by_offset = _newton_step(curve, points, weight)
    for halving in range(MAX_HALVINGS):
        size = 0.5**halving
        slope = max(SLOPES[0], min(SLOPES[1], curve.slope + size * by_slope))
        candidate = Correction(slope, curve.offset + size * by_offset)
        if _loss(candidate, points, weight) < loss - LOSS_TOLERANCE:
            return candidate
    return curve


def _loss(curve: Correction, points: Sequence[tuple[float, float]], weight: float) -> float:
    """Return minus the log likelihood, with the hold on the slope."""
    total = SLOPE_WEIGHT / 2 * (1 - curve.slope) ** 2
    for odds, target in points:
        corrected_odds = curve.slope * odds + curve.offset
        # Minus the log of the probability, without an overflow.
        softplus = max(corrected_odds, 0.0) + math.log1p(math.exp(-abs(corrected_odds)))
        total += weight * (softplus - target * corrected_odds)
    return total


def _newton_step(
    curve: Correction, points: Sequence[tuple[float, float]], weight: float
) -> tuple[float, float]:
    """Return by how much to change slope and offset."""
    by_slope, by_offset = SLOPE_WEIGHT * (1 - curve.slope), 0.0
    curve_slope, curve_both, curve_offset = SLOPE_WEIGHT, 0.0, 1e-9
    for odds, target in points:
        probability = logistic(curve.slope * odds + curve.offset)
        error = weight * (target - probability)
        by_slope += error * odds
        by_offset += error
        spread = weight * probability * (1 - probability)
        curve_slope += spread * odds * odds
        curve_both += spread * odds
        curve_offset += spread
    determinant = curve_slope * curve_offset - curve_both * curve_both
    if determinant <= 0:
        return 0.0, 0.0
    step = (curve_offset * by_slope - curve_both * by_offset) / determinant
    lowest, highest = SLOPES
    if (curve.slope <= lowest and step < 0) or (curve.slope >= highest and step > 0):
        # At the bound, the offset alone.
        return 0.0, by_offset / curve_offset
    return step, (curve_slope * by_offset - curve_both * by_slope) / determinant


def _log_odds(confidence: float) -> float:
    probability = max(MIN_CONFIDENCE, min(1 - MIN_CONFIDENCE, confidence))
    return math.log(probability / (1 - probability))


# --- promises -------------------------------------------------------------------------------------


def promise_record(kind: str, percent: int, answers: Sequence[CardAnswer]) -> PromiseRecord:
    """Count the weeks of a promise, and find its lapse."""
    weeks: dict[date, list[bool]] = {}
    for answer in answers:
        weeks.setdefault(monday_of(answer.at), []).append(answer.was_right)
    return PromiseRecord(
        kind=kind,
        percent=percent,
        weeks=tuple(
            PromiseWeek(monday, sum(results), len(results))
            for monday, results in sorted(weeks.items())
        ),
        lapsed_at=find_lapse(percent / PERCENT, answers),
    )


def find_lapse(target: float, answers: Iterable[CardAnswer]) -> datetime | None:
    """Return when answers proved that fewer than the target are right.

    Bets are placed against the promise, each a likelihood ratio of a lower share to the target. One
    begins with the training, and one with every week after it, so that good weeks do not make up
    for a bad one. The money of the first week is the half of it, and that of each further week a
    lesser part, so that all together are 1. While the promise is kept, this is a game that nobody
    can win: by Ville's bound it multiplies the money by 1 / ``RISK`` with a probability of at most
    ``RISK``, however long it is played and however often it is looked at.
    """
    lower_shares = [max(target - shortfall, target / 10) for shortfall in SHORTFALLS]
    stakes: list[float] = []
    last_monday: date | None = None
    for answer, monday in _with_mondays(answers):
        if monday != last_monday:
            last_monday = monday
            weeks = len(stakes) // len(SHORTFALLS) + 1
            stakes += [1 / (weeks * (weeks + 1) * len(SHORTFALLS))] * len(SHORTFALLS)
        for number, stake in enumerate(stakes):
            lower = lower_shares[number % len(SHORTFALLS)]
            ratio = lower / target if answer.was_right else (1 - lower) / (1 - target)
            stakes[number] = stake * ratio
        if sum(stakes) >= 1 / RISK:
            return answer.at
    return None


def _with_mondays(answers: Iterable[CardAnswer]) -> Iterable[tuple[CardAnswer, date]]:
    """Give each answer the latest week until it.

    A changed outcome begins no week of its own.
    """
    latest: date | None = None
    for answer in answers:
        monday = monday_of(answer.at)
        latest = monday if latest is None else max(latest, monday)
        yield answer, latest
