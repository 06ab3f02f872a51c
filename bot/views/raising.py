"""The form in which a person raises a case."""

from dataclasses import dataclass

from bot.cases.canonical import ScalarMapping


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectChoice:
    """A thing of an outside system that a case can be about."""

    title: str
    #: The facts that a signal about it has.
    facts: ScalarMapping


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseDraft:
    """The content of the form before a person fills it in."""

    #: Empty while the person is not sure.
    kind: str = ""
    note: str = ""
    #: Channel and ts of the message that it is raised from, like "C1 1.2"; empty for none.
    reference: str = ""
    #: The text of that message.
    message: str = ""
    #: The facts that the playbook of the kind needs.
    required_facts: tuple[str, ...] = ()
    choices: tuple[SubjectChoice, ...] = ()
