"""Answers about the product, small talk, and anything else."""

from dataclasses import dataclass

from bot.desk.answers.asker import Asker
from bot.desk.answers.capabilities import Capabilities
from bot.desk.answers.case_file import Statement
from bot.desk.answers.small_talk import small_talk_reply
from bot.desk.eligibility import Eligibility
from bot.views.answers import Answer, Offer
from bot.views.query import About, Act, Ask, Query

OUT_OF_SCOPE = (
    "I cannot help with that: I know only the exceptions of this business and how they were"
    " decided."
)
OUT_OF_SCOPE_EXAMPLES = ("What waits on me?", "What is overdue?")
ASKING = "Ask me about your cases in your own words, for example:"
EXAMPLES = (
    "What is open?",
    "Anything over £2,000?",
    "What came in overnight?",
    "How many stock exceptions last week, and how long did they take?",
)
DECIDER_EXAMPLES = ("What waits on me?", "Who else has to approve the oldest one?")
LEAD_EXAMPLES = ("Who is holding things up?", "What did you do by yourself this week?")
RAISE_BY_BUTTON = "Press the button below, say in a few words what happened, and I open a case."
RAISE_ELSEWHERE = "You can also choose “Raise an exception” in the menu of any message."
NO_RAISING = "Only members of this workspace may raise an exception; ask one of them to do it."


@dataclass(frozen=True, kw_only=True)
class ProductAnswers:
    """Answer about the product. No case is ever listed."""

    capabilities: Capabilities
    eligibility: Eligibility

    def answer(self, query: Query, asker: Asker) -> Answer:
        """Answer about the product, or in small talk."""
        match query.ask:
            case Ask.SMALL_TALK:
                return Answer(text=small_talk_reply(query.words))
            case Ask.OUT_OF_SCOPE:
                return Answer(text=OUT_OF_SCOPE, examples=OUT_OF_SCOPE_EXAMPLES)
            case Ask.HELP:
                return self._help(query, asker)
            case _:
                statement = self._describe(query.about)
                return Answer(text=statement.text, facts=statement.facts)

    def _describe(self, about: About | None) -> Statement:
        match about:
            case About.CANNOT:
                return self.capabilities.describe_cannot()
            case About.KINDS:
                return self.capabilities.describe_kinds()
            case About.ACTIONS:
                return self.capabilities.describe_actions()
            case About.SOURCES:
                return self.capabilities.describe_sources()
            case About.AUTONOMY:
                return self.capabilities.describe_autonomy()
            case About.LIMITS:
                return self.capabilities.describe_limits()
            case _:
                return self.capabilities.describe_purpose()

    def _help(self, query: Query, asker: Asker) -> Answer:
        if query.about is About.RAISE:
            return self._explain_raising(query, asker)
        examples = [*EXAMPLES]
        if self.eligibility.may_delegate(asker.person):
            examples = [*DECIDER_EXAMPLES, *examples]
        if self.eligibility.may_resume(asker.person):
            examples = [*LEAD_EXAMPLES, *examples]
        return Answer(text=ASKING, examples=tuple(examples))

    def _explain_raising(self, query: Query, asker: Asker) -> Answer:
        """Say how to raise an exception, with the button for it."""
        if not self.eligibility.may_raise(asker.person):
            return Answer(text=NO_RAISING)
        offer = Offer(act=Act.RAISE, note=query.words)
        return Answer(text=RAISE_BY_BUTTON, facts=(RAISE_ELSEWHERE,), offers=(offer,))
