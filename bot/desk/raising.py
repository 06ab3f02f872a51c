"""Raise an exception by hand, in Slack or by command.

It goes the way of every other signal.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.cases.approval import is_colleague
from bot.cases.canonical import Scalar, canonical_hash
from bot.cases.errors import BadRequest, NotEligible
from bot.cases.signal import UNRECOGNISED, Signal
from bot.cases.source import BY_HAND
from bot.cases.text import bounded_key
from bot.desk.intake import Intake
from bot.ports.case_store import Receipt
from bot.ports.clock import Clock
from bot.ports.directory import Directory
from bot.ports.library import Library

MAX_TITLE = 150
MAX_WORDS = 2_000
MAX_SUBJECT = 200
MAX_DIGITS = 15
HASH_LENGTH = 24


@dataclass(frozen=True)
class Raising:
    """Turn what a person reports into a signal."""

    intake: Intake
    library: Library
    directory: Directory
    clock: Clock

    def raise_case(
        self,
        *,
        by: str,
        title: str,
        key: str,
        kind: str = "",
        words: str = "",
        link: str = "",
        subject: str = "",
        facts: Mapping[str, str] | None = None,
    ) -> Receipt:
        """Open a case, or count the signal on an open one.

        ``key`` makes one press one signal. Whoever raises a case cannot approve its plan.

        Raises:
            NotEligible: guests and people from outside raise nothing here.
            BadRequest: there is no title, or no such kind.
        """
        if not is_colleague(self.directory.person(by)):
            raise NotEligible("only members of this workspace may raise an exception")
        title = " ".join(title.split())[:MAX_TITLE]
        self._must_be_valid(title, kind)
        signal = Signal(
            source=BY_HAND,
            key=key,
            kind=kind or UNRECOGNISED,
            subject=_subject(subject or link, title),
            title=title,
            occurred_at=None,
            facts=_signal_facts(facts or {}, words, link),
            requester=by,
        )
        return self.intake.receive(signal, b"")

    def _must_be_valid(self, title: str, kind: str) -> None:
        if not title:
            raise BadRequest("say in a few words what happened", field="title")
        if kind and self.library.playbook(kind).kind != kind:
            raise BadRequest(f"there is no playbook for {kind[:50]!r}", field="kind")


def _subject(name: str, title: str) -> str:
    """Return the subject of the signal.

    Without a name, the same title is the same subject.
    """
    return bounded_key(name, MAX_SUBJECT) or canonical_hash([title.casefold()])[:HASH_LENGTH]


def _signal_facts(facts: Mapping[str, str], words: str, link: str) -> dict[str, Scalar]:
    signal_facts: dict[str, Scalar] = {name: _parse(value) for name, value in facts.items()}
    if words:
        signal_facts["words"] = words[:MAX_WORDS]
    if link:
        signal_facts["link"] = link
    return signal_facts


def _parse(text: str) -> Scalar:
    """Return a number where a number was typed.

    Systems look things up by it.
    """
    is_number = text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
    return int(text) if is_number else text
