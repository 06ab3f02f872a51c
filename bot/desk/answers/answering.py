"""The answer to a query, whatever it asks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, assert_never

from bot.cases.case import Case
from bot.cases.errors import NoSuchCase
from bot.desk.answers.acts import WORDS_DO_NOTHING
from bot.desk.answers.asker import Asker
from bot.desk.answers.closest import ClosestCases
from bot.desk.answers.figures import CaseFigures
from bot.desk.answers.lists import ListAnswers
from bot.desk.answers.nearest import Nearest
from bot.desk.answers.periods import UnknownPeriod
from bot.desk.answers.readings import QueryWords
from bot.desk.answers.wording import case_count, together_text
from bot.desk.visibility import Visibility
from bot.views.answers import MAX_ROWS, Answer
from bot.views.labels import start_upper
from bot.views.query import ANY_CASE, About, Act, Ask, Condition, Query

#: The people of so many cases are counted.
MAX_SUMMARISED = 200
#: How more cases than these stand is said in numbers.
MAX_TOLD = 3
#: Of the desk as a whole, not of a case.
DESK_TOPICS = frozenset({About.BLOCKER, About.STAND_IN, About.PAUSE, About.MEMBERS})
#: Acts that are about one case.
CASE_ACTS = frozenset(
    {
        Act.APPROVE,
        Act.REJECT,
        Act.EDIT,
        Act.SNOOZE,
        Act.HAND_OVER,
        Act.CLAIM,
        Act.TAKE_BACK,
    }
)
#: What is asked of one case, or of some.
FACT_ASKS = frozenset(
    {Ask.WHEN, Ask.WHO, Ask.WHY, Ask.STATUS, Ask.EXPLAIN_DECISION, Ask.WHO_MAY_APPROVE}
)
WHICH_CASE = "Which case do you mean? Name it, like EX-12, or ask in its thread."
SIMILAR = "Decided before, about something similar:"
NO_CAUSE = "I can count them; what they come from is not recorded."


class OneCaseAnswers(Protocol):
    """Answer what is recorded of cases."""

    def answer(self, query: Query, case: Case, asker: Asker) -> Answer:
        """Answer about one case that the asker may see."""

    def summarise(
        self, query: Query, cases: Sequence[Case], asker: Asker, *, total: int = 0
    ) -> Answer:
        """Answer about the first of ``total`` cases that the asker may see."""


class DeskAnswers(Protocol):
    """Answer about people, the product, or a request to act."""

    def answer(self, query: Query, asker: Asker) -> Answer:
        """Answer as far as the asker may know it."""


def needs_case(query: Query) -> bool:
    """Tell whether a query asks for a fact but names no case."""
    if query.ask not in FACT_ASKS or query.about in DESK_TOPICS:
        return False
    return not query.case_id and query.condition == ANY_CASE and query.order is None


def _within_list(query: Query) -> Query:
    """Drop a number or place that is below the first one."""
    # A stored or model-written query may hold any number.
    if query.nth < 0:
        query = replace(query, nth=0)
    if query.limit is not None and query.limit < 1:
        query = replace(query, limit=None)
    return query


@dataclass(frozen=True, kw_only=True)
class QueryAnswers:
    """Answer queries. Numbers, names and times come from here and nowhere else."""

    visibility: Visibility
    lists: ListAnswers
    figures: CaseFigures
    nearest: Nearest
    closest: ClosestCases
    words: QueryWords
    case_facts: OneCaseAnswers
    people: DeskAnswers
    product: DeskAnswers
    acts: DeskAnswers

    def answer(self, query: Query, asker: Asker) -> Answer:
        """Answer a query as this asker may know it."""
        query = _within_list(query)
        try:
            answer = self._dispatch(query, asker)
            return replace(answer, reading=answer.reading or self.words.describe(query, asker))
        except NoSuchCase as failure:
            return Answer(text=str(failure), reading=self.words.describe(query, asker))
        except UnknownPeriod as failure:
            return Answer(text=f"I do not know when “{failure}” is. Try a date or a weekday.")

    def describe(self, query: Query, asker: Asker) -> str:
        """Say in words how a question was understood."""
        return self.words.describe(query, asker)

    def _dispatch(self, query: Query, asker: Asker) -> Answer:
        match query.ask:
            case Ask.LIST:
                return self._list(query, asker)
            case Ask.COUNT | Ask.SUM | Ask.GROUP:
                return self._figures(query, asker)
            case Ask.HOW_LONG:
                is_one_case = query.case_id or query.nth or query.limit == 1
                return self._facts(query, asker) if is_one_case else self._figures(query, asker)
            case Ask.WHEN | Ask.WHO | Ask.WHY | Ask.STATUS:
                return self._facts(query, asker)
            case Ask.EXPLAIN_DECISION | Ask.WHO_MAY_APPROVE:
                return self._facts(query, asker)
            case Ask.CAPABILITY | Ask.HELP | Ask.SMALL_TALK | Ask.OUT_OF_SCOPE:
                return self.product.answer(query, asker)
            case Ask.ACT:
                return self._act(query, asker)
            case _:
                assert_never(query.ask)

    def _list(self, query: Query, asker: Asker) -> Answer:
        answer = self.lists.answer(query, asker)
        text = query.condition.text
        if answer.total or not text or self.lists.count(Condition(text=text), asker).cases:
            return answer
        # Only when no case has these words, their meaning is searched for.
        similar = self.closest.similar(text, asker)
        if not similar:
            return answer
        rows = self.lists.rows(similar, asker)
        return replace(answer, rows=rows, rows_title=SIMILAR)

    def _figures(self, query: Query, asker: Asker) -> Answer:
        answer = self.figures.answer(query, asker)
        if query.about is About.OPENING and query.ask is Ask.COUNT:
            return replace(answer, facts=(*answer.facts, NO_CAUSE))
        return answer

    def _facts(self, query: Query, asker: Asker) -> Answer:
        """Answer about one case, or the cases of the condition."""
        if query.about in DESK_TOPICS:
            return self.people.answer(query, asker)
        if query.case_id:
            case = self.visibility.find_case(query.case_id, asker.viewer)
            return self._facts_of(query, case, asker)
        if needs_case(query):
            return Answer(text=WHICH_CASE)
        if query.ask is Ask.WHY and query.about is About.OPENING:
            # A cause is not recorded; how many there are is.
            return self._figures(replace(query, ask=Ask.COUNT), asker)
        total = self.lists.count(query.condition, asker)
        if query.ask is Ask.STATUS and query.about is None and total.cases > MAX_TOLD:
            return self.lists.answer_with_states(query, asker)
        # Who decided is counted over all cases; anything else is said of the first.
        limit = MAX_SUMMARISED if query.ask is Ask.WHO else MAX_ROWS
        cases = self.lists.find(query, asker, limit) if total.cases else []
        if not cases:
            return self.nearest.answer(query, asker)
        if len(cases) == 1:
            return self._facts_of(replace(query, case_id=cases[0].id), cases[0], asker)
        count = min(query.limit or total.cases, total.cases)
        answer = self.case_facts.summarise(query, cases, asker, total=count)
        if not answer.rows:
            answer = replace(answer, rows=self.lists.rows(cases[:MAX_ROWS], asker))
        return replace(answer, total=count)

    def _facts_of(self, query: Query, case: Case, asker: Asker) -> Answer:
        answer = self.case_facts.answer(query, case, asker)
        if answer.rows:
            return answer
        return replace(answer, rows=self.lists.rows([case], asker), total=1)

    def _act(self, query: Query, asker: Asker) -> Answer:
        """Offer the control for one case, or list several cases."""
        if query.case_id:
            # The same words for a case that is not there and for one that may not be seen.
            self.visibility.find_case(query.case_id, asker.viewer)
        if query.case_id or query.condition == ANY_CASE or query.act not in CASE_ACTS:
            return self.acts.answer(query, asker)
        total = self.lists.count(query.condition, asker)
        cases = self.lists.find(query, asker, MAX_ROWS)
        if not cases:
            answer = self.nearest.answer(query, asker)
            return replace(answer, facts=(f"{WORDS_DO_NOTHING}.", *answer.facts))
        if len(cases) == 1:
            return self.acts.answer(replace(query, case_id=cases[0].id), asker)
        answer = self.acts.answer(query, asker)
        if answer.rows or answer.offers:
            return answer
        rows = self.lists.rows(cases, asker)
        count = start_upper(f"{case_count(total.cases)}{together_text(total)}.")
        return replace(answer, rows=rows, total=total.cases, facts=(count, *answer.facts))
