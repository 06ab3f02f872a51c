"""The events of Slack: messages, reactions and visits."""

from dataclasses import dataclass

from slack_bolt import App

from bot.desk.app_home import AppHome
from handlers.cards.text import Json
from handlers.slack.chat import SlackChat
from handlers.slack.question_events import QuestionListeners, author_id
from handlers.slack.services import SlackServices
from handlers.slack.thread_events import ThreadListeners


def register(app: App, services: SlackServices) -> None:
    """Listen for messages, reactions and visits."""
    questions = QuestionListeners(
        questions=services.conversation.questions,
        question_log=services.questions.log,
        card_store=services.card_store,
        chat=services.chat,
        clock=services.clock,
        limit=services.questions.limit,
        threads=ThreadListeners(
            thread_orders=services.conversation.thread_orders,
            card_store=services.card_store,
            chat=services.chat,
        ),
    )
    app.event("app_mention")(questions.on_mention)
    app.event("message")(questions.on_message)
    app.event("reaction_added")(questions.on_reaction)
    visits = VisitListeners(services.app_home, services.chat)
    app.event("app_home_opened")(visits.on_opened)


@dataclass(frozen=True)
class VisitListeners:
    """Prepare the tabs of the app when somebody opens them."""

    app_home: AppHome
    chat: SlackChat

    def on_opened(self, event: Json, body: Json) -> None:
        """Draw the App Home, or suggest questions in the agent pane."""
        person = author_id(event, body)
        if event.get("tab") == "messages":
            prompts = self.app_home.prompts(person)
            self.chat.suggest_prompts(str(event.get("channel", "")), prompts)
        else:
            self.app_home.show(person)
