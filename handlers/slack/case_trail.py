"""The window *Trail*, and its buttons."""

from dataclasses import dataclass

from slack_bolt import Ack, App

from bot.cases.errors import BadRequest
from bot.desk.decisions import Decisions
from bot.ports.library import Library
from bot.views.entry_content import trail
from handlers.cards import ids
from handlers.cards.text import Json
from handlers.cards.trail_view import TrailPlace, trail_view
from handlers.slack.chat import SlackChat
from handlers.slack.interactions import MALFORMED_BUTTON
from handlers.slack.services import SlackServices


def register(app: App, services: SlackServices) -> None:
    """Listen for the buttons of the window."""
    window = TrailWindow(services.decisions, services.library, services.chat)
    for action_id in (ids.TRAIL_BACK, ids.TRAIL_NEXT, ids.TRAIL_UNFOLD):
        app.action(action_id)(window.on_press)


@dataclass(frozen=True)
class TrailWindow:
    """Draws the trail of a case into a window."""

    decisions: Decisions
    library: Library
    chat: SlackChat

    def build(self, place: TrailPlace) -> Json:
        """Build one page of a trail."""
        labels = self.library.labels()
        cases = self.decisions.cases
        items = list(trail(cases.entries(place.case_id), labels))
        case = cases.case(place.case_id)
        return trail_view(case, items, place=place, labels=labels)

    def on_press(self, body: Json, ack: Ack) -> None:
        """Show another page, or the same entries unfolded."""
        place = TrailPlace.parse(str(body["actions"][0].get("value", "")))
        if place is None:
            raise BadRequest(MALFORMED_BUTTON)
        self.chat.update_modal(body.get("view") or {}, self.build(place))
        ack()
