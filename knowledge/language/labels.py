"""Queries as labels of ``questions.yml``, and questions as its examples."""

from datetime import date

from bot.clock import utc_now
from bot.views.query import About, Ask, KnownName, Measure, NameType, Query
from knowledge.language.money import take_money
from knowledge.language.names import NameIndex
from knowledge.language.question_text import split_question
from knowledge.language.reading import CASE_ID
from knowledge.language.time_words import take_times

#: What is asked for already by the label without more.
DEFAULT_DETAILS = {
    Ask.COUNT: Measure.COUNT,
    Ask.SUM: Measure.STAKE_SUM,
    Ask.GROUP: Measure.COUNT,
    Ask.WHO_MAY_APPROVE: About.APPROVER,
}


def label_of(query: Query) -> str:
    """Return the label that the classifier has to learn for this query."""
    detail = query.act or query.about or query.measure
    if detail is None or detail is DEFAULT_DETAILS.get(query.ask):
        return str(query.ask)
    return f"{query.ask}.{detail}"


def example_of(text: str, query: Query, today: date | None = None) -> str:
    """Return a question as an example: names, amounts and times become masks.

    Only those names become masks by which ``query`` finds its cases.
    """
    words = split_question(text)
    for match in reversed(list(words.find_all(CASE_ID))):
        words.replace(*words.bounds(match), "case", match[0])
    name = query.condition.text
    if name:
        NameIndex((KnownName(NameType.TEXT, name, name),)).take_names(words)
    take_money(words)
    take_times(words, today or utc_now().date())
    return words.text
