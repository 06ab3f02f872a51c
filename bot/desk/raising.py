"""A person raises an exception by hand: from a message, from a form, from a command. It goes the way of every other signal."""

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

LONGEST_TITLE, LONGEST_WORDS, MAX_SUBJECT = 150, 2_000, 200


@dataclass(frozen=True)
class Raising:
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
        """Open a case, or count it on the one that is there. ``key`` makes one press one signal; whoever raises it cannot approve it.

        Raises:
            NotEligible: guests and people from outside raise nothing here.
            BadRequest: there is nothing to tell, or no such kind.
        """
        if not is_colleague(self.directory.person(by)):
            raise NotEligible("only members of this workspace may raise an exception")
        title = " ".join(title.split())[:LONGEST_TITLE]
        if not title:
            raise BadRequest("say in a few words what happened", field="title")
        if kind and self.library.playbook(kind).kind != kind:
            raise BadRequest(f"there is no playbook for {kind[:50]!r}", field="kind")
        told: dict[str, Scalar] = {name: _typed(value) for name, value in (facts or {}).items()}
        told |= {
            name: value
            for name, value in (("words", words[:LONGEST_WORDS]), ("link", link))
            if value
        }
        about = bounded_key(subject or link, MAX_SUBJECT) or canonical_hash([title.casefold()])[:24]
        signal = Signal(
            source=BY_HAND,
            key=key,
            kind=kind or UNRECOGNISED,
            subject=about,
            title=title,
            occurred_at=None,
            facts=told,
            requester=by,
        )
        return self.intake.receive(signal, b"")


def _typed(text: str) -> Scalar:
    """A number where a number was typed: systems look things up by it."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else text
