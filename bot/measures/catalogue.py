"""The measures, one function each.

A docstring is the definition that a report prints.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.measures.effort import Effort
from bot.measures.outcomes import share_accepted, share_alone
from bot.measures.totals import Totals
from bot.measures.values import Count, Share, Spread, Sum, Times, Unit, Value, spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The cases that a measure is taken of, in some period."""

    totals: Totals
    effort: Effort = field(default_factory=Effort)
    #: What the cases are counted against; None where nobody counts it.
    denominator: int | None = None


# --- how much ---------------------------------------------------------------------------------


def openings(sample: Sample) -> Count:
    """Count the cases that were opened in the period. Unit: cases."""
    return Count(sample.totals.openings)


def endings(sample: Sample) -> Count:
    """Count the cases that ended in the period.

    However they ended. Unit: cases.
    """
    return Count(sample.totals.outcomes.endings)


def exception_rate(sample: Sample) -> Share:
    """Divide the cases opened by what they are counted against.

    The playbook names that number, and the query that counts it in the system of record over the
    same period. Unit: share of it.
    """
    return Share(sample.totals.openings, sample.denominator or 0)


# --- how fast ---------------------------------------------------------------------------------


def time_to_notice(sample: Sample) -> Times:
    """MeasureDefinition from the trouble to the opening of its case.

    Only for cases whose source says when the trouble began; opened in the period. Median and ninth
    decile. Unit: seconds, in working hours and by the clock.
    """
    return sample.totals.waits.to_notice.times()


def time_to_decision(sample: Sample) -> Times:
    """MeasureDefinition from opening a case to the first decision.

    People or policy decide. Cases that ended in the period; those that nobody decided are left out.
    Median and ninth decile. Unit: seconds, in working hours and by the clock.
    """
    return sample.totals.waits.to_decision.times()


def time_to_resolution(sample: Sample) -> Times:
    """MeasureDefinition from opening a case to its resolution.

    Cases resolved in the period, the last resolution where one was opened again. Median and ninth
    decile. Unit: seconds, in working hours and by the clock.
    """
    return sample.totals.waits.to_resolution.times()


def hand_over_delay(sample: Sample) -> Times:
    """MeasureDefinition from a hand-over to what somebody next does about the case.

    By the time of that act. Median and ninth decile. Unit: seconds, in working hours and by the
    clock.
    """
    return sample.totals.waits.hand_overs.times()


# --- how well ---------------------------------------------------------------------------------


def accepted_unedited(sample: Sample) -> Share:
    """Count the recommendations that people accepted as they were.

    Of all recommendations that people decided in cases that ended in the period: accepted, accepted
    after an edit, rejected or handled otherwise. Unit: share.
    """
    return share_accepted(sample.totals.outcomes)


def done_alone(sample: Sample) -> Share:
    """Count the cases that were resolved within policy and without a person.

    Of all cases that ended in the period. Unit: share.
    """
    return share_alone(sample.totals.outcomes)


def without_rework(sample: Sample) -> Share:
    """Count the resolved cases in which nothing had to be done twice.

    Of all cases resolved in the period. Unit: share.
    """
    return Share(sample.totals.clean, sample.totals.outcomes.resolutions)


def rework(sample: Sample) -> Share:
    """Count the cases in which something had to be done twice.

    They were opened again, a step was taken back, or a person put right what a plan had begun. Of
    all cases that ended in the period. Unit: share.
    """
    return Share(sample.totals.rework, sample.totals.outcomes.endings)


def leaked_defects(sample: Sample) -> Share:
    """Count the resolutions that proved wrong.

    The case came back, somebody reported a mistake, or a review of what ran alone said so. By the
    time at which it was noticed, against the cases resolved in the period. Unit: share.
    """
    return Share(sample.totals.leaks, sample.totals.outcomes.resolutions)


def escalation_rate(sample: Sample) -> Share:
    """Count the cases that were escalated.

    They went to the next owner, because nobody decided in time.

    Of all cases that ended in the period. Unit: share.
    """
    return Share(sample.totals.escalations, sample.totals.outcomes.endings)


# --- what it costs ----------------------------------------------------------------------------


def cost_per_case(sample: Sample) -> Sum:
    """Divide the cost of people's work by the cases that ended.

    Work is every decision, edit, hand-over and answer, and the whole work by hand where a person
    resolved the case. Minutes and their cost are assumptions of the playbook. Unit: money a case.
    """
    effort = sample.effort
    if not effort.cases_with_cost or not effort.currency:
        return Sum(None)
    return Sum(effort.cost / effort.cases_with_cost, effort.currency)


def time_saved(sample: Sample) -> Sum:
    """Estimate the working time that people did not need.

    The assumed minutes by hand for each case whose plan did the work and stayed without rework,
    less the minutes for everything that people did on cards. Unit: minutes.
    """
    return Sum(sample.effort.minutes_saved if sample.effort.cases else None)


def money_saved(sample: Sample) -> Sum:
    """Multiply the time saved by the cost of a minute.

    That cost is an assumption of the playbook. Unit: money.
    """
    effort = sample.effort
    if not effort.cases_with_cost or not effort.currency:
        return Sum(None)
    return Sum(effort.money_saved, effort.currency)


def throughput(sample: Sample) -> Spread:
    """Count the decisions a person took in the period.

    Median and range over people.

    Nobody is named, and nothing is shown for fewer than three people. Unit: decisions a person.
    """
    return spread(sample.totals.decisions.values())


# --- what was not handled ---------------------------------------------------------------------


def unrecognised_rate(sample: Sample) -> Share:
    """Count the cases that fit no playbook.

    Of all cases opened in the period. Unit: share.
    """
    return Share(sample.totals.unrecognised_count, sample.totals.openings)


def rerouting_rate(sample: Sample) -> Share:
    """Count the cases that people sent to another kind or owner.

    Of all cases that ended in the period. Unit: share.
    """
    return Share(sample.totals.reroutings, sample.totals.outcomes.endings)


def rejection_rate(sample: Sample) -> Share:
    """Count the cases whose plan people rejected.

    Of all cases that ended in the period. Unit: share.
    """
    return Share(sample.totals.outcomes.rejections, sample.totals.outcomes.endings)


def expiry_rate(sample: Sample) -> Share:
    """Count the cases that nobody decided in time.

    They ended unexecuted. Of all cases that ended in the period. Unit: share.
    """
    return Share(sample.totals.outcomes.expiries, sample.totals.outcomes.endings)


# --- all of them ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureDefinition:
    """One measure, with its names for machines and people."""

    name: str
    title: str
    unit: Unit
    #: What a lead wants: "up", "down", or "" where neither is better.
    aim: str
    take: Callable[[Sample], Value]

    @property
    def definition(self) -> str:
        """Return the definition, in one paragraph."""
        return " ".join((inspect.getdoc(self.take) or "").split())


def _measure(
    take: Callable[[Sample], Value], *, title: str, unit: Unit, aim: str
) -> MeasureDefinition:
    return MeasureDefinition(name=take.__name__, title=title, unit=unit, aim=aim, take=take)


MEASURES = (
    _measure(openings, title="Opened", unit=Unit.CASES, aim=""),
    _measure(endings, title="Ended", unit=Unit.CASES, aim=""),
    _measure(exception_rate, title="Exception rate", unit=Unit.SHARE, aim="down"),
    _measure(time_to_notice, title="Time to notice", unit=Unit.SECONDS, aim="down"),
    _measure(time_to_decision, title="Time to first decision", unit=Unit.SECONDS, aim="down"),
    _measure(time_to_resolution, title="Time to resolution", unit=Unit.SECONDS, aim="down"),
    _measure(hand_over_delay, title="Hand-over delay", unit=Unit.SECONDS, aim="down"),
    _measure(accepted_unedited, title="Accepted unedited", unit=Unit.SHARE, aim="up"),
    _measure(done_alone, title="Handled alone", unit=Unit.SHARE, aim="up"),
    _measure(without_rework, title="Resolved without rework", unit=Unit.SHARE, aim="up"),
    _measure(rework, title="Rework", unit=Unit.SHARE, aim="down"),
    _measure(leaked_defects, title="Leaked defects", unit=Unit.SHARE, aim="down"),
    _measure(escalation_rate, title="Escalated", unit=Unit.SHARE, aim="down"),
    _measure(cost_per_case, title="Cost per exception", unit=Unit.MONEY, aim="down"),
    _measure(time_saved, title="Time saved", unit=Unit.MINUTES, aim="up"),
    _measure(money_saved, title="Money saved", unit=Unit.MONEY, aim="up"),
    _measure(throughput, title="Throughput per person", unit=Unit.DECISIONS, aim=""),
    _measure(unrecognised_rate, title="Unrecognised", unit=Unit.SHARE, aim="down"),
    _measure(rerouting_rate, title="Rerouted", unit=Unit.SHARE, aim="down"),
    _measure(rejection_rate, title="Dismissed", unit=Unit.SHARE, aim="down"),
    _measure(expiry_rate, title="Expired", unit=Unit.SHARE, aim="down"),
)
#: The values of one sample by the names of the measures.
Values = dict[str, Value]


def take_all(sample: Sample) -> Values:
    """Take every measure of a sample."""
    return {measure.name: measure.take(sample) for measure in MEASURES}


def number_of(value: Value) -> float | None:
    """Return the one number of a value that charts and comparisons use.

    Of times it is the median in working hours, of a spread the median.
    """
    match value:
        case Share():
            return value.ratio
        case Count():
            return float(value.number)
        case Times():
            return value.working_p50
        case Sum():
            return value.amount
        case Spread():
            return value.median
