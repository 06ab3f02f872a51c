"""The certainty of a recommendation in figures and in words."""

from dataclasses import dataclass, replace

from bot.cases.promise import PromiseRecord
from bot.views.labels import start_upper
from bot.views.promises import answered_words, share_words
from knowledge.learning.calibration import PrecisionGuarantee
from knowledge.learning.live_record import PERCENT, LiveRecord
from knowledge.learning.plan_estimate import PlanEstimate

#: What can be promised, the highest first: the targets of certification.
PROMISED_PERCENTS = (95, 90, 85, 80)
UNLIKE_PAST = "few earlier cases are like this one, so only its own words and facts speak for it"
NOT_CERTIFIED = "no promise yet: too few cases of this kind were decided, or too few were right"
NOT_READ = "no promise: the latest answers have not been counted yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assurance:
    """The certainty of a recommendation, and its promise."""

    #: In per cent, corrected by what people answered lately; None when nothing can be said.
    confidence: int | None = None
    #: The same before the correction.
    model_confidence: int | None = None
    words: str = ""
    promised_percent: int | None = None
    lapsed_percent: int | None = None
    is_unlike_past: bool = False


def assure(action: str, estimate: PlanEstimate, record: LiveRecord | None) -> Assurance:
    """Say how sure it is that an action is right.

    ``record`` is what people answered since the training; None while that is not known. Then
    nothing is promised: it might have lapsed.
    """
    if estimate.is_unlike_past:
        return Assurance(words=f"no promise: {UNLIKE_PAST}", is_unlike_past=True)
    model_confidence = estimate.confidence_of(action)
    if model_confidence is None:
        return Assurance()
    confidence = record.correction.correct(model_confidence) if record else model_confidence
    assurance = Assurance(
        confidence=round(PERCENT * confidence),
        model_confidence=round(PERCENT * model_confidence),
    )
    if not estimate.guarantees:
        return replace(assurance, words=NOT_CERTIFIED)
    if record is None:
        return replace(assurance, words=NOT_READ)
    # A correction may take a promise, and never gives one: nobody has certified it.
    careful_estimate = replace(estimate, confidences={action: min(model_confidence, confidence)})
    guarantee = careful_estimate.guarantee_of(action)
    # That of the model first: a correction must not hide what has lapsed by the same misses.
    for promise in (estimate.guarantee_of(action), guarantee):
        lapse = record.lapse_of(percent_of(promise)) if promise else None
        if lapse:
            return replace(assurance, words=_lapse_words(lapse), lapsed_percent=lapse.percent)
    if guarantee is None:
        return replace(assurance, words=_below_words(estimate))
    return replace(
        assurance,
        words=_certified_words(guarantee),
        promised_percent=percent_of(guarantee),
    )


def percent_of(guarantee: PrecisionGuarantee) -> int:
    """Return the target of a guarantee in per cent."""
    return round(PERCENT * guarantee.target)


def _certified_words(guarantee: PrecisionGuarantee) -> str:
    target = share_words(percent_of(guarantee))
    return f"{target} such suggestions are right: {guarantee.correct} of {guarantee.total} were"


def _below_words(estimate: PlanEstimate) -> str:
    lowest = min(map(percent_of, estimate.guarantees))
    return f"no promise: it is less sure than those of which {share_words(lowest)} are right"


def _lapse_words(lapse: PromiseRecord) -> str:
    return (
        f"no promise at present. {start_upper(share_words(lapse.percent))} such suggestions were"
        f" promised to be right, and {answered_words(lapse)}. Please check this one"
    )
