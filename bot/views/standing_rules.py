"""Standing rules in words."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from bot.cases.plan import Money
from bot.cases.playbook import Playbook
from bot.cases.standing_rule import (
    AMOUNT,
    CURRENCY,
    FACTS,
    Bound,
    Figures,
    RuleUse,
    StandingRule,
)
from bot.views.labels import Labels, as_words

NONE = "none"
MAX_WITHIN = 12
MAX_SORTS = 3
#: How many rows a look-up found says nothing to people.
ROW_COUNT = ".rows"


def rule_sentence(rule: StandingRule, playbook: Playbook, labels: Labels) -> str:
    """Say what runs without being asked: actions, parameters and amount."""
    actions = " and then ".join(f"“{labels.action(name)}”" for name in rule.actions)
    bounds = [*_main_bounds(rule, labels), *_sorts_of_case(rule, playbook)]
    sentence = f"{actions} for “{playbook.title}”"
    return f"{sentence}, {', '.join(bounds)}" if bounds else sentence


def within_words(rule: StandingRule, playbook: Playbook) -> str:
    """List the facts of the case that must be as they were."""
    titles = _fact_titles(playbook)
    facts = [bound for bound in rule.bounds if bound.name.startswith(f"{FACTS}.")]
    words = [
        f"{titles.get(bound.name, _fact_words(bound.name))} {bound_words(bound)}"
        # What cards show comes first.
        for bound in sorted(facts, key=lambda bound: bound.name not in titles)
        if not bound.name.endswith(ROW_COUNT)
    ]
    more = len(words) - MAX_WITHIN
    text = "; ".join(words[:MAX_WITHIN])
    return f"{text}; and {more:,} more" if more > 0 else text or NONE


def free_words(rule: StandingRule, labels: Labels) -> str:
    """List the parameters that may be anything."""
    bounded_names = {bound.name for bound in rule.bounds}
    names = [
        f"any {labels.parameter(action, name).lower()}"
        for step, action in enumerate(rule.actions)
        for name in rule.parameters[step]
        if f"{step}.{name}" not in bounded_names
    ]
    return ", ".join(names) or NONE


def breach_words(
    rule: StandingRule, figures: Figures, *, playbook: Playbook, labels: Labels
) -> str:
    """Say by which figure a plan is outside: "quantity 14"."""
    titles = _fact_titles(playbook)
    for bound in rule.bounds:
        value = figures.get(bound.name)
        if not bound.holds(value):
            title = titles.get(bound.name) or _name_words(rule, bound.name, labels)
            return f"{title} {NONE if value is None else value}"
    return "within it"


def terms_words(rule: StandingRule) -> str:
    """Say who answers for a rule, and on which terms."""
    return (
        f"@{rule.owner} answer for it; at most {rule.times_per_day:,} a day, within the limits of"
        f" policy; until {day_words(rule.until)}; one bad outcome ends it"
    )


def use_words(use: RuleUse) -> str:
    """Say how often a rule was used, and when last."""
    if not use.times or use.last_at is None:
        return "never used"
    times = "once" if use.times == 1 else f"{use.times:,} times"
    return f"used {times}, last on {day_words(use.last_at)}"


def day_words(at: datetime) -> str:
    """Write a day as people do."""
    return f"{at:%-d %b %Y}"


def bound_words(bound: Bound) -> str:
    """Say what a figure may be."""
    if bound.values:
        return or_words(value or NONE for value in bound.values)
    if bound.minimum is None or bound.maximum is None:
        return NONE
    if bound.minimum == bound.maximum:
        return _number(bound.minimum)
    return f"{_number(bound.minimum)} to {_number(bound.maximum)}"


def or_words(values: Iterable[str]) -> str:
    """Join choices: "Soho, Camden or Brixton"."""
    choices = list(values)
    if len(choices) < 2:
        return "".join(choices)
    return f"{', '.join(choices[:-1])} or {choices[-1]}"


def _main_bounds(rule: StandingRule, labels: Labels) -> Iterator[str]:
    currency = next((one.values[0] for one in rule.bounds if one.name == CURRENCY), "")
    for bound in rule.bounds:
        if bound.name.startswith(f"{FACTS}.") or bound.name == CURRENCY:
            continue
        if bound.name == AMOUNT:
            yield _amount_words(bound, currency)
        else:
            yield f"{_name_words(rule, bound.name, labels)} {bound_words(bound)}"


def _sorts_of_case(rule: StandingRule, playbook: Playbook) -> list[str]:
    """Say for which sorts of cases it is."""
    titles = _fact_titles(playbook)
    sorts = [
        f"{titles[bound.name]} {bound_words(bound)}"
        for bound in rule.bounds
        if bound.name in titles and bound.values
    ]
    return [f"only where {', '.join(sorts[:MAX_SORTS])}"] if sorts else []


def _amount_words(bound: Bound, currency: str) -> str:
    low, high = (
        str(Money(number or Decimal(0), currency)) for number in (bound.minimum, bound.maximum)
    )
    return low if low == high else f"{low} to {high}"


def _name_words(rule: StandingRule, name: str, labels: Labels) -> str:
    step, _, parameter = name.partition(".")
    if step == FACTS:
        return _fact_words(name)
    if not parameter:
        return as_words(name)
    return labels.parameter(rule.actions[int(step)], parameter).lower()


def _fact_titles(playbook: Playbook) -> dict[str, str]:
    return {
        f"{FACTS}.{lookup.name}.{column}": title.lower()
        for lookup in playbook.evidence
        for column, title in lookup.show.items()
    }


def _fact_words(name: str) -> str:
    item, _, column = name.removeprefix(f"{FACTS}.").partition(".")
    return as_words(column if item != "signal" else f"reported {column}")


def _number(number: Decimal) -> str:
    return f"{number.normalize():,f}"
