"""The use cases and ports that the listeners call."""

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.desk.app_home import AppHome
from bot.desk.case_lists import CaseLists
from bot.desk.controls import Controls
from bot.desk.conversation import Conversation
from bot.desk.decisions import Decisions
from bot.desk.digest import Digest
from bot.desk.group_decisions import GroupDecisions
from bot.desk.message_cleanup import MessageCleanup
from bot.desk.question_review import QuestionReviews
from bot.desk.raising import Raising
from bot.ports.card_store import CardStore
from bot.ports.clock import Clock
from bot.ports.library import Library
from bot.ports.question_log import QuestionLog
from handlers.slack.chat import SlackChat
from handlers.slack.question_limit import QuestionLimit

# Builds the address of the page where a passkey confirms: from the case id and a secret token.
ConfirmationLink = Callable[[str, str], str]


@dataclass(frozen=True, kw_only=True)
class QuestionServices:
    """Everything about questions but their answers."""

    log: QuestionLog
    #: Questions that were not answered well.
    reviews: QuestionReviews
    limit: QuestionLimit = field(default_factory=QuestionLimit)


@dataclass(frozen=True, kw_only=True)
class SlackServices:
    """Everything that people reach through Slack."""

    chat: SlackChat
    decisions: Decisions
    #: Pause, resume, delegate and review.
    controls: Controls
    conversation: Conversation
    app_home: AppHome
    digests: Digest
    #: Whole lists of open cases.
    case_lists: CaseLists
    #: One decision on many cases.
    group_decisions: GroupDecisions
    raising: Raising
    card_store: CardStore
    questions: QuestionServices
    library: Library
    clock: Clock
    confirmation_link: ConfirmationLink
    #: Knows which message is the live card of a case; None takes any message for it.
    message_cleanup: MessageCleanup | None = None
