"""People ask: by mention, in a direct message or the agent pane, in the thread of a case. Heard once, answered from the outbox.

Nobody is spoken to uninvited: what is said in a channel without a mention is not even looked at.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from slack_bolt import Ack, App

from bot.ports.card_store import CardStore
from bot.ports.clock import Clock
from bot.ports.outbox import OutboxMessage, Topic
from bot.ports.question_log import PostedQuestion, QuestionLog, QuestionRecord
from bot.views.answers import EXAMPLES
from handlers.cards import ids
from handlers.slack.chat import SlackChat

MENTION = re.compile(r"<@[UW][A-Z0-9]+(\|[^>]*)?>")
MARKUP = re.compile(r"<(?:[@#!][^|>]*\|)?([^|>]*)(?:\|([^>]*))?>")


def register(
    app: App,
    question_log: QuestionLog,
    card_store: CardStore,
    chat: SlackChat,
    clock: Clock,
    on_home: Callable[[str], None],
) -> None:
    """Listen for mentions, direct messages and the tabs of the app; ``on_home`` is told who looks at their home."""
    asking = Asking(question_log, card_store, chat, clock)
    app.event("app_mention")(asking.mentioned)
    app.event("message")(asking.said)
    app.action(ids.FEEDBACK)(asking.voted)

    def opened(event: dict[str, Any], body: dict[str, Any]) -> None:
        if event.get("tab") == "messages":
            chat.suggest(str(event.get("channel", "")), EXAMPLES)
        else:
            on_home(principal_of(event, body))

    app.event("app_home_opened")(opened)


@dataclass(frozen=True)
class Asking:
    question_log: QuestionLog
    card_store: CardStore
    chat: SlackChat
    clock: Clock

    def mentioned(self, event: dict[str, Any], body: dict[str, Any]) -> None:
        self._put(event, body, is_direct=False)

    def said(self, event: dict[str, Any], body: dict[str, Any]) -> None:
        """Only what is said to us: in a direct message, by a person, and new."""
        if (
            event.get("channel_type") == "im"
            and not event.get("subtype")
            and not event.get("bot_id")
        ):
            self._put(event, body, is_direct=True)

    def _put(self, event: Mapping[str, Any], body: Mapping[str, Any], *, is_direct: bool) -> None:
        """Record the question and ask for its answer, in one transaction; Slack may deliver it twice."""
        channel, ts = str(event["channel"]), str(event["ts"])
        thread = str(event.get("thread_ts") or ts)
        placed = PostedQuestion(
            id=f"{channel}:{ts}",
            person=principal_of(event, body),
            user=str(event["user"]),
            text=plain_words(str(event.get("text", ""))),
            channel=channel,
            thread=thread,
            is_direct=is_direct,
            case_id=self.card_store.case_at(channel, thread),
        )
        now = self.clock()
        asked = QuestionRecord(id=placed.id, asked_at=now, person=placed.person, text=placed.text)
        self.question_log.record(
            asked,
            OutboxMessage(
                topic=Topic.ANSWER,
                key=f"answer:{placed.id}",
                case_id=placed.case_id,
                run_at=now,
                payload=asdict(placed),
            ),
        )

    def voted(self, body: dict[str, Any], ack: Ack) -> None:
        """A thumb under an answer, from the one who asked."""
        vote, _, question_id = str(body["actions"][0].get("value", "")).partition(" ")
        user = body["user"]
        person = f"{user.get('team_id') or body['team']['id']}/{user['id']}"
        heard = vote in {"up", "down"} and self.question_log.record_vote(question_id, person, vote)
        ack()
        channel = str((body.get("channel") or {}).get("id", ""))
        if heard and channel:
            words = (
                "Thank you." if vote == "up" else "Thank you. It is kept for whoever teaches me."
            )
            self.chat.whisper(channel, str(user["id"]), words)


def principal_of(event: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    """Team and user of whoever did this: the team is theirs, not that of the channel."""
    team = event.get("user_team") or event.get("team") or body.get("team_id")
    return f"{team}/{event['user']}"


def plain_words(text: str) -> str:
    """What was typed, without mentions, with links and channels as the words that were shown."""
    without = MENTION.sub(" ", text)
    shown = MARKUP.sub(lambda found: found[2] or found[1], without)
    return " ".join(shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").split())
