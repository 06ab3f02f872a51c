"""Questions that were not answered well, as the people of their channel review them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedQuestion:
    """A question, and what was wrong with its answer."""

    #: As the person put it.
    text: str
    #: How often it was put in these words.
    count: int = 1
    #: The reading that the person chose instead, in words; empty for none.
    choice: str = ""
    #: Words that were left aside.
    left_aside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionListView:
    """The questions of one place that are worth a look."""

    #: Not understood, or answered in a way that did not help.
    failures: tuple[ReviewedQuestion, ...] = ()
    #: Answered in a reading that the person chose.
    choices: tuple[ReviewedQuestion, ...] = ()
    #: Answered but for words that were not understood.
    partly_read: tuple[ReviewedQuestion, ...] = ()
    #: How many of all kinds have no line.
    more: int = 0

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to review."""
        return not (self.failures or self.choices or self.partly_read)


NO_QUESTIONS = QuestionListView()
