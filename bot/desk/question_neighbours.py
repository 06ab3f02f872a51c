"""Queries near the one that a question was read as.

They are offered to a person who says that the answer was to another question.
"""

from dataclasses import replace

from bot.views.query import ANY_CASE, ME, About, Ask, Measure, Query


def neighbours(query: Query) -> tuple[Query, ...]:
    """List other queries that the words may mean, the likeliest first."""
    if query.ask in (Ask.LIST, Ask.COUNT, Ask.SUM):
        return _other_cases(query)
    if query.case_id and query.act is None:
        return _other_facts(query)
    return ()


def _other_cases(query: Query) -> tuple[Query, ...]:
    """Return the same query, widened or narrowed.

    It is for ended cases too, for the asker's own, or for a list of what is counted.
    """
    condition = query.condition
    queries = []
    if condition.is_open and condition != replace(ANY_CASE, is_open=True):
        queries.append(replace(query, condition=replace(condition, is_open=None)))
    is_past = condition.decided or condition.ended or condition.decision
    if not (condition.waits_on or condition.owner or is_past):
        mine = replace(condition, is_open=True, waits_on=ME)
        queries.append(replace(query, condition=mine))
    if query.ask is Ask.LIST:
        queries.append(Query(ask=Ask.SUM, measure=Measure.STAKE_SUM, condition=condition))
    else:
        queries.append(Query(ask=Ask.LIST, condition=condition))
    return tuple(queries)


def _other_facts(query: Query) -> tuple[Query, ...]:
    """Ask how the case stands, or what has happened to it."""
    status = Query(ask=Ask.STATUS, case_id=query.case_id)
    trail = Query(ask=Ask.STATUS, about=About.TRAIL, case_id=query.case_id)
    return tuple(other for other in (status, trail) if other != query)
