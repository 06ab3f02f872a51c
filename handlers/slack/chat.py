"""The only sender of messages: the port ``Chat`` on Slack."""

from slack_sdk import WebClient

from handlers.slack.answer_sender import AnswerSender
from handlers.slack.api import SlackApi
from handlers.slack.call_sender import CallSender
from handlers.slack.card_sender import CardSender
from handlers.slack.erasure_sender import ErasureSender
from handlers.slack.list_sender import ListSender
from handlers.slack.live_message_sender import LiveMessageSender
from handlers.slack.rate_limiter import RateLimiter
from handlers.slack.text_sender import TextSender
from handlers.slack.thread_sender import ThreadSender
from handlers.slack.view_sender import ViewSender


class SlackChat(
    CardSender,
    CallSender,
    LiveMessageSender,
    ListSender,
    AnswerSender,
    TextSender,
    ThreadSender,
    ViewSender,
    ErasureSender,
):
    """Everything that is written to one workspace.

    A message carries a uid in its metadata, so that one whose confirmation was lost can be found.
    """

    def __init__(self, client: WebClient, limiter: RateLimiter) -> None:
        super().__init__(SlackApi(client, limiter))

    def ping(self) -> str:
        """Return the name of the workspace.

        Raises:
            ChatFailed: Slack cannot be reached, or does not accept the token.
        """
        return str(self.api.post_form("auth.test")["team"])

    def bot_user_id(self) -> str:
        """Return our own user id, by which people mention us.

        Slack is asked for it once.
        """
        return str(self.api.identity()["user_id"])

    def team_id(self) -> str:
        """Return the id of our own team; it is asked for once."""
        return str(self.api.identity()["team_id"])
