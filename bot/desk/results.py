"""Results of a period in sentences, beside those of the period before."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.desk.measure_texts import change_text, share_text, span_text, value_text
from bot.measures.outcomes import Outcomes, count_outcomes, share_accepted, share_alone
from bot.measures.values import Count, Share
from bot.ports.case_queries import CaseFilter, CaseStatistics, Durations

#: How far Home and report look back.
MONTH = timedelta(days=30)

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Ended cases of two periods of one length."""

    outcomes: Outcomes
    previous: Outcomes

    @property
    def share_sentences(self) -> tuple[str, ...]:
        """Say what needed nobody, and which recommendations were accepted as they were."""
        alone = _share_sentence(
            "were handled alone", share_alone(self.outcomes), share_alone(self.previous)
        )
        acceptance = _share_sentence(
            "recommendations were accepted unedited",
            share_accepted(self.outcomes),
            share_accepted(self.previous),
        )
        return tuple(filter(None, (alone, acceptance)))

    @property
    def unhandled_sentence(self) -> str:
        """Say what was not carried out; empty where everything was."""
        counts = (
            (self.outcomes.rejections, "rejected"),
            (self.outcomes.expiries, "expired without a decision"),
            (self.outcomes.clearings, "gone by themselves"),
            (self.outcomes.withdrawals, "withdrawn"),
        )
        parts = [f"{count:,} {words}" for count, words in counts if count]
        return f"Not carried out: {', '.join(parts)}." if parts else ""

    @property
    def rework_sentence(self) -> str:
        """Say what had to be done twice."""
        reopenings, undoings = self.outcomes.reopenings, self.outcomes.undoings
        if not reopenings and not undoings:
            return ""
        return f"Rework: {reopenings:,} opened again, {undoings:,} taken back."


def span_before(span: Span) -> Span:
    """Return the period of the same length before a period."""
    since, until = span
    return since - (until - since), since


def find_results(queries: CaseStatistics, filter: CaseFilter, before: CaseFilter) -> Results:
    """Count the ended cases of two filters, with their rework."""
    return Results(
        outcomes=count_outcomes(queries.ended_cases(filter)),
        previous=count_outcomes(queries.ended_cases(before)),
    )


def find_tallied_results(
    queries: CaseStatistics, filter: CaseFilter, before: CaseFilter
) -> Results:
    """Count the same from tallies, which know no rework.

    It costs little, whatever the history.
    """
    return Results(
        outcomes=count_outcomes(queries.tallied_outcomes(filter)),
        previous=count_outcomes(queries.tallied_outcomes(before)),
    )


def time_sentences(durations: Durations, previous: Durations) -> tuple[str, ...]:
    """Say the median times to decision and end, by the clock."""
    pairs = (
        ("were decided", durations.to_decision, previous.to_decision),
        ("ended", durations.to_end, previous.to_end),
    )
    sentences = []
    for verb, seconds, seconds_before in pairs:
        if seconds is None:
            continue
        text = span_text(seconds)
        before = span_text(seconds_before)
        is_comparable = seconds_before is not None and before != text
        comparison = f", before within {before}" if is_comparable else ""
        sentences.append(f"Half {verb} within {text}{comparison}.")
    return tuple(sentences)


def headline(results: Results, days: int) -> str:
    """Say the figures of a home in one sentence.

    Empty where nothing ended.
    """
    outcomes, previous = results.outcomes, results.previous
    if not outcomes.endings:
        return ""
    before = _before(Count(outcomes.endings), Count(previous.endings))
    parts = [f"{outcomes.endings:,} ended{before}"]
    alone, acceptance = share_alone(outcomes), share_accepted(outcomes)
    parts.append(f"{share_text(alone.ratio)} handled alone{_before(alone, share_alone(previous))}")
    if acceptance.whole:
        parts.append(
            f"{share_text(acceptance.ratio)} of the recommendations accepted unedited"
            f"{_before(acceptance, share_accepted(previous))}"
        )
    return f"Last {days} days: {'; '.join(parts)}"


def _share_sentence(what: str, share: Share, previous: Share) -> str:
    """Write a share with its change; empty where there is no whole."""
    if not share.whole:
        return ""
    change = change_text(share, previous)
    comparison = f", {change}" if change else ""
    return f"{share.part:,} of {share.whole:,} {what} ({share_text(share.ratio)}{comparison})."


def _before(value: Share | Count, previous: Share | Count) -> str:
    """Write the earlier value in brackets where it was another."""
    text = value_text(previous)
    if isinstance(previous, Share) and previous.ratio is None:
        return ""
    return "" if text == value_text(value) else f" ({text} before)"
