"""Empty answers: the reason, and the nearest cases."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.cases.case import Case
from bot.cases.lifecycle import WAITING_ON_PEOPLE
from bot.desk.answers.asker import Asker
from bot.desk.answers.filters import ConditionFilters
from bot.desk.answers.readings import ConditionPart, QueryWords
from bot.desk.answers.wording import case_count, count_word, day_text, together_text
from bot.desk.case_texts import join_words
from bot.ports.case_queries import CaseQueries, Total
from bot.ports.clock import Clock
from bot.views.answers import Answer
from bot.views.labels import start_upper
from bot.views.query import ANY_CASE, Condition, Order, Query

#: Bounds the counts that are made for one empty answer.
MAX_COUNTS = 8
#: Without these, what is left has little to do with the question.
_ESSENTIAL = frozenset({"text", "channel"})
#: Which cases a question is about; the rest says which of them.
_SUBJECT = _ESSENTIAL | {"kinds", "is_open"}


@dataclass(frozen=True, kw_only=True)
class NearestCases:
    """The cases of a condition without some of its parts."""

    parts: Sequence[ConditionPart]
    condition: Condition
    total: Total


@dataclass(frozen=True, kw_only=True)
class Nearest:
    """Explain why a condition finds nothing, and what comes nearest."""

    queries: CaseQueries
    filters: ConditionFilters
    words: QueryWords
    clock: Clock

    def answer(self, query: Query, asker: Asker) -> Answer:
        """Say what was looked for, and what is nearest."""
        condition = query.condition
        sentences = [f"{start_upper(self._none_words(condition, asker))}."]
        if condition.channel:
            sentences.append(self._channel_words(asker))
        nearest = self.find(condition, asker)
        if nearest:
            sentences.append(self._describe(nearest, condition, asker))
        elif condition.is_open is not None:
            sentences += self._rest_words(condition, asker)
        return Answer(text=" ".join(sentences))

    def find(self, condition: Condition, asker: Asker) -> NearestCases | None:
        """Drop each part in turn, and return the smallest result.

        Where nothing remains whichever part is dropped, drop all that may be; None when nothing
        remains then either.
        """
        parts = self._droppable_parts(condition, asker)
        candidates = [self._drop([part], condition, asker) for part in parts]
        nearest = [one for one in candidates if one.total.cases]
        if nearest:
            return min(nearest, key=_case_number)
        details = [part for part in parts if not set(part.fields) & _SUBJECT]
        if len(details) < 2:
            return None
        rest = self._drop(details, condition, asker)
        return rest if rest.total.cases and rest.condition.narrows else None

    def _drop(
        self, parts: Sequence[ConditionPart], condition: Condition, asker: Asker
    ) -> NearestCases:
        rest = condition
        for part in parts:
            rest = _without(rest, part)
        total = self.queries.total(self.filters.filter(rest, asker))
        return NearestCases(parts=parts, condition=rest, total=total)

    def _droppable_parts(self, condition: Condition, asker: Asker) -> Sequence[ConditionPart]:
        parts = self.words.parts(condition, asker)
        # The only part of a condition is the question itself.
        if len(parts) < 2:
            return ()
        droppable = [part for part in parts if not set(part.fields) & _ESSENTIAL]
        return droppable[:MAX_COUNTS]

    def _none_words(self, condition: Condition, asker: Asker) -> str:
        if not condition.waits_on:
            return f"no {self.words.cases(condition, asker, noun='case')}"
        rest = replace(condition, waits_on="")
        case = self.words.cases(rest, asker, noun="case")
        return f"no {case} waits on {self.words.name(condition.waits_on, asker)}"

    def _describe(self, nearest: NearestCases, condition: Condition, asker: Asker) -> str:
        """Say what there is beside what was asked for."""
        total = nearest.total
        count = start_upper(count_word(total.cases))
        are = "is" if total.cases == 1 else "are"
        have = "has" if total.cases == 1 else "have"
        wait = "waits" if total.cases == 1 else "wait"
        match _field(nearest):
            case "waits_on":
                text = f"{count} {wait} on others"
            case "is_open" if condition.is_open:
                text = f"{count} {have} ended"
            case "is_open":
                text = f"{count} {are} still open"
            case "is_overdue":
                text = f"{count} {are} not overdue"
            case "is_unrecognised":
                text = f"{count} {have} a kind"
            case "kinds":
                text = f"{count} of other kinds"
            case "min_stake" | "max_stake":
                text = f"{count} whatever the amount"
            case "opened" | "ended" | "due" | "due_within":
                text = f"{count} at other times"
            case _:
                words = join_words([f"“{part.words}”" for part in nearest.parts])
                text = f"{count} when I leave out {words}"
        return f"{text}{together_text(total)}{self._example(nearest, asker)}."

    def _example(self, nearest: NearestCases, asker: Asker) -> str:
        """Name the case that misses an amount or period least."""
        filter = self.filters.filter(nearest.condition, asker)
        match _field(nearest):
            case "min_stake":
                cases = self.queries.find(filter, 1, order=Order.LARGEST)
                return _stake_example(cases, "the largest")
            case "max_stake":
                cases = self.queries.find(filter, 1, order=Order.SMALLEST)
                return _stake_example(cases, "the smallest")
            case "opened" | "max_age":
                cases = self.queries.find(filter, 1, order=Order.NEWEST)
            case "min_age":
                cases = self.queries.find(filter, 1, order=Order.OLDEST)
            case _:
                return ""
        if not cases:
            return ""
        day = day_text(cases[0].timers.opened_at, asker.hours, self.clock())
        return f"; {cases[0].id} was opened {day}"

    def _rest_words(self, condition: Condition, asker: Asker) -> list[str]:
        """Count the open or ended cases in all."""
        rest = Condition(is_open=condition.is_open)
        if rest == condition:
            return []
        total = self.queries.total(self.filters.filter(rest, asker))
        if not total.cases:
            return []
        verb = "is" if total.cases == 1 else "are"
        state = "open" if condition.is_open else "ended"
        count = case_count(total.cases).replace("case", f"{state} case")
        return [f"In all there {verb} {count}{together_text(total)}."]

    def _channel_words(self, asker: Asker) -> str:
        """Say over which channels questions are answered."""
        titles = [self.words.channel(name, asker) for name in sorted(asker.viewer.channels)]
        if not titles:
            return "I cannot show cases of channels you are not in, and you are in none of mine."
        return f"I cannot show cases of channels you are not in; ask about {', '.join(titles)}."


def _without(condition: Condition, part: ConditionPart) -> Condition:
    """Drop one part of a condition."""
    defaults: dict[str, Any] = {field: getattr(ANY_CASE, field) for field in part.fields}
    rest = replace(condition, **defaults)
    if "waits_on" in part.fields and not rest.states:
        # What waits on nobody does not wait on others.
        return replace(rest, states=tuple(sorted(WAITING_ON_PEOPLE)))
    return rest


def _field(nearest: NearestCases) -> str:
    """Return the field that was dropped; empty for several parts."""
    return nearest.parts[0].fields[0] if len(nearest.parts) == 1 else ""


def _case_number(nearest: NearestCases) -> int:
    return nearest.total.cases


def _stake_example(cases: Sequence[Case], which: str) -> str:
    if not cases or not cases[0].assessment.stake:
        return ""
    return f"; {which} is {cases[0].assessment.stake} ({cases[0].id})"
