"""Lists of cases as answers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from bot.cases.case import Case
from bot.cases.lifecycle import TERMINAL, State
from bot.desk.answers.asker import Asker
from bot.desk.answers.filters import ConditionFilters
from bot.desk.answers.nearest import Nearest
from bot.desk.answers.readings import ORDER_WORDS, QueryWords, state_words
from bot.desk.answers.wording import count_word, day_text, total_text
from bot.desk.case_texts import join_words, local_time, verb
from bot.desk.eligibility import Eligibility
from bot.desk.rows import with_cards
from bot.ports.card_store import CardStore
from bot.ports.case_queries import CaseFilter, CaseQueries, Total
from bot.ports.clock import Clock
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.views.answers import MAX_ROWS, Answer
from bot.views.labels import start_upper
from bot.views.query import ME, Condition, Grouping, Order, Query
from bot.views.rows import CaseRow

#: Fewer rows under an answer that is a number.
MAX_EXAMPLE_ROWS = 3


@dataclass(frozen=True, kw_only=True)
class ListAnswers:
    """Find cases by condition, and list them for the asker."""

    queries: CaseQueries
    card_store: CardStore
    directory: Directory
    library: Library
    eligibility: Eligibility
    filters: ConditionFilters
    nearest: Nearest
    words: QueryWords
    clock: Clock

    def answer(self, query: Query, asker: Asker) -> Answer:
        """List the cases of a query; the first line counts them."""
        filter = self.queries.resolve_text(self.filters.filter(query.condition, asker))
        total = self.queries.total(filter)
        if not total.cases:
            return self.nearest.answer(query, asker)
        cases = self._find(filter, query, MAX_ROWS)
        if query.nth or query.limit:
            return self._answer_top(query, cases, total=total, asker=asker)
        first_line = self._ended_line(query.condition, filter, total)
        if not first_line:
            first_line = self._first_line(query.condition, filter, cases, total=total, asker=asker)
        return Answer(
            text=f"{first_line}.",
            facts=self._automatic_facts(query.condition, asker),
            rows=self.rows(cases, asker),
            total=total.cases,
        )

    def answer_with_states(self, query: Query, asker: Asker) -> Answer:
        """List the cases of a query, and count how they stand."""
        answer = self.answer(query, asker)
        filter = self.filters.filter(query.condition, asker)
        counts = []
        for code, total in self.queries.group(filter, Grouping.STATE):
            counts.append(f"{count_word(total.cases)} {state_words(State.of_code(code))}")
        return replace(answer, facts=(start_upper(f"{', '.join(counts)}."), *answer.facts))

    def find(self, query: Query, asker: Asker, limit: int) -> list[Case]:
        """Return the first cases of a query, by its order and limit."""
        return self._find(self.filters.filter(query.condition, asker), query, limit)

    def _find(self, filter: CaseFilter, query: Query, limit: int) -> list[Case]:
        if query.nth:
            return self.queries.find(filter, 1, offset=query.nth - 1, order=query.order)
        if query.limit:
            limit = min(limit, query.limit)
        return self.queries.find(filter, limit, order=query.order)

    def count(self, condition: Condition, asker: Asker) -> Total:
        """Count the cases of a condition, with their stakes."""
        return self.queries.total(self.filters.filter(condition, asker))

    def rows(self, cases: Sequence[Case], asker: Asker) -> tuple[CaseRow, ...]:
        """Return rows with the buttons that the asker may press."""
        rows = with_cards(self.card_store, self.directory, cases, labels=self.library.labels())
        return self.eligibility.mark(rows, asker.person)

    def _answer_top(
        self, query: Query, cases: Sequence[Case], *, total: Total, asker: Asker
    ) -> Answer:
        """Answer with the first few of a list, or one."""
        if not cases:
            count = f"There {_are(total.cases)} only {total_text(total)}"
            everything = replace(query, nth=0, limit=None)
            rows = self.rows(self.find(everything, asker, MAX_EXAMPLE_ROWS), asker)
            return Answer(text=f"{count}.", rows=rows, total=total.cases, rows_title="Those:")
        rows = self.rows(cases, asker)
        if len(cases) == 1:
            return Answer(
                text=self._describe_one(cases[0], query, total=total, asker=asker),
                rows=rows,
                total=1,
            )
        stakes = total_text(total_of(cases))
        order = ORDER_WORDS[query.order] if query.order else "first"
        text = start_upper(f"{stakes}: the {order} of {count_word(total.cases)}.")
        return Answer(text=text, rows=rows, total=len(cases))

    def _describe_one(self, case: Case, query: Query, *, total: Total, asker: Asker) -> str:
        """Say which one it is, by what it was picked for."""
        day = day_text(case.timers.opened_at, asker.hours, self.clock())
        parts = [f"{case.id}, {case.signal.title}"]
        if case.assessment.stake:
            parts.append(str(case.assessment.stake))
        parts.append(f"opened {day}")
        if query.order is Order.SOONEST_DUE:
            due = local_time(case.timers.sla.decide_by, asker.hours, self.clock())
            parts.append(f"to be decided by {due}")
        if total.cases > 1 and query.order:
            place = "the" if query.nth <= 1 else f"number {query.nth} from the"
            parts.append(f"{place} {ORDER_WORDS[query.order]} of {count_word(total.cases)}")
        return f"{'; '.join(parts)}."

    def _first_opening(
        self, filter: CaseFilter, cases: Sequence[Case], total: Total
    ) -> datetime | None:
        """Return when the oldest was opened.

        The store is asked only for what is not at hand.
        """
        if len(cases) < total.cases:
            cases = self.queries.find(filter, 1, order=Order.OLDEST)
        return min((case.timers.opened_at for case in cases), default=None)

    def _first_line(
        self,
        condition: Condition,
        filter: CaseFilter,
        cases: Sequence[Case],
        *,
        total: Total,
        asker: Asker,
    ) -> str:
        """Count the cases, add up their stakes, and name the oldest."""
        line = total_text(total, self._verb(condition, total.cases, asker))
        if not _is_open_list(condition):
            return start_upper(line)
        opened_at = self._first_opening(filter, cases, total)
        if opened_at is None:
            return start_upper(line)
        since = f"since {day_text(opened_at, asker.hours, self.clock())}"
        if total.cases == 1:
            return start_upper(f"{line}, {since}")
        return start_upper(f"{line}; the oldest {since}")

    def _verb(self, condition: Condition, count: int, asker: Asker) -> str:
        if condition.is_automatic and not condition.waits_on:
            return "ran without a person"
        if not condition.waits_on:
            return ""
        name = self.words.name(condition.waits_on, asker)
        return f"{verb(count, 'waits', 'wait')} on {name}"

    def _ended_line(self, condition: Condition, filter: CaseFilter, total: Total) -> str:
        """Count ended cases by how they were decided.

        Empty when the question is not about ended cases alone.
        """
        if condition.is_open is not False or condition.decision or condition.is_automatic:
            return ""
        counts = self.queries.decision_counts(filter)
        numbers = {
            "approved": counts.approved_count,
            "rejected": counts.rejected_count,
            "handled by hand": counts.by_hand_count,
        }
        ways = [way for way, number in numbers.items() if number]
        if not ways:
            return ""
        line = start_upper(f"{count_word(total.cases)} {verb(total.cases, 'has', 'have')} ended")
        rest = total.cases - sum(numbers.values())
        if len(ways) == 1 and not rest:
            return f"{line}, {verb(total.cases, '', 'all ')}{ways[0]}"
        parts = [f"{count_word(numbers[way])} {way}" for way in ways]
        if rest:
            parts.append(f"{count_word(rest)} in another way")
        return f"{line}: {join_words(parts)}"

    def _automatic_facts(self, condition: Condition, asker: Asker) -> tuple[str, ...]:
        """Tell apart what went away by itself."""
        if not condition.is_automatic:
            return ()
        rest = replace(condition, is_automatic=False, is_open=None, states=(State.CLEARED,))
        count = self.count(rest, asker).cases
        if not count:
            return ()
        return (f"Beside these, {count_word(count)} cleared without anybody.",)


def _is_open_list(condition: Condition) -> bool:
    """Tell whether all cases of a condition are open."""
    if condition.is_open or condition.is_overdue or condition.is_snoozed:
        return True
    is_open = bool(condition.states) and not set(condition.states) & TERMINAL
    return is_open or condition.waits_on == ME


def total_of(cases: Sequence[Case]) -> Total:
    """Count these cases, and add up their stakes."""
    stakes: dict[str, Decimal] = {}
    for case in cases:
        stake = case.assessment.stake
        if stake:
            stakes[stake.currency] = stakes.get(stake.currency, Decimal(0)) + stake.amount
    return Total(len(cases), stakes)


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
