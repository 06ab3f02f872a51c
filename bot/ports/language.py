"""Questions in plain words, and language models."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.cases.canonical import ScalarMapping
from bot.cases.case import Case
from bot.cases.plan import FactType
from bot.cases.playbook import ActionOffer, Playbook
from bot.cases.recommendation import Words
from bot.views.query import QuestionContext, Reading

Check = Callable[[ScalarMapping], str]
"""Return what the plan would do with these parameters, in words.

Raises:
    Refusal: the playbook or the system does not allow them.
"""


class Narrator(Protocol):
    """Let a model put a case into words."""

    def narrate(self, case: Case, playbook: Playbook, check: Check) -> Words | None:
        """Return the words.

        None when there are none in time, in budget and in shape.
        """


LookUp = Callable[[str], ScalarMapping]
"""Read a declared look-up of the case again; its facts by path.

Raises:
    ConnectorFailed: the system did not answer, or has nothing.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSheet:
    """The part of an action that a model may know.

    No secret, no statement, no address.
    """

    title: str
    #: The type of each parameter, by name.
    parameters: Mapping[str, str]
    #: The facts that it tells once it has landed.
    returns: Mapping[str, FactType]
    says_refusals: bool = False


class Planner(Protocol):
    """Let a model suggest a plan where no playbook has one."""

    def suggest(
        self, case: Case, facts: ScalarMapping, *, look_ups: Sequence[str], look_up: LookUp
    ) -> ActionOffer | None:
        """Return an offer of allowed actions.

        None when there is none in time, in budget and in shape. ``facts`` are those of the case by
        path; ``look_ups`` the names that ``look_up`` knows.
        """


@dataclass(frozen=True, slots=True)
class Guess:
    """A label and its probability, from 0 to 1."""

    label: str
    confidence: float
    #: The words of the question that speak for it, where that is known.
    words: tuple[str, ...] = ()


class QuestionClassifier(Protocol):
    """Classify questions by what they ask, and which cases they mean.

    Learned from examples. The text has its names and numbers replaced by ``{case} {person} {period}
    {money} …``; see ``knowledge/questions.yml``.
    """

    def asks(self, text: str) -> list[Guess]:
        """Guess what is asked, the likeliest first: "list", "who.decision", "act.approve" …

        A label is an ``Ask``, or one with an ``About``, ``Act`` or ``Measure`` after a full stop.
        Empty while nothing is trained.
        """

    def kinds(self, text: str) -> list[Guess]:
        """Guess the kind of cases, the likeliest first.

        The empty label is no kind at all.
        """

    def slots(self, text: str) -> Mapping[str, Sequence[Guess]]:
        """Guess the parts of the condition by slot: "role", "me", "state" …

        The surest first. Those before the empty label hold, as sure as its confidence says; those
        after it are doubtful. A slot of which nothing is likely is missing. Empty while nothing is
        trained.
        """


class QuestionReader(Protocol):
    """Read a question as a query."""

    def read(self, text: str, context: QuestionContext) -> Reading | None:
        """Return the query; None when this reader cannot say."""
