"""Raise an exception by hand, in Slack or by command.

It goes the way of every other signal.
"""

from dataclasses import dataclass

from bot.cases.approval import is_colleague
from bot.cases.canonical import Scalar, ScalarMapping, canonical_hash
from bot.cases.errors import BadRequest, ConnectorFailed, NotEligible
from bot.cases.signal import UNRECOGNISED, Signal
from bot.cases.source import BY_HAND
from bot.cases.text import bounded_key
from bot.desk.detection import detection_parameters
from bot.desk.intake import Intake
from bot.ports.case_store import Receipt
from bot.ports.clock import Clock
from bot.ports.connector import Systems
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.views.raising import SubjectChoice

MAX_TITLE = 150
MAX_WORDS = 2_000
MAX_SUBJECT = 200
MAX_CHOICES = 100
MAX_DIGITS = 15
HASH_LENGTH = 24


@dataclass(frozen=True, slots=True)
class QuotedMessage:
    """The Slack message that a case is raised from."""

    text: str = ""
    #: Its address; empty where there is none.
    link: str = ""


NO_MESSAGE = QuotedMessage()


@dataclass(frozen=True, kw_only=True)
class Raising:
    """Turn what a person reports into a signal."""

    intake: Intake
    library: Library
    directory: Directory
    systems: Systems
    clock: Clock

    def required_facts(self, kind: str) -> tuple[str, ...]:
        """List the facts that a case of this kind must name."""
        return self.library.playbook(kind).required_facts if kind else ()

    def choices(self, kind: str) -> tuple[SubjectChoice, ...]:
        """List the things that a case of this kind can be about.

        None where the playbook lists nothing, or the system does not answer.
        """
        detection = self.library.playbook(kind).detection if kind else None
        if detection is None or not detection.choices:
            return ()
        parameters = detection_parameters(self.clock())
        try:
            system = self.systems[detection.system]
            rows = system.look_up(detection.choices, parameters, MAX_CHOICES)
        except ConnectorFailed:
            return ()
        choices = []
        for row in rows:
            facts = {name: row.get(name) for name in self.required_facts(kind)}
            title = str(row.get("title") or "")
            if title and None not in facts.values():
                choices.append(SubjectChoice(title=title, facts=facts))
        return tuple(choices)

    def must_be_able_to_raise(self, by: str) -> None:
        """Refuse guests and people from outside, also before a form.

        Raises:
            NotEligible: they raise nothing here.
        """
        if not is_colleague(self.directory.person(by)):
            raise NotEligible("only members of this workspace may raise an exception")

    def raise_case(
        self,
        *,
        by: str,
        title: str,
        key: str,
        kind: str = "",
        words: str = "",
        message: QuotedMessage = NO_MESSAGE,
        subject: str = "",
        facts: ScalarMapping | None = None,
    ) -> Receipt:
        """Open a case, or count the signal on an open one.

        ``key`` makes one press one signal. ``words`` is the note. Whoever raises a case cannot
        approve its plan.

        Raises:
            NotEligible: guests and people from outside raise nothing here.
            BadRequest: there is no title, or no such kind.
        """
        self.must_be_able_to_raise(by)
        title = " ".join(title.split())[:MAX_TITLE]
        self._must_be_valid(title, kind)
        signal = Signal(
            source=BY_HAND,
            key=key,
            kind=kind or UNRECOGNISED,
            subject=_subject(subject or _name_facts(facts or {}) or message.link, title),
            title=title,
            occurred_at=None,
            facts=_signal_facts(facts or {}, words, message),
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


def _name_facts(facts: ScalarMapping) -> str:
    """Name the subject by its facts: two reports count as one."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items())


def _signal_facts(facts: ScalarMapping, words: str, message: QuotedMessage) -> dict[str, Scalar]:
    signal_facts: dict[str, Scalar] = {name: _parse(value) for name, value in facts.items()}
    if message.text:
        signal_facts["message"] = message.text[:MAX_WORDS]
    if words:
        signal_facts["words"] = words[:MAX_WORDS]
    if message.link:
        signal_facts["link"] = message.link
    return signal_facts


def _parse(value: Scalar) -> Scalar:
    """Return a number where a number was typed.

    Systems look things up by it.
    """
    if not isinstance(value, str):
        return value
    is_number = value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS
    return int(value) if is_number else value
