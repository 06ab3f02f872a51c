"""Opens modals and publishes the App Home."""

from bot.cases.errors import ChatFailed
from bot.views.app_home import HomeView
from handlers.cards.charts import without_charts
from handlers.cards.home_view import home_view
from handlers.cards.text import JsonMapping
from handlers.slack.sender import BLOCK_ERRORS, Sender


class ViewSender(Sender):
    """Calls the methods ``views.*``."""

    def open_modal(self, trigger_id: str, view: JsonMapping) -> None:
        """Open a modal; the trigger is valid for three seconds."""
        self.api.post("views.open", trigger_id=trigger_id, view=view)

    def update_modal(self, window: JsonMapping, view: JsonMapping) -> None:
        """Redraw an open modal, unless it has changed since its ``hash``.

        ``window`` is the modal as Slack sent it.
        """
        arguments = {"view_id": str(window.get("id", "")), "view": view}
        view_hash = str(window.get("hash") or "")
        if view_hash:
            arguments["hash"] = view_hash
        self.api.post("views.update", **arguments)

    def publish_home(self, home: HomeView) -> None:
        """Replace a person's App Home."""
        view = home_view(home, self.permalink)
        try:
            self.api.post("views.publish", user_id=home.user, view=view)
        except ChatFailed as failure:
            if failure.error not in BLOCK_ERRORS:
                raise
            plain_view = {**view, "blocks": without_charts(view["blocks"])}
            self.api.post("views.publish", user_id=home.user, view=plain_view)
