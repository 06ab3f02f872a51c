"""Counts, sums, medians and shares of cases as answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from bot.cases.lifecycle import State
from bot.desk.answers.asker import Asker
from bot.desk.answers.filters import ConditionFilters
from bot.desk.answers.lists import MAX_EXAMPLE_ROWS, ListAnswers, total_of
from bot.desk.answers.nearest import Nearest
from bot.desk.answers.readings import GROUPING_WORDS, QueryWords
from bot.desk.answers.wording import (
    case_count,
    count_word,
    describe_seconds,
    stakes_text,
    together_text,
)
from bot.ports.case_queries import CaseFilter, CaseQueries, DecisionCounts, Total
from bot.views.answers import Answer, Figure
from bot.views.labels import start_upper
from bot.views.query import POLICY, Ask, Grouping, Measure, Order, Query

SHARES = {
    Measure.APPROVAL_RATE: "approved",
    Measure.REJECTION_RATE: "rejected",
    Measure.EDIT_RATE: "edited",
    Measure.ACCEPTED_UNCHANGED_RATE: "approved as recommended, without a change",
    Measure.SUCCESS_RATE: "done and worked",
}
COUNTED = "The newest of the cases that were counted:"
#: The second column of a table; all others are shares.
TABLE_TITLES = {
    Measure.COUNT: "Cases",
    Measure.STAKE_SUM: "At stake",
    Measure.MEDIAN_TIME_TO_DECIDE: "Half decided within",
    Measure.MEDIAN_TIME_TO_RESOLVE: "Half ended within",
}
#: So many cases of a list are added up one by one.
MAX_ADDED = 100
#: Days without a case are shown within a period of so many days.
MAX_FILLED_DAYS = 62
#: A share or median is taken for so many groups at most.
MAX_MEASURED_GROUPS = 30
MEASURED_GROUPINGS = frozenset({Grouping.KIND, Grouping.DECIDER, Grouping.STATE})

Group = tuple[str, Total]


@dataclass(frozen=True, kw_only=True)
class CaseFigures:
    """Answer questions whose answer is a number."""

    queries: CaseQueries
    filters: ConditionFilters
    lists: ListAnswers
    nearest: Nearest
    words: QueryWords

    def answer(self, query: Query, asker: Asker) -> Answer:
        """Answer a count, sum, share or median, whole or by group."""
        filter = self.queries.resolve_text(self.filters.filter(query.condition, asker))
        total = self.queries.total(filter)
        if not total.cases:
            return self.nearest.answer(query, asker)
        if query.ask is Ask.GROUP:
            return self._group(query, filter, total=total, asker=asker)
        order = Order.NEWEST if query.measure in SHARES else query.order
        cases = self.queries.find(filter, MAX_EXAMPLE_ROWS, order=order)
        if query.limit and query.ask in {Ask.COUNT, Ask.SUM}:
            # Of the first few alone, as after "the three largest".
            cases = self.lists.find(query, asker, MAX_ADDED)
            total = total_of(cases)
        text, facts = self._describe(query, filter, total=total, asker=asker)
        rows = self.lists.rows(cases[:MAX_EXAMPLE_ROWS], asker)
        # Those of the share and the others alike.
        title = COUNTED if query.measure in SHARES else ""
        return Answer(
            text=text,
            facts=facts,
            rows=rows,
            rows_title=title,
            total=total.cases,
        )

    def _describe(
        self, query: Query, filter: CaseFilter, *, total: Total, asker: Asker
    ) -> tuple[str, tuple[str, ...]]:
        measure = query.measure or _measure_of(query.ask)
        if measure in SHARES:
            return self._describe_share(measure, filter), ()
        match measure:
            case Measure.STAKE_SUM:
                return _describe_sum(total), ()
            case Measure.MEDIAN_TIME_TO_DECIDE | Measure.MEDIAN_TIME_TO_RESOLVE:
                return self._describe_times(measure, filter, total)
            case _:
                noun = "case" if total.cases == 1 else "cases"
                cases = self.words.cases(query.condition, asker, noun=noun)
                count = f"{count_word(total.cases)} {cases}{together_text(total)}."
                return start_upper(count), ()

    def _describe_share(self, measure: Measure, filter: CaseFilter) -> str:
        counts = self.queries.decision_counts(filter)
        part, whole = _share(measure, counts)
        of_what = "approved" if measure is Measure.SUCCESS_RATE else "decided"
        if not whole:
            return f"None of these cases has been {of_what} yet, so there is no share to name."
        return f"{_share_text(part, whole)} of the {of_what} were {SHARES[measure]}."

    def _describe_times(
        self, measure: Measure, filter: CaseFilter, total: Total
    ) -> tuple[str, tuple[str, ...]]:
        """Say the median asked for, then the other."""
        durations = self.queries.durations(filter)
        decision_text = ""
        end_text = ""
        if durations.to_decision is not None:
            decision_text = f"Half were decided within {describe_seconds(durations.to_decision)}."
        if durations.to_end is not None:
            end_text = f"Half had ended within {describe_seconds(durations.to_end)}."
        basis = f"Counted over {case_count(total.cases)}."
        if measure is Measure.MEDIAN_TIME_TO_DECIDE:
            first = decision_text or f"None of {case_count(total.cases)} has been decided yet."
            others = [end_text, basis]
        else:
            first = end_text or f"None of {case_count(total.cases)} has ended yet."
            others = [decision_text, basis]
        return first, tuple(sentence for sentence in others if sentence)

    # --- groups --------------------------------------------------------------------------------

    def _group(self, query: Query, filter: CaseFilter, *, total: Total, asker: Asker) -> Answer:
        grouping = query.grouping or Grouping.KIND
        groups = self.queries.group(filter, grouping, asker.hours.zone)
        is_trend = grouping in {Grouping.DAY, Grouping.MONTH}
        if grouping is Grouping.DAY:
            groups = _fill_days(groups)
        measure = query.measure or Measure.COUNT
        is_measured = grouping in MEASURED_GROUPINGS and len(groups) <= MAX_MEASURED_GROUPS
        figures = []
        for key, group_total in groups:
            label = self._label(grouping, key, asker)
            if is_measured and measure not in {Measure.COUNT, Measure.STAKE_SUM}:
                group_filter = _narrow(filter, grouping, key)
                figures.append(self._measure(label, measure, group_filter))
            else:
                figures.append(_figure(label, measure, group_total))
        if not is_trend:
            figures.sort(key=lambda figure: figure.number, reverse=True)
        text = _describe_groups(figures, measure, grouping=grouping, total=total)
        titles = (start_upper(GROUPING_WORDS[grouping]), TABLE_TITLES.get(measure, "Share"))
        return Answer(
            text=text,
            table=tuple(figures),
            table_titles=titles,
            is_trend=is_trend,
            total=total.cases,
        )

    def _measure(self, label: str, measure: Measure, filter: CaseFilter) -> Figure:
        """Take a share or a median of one group."""
        if measure in SHARES:
            part, whole = _share(measure, self.queries.decision_counts(filter))
            number = part / whole if whole else 0.0
            value = _share_text(part, whole) if whole else "none decided"
            return Figure(label=label, value=value, number=number)
        durations = self.queries.durations(filter)
        seconds = durations.to_end
        if measure is Measure.MEDIAN_TIME_TO_DECIDE:
            seconds = durations.to_decision
        value = "none yet" if seconds is None else describe_seconds(seconds)
        return Figure(label=label, value=value, number=seconds or 0.0)

    def _label(self, grouping: Grouping, key: str, asker: Asker) -> str:
        """Say the name of a group as people know it."""
        match grouping:
            case Grouping.KIND:
                return self.words.labels().kind(key) if key else "No kind"
            case Grouping.STATE:
                return start_upper(str(State.of_code(key)))
            case Grouping.DAY:
                day = date.fromisoformat(key)
                return f"{day:%a} {day.day} {day:%b}"
            case Grouping.MONTH:
                return f"{date.fromisoformat(f'{key[:7]}-01'):%B %Y}"
            case _:
                return self._owner_label(key, asker)

    def _owner_label(self, key: str, asker: Asker) -> str:
        if not key:
            return "Nobody"
        if key == POLICY or key.startswith(f"{POLICY}:"):
            return "Policy, without a person"
        # A table names people in full, the asker too.
        if key == asker.person:
            return self.words.person_name(key)
        return self.words.name(key, asker)


def _measure_of(ask: Ask) -> Measure:
    match ask:
        case Ask.SUM:
            return Measure.STAKE_SUM
        case Ask.HOW_LONG:
            return Measure.MEDIAN_TIME_TO_RESOLVE
        case _:
            return Measure.COUNT


def _describe_sum(total: Total) -> str:
    cases = case_count(total.cases)
    stakes = stakes_text(total.stakes)
    if not stakes:
        return f"No amount is recorded for the {cases}."
    return f"{stakes} in {cases}."


def _share(measure: Measure, counts: DecisionCounts) -> tuple[int, int]:
    """Return the part and the whole of a share."""
    total = counts.approved_count + counts.rejected_count + counts.by_hand_count
    match measure:
        case Measure.APPROVAL_RATE:
            return counts.approved_count, total
        case Measure.REJECTION_RATE:
            return counts.rejected_count, total
        case Measure.EDIT_RATE:
            return counts.approved_count - counts.unchanged_count, total
        case Measure.ACCEPTED_UNCHANGED_RATE:
            return counts.unchanged_count, total
        case _:
            return counts.success_count, counts.approved_count


def _share_text(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} ({100 * part / whole:.0f} %)"


def _narrow(filter: CaseFilter, grouping: Grouping, key: str) -> CaseFilter:
    """Narrow a filter to one group."""
    match grouping:
        case Grouping.KIND:
            return replace(filter, kinds=(key,))
        case Grouping.STATE:
            return replace(filter, states=(State.of_code(key),))
        case _:
            return replace(filter, decided_by=(key,))


def _figure(label: str, measure: Measure, total: Total) -> Figure:
    if measure is Measure.STAKE_SUM:
        amount = max(total.stakes.values(), default=Decimal(0))
        value = stakes_text(total.stakes) or "no amount"
        return Figure(label=label, value=value, number=float(amount))
    return Figure(label=label, value=f"{total.cases:,}", number=float(total.cases))


def _describe_groups(
    figures: Sequence[Figure], measure: Measure, *, grouping: Grouping, total: Total
) -> str:
    """Say the whole, and the largest group."""
    whole = f"{case_count(total.cases)}{together_text(total)}"
    noun = GROUPING_WORDS[grouping]
    by_group = f"by {noun}" if len(figures) > 1 else f"of one {noun}"
    largest = max(figures, key=_number, default=None)
    if largest is None:
        return start_upper(f"{whole}.")
    most = "the largest" if measure is Measure.STAKE_SUM else "the most"
    if measure not in {Measure.COUNT, Measure.STAKE_SUM}:
        most = "the highest"
    return start_upper(f"{whole}, {by_group}; {most}: {largest.label}, {largest.value}.")


def _number(figure: Figure) -> float:
    return figure.number


def _fill_days(groups: Sequence[Group]) -> list[Group]:
    """Add the empty days between the first and the last."""
    if not groups:
        return []
    totals = dict(groups)
    days = list(_days_between(min(totals), max(totals)))
    if len(days) > MAX_FILLED_DAYS:
        return list(groups)
    return [(day, totals.get(day, Total(0, {}))) for day in days]


def _days_between(first: str, last: str) -> Iterator[str]:
    day = date.fromisoformat(first)
    while day <= date.fromisoformat(last):
        yield day.isoformat()
        day += timedelta(days=1)
