"""The forms of values in words, by their patterns."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, get_args

from pydantic import StringConstraints

from bot.cases import constraints
from bot.cases.group_lists import ListedPerson
from bot.cases.playbook import ActionName
from knowledge.library.channels import ClockTime, OpeningTimes


@dataclass(frozen=True, slots=True)
class ValueForm:
    """A form in words, and how to write it."""

    sentence: str
    suggestion: str


_HANDLE = "the name of a user group of Slack, or of a list under groups: in policy.yml"
_WORDS: tuple[tuple[Any, str, str], ...] = (
    (
        constraints.Name,
        "must be a name of lower-case letters, digits and _, from a letter on",
        "Write it like low_stock.",
    ),
    (
        constraints.Handle,
        f"must be {_HANDLE}",
        "Write it like floor-managers; people by id or e-mail stand in a list under groups:.",
    ),
    (
        constraints.UserId,
        "must be the id of a person in Slack",
        "Copy it in Slack: profile, ⋮, Copy member ID. It is like U0123ABCD.",
    ),
    (
        constraints.ChannelId,
        "must be the name or the id of a channel",
        "Write it like orders, or C0123ABCD.",
    ),
    (
        constraints.SlackChannelId,
        "must be the id of a channel",
        "Copy it in Slack: the name of the channel, About, at the end. It is like C0123ABCD.",
    ),
    (
        constraints.Currency,
        "must be a currency as three capital letters",
        "Write it like EUR, GBP or USD.",
    ),
    (
        constraints.EnvironmentName,
        "must be the name of an environment variable, and not what it holds",
        "Name one like SHOP_DATABASE_URL here, and set it in .env.",
    ),
    (
        ListedPerson,
        "must be a person, by Slack id or e-mail",
        "Write it like U0123ABCD or ben@example.com.",
    ),
    (
        ActionName,
        "must be an action with its system",
        "Write it like house.order_stock.",
    ),
    (ClockTime, "must be a time of day", 'Write it like "09:00", in quotes.'),
    (OpeningTimes, "must be a time from and until", 'Write it like "08:00-18:00", in quotes.'),
)


def _pattern(shape: Any) -> str:
    patterns = [one.pattern for one in get_args(shape)[1:] if isinstance(one, StringConstraints)]
    return str(patterns[0])


_FORMS: Mapping[str, ValueForm] = {
    _pattern(shape): ValueForm(sentence, suggestion) for shape, sentence, suggestion in _WORDS
}
_OF_SENTENCE: Mapping[str, ValueForm] = {form.sentence: form for form in _FORMS.values()}


def describe_pattern(pattern: str) -> str:
    """Say what a pattern asks for; empty where only the pattern does."""
    form = _FORMS.get(pattern) or _FORMS.get(_without_empty(pattern))
    return form.sentence if form else ""


def _without_empty(pattern: str) -> str:
    """Return the pattern of an optional value as a required one."""
    inner = re.fullmatch(r"\^\((?P<inner>.*)\)\?\$", pattern)
    if inner is None:
        return pattern
    plain = f"^{inner['inner']}$"
    return plain if plain in _FORMS else f"^({inner['inner']})$"


def suggest_form(sentence: str) -> str:
    """Say how to write what this sentence asks for."""
    form = _OF_SENTENCE.get(sentence)
    return form.suggestion if form else ""


def describe_bound(bound: object) -> str:
    """Write a bound as people write it in files."""
    if not isinstance(bound, timedelta):
        return str(bound)
    milliseconds = round(bound.total_seconds() * 1000)
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)):
        if milliseconds >= size and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"
