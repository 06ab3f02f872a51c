"""The names of people, groups and systems in a case's entries."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from bot.cases import entries as bodies
from bot.cases.actor import Actor, ActorKind
from bot.cases.approval import Approval, people_of
from bot.cases.entries import Entry
from bot.cases.program import program_of_source
from bot.views.labels import Labels, as_words

#: An account that no entry names.
SOMEBODY = "a colleague"


@dataclass(frozen=True, kw_only=True)
class EntryNames:
    """Names whoever acted, decides or answers."""

    labels: Labels = field(default_factory=Labels)
    #: The names of people by account.
    people: Mapping[str, str] = field(default_factory=dict)

    def author(self, entry: Entry) -> str:
        """Name the author of an entry."""
        actor, body = entry.actor, entry.body
        if isinstance(body, bodies.Opened) and body.probe:
            # Whoever is to decide a practice case may read its trail.
            return self.labels.system(body.probe.source)
        match actor.kind:
            case ActorKind.PERSON | ActorKind.GROUP:
                return self.account(actor.id)
            case ActorKind.SOURCE:
                return self.labels.system(actor.id)
            case ActorKind.OPERATOR:
                return f"{actor.id}, at the command line"
            case ActorKind.POLICY:
                return "policy"
            case ActorKind.DESK:
                return "Countersign"
            case _:
                assert_never(actor.kind)

    def account(self, text: str) -> str:
        """Name a person or group."""
        if program_of_source(text):
            return self.labels.system(text)
        if people_of(text):
            return ", ".join(self._person(user_id) for user_id in people_of(text))
        actor = Actor.parse(text)
        if actor.kind is ActorKind.PERSON:
            return self.people.get(text, SOMEBODY)
        if actor.kind is ActorKind.GROUP:
            return f"@{text}"
        return as_words(actor.id)

    def _person(self, user_id: str) -> str:
        for account, name in self.people.items():
            if account.endswith(f"/{user_id}"):
                return name
        return SOMEBODY


def names_in(entries: Iterable[Entry]) -> dict[str, str]:
    """Find the names of people by account, as the entries say them."""
    names: dict[str, str] = {}
    for entry in entries:
        body = entry.body
        approval: Any = getattr(body, "approval", None)
        if isinstance(approval, Approval):
            names[approval.person] = approval.name
            names |= {approval.behalf_of: approval.behalf_name} if approval.behalf_of else {}
        name = getattr(body, "by_name", "")
        if name and entry.actor.is_person:
            names.setdefault(entry.actor.id, name)
        if isinstance(body, bodies.InquiryOpened):
            names.setdefault(body.to, body.to_name)
    return names
