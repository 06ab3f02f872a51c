"""How sure a recommendation is, in figures and in words."""

from dataclasses import dataclass, replace

from bot.cases.promise import PromiseRecord
from knowledge.learning.calibration import PrecisionGuarantee
from knowledge.learning.live_record import PERCENT, LiveRecord
from knowledge.learning.plan_estimate import PlanEstimate

UNLIKE_PAST = "it is unlike what was decided before, so nothing that was learned speaks for it"
NOT_CERTIFIED = "no promise: no share of right ones can be certified for this kind yet"
NOT_READ = "no promise: the latest answers have not been counted yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assurance:
    """What a recommendation says of its own certainty."""

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
    estimated = estimate.confidence_of(action)
    if estimated is None:
        return Assurance()
    corrected = record.correction.correct(estimated) if record else estimated
    assurance = Assurance(
        confidence=round(PERCENT * corrected), model_confidence=round(PERCENT * estimated)
    )
    if not estimate.guarantees:
        return replace(assurance, words=NOT_CERTIFIED)
    if record is None:
        return replace(assurance, words=NOT_READ)
    # A correction may take a promise, and never gives one: nobody has certified it.
    careful_estimate = replace(estimate, confidences={action: min(estimated, corrected)})
    guarantee = careful_estimate.guarantee_of(action)
    if guarantee is None:
        return replace(assurance, words=_below_words(estimate))
    percent = percent_of(guarantee)
    lapse = record.lapse_of(percent)
    if lapse:
        return replace(assurance, words=_lapse_words(lapse), lapsed_percent=percent)
    return replace(assurance, words=_certified_words(guarantee), promised_percent=percent)


def percent_of(guarantee: PrecisionGuarantee) -> int:
    """Return the target of a guarantee in per cent."""
    return round(PERCENT * guarantee.target)


def _certified_words(guarantee: PrecisionGuarantee) -> str:
    record = f"{guarantee.correct} of {guarantee.total} were"
    return f"{percent_of(guarantee)} % right is certified here: {record}"


def _below_words(estimate: PlanEstimate) -> str:
    lowest = min(map(percent_of, estimate.guarantees))
    return f"no promise: below the line at which {lowest} % right is certified"


def _lapse_words(lapse: PromiseRecord) -> str:
    return (
        f"no promise: {lapse.percent} % right is not kept at present. Of the latest {lapse.total}"
        f" that were promised {lapse.right} were right, so please check this one"
    )
