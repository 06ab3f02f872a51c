"""The answer to a question.

Numbers and names come from queries, and every answer lists its cases.
"""

from dataclasses import dataclass

EXAMPLES = (
    "What is open?",
    "What waits on me?",
    "Anything late?",
    "How many stock exceptions last week, and how long?",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLine:
    """One case of an answer; ``channel`` and ``ts`` locate its card."""

    case_id: str
    title: str
    state: str
    detail: str
    channel: str
    ts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer, with the cases that it is about."""

    #: The question as it was understood; empty when it was not.
    reading: str = ""
    #: A sentence of ours.
    text: str
    lines: tuple[AnswerLine, ...] = ()
    more: int = 0
    #: A model's sentences, which are labelled as such.
    model_text: str = ""
    model: str = ""
    examples: tuple[str, ...] = ()
    #: Everyone in the channel of the question may see all of it, numbers included.
    is_public: bool = False

    def is_all_in(self, channel: str) -> bool:
        """Tell whether everyone in this channel may see all of it."""
        is_here = all(line.channel == channel for line in self.lines)
        return self.is_public and bool(self.lines) and not self.model_text and is_here
