"""The shape of a playbook: how one kind of case is noticed, understood, acted on, decided, owned and measured."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from bot.cases.evidence import OWN_FACTS
from bot.cases.policy import PlaybookTerms

_FACT = re.compile(r"signal\.([a-z][a-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class Detection:
    """One SELECT against one system; each row is a signal, and a row that is gone clears its case.

    ``domain`` is shared with a source that may count on these cases and clear them too.
    """

    system: str
    query: str
    every: timedelta
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Absence:
    """What ought to be heard of and is not: an all-clear of this kind for each of ``subjects``, at least every ``within``.

    The title names what is missing, with ``{subject}``. Only ``origin``, a source or a domain, is listened to; its first word
    closes the case again.
    """

    subjects: tuple[str, ...]
    title: str
    within: timedelta
    every: timedelta
    origin: str


@dataclass(frozen=True, slots=True)
class Lookup:
    """One piece of evidence: a read-only query with parameters filled by expressions over what is known."""

    name: str
    system: str
    query: str
    parameters: Mapping[str, str]
    show: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stake:
    """The money or customer at risk. ``amount`` is an expression; empty when the kind has no price."""

    why: str
    amount: str = ""
    currency: str = "GBP"


@dataclass(frozen=True, slots=True)
class Offer:
    """An action this playbook may recommend: when it fits, its parameters, and which of them a person may edit."""

    action: str
    when: str
    parameters: Mapping[str, str]
    reason: str
    edit: tuple[str, ...] = ()
    then: tuple["Offer", ...] = ()


@dataclass(frozen=True, slots=True)
class Owners:
    """Slack user group handles. ``business`` owns new cases; ``next_owner`` is asked when a decision does not come."""

    business: str
    operations: str
    technical: str
    governance: str
    next_owner: str

    @property
    def handles(self) -> tuple[str, ...]:
        """Every group that owns the playbook, each once."""
        named = (self.business, self.operations, self.technical, self.governance, self.next_owner)
        return tuple(dict.fromkeys(filter(None, named)))


@dataclass(frozen=True, slots=True)
class Measure:
    decide_for: timedelta
    resolve_for: timedelta
    follow_up_for: timedelta
    denominator: str = ""


@dataclass(frozen=True, slots=True)
class Playbook:
    kind: str
    title: str
    channel: str
    what: str
    detection: Detection | None
    evidence: tuple[Lookup, ...]
    stake: Stake
    offers: tuple[Offer, ...]
    terms: PlaybookTerms
    owners: Owners
    measure: Measure
    checksum: str
    beneficiary: str = ""
    examples: tuple[str, ...] = ()
    absence: Absence | None = None

    @property
    def required_facts(self) -> tuple[str, ...]:
        """The facts of a signal by which evidence is looked up: what a person who raises one by hand is asked for."""
        wanted = [
            expression for lookup in self.evidence for expression in lookup.parameters.values()
        ]
        found = (_FACT.fullmatch(expression.strip()) for expression in wanted)
        names = [match[1] for match in found if match and match[1] not in OWN_FACTS]
        return tuple(dict.fromkeys(names))

    def offer(self, action: str) -> Offer | None:
        """The offer of this action, if the playbook still makes it."""
        return next((offer for offer in self.offers if offer.action == action), None)
