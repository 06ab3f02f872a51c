"""Erase one person from text that was written before.

It is pure: the caller brings the names of the person, and what was written. Hashes of the original
stay, so every proof that rests on them does, too.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from bot.cases.errors import BadRequest

#: Stands for text about a person that nobody can read any more.
ERASED_TEXT = "[erased]"
#: Begins the name that takes a person's place. Nobody can compute a person from it.
LABEL_PREFIX = "erased-"
#: Begins what takes the place of names in a case that was past its term.
REMOVAL_PREFIX = f"{LABEL_PREFIX}by-policy-"
MIN_TERM_LENGTH = 3
#: A text of so many words is free text, and may tell about a person without naming them.
MIN_FREE_TEXT_WORDS = 5
#: What is decided, and by which rule: texts of playbooks and policy, not about anybody.
RULE_FIELDS = frozenset(
    {"verdict", "branches", "state", "resolution", "comparison", "sla", "version", "rule", "grant"}
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<!\w)\+\d[\d ()/-]{6,18}\d")
# An account of Slack, alone or with its workspace.
_ACCOUNT = re.compile(r"(?:[TE][A-Z0-9]{2,}/)?([UW][A-Z0-9]{2,})")


@dataclass(frozen=True)
class ErasureSubject:
    """The names under which a person stands in records."""

    #: Takes the place of each of them.
    label: str
    terms: tuple[str, ...]
    #: "guest" of "guest:17": facts of this name are about the person, too.
    subject_type: str = field(default="")

    @classmethod
    def of(cls, names: Sequence[str], label: str) -> "ErasureSubject":
        """Make a person of the names that an operator gives.

        Raises:
            BadRequest: a name is so short that it stands for anything.
        """
        terms = [_without_workspace(name.strip()) for name in names]
        for term in terms:
            if len(term) < MIN_TERM_LENGTH:
                raise BadRequest(
                    f"{term!r} is too short to find one person by:"
                    f" give at least {MIN_TERM_LENGTH} characters",
                    field="person",
                )
        prefix, colon, _ = terms[0].partition(":")
        return cls(label, tuple(dict.fromkeys(terms)), prefix if colon else "")

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Match each name as a whole, the longest first."""
        names = "|".join(map(re.escape, sorted(self.terms, key=len, reverse=True)))
        return re.compile(rf"(?<!\w)(?:{names})(?!\w)", re.IGNORECASE)

    def is_in(self, value: Any) -> bool:
        """Tell whether JSON names the person."""
        return any(self.pattern.search(text) for text in texts_of(value))

    def with_terms(self, terms: Sequence[str]) -> "ErasureSubject":
        """Return the person with more names."""
        return replace(self, terms=tuple(dict.fromkeys([*self.terms, *terms])))

    def replace_in(self, text: str) -> str:
        """Put the label in the place of every name."""
        return self.pattern.sub(self.label, text)


def _without_workspace(name: str) -> str:
    match = _ACCOUNT.fullmatch(name)
    return match[1] if match else name


def texts_of(value: Any) -> Iterator[str]:
    """Yield every text in JSON, names of members included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield name
            yield from texts_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)


def is_about(signal: Mapping[str, Any], person: ErasureSubject) -> bool:
    """Tell whether a case of this signal is about the person.

    Who only raised it is no subject of it.
    """
    about = [signal.get("subject"), signal.get("title"), signal.get("group"), signal.get("facts")]
    return person.is_in(about)


def terms_about(signal: Mapping[str, Any], evidence: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return addresses and telephone numbers in the facts of a case."""
    values = [*(signal.get("facts") or {}).values(), signal.get("title", "")]
    values += [fact.get("value") for fact in evidence]
    texts = [value for value in values if isinstance(value, str)]
    return [match for text in texts for rule in (_EMAIL, _PHONE) for match in rule.findall(text)]


def named_facts(facts: Mapping[str, Any], person: ErasureSubject) -> list[str]:
    """Return the texts of facts like guest_name of a guest."""
    if not person.subject_type:
        return []
    prefix = f"{person.subject_type}_"
    return [
        value
        for name, value in facts.items()
        if isinstance(value, str)
        and name.rpartition(".")[2].startswith(prefix)
        and len(value.strip()) >= MIN_TERM_LENGTH
    ]


def erase(value: Any, person: ErasureSubject, *, with_free_text: bool) -> Any:
    """Return JSON without the person.

    ``with_free_text``: it is about the person, so every longer text goes as a whole.
    """
    if isinstance(value, str):
        return _erase_text(value, person, with_free_text=with_free_text)
    if isinstance(value, list):
        return [erase(item, person, with_free_text=with_free_text) for item in value]
    if isinstance(value, Mapping):
        return {
            person.replace_in(name): _erase_member(
                name, item, person, with_free_text=with_free_text
            )
            for name, item in value.items()
        }
    return value


def _erase_text(text: str, person: ErasureSubject, *, with_free_text: bool) -> str:
    if with_free_text and len(text.split()) >= MIN_FREE_TEXT_WORDS:
        return ERASED_TEXT
    return person.replace_in(text)


def _erase_member(name: str, value: Any, person: ErasureSubject, *, with_free_text: bool) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # The number of "guest:17" as a fact of its own.
    if is_number and name and name == person.subject_type:
        return person.label
    is_text = with_free_text and name not in RULE_FIELDS
    return erase(value, person, with_free_text=is_text)


def erase_json(text: str, person: ErasureSubject) -> str:
    """Return text without the person, as JSON where it is."""
    try:
        value = json.loads(text)
    except ValueError:
        return person.replace_in(text)
    return json.dumps(erase(value, person, with_free_text=False), ensure_ascii=False)
